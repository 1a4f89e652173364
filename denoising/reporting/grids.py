"""Images side by side, digits and photographs alike."""

from collections.abc import Iterator, Mapping, Sequence

import matplotlib
import numpy as np

matplotlib.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

SMALL = 64  # pixels; up to this side, images are drawn as small as digits
SHOWN = 256  # pixels; of larger images the middle is shown, or noise would be too fine to see
PER_INCH = 72  # pixels of a photograph per inch of the figure
LARGEST = 2.5  # inches of an image's longer side
WHOLE = 32.0  # inches of all images of a row or a column, while none is smaller than a digit
DIGIT = (0.98, 0.95)  # inches, height and width, of small images
CAPTION = 0.24  # inches of a line of text below an image
CHARACTER = 0.09  # inches of a label's letter

Images = np.ndarray | Sequence[np.ndarray]


def grid(rows: Mapping[str, Images], captions: Mapping[str, Sequence[str]] | None = None) -> Figure:
    """Images side by side, black 0 to white 1.

    Of images of more than 256 x 256 pixels only the middle is shown, which the figure says.

    Parameters
    ----------
    rows : dict of str to ndarray (K, H, W, C), or to a list of K ndarrays (H, W, C)
        By label; every row has the same number of images. One channel is drawn as grey, the first
        three of more as red, green and blue.
    captions : dict of str to list of K str, optional
        By label, where there are any: what to write below each image, such as its PSNR.
    """
    captions = captions or {}
    count = len(next(iter(rows.values())))
    shapes = [image.shape[:2] for images in rows.values() for image in images]
    height, width = (max(sides) for sides in zip(*shapes, strict=True))
    is_small = max(height, width) <= SMALL
    cell = DIGIT if is_small else _cell(min(height, SHOWN), min(width, SHOWN), len(rows), count)
    margin = 1.3 if is_small else max(1.3, CHARACTER * max(map(len, rows)))
    figure, axes = plt.subplots(
        len(rows),
        count,
        figsize=(count * cell[1] + margin, len(rows) * cell[0] + CAPTION * len(captions)),
        squeeze=False,
        layout="constrained",
    )
    for line, (label, images) in zip(axes, rows.items(), strict=True):
        for axis, image in zip(line, images, strict=True):
            axis.imshow(
                _shown(_middle(image)),
                cmap="gray",  # of one channel; three are red, green and blue
                vmin=0,
                vmax=1,
                interpolation="nearest" if is_small else "auto",
            )
            axis.set(xticks=[], yticks=[])
        for axis, text in _captioned(line, captions.get(label)):
            axis.set_xlabel(text, fontsize="small", labelpad=2)
        line[0].set_ylabel(label, rotation=0, ha="right", va="center")
    if max(height, width) > SHOWN:
        note = f"shown: the middle of each image, at most {SHOWN} x {SHOWN} pixels"
        figure.supxlabel(note, fontsize="small")
    return figure


def _cell(height: int, width: int, rows: int, columns: int) -> tuple[float, float]:
    """Inches, height and width, of an image of so many pixels beside others."""
    longest = max(height, width)
    inches = min(longest / PER_INCH, LARGEST, WHOLE / max(rows, columns))
    inches = max(inches, *DIGIT)
    return max(inches * height / longest, DIGIT[0] / 2), max(inches * width / longest, DIGIT[1])


def _captioned(
    line: Sequence[plt.Axes], texts: Sequence[str] | None
) -> Iterator[tuple[plt.Axes, str]]:
    return iter(()) if texts is None else zip(line, texts, strict=True)


def _middle(image: np.ndarray) -> np.ndarray:
    """The middle of an image (H, W, C), at most `SHOWN` pixels high and wide."""
    starts = [max(0, (side - SHOWN) // 2) for side in image.shape[:2]]
    rows, columns = (slice(start, start + SHOWN) for start in starts)
    return image[rows, columns]


def _shown(image: np.ndarray) -> np.ndarray:
    """(H, W) or (H, W, 3) of an image (H, W, C), of which the first channels are shown."""
    pixels = np.asarray(image, np.float32)
    return np.clip(pixels[..., :3], 0, 1) if pixels.shape[-1] >= 3 else pixels[..., 0]
