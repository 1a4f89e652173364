"""How far apart are results that differ in the seed alone, and what is then worse? python -m benchmarks.spread

Writes benchmarks/spread.json from the trainings of benchmarks/seeds.py. The logarithm of the MSE is taken as normal, with a
mean for each run and one standard deviation for all runs of a budget. `gate.tolerance` in params.yaml is the tolerance given
here, rounded up: a change that two trainings without any difference but the seed exceed in one of a hundred gates.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from denoising.files import write_json

FOLDER = Path(__file__).parent
FALSE_ALARM = 0.01  # probability that a mere change of seed makes any run of the gate fail


def spread(rows):
    """Of each budget: standard deviation of ln MSE over seeds, pooled and by run, and what follows from it.

    Parameters
    ----------
    rows : DataFrame
        Of one way to compute; columns budget, run, seed, mse.

    Returns
    -------
    dict of str to dict
        `tolerance` is the relative increase that a gate over all runs exceeds with probability FALSE_ALARM when nothing but
        the seeds differ; `caught` the probability that an increase of twice that is seen.
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
            "runs": {
                run: {"seeds": int(logs.size()[run]), "std_ln_mse": round(float(logs.std()[run]), 4)} for run in logs.groups
            },
            "pooled_std_ln_mse": round(float(pooled), 4),
            "degrees_of_freedom": int(freedom),
            "false_alarm": FALSE_ALARM,
            "tolerance": round(tolerance, 4),
            "caught": round(float(stats.t.cdf(shift / scale, freedom)), 4),
        }
    return result


def main():
    rows = pd.read_csv(FOLDER / "seeds.csv")
    result = spread(rows[rows.way == "fast"])
    write_json(FOLDER / "spread.json", result)
    for budget, found in result.items():
        print(budget, found)


if __name__ == "__main__":
    main()
