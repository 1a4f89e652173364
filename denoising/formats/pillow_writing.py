"""Write PNG, JPEG, BMP, GIF and WebP with what the file that was read says beside its pixels.

WebP is written lossless, JPEG of quality 95 without reduced colours. PNG gets all chunks of the
old file that still hold. Pixels were turned upright when they were read, and metadata say so.
"""

import re
import struct
import zlib
from typing import Any

import numpy as np

from denoising.formats.base import ImageFile, refuse
from denoising.formats.pillow_files import ORIENTATION, PillowFile, png_chunks
from denoising.formats.writing import ADVICE, Writer

QUALITY = 95  # of JPEG
# chunks of a PNG that are about its old pixels: transparency, background, histogram, animation
STALE = (b"tRNS", b"bKGD", b"hIST", b"acTL", b"fcTL", b"fdAT")
KEPT = ("icc_profile", "exif", "xmp", "dpi", "comment")  # by Pillow, in the other formats


class PillowWriter(Writer):
    """An image file of one page."""

    def _start(self, source: ImageFile | None) -> None:
        header = self.header
        if header.format == "GIF" and header.channels == 3:
            refuse(header.path, f"GIF files cannot hold all colours; {ADVICE}")
        self._chunks: list[tuple[bytes, bytes]] = []
        self._options: dict[str, Any] = {}
        if header.format == "JPEG":
            self._options = {"quality": QUALITY, "subsampling": 0}
        elif header.format == "WebP":
            # the fastest method, of least memory; files are a few percent larger
            self._options = {"lossless": True, "method": 0}
        if isinstance(source, PillowFile):
            if header.format == "PNG":
                self._chunks = _chunks(source)
            else:
                self._options |= _options(source)

    def _write(self, page: int, pixels: np.ndarray) -> None:
        from PIL import Image

        flat = pixels[..., 0] if self.header.channels == 1 else pixels
        flat = np.ascontiguousarray(flat)
        if self.header.format == "PNG":
            self._write_png(flat)
            return
        Image.fromarray(flat).save(self.temporary, self.header.format, **self._options)

    def _write_png(self, pixels: np.ndarray) -> None:
        import imagecodecs

        content = imagecodecs.png_encode(pixels)
        first = 8 + 25  # the signature, the header's chunk
        with open(self.temporary, "wb") as file:
            file.write(content[:first])
            for kind, body in self._chunks:
                checksum = zlib.crc32(kind + body)
                file.write(struct.pack(">I", len(body)) + kind + body)
                file.write(struct.pack(">I", checksum))
            file.write(content[first:])


def _options(source: PillowFile) -> dict[str, Any]:
    """What Pillow is to keep of an old file."""
    options = {name: value for name, value in source.image.info.items() if name in KEPT}
    if "exif" in options:
        options["exif"] = upright(options["exif"])
    if "xmp" in options:
        options["xmp"] = _upright_xmp(options["xmp"])
    return options


def _chunks(source: PillowFile) -> list[tuple[bytes, bytes]]:
    """Chunks of an old PNG that hold for the new one."""
    channels = source.header.channels
    kept = []
    for kind, body in png_chunks(source.header.path):
        if kind[:1].isupper() or kind in STALE:
            continue
        if kind == b"sBIT":
            body = body[:channels]
        if source.orientation != 1:
            if body.startswith(b"Raw profile type"):  # may say how to turn it, compressed
                continue
            body = upright(body) if kind == b"eXIf" else _upright_xmp(body)
        kept.append((kind, body))
    return kept


def _upright_xmp(content: bytes) -> bytes:
    return re.sub(rb"(tiff:Orientation(?:=[\"']|>))\d", rb"\g<1>1", content)


def upright(exif: bytes) -> bytes:
    """EXIF data that say that the image is not turned, and all else that they said."""
    start = 6 if exif.startswith(b"Exif\0\0") else 0
    order = {b"II": "<", b"MM": ">"}.get(exif[start : start + 2])
    if order is None or len(exif) < start + 10:
        return exif
    content = bytearray(exif)
    (place,) = struct.unpack_from(f"{order}I", content, start + 4)
    place += start
    if place + 2 > len(content):
        return exif
    (entries,) = struct.unpack_from(f"{order}H", content, place)
    for entry in range(place + 2, min(place + 2 + 12 * entries, len(content) - 11), 12):
        if struct.unpack_from(f"{order}H", content, entry)[0] == ORIENTATION:
            struct.pack_into(f"{order}H", content, entry + 8, 1)
    return bytes(content)
