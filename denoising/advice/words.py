"""The advice in words."""

from denoising.advice.advise import Advice, Choice

MEANS = {
    "clean": "clean images",
    "pairs": "pairs of a noisy and a clean image",
    "shots": "two noisy shots of each scene",
    "noisy": "noisy images alone",
}

BACK = ", and take back what the noise did to the means"


def text(
    source: str, advice: Advice, epochs: dict[str, float], images: dict[str, float], rows: str
) -> str:
    """The whole of advice.md.

    Parameters
    ----------
    source : str
        As it was asked for.
    advice : Advice
    epochs, images : dict of str to float
        Seconds of an epoch and of an image, by candidate.
    rows : str
        To be added to params.yaml.
    """
    costs = {name: f"{seconds:.0f} s an epoch" for name, seconds in epochs.items()}
    costs |= {name: f"{_two_digits(seconds)} s an image" for name, seconds in images.items()}
    parts = [
        f"# What to train on {source}",
        f"There are {MEANS[advice.facts.kind]}. **{_first(advice)}**",
        "## What was found",
        _list([*advice.facts.noise.sentences(), *_filtered(advice)]),
        "![Noise by pixel value, and its correlations](advice.png)",
        "## What is fit",
        "Best first.",
        _table(["method", "network", "cost here", "not measured"], _fit(advice, costs)),
        "## What is ruled out",
        _table(["method", "by what was measured"], _out(advice)),
        "## Rows for params.yaml",
        f"`make advise SOURCE={source} RUN=yes` adds them, trains and denoises.",
        f"```yaml\n{rows.strip()}\n```",
    ]
    return "\n\n".join(parts) + "\n"


def _two_digits(seconds: float) -> str:
    """Two digits at least, and no powers of ten."""
    return f"{seconds:.0f}" if seconds >= 10 else f"{seconds:.2g}"


def _first(advice: Advice) -> str:
    best = advice.best.candidate
    if best.section["name"] == "identity":
        return "No method fits: leave the images as they are."
    if best.network:
        return (
            f"Train the method `{best.section['name']}` with the network `{best.network}`"
            f"{BACK if best.corrected else ''}."
        )
    return f"Use the filter `{best.uncorrected}`{BACK if best.corrected else ''}."


def _filtered(advice: Advice) -> list[str]:
    found = advice.facts.filtered
    if found is None:
        return []
    return [
        f"A filter that chooses itself by each image (`calibrated`) leaves {found.share:.1%} of "
        "the noise's variance, as far as errors can be told without a truth."
    ]


def _fit(advice: Advice, costs: dict[str, str]) -> list[list[str]]:
    return [
        [
            f"`{choice.candidate.name}`",
            f"`{choice.candidate.network}`" if choice.candidate.network else "none",
            costs.get(choice.candidate.name, ""),
            "; ".join(choice.unknown),
        ]
        for choice in advice.fit
    ]


def _out(advice: Advice) -> list[list[str]]:
    return [[f"`{choice.candidate.name}`", _against(choice)] for choice in advice.ruled_out]


def _against(choice: Choice) -> str:
    return "; ".join(choice.against)


def _list(lines: list[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _table(head: list[str], rows: list[list[str]]) -> str:
    if not rows:
        return "Nothing."
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
