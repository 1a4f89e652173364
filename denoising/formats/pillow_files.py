"""PNG, JPEG, BMP, GIF and WebP: decoded by Pillow, whole pages at a time; frames are pages.

Palettes become colour, or grey if all their entries are grey. PNG of 16 bits in colour is decoded
by imagecodecs, since Pillow would keep 8 bits of it. A PNG with fewer bits than 8 is scaled to 8.
What an EXIF tag says about the camera's orientation is applied.
"""

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from denoising.formats.base import (
    Header,
    PagewiseFile,
    opaque,
    refuse,
    refusing,
    turned,
    white_by_type,
)

if TYPE_CHECKING:
    from PIL import Image

ORIENTATION = 0x0112  # EXIF
PNG_COLOUR = (2, 6)  # colour types of a PNG: without and with alpha
CHANNELS = {"1": 1, "L": 1, "LA": 1, "I;16": 1, "I;16B": 1} | dict.fromkeys(
    ("RGB", "RGBA", "RGBX"), 3
)
_limit = threading.Lock()


class PillowFile(PagewiseFile):
    """An image file that Pillow opens."""

    def __init__(self, path: Path, kind: str) -> None:
        from PIL import Image

        bits, self._colour_type = _png_kind(path) if kind == "PNG" else (8, 0)
        self._sixteen = bits == 16
        if kind == "GIF" and not _has_trailer(path):
            refuse(path, "not a whole GIF file (its end is missing)")
        with refusing(path, kind), no_pixel_limit():
            self.image = Image.open(path, formats=(kind,))
        try:
            with refusing(path, kind):
                self.header = self._header(path, kind)
        except BaseException:
            self.image.close()
            raise

    def _header(self, path: Path, kind: str) -> Header:
        self.frames = _frames(self.image)
        self.orientation = _orientation(self.image)
        if self._sixteen and len(self.frames) > 1:
            refuse(path, "an animated PNG of 16 bits; save its frames as a TIFF stack")
        channels = self._channels(path)
        sides = self.image.size if self.orientation >= 5 else self.image.size[::-1]
        dtype = np.dtype(np.uint16 if self._sixteen else np.uint8)
        white, white_from = white_by_type(dtype)
        if self._sixteen and has_sbit(path):
            # with this chunk, PNG wants values to be scaled to all 16 bits
            white, white_from = 65535.0, "sBIT"
        return Header(path, kind, len(self.frames), *sides, channels, dtype, white, white_from)

    def _channels(self, path: Path) -> int:
        image = self.image
        if self._sixteen:  # Pillow would call grey with alpha a colour
            return 3 if self._colour_type in PNG_COLOUR else 1
        if image.mode in ("P", "PA") or (image.format == "GIF" and len(self.frames) > 1):
            with no_pixel_limit():
                return 1 if _grey(image, self.frames) else 3
        if image.mode not in CHANNELS:
            many = len(image.getbands())
            refuse(path, f"{many} channels ({image.mode}); should be grey or red, green, blue")
        return CHANNELS[image.mode]

    def _page(self, page: int) -> np.ndarray:
        header = self.header
        if self._sixteen:
            pixels = _sixteen_bits(header.path)
        else:
            with no_pixel_limit():
                self.image.seek(self.frames[page])
            pixels = _eight_bits(self.image, header)
        return turned(pixels, self.orientation)

    def close(self) -> None:
        """Close the file."""
        super().close()
        self.image.close()


@contextlib.contextmanager
def no_pixel_limit() -> Iterator[None]:
    """Let Pillow open images of any size: whoever gives an image here wants it read."""
    from PIL import Image

    with _limit:
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = limit


def _has_trailer(path: Path) -> bool:
    """Does a GIF end as one should? Else frames may be missing, which Pillow would not notice."""
    with open(path, "rb") as file:
        file.seek(-min(path.stat().st_size, 1024), 2)
        return file.read().rstrip(b"\0").endswith(b";")


def _png_kind(path: Path) -> tuple[int, int]:
    """Bit depth and colour type of a PNG; 0 where it breaks off before."""
    with open(path, "rb") as file:
        bits, colour = (file.read(26) + bytes(26))[24:26]
    return bits, colour


def has_sbit(path: Path) -> bool:
    """Has a PNG the chunk that says how many of its bits are significant?"""
    return any(kind == b"sBIT" for kind, _ in png_chunks(path))


def png_chunks(path: Path) -> Iterator[tuple[bytes, bytes]]:
    """Kinds and contents of a PNG's chunks, but for those of pixels."""
    with open(path, "rb") as file:
        file.seek(8)
        while len(head := file.read(8)) == 8 and head[4:] != b"IEND":
            size = int.from_bytes(head[:4], "big")
            if head[4:] in (b"IDAT", b"fdAT"):
                file.seek(size, 1)
            else:
                yield head[4:], file.read(size)
            file.seek(4, 1)  # the checksum


def _frames(image: "Image.Image") -> list[int]:
    """Numbers of the frames that are pages.

    A JPEG may hold pictures beside its own: previews, and brightness maps. Only views of the same
    scene, as stereo cameras take them, are pages.
    """
    if image.format != "MPO":
        return list(range(getattr(image, "n_frames", 1)))
    entries = image.mpinfo[0xB002]  # type: ignore[attr-defined]
    views = ["Multi-Frame" in one["Attribute"]["MPType"] for one in entries]
    return [number for number, view in enumerate(views) if view or number == 0]


def _orientation(image: "Image.Image") -> int:
    """From 1 to 8."""
    orientation = image.getexif().get(ORIENTATION, 1)
    return orientation if orientation in range(1, 9) else 1


def _grey(image: "Image.Image", frames: list[int]) -> bool:
    """Are all palettes, or the frames that Pillow has composed from them, grey?"""
    for frame in frames:
        image.seek(frame)
        if image.mode in ("P", "PA"):
            assert image.palette is not None
            image.load()
            colours = np.array(image.getpalette(), np.uint8).reshape(-1, 3)
        elif image.mode in ("RGB", "RGBA"):
            colours = np.asarray(image)[..., :3].reshape(-1, 3)
        else:
            continue
        if (colours != colours[:, :1]).any():
            return False
    return True


def _eight_bits(image: "Image.Image", header: Header) -> np.ndarray:
    """Pixels of the frame that is chosen: (H, W, C) uint8."""
    image.load()
    alpha = image.has_transparency_data
    # grey palettes go by way of colour, so that no entry is rounded
    mode = "LA" if alpha and image.mode in ("1", "L", "LA") else "L"
    if image.mode not in ("1", "L", "LA"):
        mode = "RGBA" if alpha else "RGB"
    pixels = np.asarray(image if image.mode == mode else image.convert(mode))
    pixels = pixels.reshape(*pixels.shape[:2], -1)
    if alpha:
        pixels = opaque(pixels, header.path, 255)
    return (
        pixels[..., :1] if header.channels == 1 else np.broadcast_to(pixels, (*pixels.shape[:2], 3))
    )


def _sixteen_bits(path: Path) -> np.ndarray:
    """Pixels of a PNG of 16 bits: (H, W, C) uint16."""
    import imagecodecs

    pixels = imagecodecs.png_decode(path.read_bytes())
    pixels = pixels.reshape(*pixels.shape[:2], -1)
    return opaque(pixels, path, 65535) if pixels.shape[2] in (2, 4) else pixels
