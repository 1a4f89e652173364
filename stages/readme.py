"""Put measured tables between the markers in README.md, so that its numbers come from files."""

from pathlib import Path

from denoising.files import InputError, write_text
from stages import command, layout

README = Path("README.md")
MEASURED = ("speed", "accuracy", "spread")
SOURCES = {"tables": layout.TABLES, "article": Path("results/article") / layout.TABLES}
SOURCES |= {name: Path(f"benchmarks/{name}.md") for name in MEASURED}


def main(_):
    text = README.read_text()
    for name, source in SOURCES.items():
        start, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
        if start not in text or end not in text:
            raise InputError(f"{README}: the markers {start.strip()} and {end} are missing")
        before, _, rest = text.partition(start)
        text = before + block(name) + rest.partition(end)[2]
        command.say(f"{README}: {name} as in {source}")
    write_text(README, text)


def block(name):
    """The tables of a file between their markers, headings one level lower, without a title."""
    text = SOURCES[name].read_text()
    if text.startswith("# "):
        _, _, text = text.partition("\n")
    return f"<!-- {name} -->\n{text}<!-- /{name} -->".replace("\n## ", "\n### ")


if __name__ == "__main__":
    command.run("readme", main)
