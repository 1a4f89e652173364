"""Which pages of a TIFF file are its image: one series, or the file is refused."""

import logging
import math
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from xml.etree import ElementTree

from denoising.formats.base import refuse

if TYPE_CHECKING:
    import tifffile

# kinds of series whose smaller levels are known to be copies, also where no page says so
PYRAMIDS = ("svs", "ndpi", "scn", "qpi", "bif", "philips", "avs", "ome")
# tags of size, sample layout, compression, colour, strips and tiles
LAYOUT = (256, 257, 258, 259, 262, 266, 277, 278, 284, 317, 322, 323, 338, 339)
TYPE_SIZES = dict(enumerate((1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4), 1)) | {16: 8, 17: 8, 18: 8}
_quiet = logging.NullHandler()


def silence() -> None:
    """Keep what tifffile logs off the terminal; what matters of it is an error here."""
    logging.getLogger("tifffile").addHandler(_quiet)


def only_series(tiff: "tifffile.TiffFile", path: Path) -> "tifffile.TiffPageSeries":
    """The one series of pages in a file, beside reduced copies of it.

    Raises
    ------
    InputError
        If there are several, or pages that belong to none or are missing.
    """
    if not len(tiff.pages):
        refuse(path, "not a whole TIFF file (its first page is missing)")
    if not _chain_ends(tiff):
        refuse(path, f"not a whole TIFF file (it breaks off after page {len(tiff.pages)})")
    every = tiff.series
    series = [one for one in every if not one.keyframe.is_reduced] or every[:1]
    for one in series:
        copies = [level.keyframe for level in one.levels[1:]]
        if one.kind not in PYRAMIDS and any(not (p.is_reduced or p.is_subifd) for p in copies):
            series = [one, *one.levels[1:]]
    if len(series) != 1:
        kinds = "; ".join(f"{_size(one)} of {one.dtype}" for one in series[:3])
        more = "; ..." if len(series) > 3 else ""
        refuse(
            path,
            f"{len(series)} images of different kinds ({kinds}{more}); should hold one image, "
            "or one stack of pages of one size and type",
        )
    _all_there(tiff, series[0], path)
    levels = [level for one in every for level in one.levels]
    known = sum(math.prod(one.shape) // math.prod(one.keyframe.shape) for one in levels)
    if known < len(tiff.pages):
        refuse(path, f"has {len(tiff.pages)} pages, but its metadata tell of {known}")
    return series[0]


def _size(series: "tifffile.TiffPageSeries") -> str:
    return " x ".join(map(str, series.shape))


def _chain_ends(tiff: "tifffile.TiffFile") -> bool:
    """Does each page lead to the next, up to one that says it is the last?"""
    offset = tiff.pages[len(tiff.pages) - 1].offset
    if offset is None:  # a page that is not in the chain
        return True
    form, file = tiff.tiff, tiff.filehandle
    file.seek(offset)
    (tags,) = struct.unpack(form.tagnoformat, file.read(form.tagnosize))
    file.seek(tags * form.tagsize, 1)
    after = file.read(form.offsetsize)
    return len(after) == form.offsetsize and struct.unpack(form.offsetformat, after)[0] == 0


def _all_there(tiff: "tifffile.TiffFile", series: "tifffile.TiffPageSeries", path: Path) -> None:
    """Refuse a file that lacks pages, or ends before the pixels of one."""
    if tiff.is_imagej and series.kind not in ("imagej", "ome"):
        refuse(path, "not a whole TIFF file (ImageJ's metadata tell of more than it has)")
    pages = [series[number] for number in range(len(series))]
    if missing := sum(page is None for page in pages):
        refuse(path, f"lacks {missing} of the {len(pages)} pages that its metadata tell of")
    plain = series.keyframe.is_final
    first = None
    for number, page in enumerate(pages, 1):
        assert page is not None
        end = 0
        if plain and page.dataoffsets:
            end = page.dataoffsets[0] + page.nbytes
        elif page.databytecounts:
            end = max(map(sum, zip(page.dataoffsets, page.databytecounts, strict=False)))
        if page.offset is not None and not tiff.tiff.is_ndpi:  # whose tags are laid out otherwise
            layout, tags_end = _layout(tiff, page.offset)
            end = max(end, tags_end)
            first = first or layout
            if layout != first:
                refuse(path, f"page {number} is stored otherwise than page 1; all should be alike")
        if end > tiff.filehandle.size:
            refuse(path, f"not a whole TIFF file (it ends within page {number})")
    offset = series.dataoffset
    if offset is not None and offset + series.nbytes > tiff.filehandle.size:
        refuse(path, "not a whole TIFF file (it ends within its pixels)")


def _layout(tiff: "tifffile.TiffFile", offset: int) -> tuple[dict[int, int], int]:
    """Numbers in a page's tags that say how it is stored, and where the last tag's value ends."""
    form, file = tiff.tiff, tiff.filehandle
    file.seek(offset)
    (count,) = struct.unpack(form.tagnoformat, file.read(form.tagnosize))
    content = file.read(count * form.tagsize)
    inline = form.offsetsize
    order: Literal["little", "big"] = "little" if form.byteorder == "<" else "big"
    found, end = {}, 0
    for place in range(0, len(content), form.tagsize):
        entry = content[place : place + form.tagsize]
        code, kind = struct.unpack_from(form.byteorder + "HH", entry)
        many = int.from_bytes(entry[4:-inline], order)
        size = TYPE_SIZES.get(kind, 0) * many
        if size > inline:
            end = max(end, int.from_bytes(entry[-inline:], order) + size)
        elif code in LAYOUT:
            found[code] = int.from_bytes(entry[-inline:][:size], order)
    return found, end


def ome_pixels(tiff: "tifffile.TiffFile") -> dict[str, str]:
    """Attributes of the first image's pixels in OME metadata; none without such metadata."""
    if not tiff.is_ome or tiff.ome_metadata is None:
        return {}
    root = ElementTree.fromstring(tiff.ome_metadata)
    element = next((one for one in root.iter() if one.tag.endswith("}Pixels")), None)
    return {} if element is None else dict(element.attrib)
