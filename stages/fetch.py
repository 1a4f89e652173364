"""The images of one source, as arrays, from the first place that has them."""

from denoising.sections import read_kind
from denoising.sources import files as source_files
from denoising.sources.base import Source
from stages.shared import command, layout, params


def settings(content: params.Content, name: str) -> Source:
    """The source's own section."""
    return read_kind("sources", params.row(content, "sources", name), f"sources.{name}")


def main(content: params.Content, name: str) -> None:
    """Fetch one source."""
    images = settings(content, name).fetch(layout.PROVIDED, layout.FETCHED, command.say)
    source_files.write(layout.source_folder(name), *images)
    command.say(f"{name}: {len(images.train)} + {len(images.test)} images")


if __name__ == "__main__":
    command.run("fetch", main, "source")
