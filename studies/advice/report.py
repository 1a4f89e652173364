"""Table, figure and metrics of the study: was what was advised the best?"""

import itertools
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from denoising.advice.candidates import CORRECTED
from denoising.evaluation import metrics
from denoising.files import InputError, read_json, write_json, write_text
from denoising.reporting import figures as common
from denoising.reporting.tables import pipes
from stages.shared import command
from studies.advice.settings import (
    FILE,
    FOLDER,
    Settings,
    advised_file,
    measured_file,
    validate,
)

DPI = 110
NOISY = "noisy"


class Judged(NamedTuple):
    """A case.

    Attributes
    ----------
    psnr : dict of str to float
        By method; dB, the mean over test images.
    refused : dict of str to str
        Methods that do not take this noise, and why.
    fit : list of str
        What the advice does not rule out, best first.
    behind : float
        dB from the advised method to the best.
    low, high : float
        Ends of its 95 % interval over test images.
    """

    psnr: dict[str, float]
    refused: dict[str, str]
    fit: list[str]
    behind: float
    low: float
    high: float

    @property
    def advised(self) -> str:
        """What is tried first."""
        return self.fit[0]

    @property
    def best(self) -> str:
        """What is best, as the clean images say."""
        return max(self.psnr, key=self.psnr.__getitem__)


def judged(case: str, resamples: int) -> Judged:
    """A case, by what was advised and what was measured."""
    measured = read_json(measured_file(case))
    values = {
        name: metrics.psnr(np.array(one["mse"])) for name, one in measured.items() if "mse" in one
    }
    psnr = {name: float(one.mean()) for name, one in values.items()}
    fit = [one["name"] for one in read_json(advised_file(case), "fit")["fit"]]
    fit = [name for name in fit if name in psnr]
    best = max(psnr, key=psnr.__getitem__)
    behind = values[best] - values[fit[0]]
    low, high = metrics.mean_interval(behind, resamples)
    refused = {name: one["why"] for name, one in measured.items() if "why" in one}
    return Judged(psnr, refused, fit, float(behind.mean()), low, high)


def main(content: dict[str, Any]) -> None:
    """Write all of it."""
    settings = validate(content)
    there = [name for name in settings.cases if measured_file(name).is_file()]
    if not there:
        raise InputError(f"{FOLDER}/measured: no case is measured; run `make study NAME=advice`")
    cases = {name: judged(name, settings.bootstrap_resamples) for name in there}
    counts = {
        "planned": len(settings.cases),
        "cases": len(cases),
        "near": sum(one.behind <= settings.near for one in cases.values()),
        "worse_than_noisy": sum(one.psnr[one.advised] < one.psnr[NOISY] for one in cases.values()),
    }
    by_case = {
        name: {"advised": one.advised, "behind": round(one.behind, 4)}
        for name, one in cases.items()
    }
    write_json(FOLDER / "metrics.json", counts | {"by_case": by_case})
    common.save(_figure(cases, settings.near), FOLDER / "advice.png", DPI)
    write_text(FOLDER / "report.md", _text(settings, cases, counts))
    command.say(f"{FOLDER}/report.md: {counts['near']} of {len(cases)} cases")


def _text(settings: Settings, cases: dict[str, Judged], counts: dict[str, int]) -> str:
    work, near = settings.work, settings.near
    wrong = [name for name, one in cases.items() if one.behind > near]
    steps = work.epochs * -(-work.patches // work.batch_size)
    text = [
        "# Is the method that is advised the best one?",
        f"In {counts['near']} of {len(cases)} cases what `make advise` puts first, by the noisy "
        f"images alone, is the best of all or at most {near:g} dB below; in "
        f"{counts['worse_than_noisy']} it is worse than the noisy image. Judged by clean images "
        "that neither the advice nor the training saw.",
        _missing(settings, cases),
        "Three rules were made with a case in view, and are not tested by it: that a blur comes "
        "first for photographs that a camera developed was found on `cameras_real`; that what "
        "leaves all other pixels alone comes first where noise only replaces some, on "
        "`cameras_salt_and_pepper`; that the blind spot does not come first for counts of "
        "photons, on `digits_poisson`. When filters come before networks, and which, was settled "
        "on the images that are learned from here, after an earlier advice had been wrong in cases "
        "with smooth images, mixtures and clipping.",
        f"Budget `{settings.budget}`: all networks learn {steps} steps of {work.batch_size} "
        "patches of one noisy shot of each scene, and are told the noise as it was "
        "diagnosed. PSNR is the mean over test images, predictions cut to [0, 1]; intervals are "
        "over these images. Noise is simulated, but for `cameras_real`, whose photographs are as "
        "cameras developed them.",
        "## What was advised",
        _advised_table(cases, near),
        "## Where the advice is wrong" if wrong else "",
        "\n".join(_wrong(name, cases[name]) for name in wrong),
        "## All methods",
        "PSNR in dB. In brackets: ruled out by a measurement; a dash: the method does not take "
        "such noise. Bold: the best. After a slash: corrected by the inverse of what the noise, as "
        f"it was diagnosed, does to means. {_correction(cases)}",
        _methods_table(cases),
        "![How far every method is below the best](advice.png)",
    ]
    return "\n\n".join(part for part in text if part) + "\n"


def _missing(settings: Settings, cases: dict[str, Judged]) -> str:
    missing = [f"`{name}`" for name in settings.cases if name not in cases]
    return f"Not measured yet: {', '.join(missing)}." if missing else ""


def _wrong(name: str, one: Judged) -> str:
    verdict = "which it does not rule out" if one.best in one.fit else "which it rules out"
    return f"- `{name}`: {one.best}, {verdict}, is ahead by {one.behind:.2f} dB."


def _advised_table(cases: dict[str, Judged], near: float) -> str:
    rows = []
    for name, one in cases.items():
        rows.append(
            {
                "case": name,
                "noisy": f"{one.psnr[NOISY]:.2f}",
                "advised": one.advised,
                "PSNR": f"{one.psnr[one.advised]:.2f}",
                "best": one.best,
                "its PSNR": f"{one.psnr[one.best]:.2f}",
                "behind": f"{one.behind:.2f}",
                "95 % interval": f"{one.low:.2f} .. {one.high:.2f}" if one.behind else "",
                f"within {near:g} dB": "yes" if one.behind <= near else "no",
            }
        )
    return pipes(pd.DataFrame(rows))


def _methods(cases: dict[str, Judged]) -> list[str]:
    return list(dict.fromkeys(name for one in cases.values() for name in [*one.psnr, *one.refused]))


def _correction(cases: dict[str, Judged]) -> str:
    gains = [
        one.psnr[name + CORRECTED] - psnr
        for one in cases.values()
        for name, psnr in one.psnr.items()
        if name + CORRECTED in one.psnr
    ]
    return (
        f"That makes {sum(gain < 0 for gain in gains)} of {len(gains)} results worse: it amplifies "
        "what is left of the noise."
    )


def _methods_table(cases: dict[str, Judged]) -> str:
    methods = [name for name in _methods(cases) if not name.endswith(CORRECTED)]
    rows = []
    for name, one in cases.items():
        row = {"case": name}
        for method in methods:
            both = (_number(one, method), _number(one, method + CORRECTED))
            row[method] = " / ".join(filter(None, both)) or "-"
        rows.append(row)
    return pipes(pd.DataFrame(rows))


def _number(one: Judged, method: str) -> str:
    """Of a method on a case, "" where there is none."""
    if method not in one.psnr:
        return ""
    number = f"{one.psnr[method]:.2f}"
    number = f"**{number}**" if method == one.best else number
    return number if method in one.fit else f"({number})"


LINEAR = 0.2  # dB, up to which the axis of losses is linear
TICKS = (0, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 40)


def _figure(cases: dict[str, Judged], near: float) -> Figure:
    """How far every method is below the best; hollow where ruled out, ringed where advised."""
    methods = [name for name in _methods(cases) if name != NOISY]
    figure = Figure(figsize=(9, 0.34 * len(cases) + 3), layout="constrained")
    axes = figure.subplots()
    axes.axvspan(0, near, color="0.92")
    colours = {name: f"C{number}" for number, name in enumerate(methods)}
    # as many that no two methods have both in common
    markers = dict(zip(methods, itertools.cycle("osD^v<>PXp*"), strict=False))
    for y, one in enumerate(cases.values()):
        best = one.psnr[one.best]
        axes.plot(best - one.psnr[NOISY], y, "|", color="black", ms=12)
        for name in methods:
            if name not in one.psnr:
                continue
            behind = best - one.psnr[name]
            filled = colours[name] if name in one.fit else "none"
            axes.plot(behind, y, markers[name], color=colours[name], markerfacecolor=filled, ms=6)
            if name == one.advised:
                axes.plot(behind, y, "o", color="black", markerfacecolor="none", ms=13)
    for name in methods:
        axes.plot([], [], markers[name], color=colours[name], label=name)
    axes.plot([], [], "o", color="black", markerfacecolor="none", ms=11, label="advised")
    axes.plot([], [], "|", color="black", ms=11, label="the noisy image")
    axes.set_xscale("symlog", linthresh=LINEAR)
    axes.set_xticks(TICKS, [f"{tick:g}" for tick in TICKS])
    axes.set_yticks(range(len(cases)), list(cases))
    axes.set_ylim(len(cases) - 0.5, -0.5)
    axes.grid(axis="x", color="0.9")
    axes.set_xlabel("PSNR below that of the best method [dB]; hollow: ruled out")
    figure.legend(loc="outside lower center", ncols=4, frameon=False)
    return figure


if __name__ == "__main__":
    command.run("studies.advice.report", main, path=FILE, check=validate)
