"""Image files of people: every format read as it is, lazily, or refused in one line."""

import contextlib
import os
import re
import socket
import tracemalloc

import imagecodecs
import numpy as np
import pydicom
import pytest
import tifffile
import zarr
from PIL import Image
from pydicom import uid
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate

from denoising.files import InputError
from denoising.formats.base import turned
from denoising.formats.opening import is_image, open_image

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (20, 30), np.uint8)
COLOUR = RNG.integers(0, 256, (20, 30, 3), np.uint8)
DEEP = RNG.integers(0, 65536, (20, 30), np.uint16)
STACK = RNG.integers(0, 4096, (5, 20, 30), np.uint16)


def everything(path):
    """Header and all pixels, after bands of rows were compared with whole pages."""
    with open_image(path) as image:
        header = image.header
        pages = np.stack([image.read(page) for page in range(header.pages)])
        assert pages.shape == (header.pages, *header.shape)
        assert pages.dtype == header.dtype
        for page, whole in enumerate(pages):
            for rows in (slice(3, 9), slice(0, 1), slice(header.height - 2, None), slice(5, 5)):
                np.testing.assert_array_equal(image.read(page, rows), whole[rows])
    return header, pages


def read(path):
    return np.squeeze(everything(path)[1])


def refused(path, match):
    with pytest.raises(InputError, match=match) as error:
        everything(path)
    assert "\n" not in str(error.value)
    return str(error.value)


def save(path, pixels, **options):
    Image.fromarray(pixels).save(path, **options)
    return path


# what Pillow reads


@pytest.mark.parametrize("end", ["png", "bmp", "gif", "tif"])
def test_grey_of_eight_bits_is_read_as_it_is(tmp_path, end):
    header, pixels = everything(save(tmp_path / f"a.{end}", GREY))
    assert (header.channels, header.white, header.white_from) == (1, 255, "8 bits")
    np.testing.assert_array_equal(pixels[0, ..., 0], GREY)


@pytest.mark.parametrize(("end", "options"), [("png", {}), ("bmp", {}), ("webp", {"lossless": 1})])
def test_colour_is_read_as_it_is(tmp_path, end, options):
    np.testing.assert_array_equal(read(save(tmp_path / f"a.{end}", COLOUR, **options)), COLOUR)


def test_jpeg_is_read(tmp_path):
    flat = np.full((20, 30, 3), (200, 100, 50), np.uint8)
    header, pixels = everything(save(tmp_path / "a.jpg", flat, quality=100))
    assert header.format == "JPEG"
    assert np.abs(pixels[0].astype(int) - flat).max() <= 2


@pytest.mark.parametrize("pixels", [DEEP, RNG.integers(0, 65536, (20, 30, 3), np.uint16)])
def test_png_keeps_sixteen_bits(tmp_path, pixels):
    path = tmp_path / "a.png"
    path.write_bytes(imagecodecs.png_encode(pixels))
    header, found = everything(path)
    assert (header.dtype, header.white) == (np.uint16, None)
    np.testing.assert_array_equal(np.squeeze(found), pixels)


def test_one_bit_becomes_black_and_white(tmp_path):
    bits = GREY > 128
    expected = np.where(bits, 255, 0)
    for end in ("png", "bmp", "tif"):
        np.testing.assert_array_equal(read(save(tmp_path / f"a.{end}", bits)), expected)
    np.save(tmp_path / "a.npy", bits)
    np.testing.assert_array_equal(read(tmp_path / "a.npy"), expected)


@pytest.mark.parametrize("end", ["png", "gif", "bmp", "tif"])
def test_palettes_become_colour_unless_they_are_grey(tmp_path, end):
    image = Image.fromarray(COLOUR).quantize(20)
    image.save(tmp_path / f"a.{end}")
    np.testing.assert_array_equal(read(tmp_path / f"a.{end}"), np.asarray(image.convert("RGB")))
    grey = Image.fromarray(GREY // 16)
    grey.putpalette([level for level in range(255, -1, -17) for _ in range(3)])
    grey.save(tmp_path / f"g.{end}")
    header, pixels = everything(tmp_path / f"g.{end}")
    assert header.channels == 1
    np.testing.assert_array_equal(pixels[0, ..., 0], 255 - GREY // 16 * 17)


@pytest.mark.parametrize("end", ["png", "gif", "webp"])
def test_frames_are_pages(tmp_path, end):
    frames = [Image.fromarray(one) for one in (COLOUR // 64 * 64, 255 - COLOUR // 64 * 64)]
    options = {"lossless": True} if end == "webp" else {}
    path = tmp_path / f"a.{end}"
    frames[0].save(path, save_all=True, append_images=frames[1:], **options)
    header, pixels = everything(path)
    assert (header.pages, header.channels) == (2, 3)
    np.testing.assert_array_equal(pixels, np.stack(list(map(np.asarray, frames))))


def test_a_grey_animation_is_grey(tmp_path):
    frames = [Image.fromarray(one) for one in (GREY, 255 - GREY)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    np.testing.assert_array_equal(read(tmp_path / "a.gif"), np.stack([GREY, 255 - GREY]))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied(tmp_path, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    upright = turned(GREY[..., None], orientation)[..., 0]
    np.testing.assert_array_equal(read(save(tmp_path / "a.png", GREY, exif=exif)), upright)
    path = tmp_path / "a.tif"
    for options in ({}, {"tile": (16, 16)}, {"rowsperstrip": 3}):
        tag = (274, 3, 1, orientation, True)
        tifffile.imwrite(path, GREY, extratags=[tag], photometric="minisblack", **options)
        np.testing.assert_array_equal(read(path), upright)


def test_orientation_six_turns_clockwise():
    np.testing.assert_array_equal(turned(GREY[..., None], 6)[..., 0], np.rot90(GREY, -1))
    np.testing.assert_array_equal(turned(GREY[..., None], 8)[..., 0], np.rot90(GREY, 1))


def test_alpha_is_dropped_only_where_it_says_nothing(tmp_path):
    full = np.full_like(GREY, 255)
    seen = full.copy()
    seen[4, 7] = 254
    for alpha, ok in ((full, True), (seen, False)):
        for image in (np.dstack([COLOUR, alpha]), np.dstack([GREY, alpha])):
            wide = image.astype(np.uint16) * 257
            (tmp_path / "deep.png").write_bytes(imagecodecs.png_encode(wide))
            save(tmp_path / "a.png", image)
            kind = "rgb" if image.shape[2] == 4 else "minisblack"
            tifffile.imwrite(
                tmp_path / "a.tif", image, photometric=kind, extrasamples=["unassalpha"]
            )
            for name in ("deep.png", "a.png", "a.tif"):
                if ok:
                    expected = wide if name == "deep.png" else image
                    np.testing.assert_array_equal(
                        everything(tmp_path / name)[1][0], expected[..., :-1]
                    )
                else:
                    refused(tmp_path / name, "transparent pixels")


def test_pixels_of_a_key_colour_are_transparent(tmp_path):
    refused(save(tmp_path / "a.png", GREY, transparency=int(GREY[0, 0])), "transparent")
    few = GREY // 2
    np.testing.assert_array_equal(read(save(tmp_path / "b.png", few, transparency=200)), few)


def test_images_beyond_pillows_limit_are_read(tmp_path, monkeypatch):
    for end in ("png", "webp", "gif"):
        save(tmp_path / f"a.{end}", GREY)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    for end in ("png", "webp", "gif"):
        everything(tmp_path / f"a.{end}")
    assert Image.MAX_IMAGE_PIXELS == 100


# TIFF

KINDS = {
    "plain": {},
    "big endian": {"byteorder": ">"},
    "BigTIFF": {"bigtiff": True},
    "without metadata": {"metadata": None},
    "strips": {"rowsperstrip": 7, "metadata": None},
    "tiles": {"tile": (16, 16)},
    "LZW": {"compression": "lzw", "predictor": True},
    "Deflate, big endian": {"compression": "zlib", "byteorder": ">", "rowsperstrip": 3},
    "Zstandard tiles": {"compression": "zstd", "tile": (16, 32)},
    "LZMA": {"compression": "lzma"},
    "PackBits": {"compression": "packbits"},
    "PNG": {"compression": "png"},
    "LERC": {"compression": "lerc"},
    "JPEG 2000": {"compression": "jpeg2000", "compressionargs": {"reversible": True, "level": 0}},
    "JPEG XL": {"compression": "jpegxl"},
    "one description": {"truncate": True},
}


@pytest.mark.parametrize("name", KINDS)
def test_tiff_stacks_of_every_layout(tmp_path, name):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, STACK, photometric="minisblack", **KINDS[name])
    header, pixels = everything(path)
    assert (header.pages, header.white) == (5, None)
    np.testing.assert_array_equal(pixels[..., 0], STACK)


@pytest.mark.parametrize("dtype", ["u1", "u2", "i2", "u4", "i4", "f2", "f4", "f8", "i1"])
def test_tiff_of_every_type(tmp_path, dtype):
    pixels = (STACK % 100).astype(dtype)
    for options in ({}, {"compression": "zlib", "predictor": True, "tile": (16, 16)}):
        tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="minisblack", **options)
        header, found = everything(tmp_path / "a.tif")
        assert header.dtype == ("i2" if dtype == "i1" else dtype)
        np.testing.assert_array_equal(found[..., 0], pixels)


def test_colour_in_planes_or_together(tmp_path):
    planes = np.moveaxis(COLOUR, -1, 0)
    for options in ({}, {"tile": (16, 16), "compression": "zlib"}):
        path = tmp_path / "a.tif"
        tifffile.imwrite(path, planes, photometric="rgb", planarconfig="separate", **options)
        np.testing.assert_array_equal(read(path), COLOUR)
        tifffile.imwrite(path, np.stack([COLOUR, 255 - COLOUR]), photometric="rgb", **options)
        np.testing.assert_array_equal(read(path), [COLOUR, 255 - COLOUR])
        tifffile.imwrite(path, planes, photometric="minisblack", **options)
        np.testing.assert_array_equal(read(path), planes)  # of a microscope


def test_jpeg_in_tiff_is_colour(tmp_path):
    flat = np.full((32, 32, 3), (200, 100, 50), np.uint8)
    save(tmp_path / "a.tif", flat, compression="jpeg", quality=95)
    assert np.abs(read(tmp_path / "a.tif").astype(int) - flat).max() <= 5


def test_hyperstacks_become_pages(tmp_path):
    stack = RNG.integers(0, 9, (2, 3, 2, 20, 30)).astype(np.uint16)
    flat = stack.reshape(12, 20, 30)
    imagej = {"axes": "TZCYX", "min": 0.0, "max": 9.0}
    tifffile.imwrite(tmp_path / "ij.tif", stack, imagej=True, metadata=imagej)
    header, pixels = everything(tmp_path / "ij.tif")
    assert header.white is None  # what is displayed as white is not what is white
    np.testing.assert_array_equal(pixels[..., 0], flat)
    path = tmp_path / "o.ome.tif"
    tifffile.imwrite(path, stack, metadata={"axes": "TZCYX"}, photometric="minisblack")
    np.testing.assert_array_equal(read(path), flat)
    tifffile.imwrite(tmp_path / "c.tif", np.stack([COLOUR] * 4), imagej=True)
    np.testing.assert_array_equal(read(tmp_path / "c.tif"), [COLOUR] * 4)


def test_unnamed_axes_of_one_step_are_passed_over(tmp_path):
    """Also the last, of one channel, or of one column: pages are what the tags say."""
    path = tmp_path / "a.tif"
    for shape, stored in (
        ((12, 5, 1), (1, 12, 5)),
        ((12, 1, 1), (1, 12, 1)),
        ((1, 5, 1), (1, 1, 5)),
        ((2, 12, 5, 1), (2, 12, 5)),
        ((12, 5, 1, 1), (1, 12, 5)),
    ):
        pixels = RNG.integers(0, 4096, shape, np.uint16)
        for options in ({}, {"compression": "zlib"}):
            tifffile.imwrite(path, pixels, photometric="minisblack", **options)
            with open_image(path) as image:
                found = np.stack(list(image.bands()))
            np.testing.assert_array_equal(found, pixels.reshape(*stored, 1))
    for shape in ((12, 5, 1), (12, 1, 5), (12, 1, 1)):
        pixels = RNG.integers(0, 4096, shape, np.uint16)
        tifffile.imwrite(path, pixels, photometric="minisblack", metadata=None)
        with open_image(path) as image:
            np.testing.assert_array_equal(np.stack(list(image.bands())), pixels[..., None])
    tifffile.imwrite(path, STACK[..., :1], photometric="minisblack", metadata={"axes": "ZYX"})
    refused(path, "axes ZYX of 5 x 20 x 1 in pages of 5 x 20; should end with rows and columns")


def test_bands_are_all_rows_of_all_pages(tmp_path):
    np.save(tmp_path / "a.npy", STACK)
    with open_image(tmp_path / "a.npy") as image:
        bands = list(image.bands(rows=8))
    assert [len(band) for band in bands] == [8, 8, 4] * 5
    np.testing.assert_array_equal(np.concatenate(bands)[..., 0], STACK.reshape(-1, 30))


def test_tags_say_what_is_white(tmp_path):
    path = tmp_path / "a.ome.tif"

    def white(pixels=STACK, **options):
        tifffile.imwrite(path, pixels, photometric="minisblack", **options)
        header = everything(path)[0]
        return header.white, header.white_from

    assert white(metadata={"axes": "ZYX", "SignificantBits": 12}) == (4095, "SignificantBits")
    assert white(metadata={"axes": "ZYX", "SignificantBits": 16}) == (None, "")
    plain = {"ome": False}
    assert white(**plain, extratags=[(341, 3, 1, 4000, 0)]) == (4000, "SMaxSampleValue")
    assert white(**plain, extratags=[(281, 3, 1, 1023, 0)]) == (1023, "MaxSampleValue")
    assert white(**plain, extratags=[(281, 3, 1, 0, 0)]) == (None, "")
    assert white(**plain, bitspersample=12) == (4095, "BitsPerSample")
    assert white(GREY, **plain, extratags=[(281, 3, 1, 200, 0)]) == (255, "8 bits")
    ramp = STACK.astype(np.float32)
    assert white(ramp, **plain) == (None, "")
    assert white(ramp, **plain, extratags=[(341, 11, 1, 4095.0, 0)]) == (4095, "SMaxSampleValue")


def test_twelve_bits_may_be_packed(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", STACK, photometric="minisblack", bitspersample=12)
    assert (tmp_path / "a.tif").stat().st_size < 1.9 * STACK.size
    np.testing.assert_array_equal(read(tmp_path / "a.tif"), STACK)


def test_where_zero_is_white_values_are_inverted(tmp_path):
    for pixels, white in ((GREY, 255), (DEEP, 65535)):
        tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="miniswhite")
        header, found = everything(tmp_path / "a.tif")
        assert header.white == white
        np.testing.assert_array_equal(found[0, ..., 0], white - pixels)
    tifffile.imwrite(tmp_path / "a.tif", STACK.astype("f4"), photometric="miniswhite")
    refused(tmp_path / "a.tif", "0 should be white")


def test_pages_of_several_kinds_are_refused(tmp_path):
    path = tmp_path / "a.tif"
    for other in (GREY[:10], GREY[::2, ::2], DEEP, COLOUR):
        for options in ({}, {"metadata": None}):
            with tifffile.TiffWriter(path) as file:
                file.write(GREY, **options)
                file.write(other, **options)
            refused(path, r"a\.tif: 2 images of different kinds \(20 x 30 of uint8; ")
    with tifffile.TiffWriter(path) as file:  # one in the midst of many
        for number in range(12):
            file.write(GREY if number != 4 else GREY[:10], metadata=None, contiguous=False)
    refused(path, r"a\.tif: ")


def test_smaller_copies_are_no_pages(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(GREY, metadata=None)
        file.write(GREY[::2, ::2], subfiletype=1, metadata=None)
    np.testing.assert_array_equal(read(tmp_path / "a.tif"), GREY)
    with tifffile.TiffWriter(tmp_path / "b.tif") as file:
        file.write(GREY, subifds=1, tile=(16, 16))
        file.write(GREY[::2, ::2], subfiletype=1, tile=(16, 16))
    np.testing.assert_array_equal(read(tmp_path / "b.tif"), GREY)


def test_each_file_of_a_set_has_its_own_pages(tmp_path):
    """OME metadata may describe planes in other files: those are images of their own."""
    for number in (0, 1):
        tifffile.imwrite(tmp_path / f"{number}.ome.tif", STACK[number], metadata={"axes": "YX"})
    with tifffile.TiffFile(tmp_path / "0.ome.tif") as file:
        text = file.ome_metadata
    there = '<TiffData FirstT="1" IFD="0"><UUID FileName="1.ome.tif">urn:uuid:1</UUID></TiffData>'
    other = text.replace('SizeT="1"', 'SizeT="2"').replace("</Pixels>", there + "</Pixels>")
    assert len(other) > len(text) + 50
    options = {"description": other.encode(), "metadata": None, "photometric": "minisblack"}
    tifffile.imwrite(tmp_path / "0.ome.tif", STACK[0], **options)
    np.testing.assert_array_equal(read(tmp_path / "0.ome.tif"), STACK[0])


def test_what_tiff_cannot_give_as_grey_or_rgb_is_refused(tmp_path):
    path = tmp_path / "a.tif"
    four = np.dstack([COLOUR, GREY])
    tifffile.imwrite(path, four, photometric="separated")
    refused(path, "4 channels")
    tifffile.imwrite(path, four, photometric="rgb", extrasamples=["unspecified"])
    refused(path, "4 channels")
    tifffile.imwrite(path, four[..., :2], photometric="minisblack", planarconfig="contig")
    refused(path, "2 channels")
    tifffile.imwrite(path, COLOUR, photometric="cielab")
    refused(path, "CIELAB")
    tifffile.imwrite(path, STACK.astype(complex), photometric="minisblack")
    refused(path, "complex")
    tifffile.imwrite(path, STACK.astype(np.uint64), photometric="minisblack")
    refused(path, "uint64; should be one of uint8")


def sparse_tiff(path, shape, **options):
    """An uncompressed BigTIFF, of which only the last rows are on the disk."""
    tifffile.imwrite(path, shape=shape, dtype=np.uint16, data=None, bigtiff=True, **options)
    with tifffile.TiffFile(path) as file:
        page = file.pages[len(file.pages) - 1]
        end = page.dataoffsets[-1] + page.databytecounts[-1]
    with open(path, "r+b") as file:
        file.truncate(max(end, path.stat().st_size))
        file.seek(end - 2)
        file.write(b"\x07\0")


@pytest.mark.parametrize("options", [{}, {"tile": (512, 512)}, {"rowsperstrip": 64}])
def test_a_band_of_a_huge_image_is_all_that_is_read(tmp_path, options):
    path = tmp_path / "a.tif"
    side = 8192 if "tile" in options else 30_000  # tiles are written whole
    sparse_tiff(path, (side, side), photometric="minisblack", **options)
    with open_image(path) as image:
        tracemalloc.start()
        band = image.read(0, slice(side - 10, side))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert band.shape == (10, side, 1)
    assert band[-1, -1, 0] == 7
    assert peak < 64e6


def test_a_page_of_a_stack_beyond_four_gigabytes(tmp_path):
    path = tmp_path / "a.tif"
    sparse_tiff(path, (700, 2000, 2000), photometric="minisblack")
    assert path.stat().st_size > 5e9
    with open_image(path) as image:
        assert image.header.pages == 700
        assert image.read(699)[-1, -1, 0] == 7
        assert image.read(350).max() == 0


def test_holes_of_sparse_tiles_are_empty(tmp_path):
    tiles = iter([np.ones((16, 16), np.uint16), None, None, np.ones((16, 16), np.uint16)])
    options = {"tile": (16, 16), "compression": "zlib", "photometric": "minisblack"}
    tifffile.imwrite(tmp_path / "a.tif", tiles, shape=(32, 32), dtype=np.uint16, **options)
    expected = np.kron(np.eye(2), np.ones((16, 16)))
    np.testing.assert_array_equal(read(tmp_path / "a.tif"), expected)


# NumPy


@pytest.mark.parametrize(
    ("pixels", "pages", "channels"),
    [
        (GREY, 1, 1),
        (COLOUR, 1, 3),
        (STACK, 5, 1),
        (STACK[..., None], 5, 1),
        (np.stack([COLOUR, COLOUR]), 2, 3),
        (GREY[..., None], 1, 1),
        (np.asfortranarray(STACK), 5, 1),
        (STACK.astype(">u2"), 5, 1),
        (STACK.astype("f2"), 5, 1),
        (STACK.astype("i1"), 5, 1),
    ],
)
def test_arrays_of_every_layout(tmp_path, pixels, pages, channels):
    np.save(tmp_path / "a.npy", pixels)
    header, found = everything(tmp_path / "a.npy")
    assert (header.pages, header.channels, header.format) == (pages, channels, "NumPy")
    assert header.dtype.isnative
    np.testing.assert_array_equal(np.squeeze(found), np.squeeze(pixels))


def test_arrays_that_are_no_images_are_refused(tmp_path):
    path = tmp_path / "a.npy"
    structured = np.zeros((4, 4), [("a", "u1"), ("b", "f4")])
    for pixels, match in [
        (GREY.astype(int), "int64; should be one of"),
        (GREY.astype(complex), "complex128"),
        (structured, "values of type"),
        (GREY.astype(str), "values of type <U"),
        (GREY.astype("M8[s]"), "values of type datetime64"),
        (STACK[None, None], "1 x 1 x 5 x 20 x 30; should be"),
        (STACK[None], "1 x 5 x 20 x 30; should be"),
        (GREY[0], "an array of 30; should be"),
        (np.float32(3), "a single number"),
        (np.zeros((0, 20), np.uint8), "0 x 20: has no pixels"),
    ]:
        np.save(path, pixels)
        refused(path, match)
    np.save(path, np.array([[None]]), allow_pickle=True)
    refused(path, "not a whole NumPy file")
    np.save(path, GREY)
    path.write_bytes(path.read_bytes() * 2)
    refused(path, "goes on for 728 bytes after its array")


# DICOM


def write_dicom(path, pixels, bits=None, kind="MONOCHROME2", compress=None, **elements):
    """A DICOM file of (H, W), (N, H, W) or colour, as a device might write it."""
    colour = kind.startswith(("RGB", "YBR"))
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = elements.pop("syntax", uid.ExplicitVRLittleEndian)
    data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = uid.CTImageStorage
    data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = uid.generate_uid()
    data.SeriesInstanceUID = uid.generate_uid()
    data.PatientName = "Röntgen^W"
    data.SpecificCharacterSet = "ISO_IR 192"
    frames = pixels if pixels.ndim == (4 if colour else 3) else pixels[None]
    if len(frames) > 1:
        data.NumberOfFrames = len(frames)
    data.Rows, data.Columns = frames.shape[1:3]
    data.SamplesPerPixel = 3 if colour else 1
    if colour:
        data.PlanarConfiguration = 0
    data.PhotometricInterpretation = kind
    data.BitsAllocated = 8 * pixels.itemsize
    if pixels.dtype.kind == "f":
        data.FloatPixelData = pixels.tobytes()
    else:
        data.BitsStored = bits or data.BitsAllocated
        data.HighBit, data.PixelRepresentation = data.BitsStored - 1, int(pixels.dtype.kind == "i")
        packed = encapsulate([compress(one) for one in frames]) if compress else pixels.tobytes()
        data.add_new("PixelData", "OB" if compress or pixels.itemsize == 1 else "OW", packed)
        data["PixelData"].is_undefined_length = bool(compress)
    for name, value in elements.items():
        setattr(data, name, value)
    data.save_as(path, enforce_file_format=True)
    return path


def test_dicom_frames_and_bits(tmp_path):
    header, pixels = everything(write_dicom(tmp_path / "a.dcm", STACK, 12))
    assert (header.pages, header.white, header.white_from) == (5, 4095, "BitsStored")
    np.testing.assert_array_equal(pixels[..., 0], STACK)
    header, pixels = everything(write_dicom(tmp_path / "a.dcm", STACK.astype("i2") - 2048, 12))
    assert (header.dtype, header.black, header.white) == (np.int16, -2048, 2047)
    np.testing.assert_array_equal(pixels[..., 0], STACK.astype("i2") - 2048)


def test_rescaling_keeps_whole_numbers_whole(tmp_path):
    path = tmp_path / "a.dcm"
    header, pixels = everything(
        write_dicom(path, STACK[0], 12, RescaleSlope=1, RescaleIntercept=-1024)
    )
    assert (header.dtype, header.black, header.white) == (np.int16, -1024, 3071)
    np.testing.assert_array_equal(pixels[0, ..., 0], STACK[0].astype(int) - 1024)
    header, _ = everything(write_dicom(path, STACK[0], 16, RescaleSlope=1, RescaleIntercept=-1024))
    assert header.dtype == np.int32
    header, pixels = everything(write_dicom(path, STACK[0], 12, RescaleSlope=0.5))
    assert (header.dtype, header.white) == (np.float32, 2047.5)
    np.testing.assert_array_equal(pixels[0, ..., 0], STACK[0] / 2)
    refused(write_dicom(path, STACK[0], 12, RescaleSlope=0), "slope of 0")


def test_frames_may_have_their_own_slope(tmp_path):
    frames = []
    for slope in range(1, 6):
        value, frame = Dataset(), Dataset()
        value.RescaleSlope, value.RescaleIntercept = slope / 2, 0
        frame.PixelValueTransformationSequence = [value]
        frames.append(frame)
    groups = {"PerFrameFunctionalGroupsSequence": frames}
    header, pixels = everything(write_dicom(tmp_path / "a.dcm", STACK, 12, **groups))
    assert header.white == 4095 * 2.5
    np.testing.assert_allclose(pixels[4, ..., 0], STACK[4] * 2.5)


def test_monochrome_1_is_inverted(tmp_path):
    path = write_dicom(tmp_path / "a.dcm", STACK[0], 12, "MONOCHROME1")
    np.testing.assert_array_equal(read(path), 4095 - STACK[0])


def test_dicom_in_colour_and_floating_point(tmp_path):
    path = tmp_path / "a.dcm"
    np.testing.assert_array_equal(read(write_dicom(path, COLOUR, kind="RGB")), COLOUR)
    flat = np.full((20, 30, 3), (90, 128, 128), np.uint8)
    np.testing.assert_array_equal(read(write_dicom(path, flat, kind="YBR_FULL")), 90)
    header, pixels = everything(write_dicom(path, DEEP.astype(np.float32)))
    assert (header.dtype, header.white) == (np.float32, None)
    np.testing.assert_array_equal(pixels[0, ..., 0], DEEP)
    lut = {}
    for name, levels in zip(
        ("Red", "Green", "Blue"), COLOUR.reshape(-1, 3).T[:, :256], strict=True
    ):
        lut[f"{name}PaletteColorLookupTableDescriptor"] = [256, 0, 8]
        lut[f"{name}PaletteColorLookupTableData"] = levels.tobytes()
    write_dicom(path, GREY, kind="PALETTE COLOR", **lut)
    np.testing.assert_array_equal(read(path), COLOUR.reshape(-1, 3)[GREY])


@pytest.mark.parametrize(
    ("syntax", "compress"),
    [
        (uid.JPEGLosslessSV1, lambda one: imagecodecs.ljpeg_encode(one, bitspersample=12)),
        (uid.JPEGLSLossless, imagecodecs.jpegls_encode),
        (uid.HTJ2KLossless, imagecodecs.htj2k_encode),
        (
            uid.JPEG2000Lossless,
            lambda one: imagecodecs.jpeg2k_encode(
                one, codecformat="j2k", reversible=True, level=0, bitspersample=12
            ),
        ),
    ],
)
def test_compressed_dicom(tmp_path, syntax, compress):
    path = write_dicom(tmp_path / "a.dcm", STACK, 12, compress=compress, syntax=syntax)
    np.testing.assert_array_equal(read(path), STACK)


def test_dicom_that_cannot_be_read_is_refused(tmp_path):
    path = tmp_path / "a.dcm"
    video = {"syntax": uid.MPEG2MPML, "compress": lambda one: b"1234"}
    refused(write_dicom(path, STACK, 12, **video), "MPEG2 .* no decoder")
    write_dicom(path, STACK[0], 12)
    data = pydicom.dcmread(path)
    del data.Rows
    data.save_as(path)
    refused(path, "is no DICOM image")
    path.write_bytes(b"hello" * 99)
    refused(path, "is no DICOM image")


# Zarr


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("pixels", [GREY, COLOUR, STACK, STACK.astype(">u2"), STACK > 99])
def test_zarr_arrays(tmp_path, version, pixels):
    path = tmp_path / "a.zarr"
    array = zarr.create_array(path, shape=pixels.shape, dtype=pixels.dtype, zarr_format=version)
    array[:] = pixels
    header, found = everything(path)
    assert header.format == "Zarr"
    scale = 255 if pixels.dtype == bool else 1
    np.testing.assert_array_equal(np.squeeze(found), pixels * scale)


def write_ome(path, pixels, version, axes):
    """An OME-Zarr image of two levels."""
    group = zarr.create_group(path, zarr_format=3 if version == "0.5" else 2)
    names = [{"name": one} for one in axes]
    levels = [{"path": "full"}, {"path": "half"}]
    images = [{"version": version, "axes": names, "datasets": levels, "name": "cells"}]
    content = {"multiscales": images, "omero": {"channels": [{"label": "DAPI"}]}}
    group.attrs.update({"ome": content} if version == "0.5" else content)
    for name, one in (("full", pixels), ("half", pixels[..., ::2, ::2])):
        chunks = (1,) * (one.ndim - 2) + (8, 8)
        array = group.create_array(name, shape=one.shape, dtype=one.dtype, chunks=chunks)
        array[:] = one


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_ome_zarr_in_full_resolution(tmp_path, version):
    pixels = RNG.integers(0, 4096, (2, 3, 4, 20, 30)).astype(np.uint16)
    write_ome(tmp_path / "a.zarr", pixels, version, "tczyx")
    np.testing.assert_array_equal(read(tmp_path / "a.zarr"), pixels.reshape(24, 20, 30))


def test_names_of_axes_decide(tmp_path):
    options = {"shape": (20, 30, 5), "dtype": "u2", "dimension_names": ["y", "x", "t"]}
    array = zarr.create_array(tmp_path / "a.zarr", **options)
    array[:] = np.moveaxis(STACK, 0, -1)
    np.testing.assert_array_equal(read(tmp_path / "a.zarr"), STACK)


def test_zarr_reads_only_the_chunks_it_needs(tmp_path):
    path = tmp_path / "a.zarr"
    array = zarr.create_array(path, shape=(64, 64), chunks=(16, 16), dtype="u1", zarr_format=2)
    array[:] = 1
    (path / "3.0").write_bytes(b"damaged")
    with open_image(path) as image:
        assert image.read(0, slice(0, 48)).all()
        with pytest.raises(InputError, match=r"a\.zarr: not a whole Zarr file"):
            image.read(0)


def test_zarr_folders_without_one_image_are_refused(tmp_path):
    path = tmp_path / "a.zarr"
    group = zarr.create_group(path)
    refused(path, "should hold one image; has none")
    group.create_array("a", shape=(4, 5), dtype="u1")
    assert open_image(path).header.shape == (4, 5, 1)
    group.create_array("b", shape=(4, 5), dtype="u1")
    refused(path, "should hold one image; has a, b")
    group.attrs["ome"] = {"plate": {}}
    refused(path, "a plate of many images")
    zarr.create_array(path, shape=(2, 3), dtype="c8", overwrite=True)
    refused(path, "complex64")


# what is no image


@pytest.fixture
def damaged(tmp_path):
    """Files of all formats, by name, which are to be damaged."""
    save(tmp_path / "a.png", COLOUR)
    (tmp_path / "deep.png").write_bytes(imagecodecs.png_encode(DEEP))
    for name in ("a.jpg", "a.bmp", "a.webp", "a.gif"):
        save(tmp_path / name, COLOUR if name != "a.gif" else GREY)
    frames = [Image.fromarray(one) for one in (COLOUR, 255 - COLOUR, COLOUR[::-1])]
    for name in ("m.gif", "m.webp", "m.png"):
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:])
    for name, options in KINDS.items():
        file = tmp_path / f"{name}.tif"
        tifffile.imwrite(file, STACK, photometric="minisblack", **options)
    tifffile.imwrite(tmp_path / "ij.tif", STACK, imagej=True)
    tifffile.imwrite(tmp_path / "o.ome.tif", STACK, photometric="minisblack")
    np.save(tmp_path / "a.npy", STACK)
    write_dicom(tmp_path / "a.dcm", STACK, 12)
    options = {"compress": imagecodecs.jpegls_encode, "syntax": uid.JPEGLSLossless}
    write_dicom(tmp_path / "c.dcm", STACK, 12, **options)
    return sorted(tmp_path.iterdir())


@pytest.mark.parametrize("share", [0.3, 0.5, 0.8, 0.95])
def test_parts_of_files_are_refused(damaged, share):
    assert len(damaged) > 25
    for path in damaged:
        path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
        refused(path, re.escape(path.name))


def test_files_of_altered_bytes_are_read_or_refused(damaged):
    """Whatever is wrong with a file, no decoder's own error comes through."""
    rng = np.random.default_rng(1)
    for path in damaged:
        whole = np.frombuffer(path.read_bytes(), np.uint8)
        for _ in range(12):
            content = whole.copy()
            places = rng.integers(0, min(len(content), 600), 3)
            content[places] = rng.integers(0, 256, 3)
            path.write_bytes(content.tobytes())
            with contextlib.suppress(InputError), open_image(path) as image:
                if np.prod(image.header.shape, dtype=float) < 1e8:
                    image.read(image.header.pages - 1, slice(0, 5))


def test_content_decides_and_not_the_name(tmp_path):
    save(tmp_path / "a.png", GREY).rename(tmp_path / "a.jpg")
    assert open_image(tmp_path / "a.jpg").header.format == "PNG"
    for content in (b"hello", b"<svg/>", b"%PDF-1.4", b"PK\3\4", bytes(200)):
        (tmp_path / "b.tif").write_bytes(content)
        refused(tmp_path / "b.tif", r"b\.tif: is no image that can be read; should be one of PNG")
    (tmp_path / "b.tif").write_bytes(b"")
    refused(tmp_path / "b.tif", "is empty")


def test_what_is_no_file_is_refused(tmp_path):
    (tmp_path / "x.png").mkdir()
    refused(tmp_path / "x.png", "is a folder, and no Zarr image")
    (tmp_path / "y.zarr").mkdir()
    refused(tmp_path / "y.zarr", "is a folder, and no Zarr image")
    os.mkfifo(tmp_path / "fifo.png")
    refused(tmp_path / "fifo.png", "is neither a file nor a folder")
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(tmp_path / "s.png"))
        refused(tmp_path / "s.png", "is neither a file nor a folder")
    (tmp_path / "link.png").symlink_to("nowhere")
    refused(tmp_path / "link.png", "is a link to nothing")
    refused(tmp_path / "none.png", "No such file")
    refused(tmp_path / "a\0b.png", "null byte")


def test_names_of_any_kind_stay_in_their_line(tmp_path):
    for name in ("a\nb.png", "a\r\x1b[31mb.png", os.fsdecode(b"a\xff\xfe.png")):
        (tmp_path / name).write_bytes(b"hello")
        line = refused(tmp_path / name, "is no image")
        assert line.isprintable()
        save(tmp_path / name, GREY, format="PNG")
        np.testing.assert_array_equal(read(tmp_path / name), GREY)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_files_that_may_not_be_read_are_refused(tmp_path):
    path = save(tmp_path / "a.png", GREY)
    path.chmod(0)
    refused(path, "Permission denied")


def test_headers_that_lie_are_refused(tmp_path):
    path = save(tmp_path / "a.png", GREY)
    content = bytearray(path.read_bytes())
    content[16:24] = b"\0\0\xea\x60\0\0\xea\x60"  # 60,000 x 60,000
    path.write_bytes(content)
    refused(path, r"a\.png: not a whole PNG file")
    np.save(tmp_path / "a.npy", GREY)
    content = (tmp_path / "a.npy").read_bytes()
    (tmp_path / "a.npy").write_bytes(content.replace(b"(20, 30)", b"(2000000, 30000000)"[:8]))
    refused(tmp_path / "a.npy", r"a\.npy: ")


def test_cmyk_is_refused(tmp_path):
    Image.fromarray(COLOUR).convert("CMYK").save(tmp_path / "a.jpg")
    refused(tmp_path / "a.jpg", r"4 channels \(CMYK\); should be grey or red, green, blue")


def test_names_promise_images(tmp_path):
    save(tmp_path / "a.PNG", GREY)
    (tmp_path / "a.zarr").mkdir()
    (tmp_path / "b.png").mkdir()
    (tmp_path / "a.txt").touch()
    (tmp_path / "c.zarr").touch()
    save(tmp_path / "._a.png", GREY)
    names = {one.name for one in tmp_path.iterdir() if is_image(one)}
    assert names == {"a.PNG", "a.zarr"}


def test_pages_and_rows_are_as_in_python(tmp_path):
    with open_image(save(tmp_path / "a.png", GREY)) as image:
        np.testing.assert_array_equal(image.read(0, slice(-3, None))[..., 0], GREY[-3:])
        assert image.read(0, slice(9, 4)).shape == (0, 30, 1)
        for page, rows in ((1, slice(None)), (-1, slice(None)), (0, slice(0, 9, 2))):
            with pytest.raises(IndexError):
                image.read(page, rows)
