"""An image file through a filter, into a file of the same kind, page by page."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from denoising.formats.base import refuse
from denoising.formats.levels import extremes, not_finite, to_dtype, to_unit
from denoising.formats.opening import open_image
from denoising.formats.writing import create
from denoising.inference import levels

Filter = Callable[[np.ndarray], np.ndarray]


def write(source: Path, target: Path, by: Filter) -> None:
    """Filter a file: format, type, channels, pages and metadata stay.

    A page is filtered as a whole, in memory, since a filter may choose its strength by it.

    Parameters
    ----------
    source, target : Path
        `target` appears when it is whole.
    by : callable
        From images (1, H, W, C) float32 on the scale [0, 1] to the filtered ones.

    Raises
    ------
    InputError
        If the file is damaged, its values are not finite, or the result cannot be written.
    """
    with open_image(source) as image, create(target, image) as writer:
        black, white, *_ = levels.find(image)
        header = writer.header
        for page in range(image.header.pages):
            pixels = image.read(page, slice(None))
            low, high, lost = extremes([pixels])
            if lost:
                refuse(source, not_finite(lost))
            unit = by(to_unit(pixels, black, white)[None])[0]
            if header.dtype.kind != "f" and low >= black and high <= white:
                unit = np.clip(unit, 0, 1)  # 12 bits in a file of 16 stay 12 bits
            writer.write(page, to_dtype(unit, header.dtype, black, white))
