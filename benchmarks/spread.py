"""How far apart are results that differ in the seed alone, and what is then worse?

`python -m benchmarks.spread` writes benchmarks/spread.md from the trainings of benchmarks/seeds.py.
The logarithm of the MSE is taken as normal, with a mean for each run and one standard deviation for
all runs of a budget. `gate.tolerance` in params.yaml is the tolerance given here, rounded up: a
change that two trainings without any difference but the seed exceed in one of a hundred gates.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from denoising.files import write_text
from denoising.reporting.tables import pipes

FOLDER = Path(__file__).parent
FALSE_ALARM = 0.01  # probability that a mere change of seed makes any run of the gate fail


def spread(rows: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Of each budget: standard deviation of ln MSE over seeds, and what follows from it.

    Parameters
    ----------
    rows : DataFrame
        Of one way to compute; columns budget, run, seed, mse.

    Returns
    -------
    dict of str to dict
        The standard deviation pooled and by run. `tolerance` is the relative increase that a gate
        over all runs exceeds with probability FALSE_ALARM when nothing but the seeds differ;
        `caught` is the probability that an increase of twice that is seen.
    """
    result = {}
    for budget, group in rows.groupby("budget", sort=False):
        logs = np.log(group.mse).groupby(group.run, sort=False)
        freedom = len(group) - logs.ngroups
        pooled = np.sqrt((logs.var() * (logs.size() - 1)).sum() / freedom)
        scale = pooled * np.sqrt(2)  # of the difference of two results
        alone = 1 - (1 - FALSE_ALARM) ** (1 / logs.ngroups)
        tolerance = float(np.expm1(stats.t.ppf(1 - alone, freedom) * scale))
        shift = np.log1p(2 * tolerance) - np.log1p(tolerance)
        result[budget] = {
            "seeds": logs.size().to_dict(),
            "std_ln_mse": logs.std().to_dict(),
            "pooled_std_ln_mse": float(pooled),
            "degrees_of_freedom": int(freedom),
            "tolerance": tolerance,
            "caught": float(stats.t.cdf(shift / scale, freedom)),
        }
    return result


def report(rows: pd.DataFrame) -> str:
    """Markdown: one column per budget."""
    columns = {}
    rows = rows[rows.way == "fast"]
    for budget, found in spread(rows).items():
        widest = max(found["std_ln_mse"], key=found["std_ln_mse"].get)
        without = spread(rows[(rows.budget == budget) & (rows.run != widest)])[budget]
        columns[budget] = {
            run: f"{std:.1%} ({found['seeds'][run]} seeds)"
            for run, std in found["std_ln_mse"].items()
        } | {
            "pooled": f"{found['pooled_std_ln_mse']:.1%} "
            f"({found['degrees_of_freedom']} degrees of freedom)",
            "tolerance": f"{found['tolerance']:.1%}",
            "tolerance, were it not for the widest": f"{without['tolerance']:.1%} ({widest})",
            "a change of seed alone fails the gate": f"{FALSE_ALARM:.0%}",
            "a run worse by twice the tolerance is caught": f"{found['caught']:.1%}",
        }
    frame = pd.DataFrame(columns).rename_axis("standard deviation of ln MSE").reset_index()
    return f"{pipes(frame)}\n"


def main() -> None:
    """Write and print the table."""
    text = report(pd.read_csv(FOLDER / "seeds.csv"))
    write_text(FOLDER / "spread.md", text)
    print(text)


if __name__ == "__main__":
    main()
