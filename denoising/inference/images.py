"""Image files of any kind and size: read, denoised in tiles, written.

Limits are checked before anything is decoded.
"""

import io
import math
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from denoising.networks.base import receptive_radius, size_multiple

if TYPE_CHECKING:
    import keras

warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the limits here are lower

FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "GIF", "WEBP")
TILE, OVERLAP = 256, 32  # pixels; tiles overlap by more where a network sees further
# pixels, the side of a digit: images are padded to its multiples, since TensorFlow compiles the
# network once for each size
SIZES = 28
FAR = 20  # times white; pixel values of floating point are below, also with strong noise


class ImageError(ValueError):
    """The content is not an image that can be read; the message is one line."""


class TooLarge(ImageError):
    """The image has more pixels than are allowed."""


def read(content: bytes, max_pixels: int, white: float | None = None) -> np.ndarray:
    """A grey image from the bytes of an image file.

    Parameters
    ----------
    max_pixels : int
        Larger images are refused from what their header says, before they are decoded.
    white : float, optional
        The value in a grey file that means white. None: 255 of 8 bits, 65535 of 16 and 32 bits, 1
        of floating point.

    Returns
    -------
    ndarray (H, W, 1) float32
        On the scale [0, 1]; only files of floating point may go beyond it. Colour becomes luma,
        transparent pixels are laid on white, and an animation is read as its first frame.

    Raises
    ------
    ImageError
        If it is not a whole image of one of `FORMATS`, or too large.
    """
    try:
        image: Image.Image = Image.open(io.BytesIO(content), formats=FORMATS)
        width, height = image.size
        if width * height > max_pixels:
            raise TooLarge(
                f"image of {width} x {height} pixels: at most {max_pixels:,} pixels are allowed"
            )
        image = ImageOps.exif_transpose(image)
        return _grey(image, white)[..., None]
    except ImageError:
        raise
    except Image.DecompressionBombError:
        raise TooLarge(
            f"image of far more than the {max_pixels:,} pixels that are allowed"
        ) from None
    except UnidentifiedImageError:
        raise ImageError(f"not an image: should be one of {', '.join(FORMATS)}") from None
    # a damaged file makes Pillow's decoders raise nearly anything
    except Exception as error:
        raise ImageError(f"not a whole image ({type(error).__name__})") from None


def _grey(image: Image.Image, white: float | None) -> np.ndarray:
    """(H, W) float32."""
    if image.mode.startswith("I;16"):
        return np.asarray(image, np.float32) / np.float32(white or 65535)
    if image.mode in ("I", "F"):
        pixels = np.asarray(image, np.float32) / np.float32(
            white or (65535 if image.mode == "I" else 1)
        )
        if not np.isfinite(pixels).all():
            raise ImageError("image holds values that are not finite")
        if np.abs(pixels).max(initial=0) > FAR:
            raise ImageError(
                f"values up to {np.abs(pixels).max():.6g} times white; should be near [0, 1]"
            )
        return pixels
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return np.asarray(image.convert("L"), np.float32) / np.float32(white or 255)


def png(pixels: np.ndarray) -> bytes:
    """Bytes of an 8-bit grey PNG of (H, W, 1) pixel values, which are clipped to [0, 1]."""
    content = io.BytesIO()
    grey = np.round(np.clip(pixels[..., 0], 0, 1) * 255).astype(np.uint8)
    Image.fromarray(grey).save(content, "PNG")
    return content.getvalue()


def denoise(
    model: "keras.Model",
    image: np.ndarray,
    predict: Callable[[np.ndarray], np.ndarray],
    multiple: int = SIZES,
) -> np.ndarray:
    """Denoise one image of any size, in tiles if it is large.

    Image and tiles are padded by mirroring to a size that the network accepts.

    Parameters
    ----------
    model : keras.Model
        Its pooling says what height and width must be multiples of.
    image : ndarray (H, W, C) float32
    predict : callable
        From (1, H, W, C) to (1, H, W, C), such as `model.predict_on_batch`.
    multiple : int
        Height and width that `predict` sees are multiples of this, too; see `SIZES`.

    Returns
    -------
    ndarray (H, W, C) float32, not clipped
    """
    multiple = math.lcm(size_multiple(model), multiple)
    height, width, _ = image.shape
    overlap = max(OVERLAP, -(-receptive_radius(model) // multiple) * multiple)
    if height <= TILE + 2 * overlap and width <= TILE + 2 * overlap:
        return _padded(image, multiple, predict)
    result = np.empty_like(image)
    for top in range(0, height, TILE):
        for left in range(0, width, TILE):
            above, before = min(top, overlap), min(left, overlap)
            rows = slice(top - above, top + TILE + overlap)
            columns = slice(left - before, left + TILE + overlap)
            done = _padded(image[rows, columns], multiple, predict)
            own = result[top : top + TILE, left : left + TILE]
            own[...] = done[above : above + own.shape[0], before : before + own.shape[1]]
    return result


def _padded(
    image: np.ndarray, multiple: int, predict: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    height, width, _ = image.shape
    margins = [(0, -height % multiple), (0, -width % multiple), (0, 0)]
    return predict(np.pad(image, margins, mode="symmetric")[None])[0, :height, :width]
