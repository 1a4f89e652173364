"""Open an image file of any format. What it contains decides, not its name."""

import os
import stat
from pathlib import Path

from denoising.files import PathLike
from denoising.formats.base import ImageFile, refuse

ZARR = ".zarr"  # a folder that is one image
ENDINGS = {  # of each format's file names; the first is the usual one
    "PNG": (".png", ".apng"),
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"),
    "BMP": (".bmp", ".dib"),
    "GIF": (".gif",),
    "WebP": (".webp",),
    "TIFF": (".tif", ".tiff", ".btf", ".tf8"),
    "NumPy": (".npy",),
    "DICOM": (".dcm", ".dicom", ".ima"),
    "Zarr": (ZARR,),
}
SUFFIXES = frozenset(ending for endings in ENDINGS.values() for ending in endings)
# what the user may call the formats: by name, or by the usual ending
CALLED = {name.lower(): name for name in ENDINGS} | {
    endings[0][1:]: name for name, endings in ENDINGS.items()
}
PILLOW = {
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"BM": "BMP",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
}
TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
ZARR_METADATA = ("zarr.json", ".zarray", ".zgroup")


def is_image(path: PathLike) -> bool:
    """Does a name promise an image: a file, or a .zarr folder? Hidden names do not."""
    path = Path(path)
    if path.name.startswith(".") or path.suffix.lower() not in SUFFIXES:
        return False
    return path.is_dir() == (path.suffix.lower() == ZARR)


def is_zarr(path: PathLike) -> bool:
    """Is a folder a Zarr image, or one that Zarr says more of?"""
    return any(Path(path, name).is_file() for name in ZARR_METADATA)


def open_image(path: PathLike) -> ImageFile:
    """Open an image file, or a Zarr folder.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    ImageFile
        To be closed. Pixels are decoded only when they are read, so that a file which is damaged
        in the middle may be refused only then.

    Raises
    ------
    InputError
        If it is no readable image, or one that cannot be held without dropping something: other
        than 1 or 3 channels, pages of different sizes, values of other types.
    """
    path = Path(path)
    try:
        kind = path.stat().st_mode
        if stat.S_ISDIR(kind):
            if is_zarr(path):
                from denoising.formats.zarr_files import ZarrFile

                return ZarrFile(path)
            refuse(path, "is a folder, and no Zarr image")
        if not stat.S_ISREG(kind):
            refuse(path, "is neither a file nor a folder")
        with open(path, "rb") as file:
            start = file.read(132)
    except (OSError, ValueError) as error:  # ValueError: a name with a null byte
        missing = isinstance(error, FileNotFoundError)
        reason = "is a link to nothing" if missing and os.path.islink(path) else ""  # noqa: PTH114
        refuse(path, reason or getattr(error, "strerror", "") or str(error))
    return _by_content(path, start)


def _by_content(path: Path, start: bytes) -> ImageFile:
    """Open a file that starts with these bytes."""
    if not start:
        refuse(path, "is empty")
    if start[:4] in TIFF:
        from denoising.formats.tiff import TiffFile

        return TiffFile(path)
    if start.startswith(b"\x93NUMPY"):
        from denoising.formats.numpy_files import NumpyFile

        return NumpyFile(path)
    if start[128:] == b"DICM" or path.suffix.lower() in ENDINGS["DICOM"]:
        from denoising.formats.dicom import DicomFile

        return DicomFile(path)
    webp = start[:4] == b"RIFF" and start[8:12] == b"WEBP"
    name = "WebP" if webp else next((PILLOW[one] for one in PILLOW if start.startswith(one)), "")
    if not name:
        refuse(path, f"is no image that can be read; should be one of {', '.join(ENDINGS)}")
    from denoising.formats.pillow_files import PillowFile

    return PillowFile(path, name)
