"""Findings in words, for who has not met them before."""

import math

from denoising.noise.diagnosis.ends import End
from denoising.noise.diagnosis.estimates import Estimate
from denoising.noise.diagnosis.findings import CORRELATED, Diagnosis

FULL = 255  # the scale that most people know sigma on
TOO_FAR = 1.5  # times the level of flat blocks: the two shots then differ in more than noise


def sentences(found: Diagnosis) -> list[str]:
    """One sentence for each finding; see `Diagnosis`."""
    every = [
        _looked(found),
        _level(found),
        _growth(found),
        _neighbours(found),
        _channels(found),
        _end(found.black, "black", found.pairs is not None),
        _end(found.white, "white", found.pairs is not None),
        _step(found),
        _impulses(found),
        _stripes(found.rows, found.has_rows, "rows"),
        _stripes(found.columns, found.has_columns, "columns"),
        _pattern(found),
        _pairs(found),
    ]
    return [one for one in every if one]


def _number(one: Estimate, scale: float = 1, digits: int = 2) -> str:
    """A value and its interval."""
    # adding 0 makes -0 to 0
    value, low, high = (f"{round(scale * part, digits) + 0.0:.{digits}f}" for part in one)
    return f"{value} ({low} to {high})" if math.isfinite(one.low) else value


def _percent(one: Estimate) -> str:
    value, low, high = (_two_digits(100 * part) for part in one)
    return f"{value} % ({low} to {high})" if math.isfinite(one.low) else f"{value} %"


def _two_digits(value: float) -> str:
    """At least two digits that count, and no exponent of a share."""
    return f"{value:.0f}" if abs(value) >= 10 else f"{value:.2g}"


def _plural(count: int, what: str) -> str:
    return f"{count} {what}" if count != 1 else f"{count} {what.removesuffix('s')}"


def _looked(found: Diagnosis) -> str:
    drawn = _plural(found.units, found.unit)
    looked = f"Looked at {_plural(found.windows, 'windows')} of {_plural(found.images, 'images')}"
    if not math.isfinite(found.sigma.low):
        return f"{looked}: too few for intervals."
    return f"{looked}; the intervals (95 %) are over {drawn}."


def _level(found: Diagnosis) -> str:
    if math.isnan(found.sigma.value):
        return "The images are too small to tell how strong their noise is."
    if not found.sigma.value > 0:
        return "There is no noise: the flattest parts of the images do not vary."
    where = "from the differences of pairs" if found.pairs else "from flat blocks"
    if found.pairs is None and math.isnan(found.level.flat.value):
        where = "from patches" if math.isfinite(found.level.patches.value) else "from a wavelet"
    text = f"The noise's standard deviation is {_number(found.sigma, FULL)} of {FULL}, {where}"
    if any(found.is_clipped) and math.isfinite(found.unclipped_sigma):
        text += f"; before clipping, about {FULL * found.unclipped_sigma:.1f} at middle grey"
    if found.is_independent is False and found.pairs is None:
        # JPEG and cameras' processing take noise away from flat regions first
        text += "; textures of processed images may have several times as much"
    if found.has_impulses and found.pairs is None:
        text += ", the replaced pixels among it"
    return text + "."


def _growth(found: Diagnosis) -> str:
    growth = found.best_growth
    if found.is_signal_dependent is None:
        return "Whether the noise depends on the signal cannot be told from these images."
    if not found.is_signal_dependent:
        return "The noise is about as strong in dark as in bright areas."
    if growth.relative.value < 0:
        return "The noise is weaker in bright areas than in dark ones."
    text = f"The noise grows with the signal: its variance is {growth.a.value:.2g} + "
    text += f"{growth.b.value:.2g} times the pixel value"
    if growth.b.value > 0:
        text += f", as if white were {1 / growth.b.value:.0f} photons"
    return text + "."


def _neighbours(found: Diagnosis) -> str:
    across, down = (found.best_correlations[name] for name in ("across", "down"))
    numbers = f"{_number(across)} across, {_number(down)} down"
    if found.is_independent is None:
        if found.has_impulses or math.isnan(across.value):
            return "Whether noise of neighbouring pixels is correlated cannot be told."
        return f"Noise of neighbouring pixels may be correlated: {numbers}; more images would tell."
    if found.is_independent:
        return f"Noise of neighbouring pixels is independent: its correlation is {numbers}."
    return (
        f"Noise of neighbouring pixels is correlated: {numbers}. Methods that take pixels for "
        "independent are wrong here."
    )


def _channels(found: Diagnosis) -> str:
    between = found.best_correlations["channels"]
    if found.channels == 1 or math.isnan(between.value):
        return ""
    kind = "correlated" if abs(between.value) > CORRELATED else "independent"
    return f"Noise of the channels is {kind}: {_number(between)}."


def _end(end: End, name: str, pairs: bool) -> str:
    share = f"{_percent(end.share)} of the pixels are {name}"
    if end.kind == "beyond":
        return f"Pixel values go beyond {name}: no noise was cut there."
    if end.kind == "away":
        return f"Pixel values stay away from {name}: no noise was cut there."
    if end.kind == "areas":
        return f"{share}, in areas without noise, or by impulses: no noise was cut there."
    text = f"{share}, amid noise: it was cut there"
    if math.isnan(end.bias.value):
        return text + ", which moves the mean; by how much cannot be told."
    if not end.is_clipped:
        return text + ", which hardly moves the mean."
    return (
        text + f", which moves the mean of a {name} pixel by {_number(end.bias, FULL)} of {FULL}."
    )


def _step(found: Diagnosis) -> str:
    if math.isnan(found.step):
        return "Pixel values are continuous, or too few to tell a step between them."
    text = f"Pixel values are {FULL * found.step:.2g} of {FULL} apart"
    sigma = found.sigma.value
    if found.is_quantized is None:
        return text + "."
    if not sigma > 0:
        return text + ", and no noise hides the steps."
    text += f", {found.step / sigma:.2g} of the noise's standard deviation"
    if found.is_quantized:
        return text + ": rounding is a noise of its own."
    return text + ": rounding is of no matter."


def _impulses(found: Diagnosis) -> str:
    one = found.impulses
    if one.has_salt_and_pepper:
        known = {"white": one.salt, "black": one.pepper}
        parts = [
            f"{_percent(share)} by {name}"
            for name, share in known.items()
            if math.isfinite(share.value)
        ]
        return f"Pixels were replaced, as by salt and pepper: {', '.join(parts)}."
    if one.has_impulses:
        return f"Pixels were replaced by random values: about {_percent(one.random)}."
    if all(math.isnan(share.value) for share in one):
        return "Whether single pixels were replaced cannot be told."
    return "No pixels were replaced by black, white or random values."


def _stripes(one: Estimate, there: bool | None, name: str) -> str:
    if there is None:
        return f"Whether {name} have offsets cannot be told: the images are too small."
    if there:
        return (
            f"Whole {name} have offsets, as of a sensor's lines or a scanner: {_percent(one)} of "
            "the noise's variance."
        )
    return f"Whole {name} have no offsets of their own."


def _pattern(found: Diagnosis) -> str:
    if found.has_fixed_pattern is None:
        return "A fixed pattern cannot be told: that takes three images of one size."
    if found.has_fixed_pattern:
        return (
            f"{_percent(found.pattern)} of the variance of fine noise stays from image to image: a "
            "fixed pattern, unless all show the same scene."
        )
    return "The images share no fixed pattern."


def _pairs(found: Diagnosis) -> str:
    if found.pairs is None:
        return ""
    if found.pairs.sigma.value == 0:
        return "The two shots of each pair are the same: they say nothing of noise."
    if found.pairs.sigma.value > TOO_FAR * found.level.flat.value:
        return (
            "The two shots differ by more than the noise of flat blocks: the camera or the scene "
            "may have moved."
        )
    return "The two shots of each pair differ by noise alone, as far as flat blocks can tell."
