"""Validate params.yaml, so that a mistake is answered before any work."""

from stages import schema
from stages.shared import command, params


def main(content: params.Content) -> None:
    """Say what was found valid."""
    chosen = schema.validate(content)
    runs = ", ".join((*chosen.runs, *chosen.debiased))
    command.say(f"params.yaml is valid: budget {chosen.budget}, runs {runs}")


if __name__ == "__main__":
    command.run("check", main)
