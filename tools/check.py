"""Validate params.yaml, so that a mistake is answered before any work."""

from stages.shared import command


def main(params):
    command.say(
        f"params.yaml is valid: budget {params.budget}, runs {', '.join((*params.runs, *params.debiased))}"
    )


if __name__ == "__main__":
    command.run("check", main)
