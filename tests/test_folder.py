"""People's own images: which a folder has, what their pixel values mean, how they are read."""

import os

import numpy as np
import pytest
import tifffile
from PIL import Image

from denoising.data import leaks, splits, store
from denoising.files import InputError
from denoising.sources.folder import Folder
from denoising.sources.shared import image_files

RNG = np.random.default_rng(0)
ALL = {"train": 100, "validation": 100, "test": 100}


def save(path, pixels):
    """Write an image file, in the format of its suffix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".npy":
        np.save(path, pixels)
    elif path.suffix == ".tif":
        kind = "rgb" if pixels.shape[-1] == 3 else "minisblack"
        tifffile.imwrite(path, pixels, photometric=kind)
    else:
        Image.fromarray(pixels).save(path)
    return pixels


def random(*shape, dtype=np.uint8, below=256):
    return RNG.integers(0, below, shape).astype(dtype)


def scan(root, **keys):
    """The catalogue of a folder, and the lines of the log."""
    lines = []
    folder = Folder(name="folder", path=str(root), **keys)
    return folder.scan(root / "provided", root / "kept", lines.append), lines


def stored(root, **keys):
    """What is stored of a folder."""
    catalogue, _ = scan(root, **keys)
    target = root.parent / "stored"
    store.write(target, catalogue)
    return store.Store(target)


def by_name(images, role):
    return {str(name): images.raw(role, place) for place, name in enumerate(images.names)}


def test_clean_images_of_any_size_with_a_test_set(tmp_path):
    root = tmp_path / "photos"
    small = save(root / "clean/b.png", random(3, 5))
    deep = save(root / "clean/a/deep/c.tif", random(7, 2))
    test = save(root / "test/clean/b.png", random(4, 4))
    images = stored(root)
    assert images.names.tolist() == ["a/deep/c.tif", "b.png", "test/b.png"]
    assert images.own_sets.tolist() == ["train", "train", "test"]
    assert (images.roles, images.black, images.white) == (["clean"], 0, 255)
    found = by_name(images, "clean")
    np.testing.assert_array_equal(found["b.png"][..., 0], small)
    np.testing.assert_array_equal(found["a/deep/c.tif"][..., 0], deep)
    np.testing.assert_array_equal(found["test/b.png"][..., 0], test)


def test_images_that_lie_in_the_folder_itself(tmp_path):
    root = tmp_path / "photos"
    save(root / "b.png", random(3, 5))
    save(root / "holidays/a.png", random(3, 5))
    save(root / "test/c.png", random(3, 5))
    catalogue, _ = scan(root, kind="noisy")
    found = [(image.name, image.own_set, list(image.read)) for image in catalogue.images]
    assert found == [
        ("b.png", "train", ["noisy"]),
        ("holidays/a.png", "train", ["noisy"]),
        ("test/c.png", "test", ["noisy"]),
    ]


def test_a_test_set_behind_a_link_is_no_training_set(tmp_path):
    root = tmp_path / "photos"
    save(root / "b.png", random(3, 5))
    save(tmp_path / "elsewhere/c.png", random(3, 5))
    (root / "test").symlink_to(tmp_path / "elsewhere")
    catalogue, _ = scan(root, kind="clean")
    assert [image.name for image in catalogue.images] == ["b.png", "test/c.png"]


def test_pairs_match_by_name_and_page_by_page(tmp_path):
    root = tmp_path / "pairs"
    clean, noisy = (random(12, 4, 6) for _ in range(2))
    save(root / "clean/scenes/x.tif", clean)
    save(root / "noisy/scenes/x.npy", noisy[..., None])
    save(root / "clean/y.png", random(5, 5))
    last = save(root / "noisy/y.png", random(5, 5))
    images = stored(root)
    pages = [f"scenes/x.tif#{page:04}" for page in range(1, 13)]
    assert images.names.tolist() == [*pages, "y.png"]
    assert images.roles == ["clean", "noisy"]
    assert set(images.own_sets) == {""}
    for role, stack in (("clean", clean), ("noisy", noisy)):
        found = by_name(images, role)
        for name, page in zip(pages, stack, strict=True):
            np.testing.assert_array_equal(found[name][..., 0], page)
    np.testing.assert_array_equal(images.raw("noisy", 12)[..., 0], last)


def test_a_page_name_sorts_as_its_number_does(tmp_path):
    save(tmp_path / "clean/stack.tif", random(10_001, 2, 2))
    catalogue, _ = scan(tmp_path)
    names = [image.name for image in catalogue.images]
    assert names[:2] == ["stack.tif#00001", "stack.tif#00002"]
    assert names[-1] == "stack.tif#10001"
    assert int(next(catalogue.images[700].read["clean"]())[0, 0, 0]) == int(
        tifffile.imread(tmp_path / "clean/stack.tif", key=700)[0, 0]
    )


@pytest.mark.parametrize(
    ("beside", "roles"),
    [
        ((), ["noisy", "second"]),
        (("clean", "test/clean"), ["clean", "noisy", "second"]),
        (("test/clean",), ["noisy", "second"]),  # not there for every image
        (("noisy3", "test/noisy3"), ["noisy", "second", "third"]),
        (("noisy3",), ["noisy", "second"]),
    ],
)
def test_shots_and_what_is_beside_them_where_all_have_it(tmp_path, beside, roles):
    for folder in ("noisy", "noisy2", "test/noisy", "test/noisy2", *beside):
        save(tmp_path / folder / "a.png", random(4, 4))
    catalogue, lines = scan(tmp_path)
    assert [list(image.read) for image in catalogue.images] == [roles, roles]
    said = [line for line in lines if "left out" in line]
    assert len(said) == (len(beside) == 1)
    assert all(f"{beside[0].rpartition('/')[2]}/" in line for line in said)


def test_too_few_images_are_cut_into_regions(tmp_path):
    noisy = save(tmp_path / "x/noisy/one.tif", random(1000, 7, dtype=np.uint16))
    clean = save(tmp_path / "x/clean/one.tif", random(1000, 7, dtype=np.uint16))
    images = stored(tmp_path / "x", regions="auto")
    assert images.names[[0, -1]].tolist() == ["one.tif#rows0000-0099", "one.tif#rows0900-0999"]
    for role, pixels in (("clean", clean), ("noisy", noisy)):
        parts = [images.raw(role, place)[..., 0] for place in range(len(images))]
        np.testing.assert_array_equal(np.concatenate(parts), pixels)
    chosen = splits.of_source(images, None, ALL, "shuffled", 1)
    assert {split: len(places) for split, places in chosen.items()} == {
        "train": 7,
        "validation": 1,
        "test": 2,
    }


@pytest.mark.parametrize(
    ("test_images", "others", "regions", "expected"),
    [
        (0, 2, "auto", 2 * 10),
        (0, 3, "auto", 3),
        (1, 1, "auto", 10 + 1),  # those that test stay whole
        (1, 2, "auto", 2 + 1),
        (0, 3, 4, 3 * 4),
        (0, 1, 1, 1),
    ],
)
def test_how_many_regions(tmp_path, test_images, others, regions, expected):
    for number in range(others):
        save(tmp_path / f"clean/{number}.png", random(640, 3))
    for number in range(test_images):
        save(tmp_path / f"test/clean/{number}.png", random(640, 3))
    catalogue, lines = scan(tmp_path, regions=regions)
    assert len(catalogue.images) == expected
    cut = expected > others + test_images
    assert any("cut into regions" in line for line in lines) == cut


def test_a_low_image_has_fewer_regions(tmp_path):
    save(tmp_path / "x/clean/a.png", random(2, 9))
    catalogue, _ = scan(tmp_path / "x", regions="auto")
    assert [image.shape for image in catalogue.images] == [(1, 9, 1), (1, 9, 1)]
    with pytest.raises(InputError, match="nothing is left for"):
        splits.of_source(stored(tmp_path / "x", regions="auto"), None, ALL, "first", 1)


def test_colour_is_kept(tmp_path):
    pixels = save(tmp_path / "own/clean/a.png", random(4, 6, 3))
    images = stored(tmp_path / "own")
    assert images.channels == 3
    np.testing.assert_array_equal(images.raw("clean", 0), pixels)


U16, I16, F32 = np.uint16, np.int16, np.float32


@pytest.mark.parametrize(
    ("values", "dtype", "keys", "expected", "said"),
    [
        ([0, 200], np.uint8, {}, (0, 255), "8 bits"),
        ([0, 200], np.uint8, {"white": 200.0, "black": 10.0}, (10, 200), "as set"),
        ([3, 1023], U16, {}, (0, 1023), "no value exceeds 1023"),
        ([3, 4000], U16, {}, (0, 4095), "12 bits, since no value exceeds 4000; set white to"),
        ([3, 4096], U16, {}, (0, 16383), "14 bits"),
        ([3, 16384], U16, {}, (0, 65535), "16 bits"),
        ([3, 4000], U16, {"white": 65535.0}, (0, 65535), "as set"),
        ([3, 4000], I16, {}, (0, 4095), "12 bits"),
        ([-1000, 3000], I16, {"black": -1024.0, "white": 3071.0}, (-1024, 3071), "as set"),
        ([-2000, 3000], I16, {"black": -1024.0, "white": 3071.0}, (-1024, 3071), "as set"),
        ([0, 0.5], F32, {}, (0, 1), "from 0 to 0.5"),
        ([0, 300], F32, {"white": 255.0}, (0, 255), "as set"),
    ],
)
def test_what_black_and_white_are(tmp_path, values, dtype, keys, expected, said):
    save(tmp_path / "clean/a.tif", np.array([values], dtype))
    catalogue, lines = scan(tmp_path, **keys)
    assert (catalogue.black, catalogue.white) == expected
    (line,) = [line for line in lines if line.startswith("white: ")]
    assert said in line
    beyond = [line for line in lines if "go beyond that" in line]
    goes_beyond = min(values) < expected[0] or max(values) > expected[1]
    assert bool(beyond) == (goes_beyond and dtype != np.uint8)  # which are not looked through


def test_white_is_what_all_files_say(tmp_path):
    for name in "ab":
        path = tmp_path / f"clean/{name}.tif"
        path.parent.mkdir(exist_ok=True)
        tifffile.imwrite(path, random(4, 4, dtype=U16), extratags=[(281, "H", 1, 1023, True)])
    catalogue, lines = scan(tmp_path)
    assert catalogue.white == 1023
    assert any(line.startswith("white: 1023 (") and "MaxSampleValue" in line for line in lines)


def save_ct(path, bits, low, high):
    """Write a DICOM file of Hounsfield units."""
    import pydicom
    from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

    path.parent.mkdir(parents=True, exist_ok=True)
    meta = pydicom.dataset.FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = CTImageStorage, "1.2.3"
    data = pydicom.Dataset()
    data.file_meta = meta
    data.SOPClassUID, data.SOPInstanceUID = CTImageStorage, "1.2.3"
    data.Rows, data.Columns, data.SamplesPerPixel = 1, 2, 1
    data.PhotometricInterpretation = "MONOCHROME2"
    signed = bits == 16
    data.BitsAllocated, data.BitsStored, data.HighBit = 16, bits, bits - 1
    data.PixelRepresentation = int(signed)
    intercept = 0 if signed else -1024
    data.RescaleSlope, data.RescaleIntercept = 1, intercept
    values = np.array([low, high]) - intercept
    data.PixelData = values.astype(I16 if signed else U16).tobytes()
    data.save_as(path, enforce_file_format=True)


def test_units_of_ct_are_what_its_files_say(tmp_path):
    save_ct(tmp_path / "clean/a.dcm", 12, -900, 1500)
    catalogue, lines = scan(tmp_path)
    assert (catalogue.dtype, catalogue.black, catalogue.white) == (I16, -1024, 3071)
    assert any("white: 3071 (BitsStored" in line and "black: -1024" in line for line in lines)


def test_a_range_of_all_that_16_bits_can_hold_says_nothing_of_black(tmp_path):
    save_ct(tmp_path / "clean/a.dcm", 16, -900, 1500)
    with pytest.raises(InputError, match=r"a\.dcm: has the value -900, .*; set black, and white"):
        scan(tmp_path)
    catalogue, _ = scan(tmp_path, black=-1024.0, white=3071.0)
    assert (catalogue.black, catalogue.white) == (-1024, 3071)


def test_noise_of_floats_may_go_beyond_white_and_the_log_says_so(tmp_path):
    save(tmp_path / "clean/a.tif", np.array([[0.0, 1.0]], F32))
    save(tmp_path / "noisy/a.tif", np.array([[-0.25, 1.5]], F32))
    catalogue, lines = scan(tmp_path)
    assert catalogue.white == 1
    assert any("values from -0.25 to 1.5 go beyond that" in line for line in lines)


def test_a_file_is_read_in_bands_and_opened_once(tmp_path, monkeypatch):
    pixels = save(tmp_path / "clean/a.tif", random(10, 4, dtype=U16, below=4000))
    catalogue, _ = scan(tmp_path)
    opened = []
    monkeypatch.setattr(image_files, "BAND", 3 * 4 * 2)  # three rows of it
    real = image_files.open_image
    monkeypatch.setattr(image_files, "open_image", lambda path: opened.append(path) or real(path))
    bands = list(catalogue.images[0].read["clean"]())
    assert [len(band) for band in bands] == [3, 3, 3, 1]
    np.testing.assert_array_equal(np.concatenate(bands)[..., 0], pixels)
    assert len(opened) == 1


def test_pixels_of_8_bits_are_not_read_by_a_scan(tmp_path, monkeypatch):
    save(tmp_path / "clean/a.png", random(4, 4))
    monkeypatch.setattr(image_files, "_bands", lambda file, page: pytest.fail("read"))
    scan(tmp_path)


def test_what_is_left_out_is_counted_in_one_line(tmp_path):
    for name in ("a.png", "b.png", ".hidden.png"):
        save(tmp_path / "clean" / name, random(4, 4))
    for name in ("notes.txt", "more/Thumbs.db", "README", "more/.git/x.png"):
        (tmp_path / "clean" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "clean" / name).write_text("")
    save(tmp_path / "c.png", random(4, 4))
    (tmp_path / "raw").mkdir()
    catalogue, lines = scan(tmp_path)
    assert len(catalogue.images) == 2
    beside, counted = [line for line in lines if "left out" in line]
    assert beside.endswith("read are clean/; left out: c.png, raw/")
    assert counted.endswith(
        "left out 2 hidden and 3 that are no images, by suffix: 1 without, 1 .db, 1 .txt"
    )


def test_sizes_are_said_in_one_line(tmp_path):
    save(tmp_path / "clean/a.png", random(4, 9))
    save(tmp_path / "clean/b.png", random(2, 3))
    save(tmp_path / "test/clean/b.png", random(5, 3))
    _, lines = scan(tmp_path)
    assert lines[-1].endswith(
        "clean: 2 + 1 test images, from 2 x 3 to 4 x 9 pixels, 1 channel, uint8"
    )


def test_linked_folders_are_followed_once(tmp_path):
    root = tmp_path / "own"
    save(tmp_path / "elsewhere/a.png", random(4, 4))
    (root / "clean").mkdir(parents=True)
    for name in ("first", "second"):
        (root / "clean" / name).symlink_to(tmp_path / "elsewhere")
    save(root / "clean/z/b.png", random(4, 4))
    (root / "clean/a").symlink_to(root / "clean/z")  # sorts before the folder itself
    catalogue, lines = scan(root)
    assert [image.name for image in catalogue.images] == ["first/a.png", "z/b.png"]
    said = [line for line in lines if "links to a folder that is read already" in line]
    assert len(said) == 2


def test_bad_files_can_be_left_out_with_their_pairs(tmp_path):
    root = tmp_path / "own"
    for name in ("a", "b", "c", "d", "e"):
        for role in ("clean", "noisy"):
            save(root / role / f"{name}.png", random(4, 4))
    (root / "noisy/a.png").write_bytes(b"no image")
    (root / "noisy/b.png").write_bytes((root / "noisy/b.png").read_bytes()[:60])  # half of it
    save(root / "clean/c.png", random(9, 9))
    (root / "noisy/d.png").unlink()
    catalogue, lines = scan(root, bad_files="skip")
    assert [image.name for image in catalogue.images] == ["e.png"]
    left = sorted(line for line in lines if line.startswith("left out: "))
    assert len(left) == 4
    assert all("\n" not in line for line in left)
    for name in "abcd":
        assert sum(f"{name}.png" in line for line in left) == 1


def test_names_that_cannot_be_printed_are_escaped(tmp_path):
    root = tmp_path / "own"
    names = [b"with space.png", b"two\nlines.tif", b"caf\xe9.npy", "größe.png".encode()]
    for name in names:
        save(root / "clean" / os.fsdecode(name), random(4, 4))
    images = stored(root)
    found = images.names.tolist()
    assert found == ["caf\\udce9.npy", "größe.png", "two\\nlines.tif", "with space.png"]
    for name in found:
        name.encode()  # can be written to any log


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (5000, 1)])
def test_images_of_one_row_or_column(tmp_path, shape):
    pixels = save(tmp_path / "own/clean/a.png", random(*shape))
    images = stored(tmp_path / "own")
    np.testing.assert_array_equal(images.raw("clean", 0)[..., 0], pixels)


def test_home_is_expanded(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    save(tmp_path / "own/clean/a.png", random(4, 4))
    folder = Folder(name="folder", path="~/own")
    assert len(folder.scan(tmp_path, tmp_path, str).images) == 1


def test_an_image_in_two_splits_is_found_by_its_pixels(tmp_path):
    root = tmp_path / "own"
    pixels = save(root / "clean/a.png", random(4, 4))
    save(root / "clean/b.png", random(4, 4))
    save(root / "test/clean/c.tif", pixels)
    images = stored(root)
    sets = {name: np.flatnonzero(images.own_sets == name) for name in ("train", "test")}
    with pytest.raises(InputError, match=r"^a\.png in train and test/c\.tif in test are the same"):
        leaks.check_no_leak(images, sets)
    sets["train"] = sets["train"][1:]
    leaks.check_no_leak(images, sets)
    leaks.check_no_leak(images, {"train": np.array([0, 0, 1])})
