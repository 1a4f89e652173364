"""Small images from bytes of strangers, as the demo gets them, and bytes of PNG.

Limits are checked before anything is decoded.
"""

import io
import warnings

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from denoising.formats.levels import FAR

warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the limits here are lower

FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "GIF", "WEBP")


class ImageError(ValueError):
    """The content is not an image that can be read; the message is one line."""


class TooLarge(ImageError):
    """The image has more pixels than are allowed."""


def read(content: bytes, max_pixels: int, channels: int = 1) -> np.ndarray:
    """An image from the bytes of an image file.

    Parameters
    ----------
    max_pixels : int
        Larger images are refused from what their header says, before they are decoded.
    channels : {1, 3}
        1: colour becomes luma; 3: grey becomes three equal channels.

    Returns
    -------
    ndarray (H, W, channels) float32
        On the scale [0, 1]; only files of floating point may go beyond it. White is 255 of 8 bits,
        65535 of 16 and 32 bits, 1 of floating point. Transparent pixels are laid on white, and an
        animation is read as its first frame.

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
        pixels = _pixels(ImageOps.exif_transpose(image), "RGB" if channels == 3 else "L")
        return np.repeat(pixels, channels // pixels.shape[-1], axis=-1)
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


def _pixels(image: Image.Image, mode: str) -> np.ndarray:
    """(H, W, C) float32: of 8 bits in a mode of Pillow, of more bits grey as they are."""
    if image.mode.startswith("I;16"):
        return np.asarray(image, np.float32)[..., None] / np.float32(65535)
    if image.mode in ("I", "F"):
        pixels = np.asarray(image, np.float32) / np.float32(65535 if image.mode == "I" else 1)
        if not np.isfinite(pixels).all():
            raise ImageError("image holds values that are not finite")
        if np.abs(pixels).max(initial=0) > FAR:
            raise ImageError(
                f"values up to {np.abs(pixels).max():.6g} times white; should be near [0, 1]"
            )
        return pixels[..., None]
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    pixels = np.asarray(image.convert(mode), np.float32) / np.float32(255)
    return pixels.reshape(*pixels.shape[:2], -1)


def png(pixels: np.ndarray) -> bytes:
    """Bytes of an 8-bit PNG of pixel values (H, W, 1 or 3), which are clipped to [0, 1]."""
    content = io.BytesIO()
    whole = np.round(np.clip(pixels, 0, 1) * 255).astype(np.uint8)
    Image.fromarray(whole[..., 0] if whole.shape[-1] == 1 else whole).save(content, "PNG")
    return content.getvalue()
