"""How well `denoising.noise.diagnosis` finds noise that is known, from noisy images alone.

    python -m benchmarks.diagnosis

takes a quarter of an hour on one core, with MNIST fetched, BSD and PolyU in data/provided. Every
seed draws the noise anew, and 300 of MNIST's test images, 16 of BSD68's; the flat fields are
synthetic, and have nothing but noise. Writes benchmarks/diagnosis.json and benchmarks/diagnosis.md.
"""

import argparse
import math
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.ndimage import convolve

from denoising.files import InputError, read_json, write_json, write_text
from denoising.formats.levels import to_unit
from denoising.noise.base import Noise
from denoising.noise.diagnosis import blocks
from denoising.noise.diagnosis.diagnose import diagnose
from denoising.noise.diagnosis.estimates import Estimate
from denoising.noise.diagnosis.findings import CORRELATED, Diagnosis
from denoising.noise.gaussian import Gaussian
from denoising.noise.impulse import Impulse
from denoising.noise.poisson import Poisson
from denoising.noise.poisson_gaussian import PoissonGaussian
from denoising.noise.salt_and_pepper import SaltAndPepper
from denoising.reporting import tables
from denoising.sources import bsd, mnist, polyu

ROOT = Path(__file__).parents[1]
PROVIDED = ROOT / "data/provided"
SEEDS = 3
DIGITS = 300  # of MNIST's 10,000 test images, by seed
PHOTOGRAPHS = 16  # of BSD68, by seed
GREYS = np.linspace(0.05, 0.95, 8)  # of the flat fields
FIELD = 256  # pixels of their side
FULL = 255
CUT = (3e-4, 2e-3)  # shares of pixels that were cut: below the first none, above the second some
KERNELS = {
    "across": np.array([[0.5, 0.5]]),
    "both": np.full((2, 2), 0.25),
}
DECISIONS = (
    "is_independent",
    "is_signal_dependent",
    "is_clipped_black",
    "is_clipped_white",
    "has_impulses",
    "is_quantized",
    "has_rows",
    "has_columns",
    "has_fixed_pattern",
)

Images = list[np.ndarray]
Draw = Callable[[Images, np.random.Generator], Images]


class Case(NamedTuple):
    """Noise that is known.

    Attributes
    ----------
    name : str
    draw : callable
        Draws it on clean images, not clipped.
    clip : bool
        Is it cut to [0, 1] afterwards?
    truth : dict of str to float
        What is known, by the names of `numbers`.
    decisions : dict of str to bool or None
        Which differ from those of white Gaussian noise; None: not judged.
    pairs : bool
        Are there two shots?
    """

    name: str
    draw: Draw
    clip: bool
    truth: dict[str, float]
    decisions: dict[str, bool | None] = {}  # noqa: RUF012  of a tuple, and never written to
    pairs: bool = False


def model(noise: Noise) -> Draw:
    """Draw a noise model."""
    return lambda images, rng: [noise.corrupt(image, rng) for image in images]


def white(sigma: float) -> Draw:
    """Draw white Gaussian noise."""
    return model(Gaussian(name="gaussian", sigma=sigma, clip=False))


def correlated(sigma: float, kernel: np.ndarray) -> Draw:
    """Draw Gaussian noise through a kernel."""
    unit = (kernel / np.sqrt((kernel**2).sum()))[..., None]

    def draw(images: Images, rng: np.random.Generator) -> Images:
        # with a margin: noise that goes on at the other side would be that of a whole row
        noise = (
            convolve(rng.standard_normal((one.shape[0] + 2, one.shape[1] + 2, 1)), unit)[1:-1, 1:-1]
            for one in images
        )
        return [(one + sigma * n).astype("f4") for one, n in zip(images, noise, strict=True)]

    return draw


def striped(sigma: float, offset: float) -> Draw:
    """Draw white noise, and offsets of whole rows."""

    def draw(images: Images, rng: np.random.Generator) -> Images:
        offsets = (offset * rng.standard_normal((len(one), 1, 1)) for one in images)
        noisy = white(sigma)(images, rng)
        return [(one + rows).astype("f4") for one, rows in zip(noisy, offsets, strict=True)]

    return draw


def patterned(sigma: float, shared: float) -> Draw:
    """Draw white noise, and some that all images share."""

    def draw(images: Images, rng: np.random.Generator) -> Images:
        height, width = np.max([one.shape[:2] for one in images], axis=0)
        pattern = (shared * rng.standard_normal((height, width, 1))).astype("f4")
        noisy = white(sigma)(images, rng)
        return [one + pattern[: one.shape[0], : one.shape[1]] for one in noisy]

    return draw


def rounded(sigma: float, bits: int) -> Draw:
    """Draw white noise, and round to steps that go on beyond black and white."""
    steps = np.float32(2**bits - 1)

    def draw(images: Images, rng: np.random.Generator) -> Images:
        return [np.rint(one * steps) / steps for one in white(sigma)(images, rng)]

    return draw


def after(first: Draw, second: Draw) -> Draw:
    """Draw one noise on another."""
    return lambda images, rng: second(first(images, rng), rng)


def cases(digits: bool) -> Iterator[Case]:
    """All noises; of MNIST with the article's levels."""
    unjudged: dict[str, bool | None] = {"is_signal_dependent": None}
    for sigma in (0.1, 0.25, 0.5) if digits else np.array([2, 5, 15, 25, 50]) / FULL:
        for clip in (False, True):
            name = f"Gaussian {sigma:g}" if digits else f"Gaussian {sigma * FULL:.0f}/255"
            yield Case(name, white(sigma), clip, {"sigma": sigma, "across": 0, "down": 0})
    for peak in (10, 30, 100):
        draw = model(Poisson(name="poisson", peak=peak, clip=False))
        known = {"step": 1 / peak, "b": 1 / peak, "across": 0, "down": 0}
        # a photon's step is over half of sigma or not, as the image is dark or bright
        decisions = {"is_signal_dependent": True, "is_quantized": None}
        yield Case(f"Poisson {peak}", draw, False, known, decisions)
    for peak, sigma in ((30, 10 / FULL), (100, 25 / FULL)):
        noise = PoissonGaussian(name="poisson_gaussian", peak=peak, sigma=sigma, clip=False)
        dependent: dict[str, bool | None] = {"is_signal_dependent": True if peak == 30 else None}
        name = f"Poisson {peak} + {sigma * FULL:.0f}/255"
        for clip in (False, True):
            known = {"a": sigma**2, "b": 1 / peak, "across": 0, "down": 0}
            yield Case(name, model(noise), clip, known, dependent)
    for amount in (0.01, 0.1):
        salted = model(SaltAndPepper(name="salt_and_pepper", amount=amount, salt_vs_pepper=0.5))
        known = {"salt": amount / 2, "pepper": amount / 2}
        decisions = unjudged | {"has_impulses": True, "is_quantized": None}
        yield Case(f"salt and pepper {amount:.0%}", salted, False, known, decisions)
        if amount == 0.01:
            mixed = after(white(15 / FULL), salted)
            decisions = unjudged | {"has_impulses": True}
            yield Case("15/255, salt and pepper 1%", mixed, False, known, decisions)
    replaced = model(Impulse(name="impulse", amount=0.05))
    for name, draw in (("", replaced), ("15/255, ", after(white(15 / FULL), replaced))):
        decisions = unjudged | {"has_impulses": True, "is_quantized": None}
        yield Case(f"{name}random impulses 5%", draw, False, {"random": 0.05}, decisions)
    for name, kernel in KERNELS.items():
        known = {"sigma": 25 / FULL, "across": 0.5, "down": 0.5 * (name == "both")}
        draw = correlated(25 / FULL, kernel)
        yield Case(f"25/255 correlated {name}", draw, False, known, {"is_independent": False})
    for offset in (5, 15):
        share = offset**2 / (15**2 + offset**2)
        known = {"rows": share, "columns": 0}
        decisions = {"has_rows": True, "is_independent": None}
        draw = striped(15 / FULL, offset / FULL)
        yield Case(f"15/255, rows {offset}/255", draw, False, known, decisions)
    draw = patterned(15 / FULL, 5 / FULL)
    known = {"pattern": 5**2 / (15**2 + 5**2)}
    yield Case("15/255, fixed pattern 5/255", draw, False, known, {"has_fixed_pattern": True})
    for bits, coarse in ((4, True), (8, False)):
        known = {"step": 1 / (2**bits - 1)}
        yield Case(f"15/255 in {bits} bits", rounded(15 / FULL, bits), False, known,
                   unjudged | {"is_quantized": coarse})  # fmt: skip
    sigma = 0.25 if digits else 25 / FULL
    for clip in (False, True):
        known = {"pairs across": 0.0, "pairs down": 0.0}
        if not clip:
            known["pairs sigma"] = sigma
        yield Case("two shots, 0.25" if digits else "two shots, 25/255", white(sigma), clip,
                   known, pairs=True)  # fmt: skip


def numbers(found: Diagnosis) -> dict[str, Estimate]:
    """What is held against the truth, by name; sigma by several estimators."""
    every = {
        "wavelet": found.level.wavelet,
        "patches": found.level.patches,
        "flat": found.level.flat,
        "line": Estimate(found.unclipped_sigma),
        "a": found.growth.a,
        "b": found.growth.b,
        "across": found.correlations["across"],
        "down": found.correlations["down"],
        "salt": found.impulses.salt,
        "pepper": found.impulses.pepper,
        "random": found.impulses.random,
        "rows": found.rows,
        "columns": found.columns,
        "pattern": found.pattern,
        "step": Estimate(found.step),
    }
    if found.pairs:
        every["pairs sigma"] = found.pairs.sigma
        every |= {f"pairs {name}": found.pairs.correlations[name] for name in ("across", "down")}
    return every


def look(case: Case, clean: Images, seed: int) -> dict[str, Any]:
    """One seed of a case: what was found, and which decisions are right."""
    rng = np.random.default_rng(seed)
    drawn = [case.draw(clean, rng) for _ in range(1 + case.pairs)]
    truth: dict[str, bool | None] = {name: name == "is_independent" for name in DECISIONS}
    for name, beyond in (("black", [one < 0 for one in drawn[0]]),
                         ("white", [one > 1 for one in drawn[0]])):  # fmt: skip
        share = sum(map(np.count_nonzero, beyond)) / sum(one.size for one in beyond)
        cut = case.clip and share > CUT[0]
        truth[f"is_clipped_{name}"] = None if cut and share < CUT[1] else cut
    if case.clip:
        drawn = [[one.clip(0, 1) for one in shot] for shot in drawn]
    truth |= case.decisions
    found = diagnose(drawn[0], drawn[1] if case.pairs else None, seed)
    told = found.decisions()
    return {
        "numbers": {name: one.to_json() for name, one in numbers(found).items()},
        "decisions": {
            name: "undecided" if told[name] is None else "right" if told[name] == one else "wrong"
            for name, one in truth.items()
            if one is not None
        },
    }


def summary(name: str, case: Case, looks: list[dict[str, Any]]) -> dict[str, Any]:
    """All seeds of a case: mean, spread and coverage of each number whose truth is known."""
    rows = {}
    for key in looks[0]["numbers"]:
        sigma = key in ("wavelet", "patches", "flat", "line")
        truth = case.truth.get("sigma" if sigma else key)
        parts = [one["numbers"][key] for one in looks if one["numbers"][key]["value"] is not None]
        if truth is None or not parts:
            continue
        values = np.array([part["value"] for part in parts])
        inside = [part["low"] <= truth <= part["high"] for part in parts if part["low"] is not None]
        rows[key] = {
            "truth": float(truth),
            "mean": float(values.mean()),
            "spread": float(values.std(ddof=1)) if len(values) > 1 else None,
            "seeds": len(values),
            "covered": float(np.mean(inside)) if inside else None,
        }
    decisions = {
        key: {word: sum(one["decisions"].get(key) == word for one in looks) for word in WORDS}
        for key in DECISIONS
    }
    return {
        "images": name,
        "noise": case.name + (", clipped" if case.clip else ""),
        "numbers": rows,
        "decisions": decisions,
    }


WORDS = ("right", "wrong", "undecided")


def image_sets(seed: int) -> dict[str, Images]:
    """Clean images of each set, as this seed draws them."""
    rng = np.random.default_rng([seed, 1])
    with tempfile.TemporaryDirectory() as kept:
        mnist.fetch(kept, PROVIDED, ROOT / ".fetched")
        digits = mnist.read_idx(Path(kept) / mnist.TEST)[..., None]
        catalogue = bsd.BSD(name="bsd", test=["BSD68"]).scan(PROVIDED, Path(kept), str)
        photographs = [one for one in catalogue.images if one.own_set == "test"]
        chosen = rng.choice(len(photographs), PHOTOGRAPHS, replace=False)
        pixels = [np.concatenate(list(photographs[k].read["clean"]())) for k in sorted(chosen)]
    places = np.sort(rng.choice(len(digits), DIGITS, replace=False))
    return {
        "MNIST": list(to_unit(digits[places], 0, FULL)),
        "BSD68": [to_unit(one, 0, FULL) for one in pixels],
        "flat fields": [np.full((FIELD, FIELD, 1), grey, "f4") for grey in GREYS],
    }


def cameras() -> list[dict[str, Any]]:
    """PolyU's cameras: from the green of noisy images alone, and from what is known of it."""
    with tempfile.TemporaryDirectory() as kept:
        catalogue = polyu.PolyU(name="polyu").scan(PROVIDED, Path(kept), str)
        by_camera: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {}
        for image in catalogue.images:
            pair = (
                np.concatenate(list(image.read[role]()))[..., 1:2] for role in ("noisy", "clean")
            )
            noisy, clean = (to_unit(one, 0, FULL) for one in pair)
            by_camera.setdefault(image.name.split("_")[0], []).append((noisy, clean))
    rows = []
    for camera, pairs in by_camera.items():
        found = diagnose([noisy for noisy, _ in pairs])
        noise = [(noisy - clean).astype(np.float64) for noisy, clean in pairs]
        noise = [one - one.mean() for one in noise]
        square = sum(float((one**2).sum()) for one in noise)
        size = sum(one.size for one in noise)
        across = sum(float((one[:, 1:] * one[:, :-1]).sum()) for one in noise)
        down = sum(float((one[1:] * one[:-1]).sum()) for one in noise)
        rows.append(
            {
                "camera": camera,
                "images": len(pairs),
                "found": {name: one.to_json() for name, one in numbers(found).items()},
                "pairs": {
                    "sigma": math.sqrt(square / size),
                    "across": across / square,
                    "down": down / square,
                },
                "decisions": found.decisions(),
                "flattest": in_flattest([noisy for noisy, _ in pairs], noise),
            }
        )
    return rows


def in_flattest(images: Images, noise: Images) -> dict[str, float]:
    """Sigma in the blocks around which images vary least: of the images, and of their noise."""
    cuts = [[blocks.cut(one)[0] for one in part] for part in (images, noise)]
    around = np.concatenate([cut.around for cut in cuts[0]])
    kept = around <= np.quantile(around, blocks.FLAT)
    variances = [np.concatenate([cut.moments[:, 0] for cut in part])[kept].mean() for part in cuts]
    return dict(zip(("noisy", "known"), map(float, np.sqrt(variances)), strict=True))


def measure(seeds: int) -> dict[str, Any]:
    """Everything; a line of progress for each case."""
    every = [image_sets(seed) for seed in range(seeds)]
    rows = []
    for name in every[0]:
        for case in cases(name == "MNIST"):
            looks = [look(case, images[name], seed) for seed, images in enumerate(every)]
            rows.append(summary(name, case, looks))
            wrong = [key for key, one in rows[-1]["decisions"].items() if one["wrong"]]
            print(f"{name}: {rows[-1]['noise']}", *wrong, flush=True)
    unjudged = dict.fromkeys(("is_independent", "is_signal_dependent", "is_quantized"))
    clean = Case("none", lambda images, rng: images, False, {}, unjudged)
    for name in ("MNIST", "BSD68"):
        looks = [look(clean, images[name], seed) for seed, images in enumerate(every)]
        kept = summary(name, clean, looks)
        kept["numbers"] = {
            key: {"mean": float(np.mean(values)), "seeds": len(values)}
            for key in ("wavelet", "patches", "flat", "across")
            if (values := [v for one in looks if (v := one["numbers"][key]["value"]) is not None])
        }
        rows.append(kept)
    return {"seeds": seeds, "cases": rows, "cameras": cameras()}


# --- tables


def pipes(table: pd.DataFrame) -> str:
    """A table of Markdown."""
    return tables.pipes(table.astype(str))


def percent(part: dict[str, Any] | None) -> str:
    """Bias and spread over the truth."""
    if part is None:
        return ""
    truth = part["truth"]
    bias = f"{100 * (part['mean'] / truth - 1):+.1f}"
    return bias if part["spread"] is None else f"{bias} ± {100 * part['spread'] / truth:.1f}"


def plain(part: dict[str, Any] | None) -> str:
    """Mean and spread, beside the truth."""
    if part is None:
        return ""
    spread = "" if part["spread"] is None else f" ± {part['spread']:.2g}"
    return f"{part['mean']:.3g}{spread} (is {part['truth']:.3g})"


def levels(cases: list[dict[str, Any]]) -> pd.DataFrame:
    """Sigma by each estimator: bias and spread in percent."""
    rows = []
    for case in cases:
        found = case["numbers"]
        if "flat" not in found or "truth" not in found["flat"]:
            continue
        kinds = ("wavelet", "patches", "flat", "line")
        rows.append(
            {"images": case["images"], "noise": case["noise"]}
            | {kind: percent(found.get(kind)) for kind in kinds}
        )
    return pd.DataFrame(rows)


def lines(cases: list[dict[str, Any]]) -> pd.DataFrame:
    """a and b of camera noise: what is found beside what is."""
    rows = [
        {"images": case["images"], "noise": case["noise"]}
        | {"10^4 a": plain(_scaled(case["numbers"].get("a"))), "b": plain(case["numbers"].get("b"))}
        for case in cases
        if case["noise"].startswith("Poisson")
    ]
    return pd.DataFrame(rows)


def _scaled(part: dict[str, Any] | None) -> dict[str, Any] | None:
    if part is None:
        return None
    return {key: part[key] and 1e4 * part[key] for key in ("truth", "mean", "spread")}


def others(cases: list[dict[str, Any]]) -> pd.DataFrame:
    """Correlations, impulses, offsets, patterns, steps."""
    rows = []
    for case in cases:
        for key, part in case["numbers"].items():
            if key in ("wavelet", "patches", "flat", "line", "a", "b") or "truth" not in part:
                continue
            dull = key in ("across", "down", "columns", "pairs across", "pairs down")
            if dull and not part["truth"] and not case["noise"].startswith("Gaussian"):
                continue
            rows.append({"images": case["images"], "noise": case["noise"], "what": key,
                         "found": plain(part)})  # fmt: skip
    return pd.DataFrame(rows)


def decided(cases: list[dict[str, Any]]) -> pd.DataFrame:
    """Of each decision: right, wrong, undecided; the cases where it is wrong."""
    rows = []
    for key in DECISIONS:
        for images in dict.fromkeys(case["images"] for case in cases):
            own = [case for case in cases if case["images"] == images]
            total = {word: sum(case["decisions"][key][word] for case in own) for word in WORDS}
            wrong = [
                f"{case['noise']} ({count})"
                for case in own
                if (count := case["decisions"][key]["wrong"])
            ]
            rows.append(
                {"decision": key, "images": images} | total | {"wrong in": "; ".join(wrong)}
            )
    return pd.DataFrame(rows)


def by_case(cases: list[dict[str, Any]]) -> pd.DataFrame:
    """Of each case, what was decided wrongly and what was left open."""
    rows = []
    for case in cases:
        counts = {word: sum(one[word] for one in case["decisions"].values()) for word in WORDS}
        named = {
            word: ", ".join(key for key in DECISIONS if case["decisions"][key][word])
            for word in ("wrong", "undecided")
        }
        rows.append({"images": case["images"], "noise": case["noise"], "right": counts["right"]}
                    | named)  # fmt: skip
    return pd.DataFrame(rows)


def covered(cases: list[dict[str, Any]]) -> pd.DataFrame:
    """Share of the 95 % intervals that hold the truth, by estimator and images."""
    rows: dict[str, dict[str, str]] = {}
    for case in cases:
        for key, part in case["numbers"].items():
            if part.get("covered") is not None:
                row = rows.setdefault(key, {"estimate": key})
                hits, seeds = map(int, row.get(case["images"], "0 of 0").split(" of "))
                more = round(part["covered"] * part["seeds"])
                row[case["images"]] = f"{hits + more} of {seeds + part['seeds']}"
    return pd.DataFrame(rows.values()).fillna("")


def of_cameras(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """PolyU: green, noisy images alone beside the difference to the mean of many shots."""

    def told(part: dict[str, float | None]) -> str:
        if part["low"] is None:
            return f"{part['value']:.2f}"
        return f"{part['value']:.2f} ({part['low']:.2f} to {part['high']:.2f})"

    return pd.DataFrame(
        {
            "camera": row["camera"],
            "images": row["images"],
            "across": told(row["found"]["across"]),
            "across, known": f"{row['pairs']['across']:.2f}",
            "down": told(row["found"]["down"]),
            "down, known": f"{row['pairs']['down']:.2f}",
            "independent": {True: "yes", False: "no", None: "undecided"}[
                row["decisions"]["is_independent"]
            ],
            "sigma of 255": f"{FULL * row['found']['flat']['value']:.1f}",
            "sigma, known": f"{FULL * row['pairs']['sigma']:.1f}",
            "known, flattest blocks": f"{FULL * row['flattest']['known']:.1f}",
        }
        for row in rows
    )


def report(content: dict[str, Any]) -> str:
    """The page."""
    cases = content["cases"]
    clean = {case["images"]: case["numbers"] for case in cases if case["noise"] == "none"}
    found = {
        name: [f"{FULL * part[key]['mean']:.1f}" for key in ("wavelet", "patches", "flat")]
        for name, part in clean.items()
    }
    seen = ", ".join(f"{name} has {' / '.join(levels)}" for name, levels in found.items())
    parts = [
        f"""# What the noise is like, from noisy images alone

Made by `python -m benchmarks.diagnosis`: {content["seeds"]} seeds, each with noise of its own, and
with {DIGITS} of MNIST's test images and {PHOTOGRAPHS} of BSD68's. The flat fields are synthetic:
{len(GREYS)} constant images of {FIELD} x {FIELD} pixels. "clipped" says that noise was cut to
[0, 1]; elsewhere values go beyond. Salt and pepper are as many each.

## Level

Bias and spread over the seeds, in percent of sigma. `wavelet`, `patches` and `flat` estimate the
noise as it is in the images, which clipping has weakened; `line` is taken back through clipping.
Without any noise, {seen} of 255 by the
first three: this is the texture that they take for noise.
""",
        pipes(levels(cases)),
        """
## Variance = a + b mean

Mean and spread; what they should be is in brackets. Empty where levels are too near to each other
to tell.
""",
        pipes(lines(cases)),
        """
## Correlation, impulses, offsets, pattern, step
""",
        pipes(others(cases)),
        f"""
## Decisions

Counts over cases and seeds. A correlation counts from {CORRELATED} on. Clipping is judged where
over {CUT[1]:.1%} of the pixels were cut, or under {CUT[0]:.2%}.
""",
        pipes(decided(cases)),
        """
By case:
""",
        pipes(by_case(cases)),
        """
## Intervals

How many of the 95 % intervals hold the truth; of sigma, only the cases without clipping say
something. An interval says how far an estimate depends on which images were drawn, and nothing of
its bias: where texture is taken for noise, it is narrow and wrong.
""",
        pipes(covered([case for case in cases if not case["noise"].endswith("clipped")])),
        """
## Cameras (PolyU, green)

Known is what the difference to the mean of many shots gives, which is not the whole truth either:
both are JPEG files. Sigma differs for a reason that is not the estimator's: in the flattest blocks
there is little noise left, in the difference as in the images. The cameras' processing and JPEG
take it away there, so that flat blocks say nothing of the noise of textures.
""",
        pipes(of_cameras(content["cameras"])),
        NOTES,
    ]
    return "\n".join(parts)


NOTES = """
## Where it fails

- **Weak noise of textured images.** At 2 of 255 on BSD68, flat blocks are 10 to 16 % too high, the
  wavelet some 80 %, patches over 200 %; the correlation of texture, 0.15, is near to the limit.
  A single image without flat parts is worse: on one of BSD68 with 15 of 255, flat blocks find 18.
  Over many images they are about 1 % too high from 15 of 255 on.
- **No noise at all.** Photographs without added noise have about 1 of 255 by flat blocks, with a
  correlation of 0.5: they are called correlated, and their 8 bits coarse.
- **Drawings (MNIST).** Only the background is flat. The level is within 7 %, with a spread of up
  to 10 % over seeds, and correlations of up to 0.11 are found that are not there. Counts of photons
  are told by their step; otherwise it is left open whether noise depends on the signal, and in over
  half of the cases whether it is independent.
- **Clipping.** The wavelet, patches and flat blocks say what is left of the noise, up to 48 % less.
  Taken back through clipping, flat blocks are within 7 % from 5 of 255 on. For camera noise cut at
  black, the part `a` that is there in the dark is 45 % too high (sigma 20 %), since a Poisson
  number is not normal at few photons.
- **Correlated noise.** The wavelet and patches presume white noise, and are up to 70 % too low.
- **Impulses.** Salt and pepper are counted well, and hide all else: correlation and growth are
  left open, and sigma counts them. Under 0.2 % of salt or pepper, and 2 % of random values, they
  are not told from what images have. Stars and sparks are salt.
- **Random impulses** are 12 % too few on other noise and up to 12 % too many without, a fixed
  pattern is 5 to 20 % too weak, and offsets of rows are up to 17 % too strong in flat fields.
- **Intervals** hold the truth where there is no bias (flat fields: flat blocks 20 of 21; salt and
  pepper 51 of 54; two shots 22 of 27), and not where there is one: on BSD68 a bias of 1 % is
  outside. Patches and the wavelet are 0.5 % too low on flat fields, which is outside as well.
- **Cameras (JPEG).** That noise is correlated is found, 0.03 to 0.18 too high. Its level is not, as
  told above; two shots tell it.
"""


def main() -> None:
    """Measure, or draw the page from what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--cameras", action="store_true", help="measure these alone anew")
    parser.add_argument("--page", action="store_true", help="from diagnosis.json, as it is there")
    given = parser.parse_args()
    path = Path(__file__).with_suffix(".json")
    if given.cameras:
        write_json(path, read_json(path, "cases", "seeds") | {"cameras": cameras()})
    elif not given.page:
        write_json(path, measure(given.seeds))
    write_text(path.with_suffix(".md"), report(read_json(path, "cases", "cameras", "seeds")))


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        sys.exit(str(error))
