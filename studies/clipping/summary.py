"""From measured trainings to the numbers of tables and figures: pure functions of DataFrames.

`scores` below is what measure.py wrote, one line per training: experiment, row, seed, mse, and what
belongs to it.
"""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

CLEAN, NOISY = "clean", "clipped_to_clipped"


def over_seeds(frame: pd.DataFrame, column: str = "mse") -> pd.DataFrame:
    """Mean of each row of an experiment with its 95 % interval.

    Parameters
    ----------
    frame : DataFrame
        Scores of one experiment.

    Returns
    -------
    DataFrame
        Index row; columns value, low, high, seeds. With two seeds or more the interval is Student's
        over seeds; with one it is the bootstrap's over test images, where that was made (`mse`),
        else empty.
    """
    found = {}
    for row, group in frame.groupby("row", sort=False):
        values = group[column].dropna().to_numpy()
        if not len(values):
            continue
        low = high = np.nan
        if len(values) > 1:
            low, high = student(values)
        elif column == "mse":
            low, high = group.mse_low.item(), group.mse_high.item()
        found[row] = {"value": values.mean(), "low": low, "high": high, "seeds": len(values)}
    return pd.DataFrame.from_dict(found, orient="index", columns=["value", "low", "high", "seeds"])


def student(values: ArrayLike) -> tuple[float, float]:
    """95 % interval of the mean of a few values."""
    values = np.asarray(values, float)
    half = stats.t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / np.sqrt(len(values))
    return np.mean(values) - half, np.mean(values) + half


def predicted(clean_mse: float, bias: float, slope: float) -> float:
    """MSE of Noise2Noise, given that of clean targets and what noise does to the mean of a pixel.

    A network that learns E[g(y) | x] instead of E[y | x], with g(y) nearly affine of slope b, errs
    by B + (1 - (1 - b)²) MSE_clean, where B = mean (g(y) - y)² over the test pixels. Holds for
    error that is the posterior's own spread; what comes from too little training enters with b²
    instead.
    """
    return bias + (1 - (1 - slope) ** 2) * clean_mse


def sigmas(scores: pd.DataFrame, sigma: float) -> pd.DataFrame:
    """Noise2Noise by noise level: measured, and predicted from the network with clean targets.

    Parameters
    ----------
    scores : DataFrame
        Of the experiments "sigmas" and "remedies".
    sigma : float
        The noise level of "remedies".

    Returns
    -------
    DataFrame
        sigma, bias, slope, clean, noisy, low, high, predicted (by the formula), through (by sending
        the clean network's predictions through g), difference (noisy / predicted - 1).
    """
    rows = []
    pairs = {sigma: (CLEAN, NOISY, "remedies")}
    for name in scores[scores.experiment == "sigmas"].row.unique():
        kind, _, level = name.partition("_")
        if kind == "noisy":
            pairs[float(level)] = (f"clean_{level}", name, "sigmas")
    for level, (clean_row, noisy_row, experiment) in sorted(pairs.items()):
        frame = scores[scores.experiment == experiment]
        clean, noisy = frame[frame.row == clean_row], frame[frame.row == noisy_row]
        measured = over_seeds(noisy).iloc[0]
        expected = predicted(clean.mse.mean(), clean.bias.iloc[0], clean.slope.iloc[0])
        rows.append(
            {
                "sigma": level,
                "bias": clean.bias.iloc[0],
                "slope": clean.slope.iloc[0],
                "clean": clean.mse.mean(),
                "noisy": measured.value,
                "low": measured.low,
                "high": measured.high,
                "predicted": expected,
                "through": clean.mse_through_mean.mean(),
                "difference": measured.value / expected - 1,
            }
        )
    return pd.DataFrame(rows)


REMEDIES = {  # row, column of its score, what one has to know
    "clean targets": (CLEAN, "mse", "clean images"),
    "none": (NOISY, "mse", ""),
    "inverse of g after training": (NOISY, "mse_debiased", "sigma"),
    "censored likelihood (Tobit)": ("tobit", "mse", "sigma"),
    "absolute error (L1)": ("mae", "mse", ""),
    "Huber": ("huber", "mse", ""),
    "annealed L0": ("annealed_l0", "mse", ""),
    "unclipped targets": ("clipped_to_unclipped", "mse", "noisy images before clipping"),
}


def remedies(scores: pd.DataFrame) -> pd.DataFrame:
    """What helps, held against clean targets seed by seed.

    Returns
    -------
    DataFrame
        remedy, needs, mse, low, high, clipped (MSE of predictions clipped to [0, 1]), and the ratio
        of that to that of clean targets: ratio, ratio_low, ratio_high.
    """
    frame = scores[scores.experiment.isin(["remedies", "targets"])]
    by_seed = {row: group.set_index("seed") for row, group in frame.groupby("row")}
    found = []
    for remedy, (row, column, needs) in REMEDIES.items():
        values = by_seed[row][column]
        # what was taken back through the inverse lies in [0, 1] already
        clipped = by_seed[row].mse_clipped if column == "mse" else values
        ratios = (clipped / by_seed[CLEAN].mse_clipped).dropna()
        several = len(values) > 1
        low, high = student(values) if several else (np.nan, np.nan)
        ratio_low, ratio_high = student(ratios) if several else (np.nan, np.nan)
        found.append(
            (
                remedy,
                needs,
                values.mean(),
                low,
                high,
                clipped.mean(),
                ratios.mean(),
                ratio_low,
                ratio_high,
            )
        )
    columns = [
        "remedy",
        "needs",
        "mse",
        "low",
        "high",
        "clipped",
        "ratio",
        "ratio_low",
        "ratio_high",
    ]
    return pd.DataFrame(found, columns=columns)


def images(scores: pd.DataFrame, factor: float) -> pd.DataFrame:
    """Noise2Noise on digits, on digits in the middle of the range, and on photographs.

    Errors of the low-contrast digits are multiplied by `factor` squared, and so on the scale of the
    digits.

    Returns
    -------
    DataFrame
        images, clean, noisy, debiased, ratio (noisy / clean), ratio_low, ratio_high, bias,
        predicted, through (see `sigmas`).
    """
    pairs = {
        "digits": ("remedies", CLEAN, NOISY, 1),
        "low-contrast digits": ("low_contrast", "clean", "noisy", factor**2),
        "photographs": ("natural", "clean", "noisy", 1),
    }
    rows = []
    for name, (experiment, clean_row, noisy_row, scale) in pairs.items():
        frame = scores[scores.experiment == experiment]
        clean, noisy = frame[frame.row == clean_row], frame[frame.row == noisy_row]
        expected = predicted(clean.mse.mean(), clean.bias.iloc[0], clean.slope.iloc[0])
        ratios = noisy.mse.to_numpy() / clean.mse.to_numpy()
        low, high = student(ratios) if len(ratios) > 1 else (np.nan, np.nan)
        rows.append(
            {
                "images": name,
                "clean": clean.mse.mean() * scale,
                "noisy": noisy.mse.mean() * scale,
                "debiased": noisy.mse_debiased.mean() * scale,
                "ratio": ratios.mean(),
                "ratio_low": low,
                "ratio_high": high,
                "bias": clean.bias.iloc[0] * scale,
                "predicted": expected * scale,
                "through": clean.mse_through_mean.mean() * scale,
            }
        )
    return pd.DataFrame(rows)


def noises(scores: pd.DataFrame) -> pd.DataFrame:
    """Other kinds of noise: one line per noise, one column per way to learn."""
    frame = scores[scores.experiment == "noises"]
    rows = []
    for name in frame.row[frame.row.str.endswith("_clean")]:
        noise = name.removesuffix("_clean")
        of = {
            row.removeprefix(f"{noise}_"): group
            for row, group in frame.groupby("row")
            if row.startswith(f"{noise}_")
        }
        rows.append(
            {
                "noise": noise,
                "input": of["clean"].noisy_mse.mean(),
                "bias": of["clean"].bias.iloc[0],
                "clean": of["clean"].mse.mean(),
                "mse": of["mse"].mse.mean(),
                "debiased": of["mse"].mse_debiased.mean(),
                "mae": of["mae"].mse.mean(),
                "annealed_l0": of["annealed_l0"].mse.mean(),
            }
        )
    return pd.DataFrame(rows).drop_duplicates("noise")
