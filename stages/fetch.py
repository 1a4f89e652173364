"""Real MNIST into data/raw/, from the first source that has it."""

from denoising.sources import mnist
from stages.shared import command, layout


def main(_):
    mnist.fetch(layout.RAW, layout.PROVIDED, layout.FETCHED, log=command.say)


if __name__ == "__main__":
    command.run("fetch", main)
