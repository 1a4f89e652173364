"""Folders as people really have them: each is refused in one line that names it, or it works."""

import builtins
import os
from pathlib import Path

import numpy as np
import pytest
import tifffile

from denoising.data import leaks, store
from denoising.files import InputError
from denoising.sections import validate
from denoising.sources.folder import Folder
from denoising.sources.shared import image_files
from tests.test_folder import F32, I16, U16, random, save

SKIP = "; bad_files: skip leaves such images out"


def fetch(root, **keys):
    """Store what a folder has, as the fetch stage does; the store and the lines of the log."""
    lines = []
    folder = validate(Folder, {"name": "folder", "path": str(root)} | keys, "sources.own")
    catalogue = folder.scan(root / "none", root / "none", lines.append)
    target = root.parent / "stored"
    store.write(target, catalogue)
    images = store.Store(target)
    sets = {name: np.flatnonzero(images.own_sets == name) for name in ("train", "test")}
    leaks.check_no_leak(images, sets)
    return images, lines


def half(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def half_of(pixels):
    """What writes half a file."""

    def write(path):
        save(path, pixels)
        half(path)

    return write


def of_white(most):
    """What writes a TIFF file that says what is white."""
    tags = [(281, "H", 1, most, True)]  # MaxSampleValue
    return lambda path: tifffile.imwrite(path, random(4, 4, dtype=U16), extratags=tags)


def file_instead(path):
    path.rmdir()
    path.write_bytes(b"no folder")


def link_to(place):
    return lambda path: path.symlink_to(place)


def make(root, content):
    """Pixels, bytes, or what makes something, at paths below a folder that is there."""
    for name, what in content.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(what, np.ndarray):
            save(path, what)
        elif isinstance(what, bytes):
            path.write_bytes(what)
        else:
            what(path)


GREY, WIDE, COLOUR = random(4, 4), random(4, 5), random(4, 4, 3)
DEEP, LARGE = random(4, 4, dtype=U16), random(40, 40)
CLEAN = {"clean/a.png": GREY}
HALF_TIFF = {"clean/a.tif": half_of(random(40, 40, dtype=U16))}
HALF_PNG = {"clean/a.png": half_of(LARGE)}
THREE = {f"clean/{name}.png": random(4, 4) for name in "abc"}
SIXTEEN_BITS = {"clean/a.tif": np.array([[0, 65535]], U16)}
NAN = np.where(np.arange(16).reshape(4, 4) // 2 == 2, np.nan, 0).astype(F32)

REFUSED = [  # what it is, what the folder has, keys of the section, the message
    ("missing", {"": Path.rmdir}, {}, "path = {root}: no such folder"),
    (
        "a file",
        {"": file_instead},
        {},
        "path = {root}: is no folder; put it into one, and name that",
    ),
    ("empty", {}, {}, "{root}: has nothing, but neither clean/ nor noisy/"),
    ("empty, of a kind", {}, {"kind": "clean"}, "{root}: no images"),
    ("no path", {}, {"path": ""}, "sources.own: path = '': should not be empty"),
    ("empty role", {"clean": Path.mkdir}, {}, "{root}/clean: no images"),
    ("only text", {"clean/readme.txt": b"images follow"}, {}, "{root}/clean: no images"),
    (
        "no kind",
        {"a.png": GREY},
        {},
        "has images in the folder itself, but neither .*; say kind: clean or kind: noisy if",
    ),
    ("other folders", {"photos/a.png": GREY}, {}, "{root}: has photos/, but neither clean/"),
    ("second alone", {"noisy2/a.png": GREY}, {}, "{root}: has noisy2/, but neither clean/"),
    (
        "no pairs",
        CLEAN,
        {"kind": "pairs"},
        "{root}/noisy: no such folder; kind: pairs needs clean/ and",
    ),
    (
        "not noisy",
        CLEAN,
        {"kind": "noisy"},
        "{root}/noisy: no such folder; kind: noisy needs noisy/ in",
    ),
    (
        "other folders in test",
        {f"{folder}/a.png": GREY for folder in ("clean", "noisy", "test/clean")},
        {},
        "{root}/test/noisy: no such folder; kind: pairs needs",
    ),
    ("empty test set", CLEAN | {"test/clean": Path.mkdir}, {}, "{root}/test/clean: no images$"),
    ("empty file", CLEAN | {"clean/b.png": b""}, {}, "{root}/clean/b.png: is empty" + SKIP),
    ("half a TIFF", HALF_TIFF, {}, "{root}/clean/a.tif: "),
    ("half a TIFF", HALF_TIFF, {"bad_files": "skip"}, "{root}/clean: no images are left"),
    ("half a PNG", HALF_PNG, {}, "{root}/clean/a.png: not a whole PNG file"),
    ("half a PNG", HALF_PNG, {"bad_files": "skip"}, "{root}/clean: no images are left"),
    ("half an array", {"clean/a.npy": half_of(LARGE)}, {}, "{root}/clean/a.npy: "),
    (
        "text named PNG",
        {"clean/a.png": b"no image"},
        {},
        "{root}/clean/a.png: is no image that can be read",
    ),
    (
        "names in two cases",
        {"clean/a.png": GREY, "clean/A.png": GREY},
        {},
        "{root}/clean/a.png and A.png: .*nothing but their case",
    ),
    (
        "names with two suffixes",
        {"clean/a.png": GREY, "clean/a.tif": GREY},
        {},
        "{root}/clean/a.tif and a.png: .*nothing but their suffix",
    ),
    (
        "names in two Unicode forms",
        {"clean/\u00e9.png": GREY, "clean/e\u0301.png": GREY},
        {},
        "differ in nothing but their Unicode form",
    ),
    (
        "one name for two images",
        {"clean/test/a.png": GREY, "test/clean/a.png": GREY},
        {},
        "{root}: two images would be named test/a.png",
    ),
    (
        "no partner",
        CLEAN | {"noisy/a.png": GREY, "noisy/b.png": GREY},
        {},
        "{root}/noisy/b.png: has no partner of this name in {root}/clean" + SKIP,
    ),
    (
        "partner in another case",
        CLEAN | {"noisy/A.png": GREY},
        {},
        "A.png: has no partner of this name in {root}/clean",
    ),
    (
        "partner of another size",
        CLEAN | {"noisy/a.png": WIDE},
        {},
        "{root}/clean/a.png is 4 x 4 x 1 uint8, {root}/noisy/a.png is 4 x 5 x 1 uint8",
    ),
    (
        "partner of another depth",
        CLEAN | {"noisy/a.tif": DEEP},
        {},
        "clean/a.png is 4 x 4 x 1 uint8, {root}/noisy/a.tif is .*16;",
    ),
    (
        "partner of other pages",
        {"clean/a.tif": random(3, 4, 5), "noisy/a.tif": random(2, 4, 5)},
        {},
        "clean/a.tif is 3 pages of .*noisy/a.tif is 2 pages of 4 x 5 x 1",
    ),
    (
        "one of another depth",
        THREE | {"clean/aa.tif": DEEP},
        {},
        "clean/aa.tif: is uint16 with 1 channel, but 3 of 4 images are uint8 with 1 channel",
    ),
    (
        "one in colour",
        THREE | {"clean/aa.png": COLOUR},
        {},
        "aa.png: is uint8 with 3 channels, but 3 of 4 images are uint8 with 1 ch",
    ),
    (
        "transparent",
        {"clean/a.png": random(4, 4, 4)},
        {},
        "{root}/clean/a.png: has transparent pixels",
    ),
    (
        "link to nothing",
        {"clean/a.png": link_to("gone.png")},
        {},
        "{root}/clean/a.png: is a link to nothing" + SKIP,
    ),
    (
        "link to itself",
        {"clean/a.png": link_to("a.png")},
        {},
        "{root}/clean/a.png: Too many levels of symbolic links",
    ),
    (
        "a pipe",
        {"clean/a.png": os.mkfifo},
        {},
        "{root}/clean/a.png: is neither a file nor a folder",
    ),
    (
        "Zarr without an image",
        {"clean/a.zarr": Path.mkdir},
        {},
        "{root}/clean/a.zarr: is a folder, and no Zarr image",
    ),
    (
        "not a number",
        {"clean/a.tif": NAN},
        {},
        "{root}/clean/a.tif: 2 pixel values are NaN or infinite" + SKIP,
    ),
    (
        "infinite",
        {"clean/a.npy": np.array([[0.5, np.inf]], F32)},
        {},
        "{root}/clean/a.npy: 1 pixel value is NaN or infinite",
    ),
    (
        "negative",
        {"clean/a.tif": np.array([[-1024, 3071]], I16)},
        {},
        "{root}/clean/a.tif: has the value -1024, less than 0, .*; set black, and white",
    ),
    (
        "floats of bytes",
        {"clean/a.tif": np.array([[0, 255]], F32)},
        {},
        "{root}/clean/a.tif: has the value 255; set white",
    ),
    (
        "noise far beyond white",
        {"clean/a.tif": np.array([[0, 1]], F32), "noisy/a.tif": np.array([[0, 21]], F32)},
        {},
        "{root}/noisy/a.tif: has the value 21; set white",
    ),
    (
        "integers of 32 bits",
        {"clean/a.tif": np.array([[0, 100_000]], np.uint32)},
        {},
        "a.tif: nothing says which value of uint32 is white; set white",
    ),
    (
        "other words for white",
        {"clean/a.tif": of_white(1023), "clean/b.tif": of_white(4095)},
        {},
        "a.tif says that black is 0 and white 1023 .*b.tif says .* 4095",
    ),
    (
        "brighter than its white",
        {"clean/a.tif": of_white(100)},
        {},
        "a.tif: has the value .*, but white is 100 by .*; set white",
    ),
    (
        "sixteen bits",
        SIXTEEN_BITS,
        {"white": 255.0},
        "a.tif: has the value 65535, 257 times white; set white",
    ),
    (
        "sixteen bits",
        SIXTEEN_BITS,
        {"black": 70000.0},
        "white = 65535: should be greater than black = 70000",
    ),
    (
        "white and black",
        CLEAN,
        {"white": 3.0, "black": 3.0},
        "white = 3: should be greater than black = 3",
    ),
    (
        "black",
        CLEAN,
        {"black": float("nan")},
        "sources.own: black = nan: should be a finite number",
    ),
    (
        "bad files",
        CLEAN,
        {"bad_files": "ignore"},
        "bad_files = 'ignore': should be 'refuse' or 'skip'",
    ),
    ("kind", CLEAN, {"kind": "dirty"}, "kind = 'dirty': should be 'auto', 'clean'"),
    (
        "one image in two splits",
        CLEAN | {"test/clean/b.tif": GREY},
        {},
        r"^a.png in train and test/b.tif in test are the same image",
    ),
]


@pytest.mark.parametrize(
    ("content", "keys", "expected"),
    [case[1:] for case in REFUSED],
    ids=[f"{name}-{'-'.join(map(str, keys.values()))}" for name, _, keys, _ in REFUSED],
)
def test_it_is_refused_in_one_line_and_nothing_is_half_written(tmp_path, content, keys, expected):
    root = tmp_path / "own"
    root.mkdir()
    make(root, content)
    refuses(root, keys, expected)


def refuses(root, keys, expected):
    """Fetching says one line, and leaves whole files or none."""
    with pytest.raises(InputError, match=expected.format(root=root)) as error:
        fetch(root, **keys)
    assert "\n" not in str(error.value)
    target = root.parent / "stored"
    assert not list(target.glob(".*"))
    if "are the same image" not in expected:  # which only who splits them minds
        assert not (target / "source.json").exists()


def test_a_folder_that_cannot_be_listed(tmp_path, monkeypatch):
    save(tmp_path / "clean/deep/a.png", random(4, 4))
    real = os.scandir

    def scandir(folder):
        if str(folder).endswith("deep"):
            raise PermissionError(13, "Permission denied", folder)
        return real(folder)

    monkeypatch.setattr(os, "scandir", scandir)
    refuses(tmp_path, {}, r"clean/deep: cannot be read \(Permission denied\)")


def test_a_file_that_cannot_be_opened(tmp_path, monkeypatch):
    save(tmp_path / "clean/a.png", random(4, 4))
    real = builtins.open

    def refusing(path, *arguments, **keys):
        if str(path).endswith("a.png"):
            raise PermissionError(13, "Permission denied", path)
        return real(path, *arguments, **keys)

    monkeypatch.setattr(builtins, "open", refusing)
    refuses(tmp_path, {}, "clean/a.png: Permission denied")


@pytest.mark.parametrize("way", ["grows", "is replaced", "is rewritten", "vanishes", "ends"])
def test_a_file_that_changes_while_it_is_read(tmp_path, monkeypatch, way):
    root = tmp_path / "own"
    path = root / "clean/a.npy"
    save(path, random(40, 40))
    monkeypatch.setattr(image_files, "BAND", 40 * 4)
    folder = Folder(name="folder", path=str(root))
    (image,) = folder.scan(root, root, str).images

    def changing():
        for number, band in enumerate(image.read["clean"]()):
            yield band
            if number != 3:
                continue
            if way == "grows":
                with open(path, "ab") as file:
                    file.write(b"more")
            elif way == "is replaced":
                save(root / "clean/b.npy", random(40, 40))
                (root / "clean/b.npy").replace(path)
            elif way == "is rewritten":
                save(path, random(40, 40))
            elif way == "vanishes":
                path.unlink()
            else:
                half(path)

    catalogue = folder.scan(root, root, str)
    changed = catalogue._replace(images=[image._replace(read={"clean": changing})])
    expected = (
        r"a\.npy: No such file" if way == "vanishes" else r"a\.npy: changed while it was read"
    )
    with pytest.raises(InputError, match=expected) as error:
        store.write(tmp_path / "stored", changed)
    assert "\n" not in str(error.value)
    assert not list((tmp_path / "stored").iterdir())


def test_a_file_that_changed_since_the_scan(tmp_path):
    save(tmp_path / "clean/a.png", random(4, 4))
    catalogue = Folder(name="folder", path=str(tmp_path)).scan(tmp_path, tmp_path, str)
    save(tmp_path / "clean/a.png", random(9, 9))
    with pytest.raises(InputError, match=r"clean/a\.png: changed while it was read"):
        store.write(tmp_path / "stored", catalogue)


def test_a_loop_of_links_is_read_once(tmp_path):
    root = tmp_path / "own"
    save(root / "clean/deep/a.png", random(4, 4))
    (root / "clean/deep/up").symlink_to(root / "clean")
    (root / "clean/deep/top").symlink_to(root)
    (root / "clean/deep/self").symlink_to("self")
    images, lines = fetch(root)
    assert images.names.tolist() == ["deep/a.png"]
    said = [line for line in lines if "links to a folder that is read already; left out" in line]
    assert len(said) == 2


@pytest.mark.parametrize(
    "name", [b"with space", b"two\nlines", b"caf\xe9", b"\xff\xfe", "\u202ereversed".encode()]
)
@pytest.mark.parametrize("suffix", ["png", "tif", "npy"])
def test_strange_names_work_and_stay_on_one_line(tmp_path, name, suffix):
    root = tmp_path / "own"
    path = root / "clean" / os.fsdecode(name) / f"{os.fsdecode(name)}.{suffix}"
    pixels = save(path, random(4, 4))
    images, lines = fetch(root)
    np.testing.assert_array_equal(images.raw("clean", 0)[..., 0], pixels)
    half(path)
    with pytest.raises(InputError) as error:
        fetch(root)
    for line in (*lines, str(error.value), *images.names.tolist()):
        assert line.isprintable()


def test_a_huge_image_that_is_only_promised_needs_no_memory(tmp_path):
    """A header can say anything."""
    path = tmp_path / "clean/a.npy"
    path.parent.mkdir()
    with open(path, "wb") as file:
        header = {"descr": "<u2", "fortran_order": False, "shape": (10**6, 10**7)}
        np.lib.format.write_array_header_2_0(file, header)
    refuses(tmp_path, {}, "clean/a.npy: ")


def test_one_bad_file_among_good_ones_is_left_out_where_that_is_wanted(tmp_path):
    root = tmp_path / "own"
    for name in "abc":
        save(root / f"clean/{name}.png", random(4, 4))
    half(root / "clean/b.png")
    images, lines = fetch(root, bad_files="skip")
    assert images.names.tolist() == ["a.png", "c.png"]
    (line,) = [line for line in lines if line.startswith("left out: ")]
    assert "clean/b.png" in line
