"""Tables, figures and metrics of the study, from what its experiments measured."""

from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from denoising.files import InputError, write_json, write_text
from denoising.noise.gaussian import Gaussian
from denoising.reporting import figures as common
from denoising.reporting.tables import pipes
from stages.shared import command
from studies.clipping import figures, summary
from studies.clipping.settings import FILE, FOLDER, Settings, validate

DPI = 110
TITLES = {
    "targets": "Clipped or unclipped, input or target",
    "sigmas": "Predicted and measured, by noise level",
    "images": "Digits, digits in the middle of the range, photographs",
    "remedies": "Remedies",
    "noises": "Other kinds of noise",
}


def main(content: dict[str, Any]) -> None:
    """Write all of them."""
    settings = validate(content)
    names = list(type(settings.experiments).model_fields)
    scores = pd.concat([_read("measured", name) for name in names], ignore_index=True)
    values = pd.concat([_read("values", name) for name in names], ignore_index=True)
    frames = {
        "sigmas": summary.sigmas(scores, settings.sigma),
        "images": summary.images(scores, settings.experiments.low_contrast.factor),
        "remedies": summary.remedies(scores),
        "noises": summary.noises(scores),
    }
    tables = {"targets": _targets_table(scores)} | {
        name: _TABLES[name](frame) for name, frame in frames.items()
    }
    pictures = {
        "targets": _targets_figure(scores),
        "sigmas": figures.sigmas(frames["sigmas"]),
        "images": _images_figure(frames["images"]),
        "remedies": _remedies_figure(frames["remedies"]),
        "noises": _noises_figure(frames["noises"]),
        "means": _means_figure(values, settings.sigma),
        "histograms": _histograms_figure(values),
    }
    tables["experiments"] = _experiments_table(settings)
    for name, table in tables.items():
        write_text(FOLDER / "tables" / f"{name}.md", table + "\n")
    for name, figure in pictures.items():
        common.save(figure, FOLDER / "figures" / f"{name}.png", DPI)
    write_json(FOLDER / "metrics.json", _metrics(frames))
    write_text(FOLDER / "report.md", _text(tables, settings))
    command.say(f"{FOLDER}/report.md: {len(scores)} trainings")


def _read(kind: str, name: str) -> pd.DataFrame:
    path = FOLDER / kind / f"{name}.csv"
    try:
        return pd.read_csv(path)
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path}: cannot be read ({error}); run the stage that makes it again"
        ) from None


def _text(tables: dict[str, str], settings: Settings) -> str:
    amount = settings.amount("remedies")
    text = [
        "# Noise2Noise on clipped images: what was measured",
        f"Budget `{settings.budget}`: up to {amount.train_images:,} training images, "
        f"{amount.epochs} epoch(s), batch {amount.batch_size}; MSE over {amount.test_images:,} "
        "test images, pixel values in [0, 1]. Intervals: 95 %, over seeds where there are several, "
        "else over test images. What it means: docs/why-noise2noise.md.",
    ]
    for name in TITLES:
        text += [f"## {TITLES[name]}", tables[name], f"![{TITLES[name]}](figures/{name}.png)"]
    text += ["## Where the predictions lie", "![Mean prediction by true value](figures/means.png)"]
    text += ["![Pixel-value histograms](figures/histograms.png)"]
    text += ["## What was trained", tables["experiments"]]
    return "\n\n".join(text) + "\n"


def _metrics(frames: dict[str, pd.DataFrame]) -> dict[str, Any]:
    """What `dvc metrics diff` compares."""
    remedies = frames["remedies"].set_index("remedy")
    return {
        "largest_difference_from_prediction": float(frames["sigmas"].difference.abs().max()),
        "noisy_over_clean": dict(zip(frames["images"].images, frames["images"].ratio, strict=True)),
        "remedy_over_clean": remedies.ratio.to_dict(),
    }


def _number(value: float, form: str = "{:.5f}") -> str:
    return "" if pd.isna(value) else form.format(value)


def _interval(low: float, high: float, form: str = "{:.5f}") -> str:
    return "" if pd.isna(low) else f"{form.format(low)} .. {form.format(high)}"


FACTORIAL = {  # input, target: row
    ("clipped", "clean"): "clean",
    ("clipped", "unclipped"): "clipped_to_unclipped",
    ("clipped", "clipped"): "clipped_to_clipped",
    ("unclipped", "clean"): "clean_unclipped_input",
    ("unclipped", "unclipped"): "unclipped_to_unclipped",
    ("unclipped", "clipped"): "unclipped_to_clipped",
}


def _experiments_table(settings: Settings) -> str:
    rows = []
    for name, experiment in settings.experiments:
        images = settings.amount(name).train_images
        rows.append((name, f"{images:,}", str(experiment.seeds)))
    return pipes(pd.DataFrame(rows, columns=["experiment", "training images", "seeds"]))


def _targets_table(scores: pd.DataFrame) -> str:
    found = summary.over_seeds(scores[scores.experiment.isin(["remedies", "targets"])])
    rows = []
    for (given, target), row in FACTORIAL.items():
        one, clean = found.loc[row], found.loc[FACTORIAL[given, "clean"]]
        rows.append(
            (
                given,
                target,
                _number(one.value),
                _interval(one.low, one.high),
                f"{one.value / clean.value:.2f}",
            )
        )
    return pipes(
        pd.DataFrame(
            rows, columns=["input", "target", "MSE", "95 % interval", "over clean targets"]
        )
    )


def _sigmas_table(frame: pd.DataFrame) -> str:
    return pipes(
        pd.DataFrame(
            {
                "sigma": frame.sigma.map("{:g}".format),
                "B": frame.bias.map(_number),
                "b": frame.slope.map("{:.3f}".format),
                "clean targets": frame.clean.map(_number),
                "noisy targets, predicted": frame.predicted.map(_number),
                "noisy targets": frame.noisy.map(_number),
                "95 % interval": [
                    _interval(*pair) for pair in zip(frame.low, frame.high, strict=True)
                ],
                "measured - predicted": frame.difference.map("{:+.1%}".format),
                "clean network through g": frame.through.map(_number),
            }
        )
    )


def _images_table(frame: pd.DataFrame) -> str:
    return pipes(
        pd.DataFrame(
            {
                "images": frame.images,
                "clean targets": frame.clean.map(_number),
                "noisy targets": frame.noisy.map(_number),
                "noisy / clean": frame.ratio.map("{:.2f}".format),
                "95 % interval": [
                    _interval(*pair, "{:.2f}")
                    for pair in zip(frame.ratio_low, frame.ratio_high, strict=True)
                ],
                "predicted": frame.predicted.map(_number),
                "clean network through g": frame.through.map(_number),
                "B": frame.bias.map(_number),
                "noisy, inverse of g": frame.debiased.map(_number),
            }
        )
    )


def _remedies_table(frame: pd.DataFrame) -> str:
    return pipes(
        pd.DataFrame(
            {
                "remedy": frame.remedy,
                "needs besides noisy images": frame.needs,
                "MSE": frame.mse.map(_number),
                "95 % interval": [
                    _interval(*pair) for pair in zip(frame.low, frame.high, strict=True)
                ],
                "MSE clipped to [0, 1]": frame.clipped.map(_number),
                "that over clean targets": frame.ratio.map("{:.2f}".format),
                "interval": [
                    _interval(*pair, "{:.2f}")
                    for pair in zip(frame.ratio_low, frame.ratio_high, strict=True)
                ],
            }
        )
    )


def _noises_table(frame: pd.DataFrame) -> str:
    names = {
        "input": "noisy input",
        "bias": "bias B",
        "clean": "clean targets",
        "mse": "L2",
        "debiased": "L2, mean inverted",
    }
    names |= {"mae": "L1", "annealed_l0": "annealed L0"}
    columns = {"noise": frame.noise.str.replace("_", " ")} | {
        title: frame[key].map(_number) for key, title in names.items()
    }
    return pipes(pd.DataFrame(columns))


_TABLES = {
    "sigmas": _sigmas_table,
    "images": _images_table,
    "remedies": _remedies_table,
    "noises": _noises_table,
}


def _targets_figure(scores: pd.DataFrame) -> Figure:
    found = summary.over_seeds(scores[scores.experiment.isin(["remedies", "targets"])])
    groups = {}
    for given in ("clipped", "unclipped"):
        rows = found.loc[[row for (own, _), row in FACTORIAL.items() if own == given]]
        groups[f"{given} input"] = (rows.value, rows.low, rows.high)
    return figures.bars(
        ["clean target", "unclipped noisy target", "clipped noisy target"], groups, "MSE"
    )


def _images_figure(frame: pd.DataFrame) -> Figure:
    empty = frame.clean * float("nan")
    columns = {
        "clean targets": "clean",
        "noisy targets": "noisy",
        "noisy, predicted": "predicted",
        "noisy, inverse of g": "debiased",
    }
    groups = {title: (frame[key], empty, empty) for title, key in columns.items()}
    return figures.bars(list(frame.images), groups, "MSE, on the scale of the digits")


def _remedies_figure(frame: pd.DataFrame) -> Figure:
    return figures.bars(list(frame.remedy), {"MSE": (frame.mse, frame.low, frame.high)}, "MSE")


def _noises_figure(frame: pd.DataFrame) -> Figure:
    empty = frame.clean * float("nan")
    columns = {
        "clean targets": "clean",
        "L2": "mse",
        "L2, mean inverted": "debiased",
        "L1": "mae",
        "annealed L0": "annealed_l0",
    }
    groups = {title: (frame[key], empty, empty) for title, key in columns.items()}
    return figures.bars([name.replace("_", " ") for name in frame.noise], groups, "MSE")


def _of(values: pd.DataFrame, experiment: str, row: str) -> pd.DataFrame:
    return values[(values.experiment == experiment) & (values.row == row)]


def _means_figure(values: pd.DataFrame, sigma: float) -> Figure:
    panels = {}
    for title, experiment, clean, noisy in (
        ("digits", "remedies", summary.CLEAN, summary.NOISY),
        ("photographs", "natural", "clean", "noisy"),
    ):
        before, learned = _of(values, experiment, clean), _of(values, experiment, noisy)
        panels[title] = {
            "noisy targets": (learned.value, learned.prediction_mean),
            "noisy targets, inverse of g": (learned.value, learned.debiased_mean),
            "clean targets": (before.value, before.prediction_mean),
        }
    noise = Gaussian(name="gaussian", sigma=sigma, clip=True)
    return figures.conditional_means(panels, noise.mean)


def _histograms_figure(values: pd.DataFrame) -> Figure:
    panels = {}
    for title, row, column in (
        ("clean targets", summary.CLEAN, "prediction_share"),
        ("clipped noisy targets", summary.NOISY, "prediction_share"),
        ("the same, inverse of g", summary.NOISY, "debiased_share"),
        ("censored likelihood", "tobit", "prediction_share"),
        ("absolute error", "mae", "prediction_share"),
    ):
        frame = _of(values, "remedies", row)
        panels[title] = {
            "test images": (frame.value, frame.true_share),
            "predictions": (frame.value, frame[column]),
        }
    return figures.histograms(panels)


if __name__ == "__main__":
    command.run("studies.clipping.report", main, path=FILE, check=validate)
