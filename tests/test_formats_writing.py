"""Images written as they were read: depth, pages and metadata, whole or not at all."""

import contextlib
import dataclasses
import os

import imagecodecs
import numpy as np
import pydicom
import pytest
import tifffile
import zarr
from PIL import Image, PngImagePlugin
from pydicom import uid

from denoising.files import InputError
from denoising.formats.levels import to_dtype
from denoising.formats.opening import open_image
from denoising.formats.pillow_files import png_chunks
from denoising.formats.writing import create
from tests.test_formats import (
    COLOUR,
    DEEP,
    GREY,
    KINDS,
    RNG,
    STACK,
    everything,
    read,
    save,
    write_dicom,
    write_ome,
)


def rewritten(path, change=lambda pixels: pixels, name="", **options):
    """The path of a file like another, with all pages changed."""
    target = path.parent / "out" / (name or path.name)
    with open_image(path) as image, create(target, image, **options) as writer:
        for page in range(image.header.pages):
            writer.write(page, change(image.read(page)))
    return target


def inverted(pixels):
    return (pixels.max() - pixels).astype(pixels.dtype)


def unchanged_headers(path, target):
    """Both headers say the same of both files, which hold the same pixels inverted."""
    (old, before), (new, after) = everything(path), everything(target)
    assert (old.format, old.dtype, old.white, old.black) == (
        (new.format, new.dtype, new.white, new.black)
    )
    np.testing.assert_array_equal(after, [inverted(page) for page in before])


# what Pillow writes


@pytest.mark.parametrize(
    ("name", "pixels", "options"),
    [
        ("g.png", GREY, {}),
        ("c.png", COLOUR, {}),
        ("g.bmp", GREY, {}),
        ("c.bmp", COLOUR, {}),
        ("g.gif", GREY, {}),
        ("c.webp", COLOUR, {"lossless": True}),
        ("g.tif", GREY, {}),
    ],
)
def test_pixels_come_back(tmp_path, name, pixels, options):
    path = save(tmp_path / name, pixels, **options)
    unchanged_headers(path, rewritten(path, inverted))


@pytest.mark.parametrize("pixels", [DEEP, np.dstack([DEEP, DEEP // 2, DEEP // 3])])
def test_png_keeps_depth_and_chunks(tmp_path, pixels):
    """Text, resolution, colour profile and significant bits."""
    path = tmp_path / "a.png"
    info = PngImagePlugin.PngInfo()
    info.add_text("Title", "cells")
    info.add_itxt("Author", "Jürgen")
    bits = bytes([12] * (pixels.size // DEEP.size))
    Image.fromarray(GREY).save(tmp_path / "b.png", pnginfo=info, dpi=(300, 300))
    chunks = [*png_chunks(tmp_path / "b.png")][1:]
    plain = imagecodecs.png_encode(pixels)
    extra = b"".join(chunk(kind, body) for kind, body in [(b"sBIT", bits), *chunks])
    path.write_bytes(plain[:33] + extra + plain[33:])
    target = rewritten(path, inverted)
    unchanged_headers(path, target)
    assert everything(target)[0].white_from == "sBIT"
    kept = {kind for kind, _ in png_chunks(target)}
    assert kept == {b"IHDR", b"sBIT", b"tEXt", b"iTXt", b"pHYs"}
    with Image.open(target) as image:
        assert image.text == {"Title": "cells", "Author": "Jürgen"}


def chunk(kind, body):
    head = len(body).to_bytes(4, "big") + kind + body
    return head + imagecodecs.zlib_crc32(kind + body).to_bytes(4, "big")


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp"])
def test_metadata_stay_and_the_image_is_upright(tmp_path, name):
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "a camera"
    profile = bytes(range(200))
    flat = np.full((16, 24, 3), (200, 100, 50), np.uint8)
    options = {"lossless": True} if name == "a.webp" else {}
    path = save(tmp_path / name, flat, exif=exif, icc_profile=profile, **options)
    target = rewritten(path)
    assert np.abs(read(target).astype(int) - read(path)).max() <= 3
    assert read(target).shape == (24, 16, 3)
    with Image.open(target) as image:
        assert dict(image.getexif()) == {0x0112: 1, 0x010F: "a camera"}
        assert image.info["icc_profile"] == profile


def test_palettes_and_opaque_alpha_become_plain(tmp_path):
    Image.fromarray(COLOUR).quantize(20).save(tmp_path / "a.png")
    save(tmp_path / "b.png", np.dstack([COLOUR, np.full_like(GREY, 255)]))
    for name in ("a.png", "b.png"):
        unchanged_headers(tmp_path / name, rewritten(tmp_path / name, inverted))
        with Image.open(tmp_path / "out" / name) as image:
            assert image.mode == "RGB"


def test_what_a_format_cannot_hold_is_refused_before_anything_is_written(tmp_path):
    frames = [Image.fromarray(one) for one in (COLOUR, 255 - COLOUR)]
    for end in ("gif", "webp", "png"):
        path = tmp_path / f"a.{end}"
        frames[0].save(path, save_all=True, append_images=frames[1:])
        with pytest.raises(InputError, match="one page here, not 2; write it with --format tiff"):
            rewritten(path)
    frames[0].save(tmp_path / "b.gif")
    with pytest.raises(InputError, match="all colours; write it with --format tiff"):
        rewritten(tmp_path / "b.gif")
    with pytest.raises(InputError, match="PNG files cannot hold float32; write it with"):
        rewritten(save(tmp_path / "a.png", GREY), dtype=np.float32)
    with pytest.raises(InputError, match="format exr: should be one of png"):
        rewritten(tmp_path / "a.png", format="exr")
    assert not list((tmp_path / "out").glob("*"))


@pytest.mark.parametrize("kind", ["tiff", "numpy", "zarr"])
def test_pages_go_into_another_format(tmp_path, kind):
    frames = [Image.fromarray(one) for one in (GREY, 255 - GREY)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    target = rewritten(tmp_path / "a.gif", name=f"a{kind}.x", format=kind)
    header, pixels = everything(target)
    assert header.format.lower() == kind
    np.testing.assert_array_equal(pixels[..., 0], [GREY, 255 - GREY])
    target = rewritten(save(tmp_path / "c.png", COLOUR), name=f"c{kind}.x", format=kind)
    np.testing.assert_array_equal(read(target), COLOUR)


def test_a_stack_of_narrow_pages_is_no_colour_as_an_array(tmp_path):
    narrow = np.ascontiguousarray(STACK[..., :3])
    tifffile.imwrite(tmp_path / "a.tif", narrow, photometric="minisblack")
    target = rewritten(tmp_path / "a.tif", name="a.npy", format="numpy")
    header, pixels = everything(target)
    assert (header.pages, header.channels) == (5, 1)
    np.testing.assert_array_equal(pixels[..., 0], narrow)


def colour_file(path):
    """A colour file, or folder, with all that such a file may say of its colours."""
    deep = np.dstack([DEEP, DEEP // 2, DEEP // 3])
    if path.suffix == ".png":
        plain, profile = imagecodecs.png_encode(deep), imagecodecs.zlib_encode(b"colours")
        extra = chunk(b"sBIT", bytes([12, 13, 14])) + chunk(b"iCCP", b"RGB\0\0" + profile)
        path.write_bytes(plain[:33] + extra + plain[33:])
    elif path.suffix == ".npy":
        np.save(path, deep)
    elif path.suffix == ".zarr":
        zarr.save(str(path), deep)
    else:
        profile = {"iccprofile": b"RGB colours", "tile": (16, 16), "metadata": {"axes": "YXS"}}
        tifffile.imwrite(path, deep, photometric="rgb", planarconfig="contig", **profile)
    return path


@pytest.mark.parametrize("end", ["png", "npy", "zarr", "tif"])
def test_a_header_with_other_channels_makes_a_plain_file_of_these(tmp_path, end):
    path, target = colour_file(tmp_path / f"a.{end}"), tmp_path / "out" / f"a.{end}"
    with open_image(path) as image:
        header = dataclasses.replace(image.header, channels=1)
    with create(target, header) as writer:
        writer.write(0, DEEP[..., None])
    found, pixels = everything(target)
    assert (found.format, found.dtype, found.shape) == (header.format, np.uint16, (20, 30, 1))
    np.testing.assert_array_equal(pixels[0, ..., 0], DEEP)
    if end == "png":
        assert [kind for kind, _ in png_chunks(target)] == [b"IHDR"]
    if end == "tif":
        with tifffile.TiffFile(target) as file:
            assert not {"ImageDescription", "InterColorProfile"} & {
                tag.name for tag in file.pages[0].tags
            }


@pytest.mark.parametrize("end", ["npy", "zarr", "tif"])
def test_a_header_with_other_pages_and_sizes_makes_a_file_of_these(tmp_path, end):
    path, target = tmp_path / f"a.{end}", tmp_path / "out" / f"a.{end}"
    np.save(tmp_path / "a.npy", STACK)
    if end != "npy":
        path = rewritten(tmp_path / "a.npy", name=f"a.{end}", format=end).rename(path)
    with open_image(path) as image:
        header = dataclasses.replace(image.header, pages=2, height=7)
    with create(target, header) as writer:
        for page in range(2):
            writer.write(page, STACK[page, :7, :, None])
    np.testing.assert_array_equal(read(target), STACK[:2, :7])


def test_a_dicom_file_of_other_channels_is_refused(tmp_path):
    path = write_dicom(tmp_path / "a.dcm", COLOUR, kind="RGB")
    with open_image(path) as image:
        header = dataclasses.replace(image.header, channels=1)
    with pytest.raises(InputError, match="of another, of equal pages, size and channels; write it"):
        create(tmp_path / "b.dcm", header)


def test_white_goes_along_into_tiff(tmp_path):
    path = write_dicom(tmp_path / "a.dcm", STACK, 12)
    header, pixels = everything(rewritten(path, name="a.tif", format="TIFF"))
    assert (header.white, header.white_from) == (4095, "SMaxSampleValue")
    np.testing.assert_array_equal(pixels[..., 0], STACK)


# TIFF


@pytest.mark.parametrize("name", KINDS)
def test_tiff_keeps_how_it_is_stored(tmp_path, name):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, STACK, photometric="minisblack", **KINDS[name])
    target = rewritten(path, inverted)
    unchanged_headers(path, target)
    with tifffile.TiffFile(path) as old, tifffile.TiffFile(target) as new:
        assert new.series[0].axes == old.series[0].axes
        assert (new.byteorder, new.is_bigtiff) == (old.byteorder, old.is_bigtiff)
        for tag in ("TileWidth", "TileLength", "RowsPerStrip"):
            assert new.pages[0].tags.valueof(tag) == old.pages[0].tags.valueof(tag)
        lossless = (1, 5, 8, 32773, 34925, 50000)
        kept = old.pages[0].compression
        assert new.pages[0].compression == (kept if kept in lossless else 8)


def test_tiff_tags_of_every_page_stay(tmp_path):
    path = tmp_path / "a.tif"
    profile = bytes(range(100))
    with tifffile.TiffWriter(path) as file:
        for number, page in enumerate(STACK):
            file.write(
                page,
                description=f"page {number}",
                software="a microscope",
                datetime="2020:02:03 04:05:06",
                resolution=(2000 + number, 1000),
                resolutionunit="centimeter",
                iccprofile=profile,
                metadata=None,
                photometric="minisblack",
                extratags=[(285, 2, 0, f"name {number}", False), (65000, 12, 2, (1.5, 2), False)],
            )
    target = rewritten(path, inverted)
    unchanged_headers(path, target)
    with tifffile.TiffFile(target) as file:
        for number, page in enumerate(file.pages):
            tags = {one.name: one.value for one in page.tags}
            assert tags["ImageDescription"] == f"page {number}"
            assert tags["PageName"] == f"name {number}"
            assert (tags["Software"], tags["DateTime"][:4]) == ("a microscope", "2020")
            assert page.get_resolution() == (2000 + number, 1000)
            assert (tags["ResolutionUnit"], tags["65000"]) == (3, (1.5, 2.0))
            assert tags["InterColorProfile"] == profile


def test_imagej_finds_its_hyperstack_again(tmp_path):
    stack = RNG.integers(0, 999, (2, 3, 2, 20, 30)).astype(np.uint16)
    metadata = {"axes": "TZCYX", "spacing": 0.5, "unit": "um", "Labels": list("abcdefghijkl")}
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, stack, imagej=True, resolution=(3, 3), metadata=metadata)
    target = rewritten(path, inverted)
    unchanged_headers(path, target)
    with tifffile.TiffFile(path) as old, tifffile.TiffFile(target) as new:
        assert new.series[0].axes == "TZCYX"
        assert new.imagej_metadata == old.imagej_metadata
        assert new.imagej_metadata["Labels"] == list("abcdefghijkl")


def test_ome_metadata_stay(tmp_path):
    path = tmp_path / "a.ome.tif"
    metadata = {"axes": "ZYX", "SignificantBits": 12, "PhysicalSizeX": 0.5, "Name": "Zellen µm"}
    tifffile.imwrite(path, STACK, photometric="minisblack", metadata=metadata)
    target = rewritten(path, inverted)
    unchanged_headers(path, target)
    with tifffile.TiffFile(path) as old, tifffile.TiffFile(target) as new:
        assert new.series[0].axes == "ZYX"
        assert new.ome_metadata == old.ome_metadata
    target = rewritten(path, lambda pixels: pixels / np.float32(7), dtype=np.float32)
    with tifffile.TiffFile(target) as new:
        assert new.is_ome
        assert 'Type="float"' in new.ome_metadata
        assert "SignificantBits" not in new.ome_metadata
        assert new.series[0].axes == "ZYX"
    np.testing.assert_array_equal(read(target), STACK / np.float32(7))


def test_tags_of_white_stay(tmp_path):
    path = tmp_path / "a.tif"
    for options in (
        {"extratags": [(341, 3, 1, 4000, 0)]},
        {"extratags": [(281, 3, 1, 4000, 0)]},
        {"bitspersample": 12},
        {"photometric": "miniswhite"},
    ):
        tifffile.imwrite(path, STACK, **{"photometric": "minisblack"} | options)
        target = rewritten(path, inverted)
        unchanged_headers(path, target)
        with tifffile.TiffFile(path) as old, tifffile.TiffFile(target) as new:
            assert new.pages[0].bitspersample == old.pages[0].bitspersample
            assert new.pages[0].photometric == old.pages[0].photometric


def test_packed_bits_are_clipped_to_what_they_hold(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, STACK, photometric="minisblack", bitspersample=12)
    target = rewritten(path, lambda pixels: pixels + np.uint16(100))
    np.testing.assert_array_equal(read(target), np.minimum(STACK + 100, 4095))


@pytest.mark.parametrize("orientation", [3, 6])
def test_turned_tiff_is_written_upright(tmp_path, orientation):
    path = tmp_path / "a.tif"
    tag = (274, 3, 1, orientation, True)
    tifffile.imwrite(path, STACK, photometric="minisblack", extratags=[tag], resolution=(2, 3))
    target = rewritten(path, inverted)
    unchanged_headers(path, target)
    with tifffile.TiffFile(target) as file:
        assert 274 not in file.pages[0].tags
        assert file.pages[0].get_resolution() == ((2, 3) if orientation == 3 else (3, 2))


def test_colour_stays_in_planes(tmp_path):
    path = tmp_path / "a.tif"
    planes = np.moveaxis(COLOUR, -1, 0)
    tifffile.imwrite(path, planes, photometric="rgb", planarconfig="separate")
    target = rewritten(path, inverted)
    unchanged_headers(path, target)
    with tifffile.TiffFile(target) as file:
        assert file.pages[0].planarconfig == 2


def test_large_stacks_become_bigtiff(tmp_path):
    path = tmp_path / "a.npy"
    np.lib.format.open_memmap(path, "w+", np.uint16, (700, 2000, 2000))  # a hole
    with open_image(path) as image:
        for name, header in (("big.tif", image), ("of its header.tif", image.header)):
            writer = create(tmp_path / name, header, format="tiff")
            assert writer._file.tiff.is_bigtiff
            writer.write(0, image.read(0))
            writer.discard()
    assert [one.name for one in tmp_path.iterdir()] == ["a.npy"]


# NumPy, DICOM, Zarr


@pytest.mark.parametrize("pixels", [GREY, COLOUR, STACK, STACK[..., None], STACK.astype("f2")])
def test_arrays_keep_their_axes(tmp_path, pixels):
    np.save(tmp_path / "a.npy", pixels)
    found = np.load(rewritten(tmp_path / "a.npy"))
    np.testing.assert_array_equal(found, pixels)
    assert found.dtype == pixels.dtype


@pytest.mark.parametrize(
    ("pixels", "bits", "kind", "elements"),
    [
        (STACK, 12, "MONOCHROME2", {}),
        (STACK[0], 12, "MONOCHROME1", {}),
        (STACK[0], 12, "MONOCHROME2", {"RescaleSlope": 1, "RescaleIntercept": -1024}),
        (STACK[0], 12, "MONOCHROME1", {"RescaleSlope": 2, "RescaleIntercept": 5}),
        (STACK[0].astype("i2") - 2048, 12, "MONOCHROME2", {}),
        (GREY[:3, :5], 8, "MONOCHROME2", {}),
        (COLOUR, 8, "RGB", {}),
        (DEEP.astype("f4"), 0, "MONOCHROME2", {}),
        (STACK, 12, "MONOCHROME2",
         {"syntax": uid.JPEGLSLossless, "compress": imagecodecs.jpegls_encode}),
    ],
)  # fmt: skip
def test_dicom_gets_new_pixels_and_is_an_instance_of_its_own(
    tmp_path, pixels, bits, kind, elements
):
    path = write_dicom(tmp_path / "a.dcm", pixels, bits, kind, **elements)
    target = rewritten(path)
    (old, before), (new, after) = everything(path), everything(target)
    assert (old.dtype, old.white, old.black) == (new.dtype, new.white, new.black)
    np.testing.assert_array_equal(after, before)
    source, data = pydicom.dcmread(path), pydicom.dcmread(target)
    assert data.file_meta.TransferSyntaxUID == uid.ExplicitVRLittleEndian
    assert str(data.PatientName) == "Röntgen^W"
    for name in ("RescaleSlope", "BitsAllocated", "BitsStored", "PhotometricInterpretation"):
        assert data.get(name) == source.get(name)
    assert data.SOPInstanceUID == data.file_meta.MediaStorageSOPInstanceUID
    assert len({one.get(name) for one in (source, data) for name in UIDS}) == 4
    assert data.SourceImageSequence[0].ReferencedSOPInstanceUID == source.SOPInstanceUID
    assert (data.ImageType[0], data.DerivationDescription) == ("DERIVED", "denoised")
    np.testing.assert_array_equal(data.pixel_array, source.pixel_array)


UIDS = ("SOPInstanceUID", "SeriesInstanceUID")


def test_dicom_values_are_rounded_and_clipped_to_what_is_stored(tmp_path):
    rescale = {"RescaleSlope": 0.5, "RescaleIntercept": 10}
    path = write_dicom(tmp_path / "a.dcm", STACK[0], 12, **rescale)
    target = rewritten(path, lambda pixels: np.where(pixels > 500, 1e6, pixels + 0.2))
    expected = np.where(STACK[0] > 980, 4095, STACK[0])
    np.testing.assert_array_equal(pydicom.dcmread(target).pixel_array, expected)


def test_images_of_one_series_are_of_one_series_again(tmp_path):
    series = uid.generate_uid()
    made = set()
    for name in ("a.dcm", "b.dcm"):
        path = write_dicom(tmp_path / name, STACK[0], 12, SeriesInstanceUID=series)
        made.add(pydicom.dcmread(rewritten(path)).SeriesInstanceUID)
    assert len(made) == 1


def test_dicom_is_made_only_of_dicom(tmp_path):
    with pytest.raises(InputError, match=r"only be made of another, .*write it with --format tiff"):
        rewritten(save(tmp_path / "a.png", GREY), format="DICOM")
    path = write_dicom(tmp_path / "a.dcm", STACK, 12)
    with pytest.raises(InputError, match=r"should have values of uint16 as a\.dcm, not float32"):
        rewritten(path, dtype=np.float32)


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("dtype", [None, np.float32])
def test_zarr_keeps_chunks_and_attributes(tmp_path, version, dtype):
    options = {"shape": STACK.shape, "dtype": "u2", "chunks": (2, 8, 16), "zarr_format": version}
    if version == 3:
        options["dimension_names"] = ["z", "y", "x"]
    array = zarr.create_array(tmp_path / "a.zarr", **options, attributes={"unit": "electrons"})
    array[:] = STACK
    target = rewritten(tmp_path / "a.zarr", lambda one: one.astype(dtype or "u2"), dtype=dtype)
    made = zarr.open(target, mode="r")
    assert (made.chunks, made.metadata.zarr_format) == ((2, 8, 16), version)
    assert made.attrs.asdict() == {"unit": "electrons"}
    assert made.dtype == (dtype or "u2")
    assert version == 2 or made.metadata.dimension_names == ("z", "y", "x")
    np.testing.assert_array_equal(made[:], STACK)


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_ome_zarr_tells_of_the_level_that_was_written(tmp_path, version):
    pixels = RNG.integers(0, 4096, (2, 3, 4, 20, 30)).astype(np.uint16)
    write_ome(tmp_path / "a.zarr", pixels, version, "tczyx")
    target = rewritten(tmp_path / "a.zarr", inverted)
    unchanged_headers(tmp_path / "a.zarr", target)
    group = zarr.open(target, mode="r")
    attributes = group.attrs.asdict()
    attributes = attributes.get("ome", attributes)
    assert attributes["multiscales"][0]["datasets"] == [{"path": "full"}]
    assert attributes["omero"] == {"channels": [{"label": "DAPI"}]}
    assert group["full"].chunks == (1, 1, 1, 8, 8)


# whole or not at all


@pytest.mark.parametrize("end", ["png", "tif", "npy", "zarr", "dcm"])
def test_a_file_is_there_only_when_it_is_closed(tmp_path, end):
    path = tmp_path / f"a.{end}"
    write_dicom(tmp_path / "source.dcm", STACK[:1], 12)
    with open_image(tmp_path / "source.dcm") as image:
        kind = {"png": "PNG", "tif": "TIFF", "npy": "NumPy", "zarr": "Zarr", "dcm": None}[end]
        pixels = image.read(0)
        writer = create(path, image, format=kind)
        writer.write(0, pixels)
        assert not path.exists()
        writer.close()
        writer.close()  # does nothing more
        old = read(path)
        with contextlib.suppress(RuntimeError), create(path, image, format=kind) as writer:
            writer.write(0, pixels // 2)
            raise RuntimeError
        with pytest.raises(ValueError, match="0 of 1 pages"):
            create(path, image, format=kind).close()
    np.testing.assert_array_equal(read(path), old)
    assert {one.name for one in tmp_path.iterdir()} == {path.name, "source.dcm"}


def test_a_file_may_replace_the_one_that_was_read(tmp_path):
    np.save(tmp_path / "a.npy", STACK)
    write_ome(tmp_path / "a.zarr", STACK, "0.5", "zyx")
    tifffile.imwrite(tmp_path / "a.tif", STACK, photometric="minisblack")
    for name in ("a.npy", "a.zarr", "a.tif"):
        path = tmp_path / name
        with open_image(path) as image, create(path, image) as writer:
            for page in range(5):
                writer.write(page, STACK[page][..., None] // 2)
        np.testing.assert_array_equal(read(path), STACK // 2)
    assert len(list(tmp_path.iterdir())) == 3


def test_pages_must_be_those_that_were_promised(tmp_path):
    np.save(tmp_path / "a.npy", STACK)
    with open_image(tmp_path / "a.npy") as image:
        page = image.read(0)
        for number, pixels, match in [
            (1, page, "page 1: should be 0"),
            (0, page[:5], r"should be \(20, 30, 1\)"),
            (0, page.astype("i4"), "should be uint16 or float"),
        ]:
            writer = create(tmp_path / "b.npy", image)
            with pytest.raises(ValueError, match=match):
                writer.write(number, pixels)
            writer.discard()
    assert os.listdir(tmp_path) == ["a.npy"]  # noqa: PTH208


def test_a_disk_that_is_full_is_an_error_that_names_the_file(tmp_path, monkeypatch):
    np.save(tmp_path / "a.npy", STACK)
    with open_image(tmp_path / "a.npy") as image:
        writer = create(tmp_path / "b.npy", image)
        full = open("/dev/full", "wb", buffering=0)  # noqa: SIM115
        writer._file.close()
        writer._file = full
        with pytest.raises(OSError, match="No space left"), writer:
            writer.write(0, image.read(0))
    assert not (tmp_path / "b.npy").exists()


def test_to_dtype_rounds_and_clips():
    unit = np.array([-1, 0, 0.5, 1, 1.2, 99])
    assert to_dtype(unit, "u1", 0, 255).tolist() == [0, 0, 128, 255, 255, 255]
    assert to_dtype(unit, "u2", 0, 4095).tolist() == [0, 0, 2048, 4095, 4914, 65535]
    assert to_dtype(unit, "i2", -1024, 3071).tolist()[:4] == [-5119, -1024, 1024, 3071]
    assert to_dtype([0, 1, 2], "u4", 0, 2**32 - 1).tolist() == [0, 2**32 - 1, 2**32 - 1]
    assert to_dtype([1, -1], "i4", 0, 2**31 - 1).tolist() == [2**31 - 1, -(2**31) + 1]
    assert to_dtype([2.0], "f2", 0, 65504).tolist() == [65504]
    assert to_dtype(unit, "f4", 0, 1).tolist() == unit.astype("f4").tolist()
    with pytest.raises(ValueError, match="not finite"):
        to_dtype([np.nan], "u1", 0, 255)


def test_every_value_comes_back_through_the_unit_scale():
    for dtype, black, white in (("u1", 0, 255), ("u2", 0, 4095), ("i2", -1024, 3071)):
        values = np.arange(black, white + 1).astype(dtype)
        unit = ((values - float(black)) / (white - black)).astype(np.float32)
        np.testing.assert_array_equal(to_dtype(unit, dtype, black, white), values)
    values = np.arange(65536).astype("u2")
    np.testing.assert_array_equal(to_dtype(values / np.float32(65535), "u2", 0, 65535), values)
