"""Put the report's tables between the markers in README.md, so that its numbers come from a file."""

from pathlib import Path

from denoising.files import InputError, write_text
from stages import command, layout

README = Path("README.md")
START, END = "<!-- tables -->\n", "<!-- /tables -->"


def main(_):
    text = README.read_text()
    if START not in text or END not in text:
        raise InputError(f"{README}: the markers {START.strip()} and {END} are missing")
    before, _, rest = text.partition(START)
    write_text(README, before + START + block() + END + rest.partition(END)[2])
    command.say(f"{README}: tables are those of {layout.TABLES}")


def block():
    """The report's tables, their headings one level lower."""
    _, _, tables = layout.TABLES.read_text().partition("\n")
    return tables.replace("\n## ", "\n### ")


if __name__ == "__main__":
    command.run("readme", main)
