"""What each part of the fast way brings: python -m benchmarks.ablation

Trains and predicts with all parts but one, or with one that was not kept, beside the pipeline's
way, turn by turn as in benchmarks/speed.py. Writes benchmarks/ablation.csv and
benchmarks/ablation.md.
"""

import pandas as pd

from benchmarks.speed import FOLDER, TASKS, as_range, measure, measured_networks, relative
from benchmarks.worker import VARIANTS
from denoising.files import write_text
from denoising.reporting.tables import pipes

ROUNDS = 3


def main() -> None:
    """Measure, and write both files."""
    turns = measure(tuple(VARIANTS), ROUNDS)
    turns.to_csv(FOLDER / "ablation.csv", index=False, float_format="%.5g")
    write_text(FOLDER / "ablation.md", report(pd.read_csv(FOLDER / "ablation.csv")))
    print((FOLDER / "ablation.md").read_text())


def report(turns: pd.DataFrame) -> str:
    """Markdown: speeds of each way over the pipeline's."""
    text = [
        "Speed relative to the pipeline's way, median (min .. max) of "
        f"{turns.turn.nunique()} rounds, on {turns.device.iloc[0]}. Under 1: the part that is left "
        "out, or changed, pays. CNN and CAE have neither batch normalisation nor large kernels: "
        "their differences in those columns are noise, and a measure of it."
    ]
    for task, title in TASKS.items():
        rows = [
            {"network": network}
            | {
                way: as_range(relative(turns, network, task, way, "ours"))
                for way in VARIANTS
                if way != "ours"
            }
            for network in measured_networks(turns)
        ]
        text += [f"## {title.capitalize()}", pipes(pd.DataFrame(rows))]
    return "\n\n".join(text) + "\n"


if __name__ == "__main__":
    main()
