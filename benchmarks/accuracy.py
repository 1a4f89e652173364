"""Does speed cost accuracy? The pipeline's way to compute beside direct convolutions in float32.

`python -m benchmarks.accuracy` writes benchmarks/accuracy.md from the trainings of
benchmarks/seeds.py.
"""

from pathlib import Path

import pandas as pd
from scipy import stats

from denoising.files import write_text
from denoising.reporting.tables import pipes

FOLDER = Path(__file__).parent


def report(rows: pd.DataFrame) -> str:
    """Markdown: mean MSE and difference of runs that were trained both ways."""
    rows = rows[rows.run.isin(rows[rows.way == "plain"].run)]
    first = rows[rows.way == "plain"].iloc[0]
    lines = []
    for run, group in rows[rows.budget == first.budget].groupby("run", sort=False):
        errors = group.pivot_table(index="seed", columns="way", values="mse").dropna()
        means = errors.mean()
        interval = stats.ttest_rel(errors.fast, errors.plain).confidence_interval(0.95)
        low, high = (bound / means.plain for bound in interval)
        lines.append(
            {
                "run": run,
                "seeds": str(len(errors)),
                "plain, mean MSE": f"{means.plain:.5f}",
                "fast, mean MSE": f"{means.fast:.5f}",
                "fast / plain - 1": f"{means.fast / means.plain - 1:+.1%}",
                "95 % interval": f"{low:+.1%} .. {high:+.1%}",
                "each seed": ", ".join(f"{ratio:+.1%}" for ratio in errors.fast / errors.plain - 1),
            }
        )
    return (
        f"MSE after training with different seeds, budget {first.budget} "
        f"({first.train_images} images, {first.epochs} epochs, batch {first.batch_size}), on "
        f"{first.device}. The same seed means the same initial weights and batches, so seeds are "
        "compared in pairs; the interval is Student's t of the differences, relative to the plain "
        "mean.\n\n"
        f"{pipes(pd.DataFrame(lines))}\n"
    )


def main() -> None:
    """Write and print the table."""
    text = report(pd.read_csv(FOLDER / "seeds.csv"))
    write_text(FOLDER / "accuracy.md", text)
    print(text)


if __name__ == "__main__":
    main()
