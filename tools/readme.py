"""Put measured tables between the markers in README.md and docs/, so that their numbers come from files."""

from pathlib import Path

from denoising.files import InputError, write_text
from stages.shared import command, layout

STUDY = Path("studies/clipping/tables")
PAGES = {
    "README.md": {"tables": layout.TABLES, "article": Path("results/article") / layout.TABLES}
    | {
        name: Path(f"benchmarks/{name}.md")
        for name in ("open_choices", "speed", "accuracy", "spread")
    },
    "docs/why-noise2noise.md": {
        name: STUDY / f"{name}.md"
        for name in ("targets", "sigmas", "images", "remedies", "noises", "experiments")
    },
}


def main(_):
    for page, sources in PAGES.items():
        text = Path(page).read_text()
        for name, source in sources.items():
            start, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
            if start not in text or end not in text:
                raise InputError(f"{page}: the markers {start.strip()} and {end} are missing")
            before, _, rest = text.partition(start)
            text = before + block(name, source) + rest.partition(end)[2]
            command.say(f"{page}: {name} as in {source}")
        write_text(page, text)


def block(name, source):
    """The tables of a file between their markers, headings one level lower, without a title."""
    text = source.read_text()
    if text.startswith("# "):
        _, _, text = text.partition("\n")
    return f"<!-- {name} -->\n{text}<!-- /{name} -->".replace("\n## ", "\n### ")


if __name__ == "__main__":
    command.run("readme", main)
