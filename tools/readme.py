"""Put measured tables between the markers of README.md and docs/: numbers come from files."""

from collections.abc import Mapping
from pathlib import Path

from denoising.files import InputError, write_text
from stages.shared import command, layout, params
from tools import work

Sources = Mapping[str, Path]  # where the tables of a page come from, by marker

BENCHMARKS = Path("benchmarks")
BSD, POLYU = Path("results/bsd"), Path("results/polyu")
STUDY = Path("studies/clipping/tables")
PAGES: Mapping[str, Sources] = {
    "README.md": {"decision": Path("studies/decision/report.md")},
    "docs/results.md": {
        "tables": layout.TABLES,
        "article": Path("results/article") / layout.TABLES,
    },
    "docs/open-choices.md": {"open_choices": BENCHMARKS / "open_choices.md"},
    "docs/gate.md": {"spread": BENCHMARKS / "spread.md"},
    "docs/photographs.md": {
        "bsd": BSD / layout.TABLES,
        "bsd_work": BSD / work.FILE,
        "bsd_clipped": BENCHMARKS / "photographs.md",
        "polyu_cameras": BENCHMARKS / "cameras.md",
        "polyu_work": POLYU / work.FILE,
    },
    "docs/noisy-only.md": {"noise2void": BENCHMARKS / "noise2void.md"},
    "docs/speed.md": {
        name: BENCHMARKS / f"{name}.md"
        for name in (
            "speed",
            "accuracy",
            "feeding",
            "image_sizes_bfloat16",
            "image_sizes_float32",
            "start_up",
            "self_supervised",
            "onednn",
        )
    },
    "docs/why-noise2noise.md": {
        name: STUDY / f"{name}.md"
        for name in ("targets", "sigmas", "images", "remedies", "noises", "experiments")
    }
    | {"both_directions": BENCHMARKS / "both_directions.md"},
}


def main(_: params.Content) -> None:
    """Fill every page."""
    for page, sources in PAGES.items():
        write_text(page, filled(page, sources))
        for name, source in sources.items():
            command.say(f"{page}: {name} as in {source}")


def filled(page: str, sources: Sources) -> str:
    """The text of a page with the present tables.

    Raises
    ------
    InputError
        If the page, a table or a marker is missing.
    """
    text = _read(page)
    for name, source in sources.items():
        start, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
        before, found, rest = text.partition(start)
        _, found_end, after = rest.partition(end)
        if not found or not found_end:
            raise InputError(f"{page}: the markers {start.strip()} and {end} are missing")
        text = before + block(name, source) + after
    return text


def block(name: str, source: Path) -> str:
    """The tables of a file between their markers, headings one level lower, without a title."""
    text = _read(source)
    if text.startswith("# "):
        _, _, text = text.partition("\n")
    return f"<!-- {name} -->\n{text}<!-- /{name} -->".replace("\n## ", "\n### ")


def _read(path: str | Path) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None


if __name__ == "__main__":
    command.run("readme", main)
