"""The images of one source, stored once, from the first place that has them."""

import collections
from functools import partial

from denoising.data import store
from denoising.sections import read_kind
from denoising.sources.base import Source
from stages.shared import command, layout, params


def settings(content: params.Content, name: str) -> Source:
    """The source's own section."""
    return read_kind("sources", params.row(content, "sources", name), f"sources.{name}")


def main(content: params.Content, name: str) -> None:
    """Fetch one source."""
    catalogue = settings(content, name).scan(layout.PROVIDED, layout.FETCHED, command.say)
    bar = partial(command.progress, label=name)
    store.write(layout.source_folder(name), catalogue, bar)
    command.say(f"{name}: {_counted(catalogue)}")


def _counted(catalogue: store.Catalogue) -> str:
    """How many images there are, by what they are for where that is known."""
    sets = collections.Counter(image.own_set for image in catalogue.images)
    known = [f"{sets[name]} for {name}" for name in ("train", "test") if sets[name]]
    return f"{len(catalogue.images)} images" + (f", {' and '.join(known)}" if known else "")


if __name__ == "__main__":
    command.run("fetch", main, "source")
