"""Which pages of a TIFF file are its image: one series, or the file is refused."""

import logging
import math
import struct
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from denoising.formats.base import refuse

if TYPE_CHECKING:
    import tifffile

# kinds of series whose smaller levels are known to be copies, also where no page says so
PYRAMIDS = ("svs", "ndpi", "scn", "qpi", "bif", "philips", "avs", "ome")
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
    size = tiff.filehandle.size
    if series.dataoffset is not None:
        ends = [series.dataoffset + series.nbytes]
    else:
        pages = [series[number] for number in range(len(series))]
        if missing := sum(page is None for page in pages):
            refuse(path, f"lacks {missing} of the {len(pages)} pages that its metadata tell of")
        plain = series.keyframe.is_final
        ends = [
            page.dataoffsets[0] + page.nbytes
            if plain
            else max(map(sum, zip(page.dataoffsets, page.databytecounts, strict=False)), default=0)
            for page in pages
            if page is not None
        ]
    for number, end in enumerate(ends, 1):
        if end > size:
            refuse(path, f"not a whole TIFF file (it ends within page {number})")


def ome_pixels(tiff: "tifffile.TiffFile") -> dict[str, str]:
    """Attributes of the first image's pixels in OME metadata; none without such metadata."""
    if not tiff.is_ome or tiff.ome_metadata is None:
        return {}
    root = ElementTree.fromstring(tiff.ome_metadata)
    element = next((one for one in root.iter() if one.tag.endswith("}Pixels")), None)
    return {} if element is None else dict(element.attrib)
