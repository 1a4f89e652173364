"""What is advised for a case, by its noisy images alone."""

from typing import Any

from denoising.advice.advise import advise
from denoising.advice.look import look
from denoising.files import write_json
from stages.shared import command
from studies.advice import images
from studies.advice.settings import FILE, advised_file, validate


def main(content: dict[str, Any], name: str) -> None:
    """Look at the noise of a case, and write down what is advised."""
    noisy = images.of_case(validate(content), name, "train").noisy
    shortest = min(min(one.shape[:2]) for one in noisy)
    advice = advise(look("noisy", shortest, noisy))
    write_json(advised_file(name), advice.to_json())
    command.say(f"{name}: {advice.best.candidate.name}")


if __name__ == "__main__":
    command.run("studies.advice.look", main, "case", path=FILE, check=validate)
