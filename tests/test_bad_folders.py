"""Folders as people really have them: each is refused in one line that names it, or it works."""

import builtins
import os

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
    leaks.check_no_leak(images.content, images.names, sets)
    return images, lines


def half(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def with_tag(path, most):
    path.parent.mkdir(parents=True, exist_ok=True)
    tags = [(281, "H", 1, most, True)]  # MaxSampleValue
    tifffile.imwrite(path, random(4, 4, dtype=U16), extratags=tags)


def missing(root):
    root.rmdir()


def a_file(root):
    root.rmdir()
    root.write_bytes(b"no folder")


def empty(root):
    pass


def empty_role(root):
    (root / "clean").mkdir()


def only_text(root):
    (root / "clean").mkdir()
    (root / "clean/readme.txt").write_text("images follow")


def no_kind(root):
    save(root / "a.png", random(4, 4))


def other_folders(root):
    save(root / "photos/a.png", random(4, 4))


def second_alone(root):
    save(root / "noisy2/a.png", random(4, 4))


def clean_alone(root):
    save(root / "clean/a.png", random(4, 4))


def other_folders_in_test(root):
    for folder in ("clean", "noisy", "test/clean"):
        save(root / folder / "a.png", random(4, 4))


def empty_test_set(root):
    save(root / "clean/a.png", random(4, 4))
    (root / "test/clean").mkdir(parents=True)


def empty_file(root):
    save(root / "clean/a.png", random(4, 4))
    (root / "clean/b.png").write_bytes(b"")


def half_a_tiff(root):
    save(root / "clean/a.tif", random(40, 40, dtype=U16))
    half(root / "clean/a.tif")


def half_a_png(root):
    save(root / "clean/a.png", random(40, 40))
    half(root / "clean/a.png")


def half_an_array(root):
    save(root / "clean/a.npy", random(40, 40))
    half(root / "clean/a.npy")


def text_named_png(root):
    (root / "clean").mkdir()
    (root / "clean/a.png").write_text("no image")


def names_in_two_cases(root):
    save(root / "clean/a.png", random(4, 4))
    save(root / "clean/A.png", random(4, 4))


def names_with_two_suffixes(root):
    save(root / "clean/a.png", random(4, 4))
    save(root / "clean/a.tif", random(4, 4))


def names_in_two_unicode_forms(root):
    save(root / "clean/\u00e9.png", random(4, 4))
    save(root / "clean/e\u0301.png", random(4, 4))


def one_name_for_two_images(root):
    save(root / "clean/test/a.png", random(4, 4))
    save(root / "test/clean/a.png", random(4, 4))


def no_partner(root):
    for folder, name in (("clean", "a"), ("noisy", "a"), ("noisy", "b")):
        save(root / folder / f"{name}.png", random(4, 4))


def partner_in_another_case(root):
    save(root / "clean/a.png", random(4, 4))
    save(root / "noisy/A.png", random(4, 4))


def partner_of_another_size(root):
    save(root / "clean/a.png", random(4, 4))
    save(root / "noisy/a.png", random(4, 5))


def partner_of_another_depth(root):
    save(root / "clean/a.png", random(4, 4))
    save(root / "noisy/a.tif", random(4, 4, dtype=U16))


def partner_of_other_pages(root):
    save(root / "clean/a.tif", random(3, 4, 5))
    save(root / "noisy/a.tif", random(2, 4, 5))


def one_of_another_depth(root):
    for name in "abc":
        save(root / f"clean/{name}.png", random(4, 4))
    save(root / "clean/aa.tif", random(4, 4, dtype=U16))


def one_in_colour(root):
    for name in "abc":
        save(root / f"clean/{name}.png", random(4, 4))
    save(root / "clean/aa.png", random(4, 4, 3))


def transparent(root):
    save(root / "clean/a.png", random(4, 4, 4))


def link_to_nothing(root):
    (root / "clean").mkdir()
    (root / "clean/a.png").symlink_to(root / "gone.png")


def link_to_itself(root):
    (root / "clean").mkdir()
    (root / "clean/a.png").symlink_to("a.png")


def a_pipe(root):
    (root / "clean").mkdir()
    os.mkfifo(root / "clean/a.png")


def zarr_without_an_image(root):
    (root / "clean/a.zarr").mkdir(parents=True)


def not_a_number(root):
    pixels = np.zeros((4, 4), F32)
    pixels[1, 1:3] = np.nan
    save(root / "clean/a.tif", pixels)


def infinite(root):
    save(root / "clean/a.npy", np.array([[0.5, np.inf]], F32))


def negative(root):
    save(root / "clean/a.tif", np.array([[-1024, 3071]], I16))


def floats_of_bytes(root):
    save(root / "clean/a.tif", np.array([[0, 255]], F32))


def noise_far_beyond_white(root):
    save(root / "clean/a.tif", np.array([[0, 1]], F32))
    save(root / "noisy/a.tif", np.array([[0, 21]], F32))


def integers_of_32_bits(root):
    save(root / "clean/a.tif", np.array([[0, 100_000]], np.uint32))


def other_words_for_white(root):
    with_tag(root / "clean/a.tif", 1023)
    with_tag(root / "clean/b.tif", 4095)


def brighter_than_its_white(root):
    with_tag(root / "clean/a.tif", 100)


def sixteen_bits(root):
    save(root / "clean/a.tif", np.array([[0, 65535]], U16))


def one_image_in_two_splits(root):
    pixels = save(root / "clean/a.png", random(4, 4))
    save(root / "test/clean/b.tif", pixels)


REFUSED = [
    (missing, {}, "path = {root}: no such folder"),
    (a_file, {}, "path = {root}: is no folder; put it into one, and name that"),
    (empty, {}, "{root}: has nothing, but neither clean/ nor noisy/"),
    (empty, {"kind": "clean"}, "{root}: no images"),
    (empty, {"path": ""}, "sources.own: path = '': should not be empty"),
    (empty_role, {}, "{root}/clean: no images"),
    (only_text, {}, "{root}/clean: no images"),
    (
        no_kind,
        {},
        "has images in the folder itself, but neither .*; say kind: clean or kind: noisy if",
    ),
    (other_folders, {}, "{root}: has photos/, but neither clean/"),
    (second_alone, {}, "{root}: has noisy2/, but neither clean/"),
    (clean_alone, {"kind": "pairs"}, "{root}/noisy: no such folder; kind: pairs needs clean/ and"),
    (clean_alone, {"kind": "noisy"}, "{root}/noisy: no such folder; kind: noisy needs noisy/ in"),
    (other_folders_in_test, {}, "{root}/test/noisy: no such folder; kind: pairs needs"),
    (empty_test_set, {}, "{root}/test/clean: no images$"),
    (empty_file, {}, "{root}/clean/b.png: is empty" + SKIP),
    (half_a_tiff, {}, "{root}/clean/a.tif: "),
    (half_a_tiff, {"bad_files": "skip"}, "{root}/clean: no images are left"),
    (half_a_png, {}, "{root}/clean/a.png: not a whole PNG file"),
    (half_a_png, {"bad_files": "skip"}, "{root}/clean: no images are left"),
    (half_an_array, {}, "{root}/clean/a.npy: "),
    (text_named_png, {}, "{root}/clean/a.png: is no image that can be read"),
    (names_in_two_cases, {}, "{root}/clean/a.png and A.png: .*nothing but their case"),
    (names_with_two_suffixes, {}, "{root}/clean/a.tif and a.png: .*nothing but their suffix"),
    (names_in_two_unicode_forms, {}, "differ in nothing but their Unicode form"),
    (one_name_for_two_images, {}, "{root}: two images would be named test/a.png"),
    (no_partner, {}, "{root}/noisy/b.png: has no partner of this name in {root}/clean" + SKIP),
    (partner_in_another_case, {}, "A.png: has no partner of this name in {root}/clean"),
    (
        partner_of_another_size,
        {},
        "{root}/clean/a.png is 4 x 4 x 1 uint8, {root}/noisy/a.png is 4 x 5 x 1 uint8",
    ),
    (partner_of_another_depth, {}, "clean/a.png is 4 x 4 x 1 uint8, {root}/noisy/a.tif is .*16;"),
    (partner_of_other_pages, {}, "clean/a.tif is 3 pages of .*noisy/a.tif is 2 pages of 4 x 5 x 1"),
    (
        one_of_another_depth,
        {},
        "clean/aa.tif: is uint16 with 1 channel, but 3 of 4 images are uint8 with 1 channel",
    ),
    (one_in_colour, {}, "aa.png: is uint8 with 3 channels, but 3 of 4 images are uint8 with 1 ch"),
    (transparent, {}, "{root}/clean/a.png: has transparent pixels"),
    (link_to_nothing, {}, "{root}/clean/a.png: is a link to nothing" + SKIP),
    (link_to_itself, {}, "{root}/clean/a.png: Too many levels of symbolic links"),
    (a_pipe, {}, "{root}/clean/a.png: is neither a file nor a folder"),
    (zarr_without_an_image, {}, "{root}/clean/a.zarr: is a folder, and no Zarr image"),
    (not_a_number, {}, "{root}/clean/a.tif: 2 pixel values are NaN or infinite" + SKIP),
    (infinite, {}, "{root}/clean/a.npy: 1 pixel value is NaN or infinite"),
    (
        negative,
        {},
        "{root}/clean/a.tif: has the value -1024, less than 0, .*; set black, and white",
    ),
    (floats_of_bytes, {}, "{root}/clean/a.tif: has the value 255; set white"),
    (noise_far_beyond_white, {}, "{root}/noisy/a.tif: has the value 21; set white"),
    (integers_of_32_bits, {}, "a.tif: nothing says which value of uint32 is white; set white"),
    (other_words_for_white, {}, "a.tif says that black is 0 and white 1023 .*b.tif says .* 4095"),
    (brighter_than_its_white, {}, "a.tif: has the value .*, but white is 100 by .*; set white"),
    (sixteen_bits, {"white": 255.0}, "a.tif: has the value 65535, 257 times white; set white"),
    (sixteen_bits, {"black": 70000.0}, "white = 65535: should be greater than black = 70000"),
    (clean_alone, {"white": 3.0, "black": 3.0}, "white = 3: should be greater than black = 3"),
    (clean_alone, {"black": float("nan")}, "sources.own: black = nan: should be a finite number"),
    (clean_alone, {"bad_files": "ignore"}, "bad_files = 'ignore': should be 'refuse' or 'skip'"),
    (clean_alone, {"kind": "dirty"}, "kind = 'dirty': should be 'auto', 'clean'"),
    (one_image_in_two_splits, {}, r"^a.png in train and test/b.tif in test are the same image"),
]


def names(cases):
    return [f"{case.__name__}-{'-'.join(map(str, keys.values()))}" for case, keys, _ in cases]


@pytest.mark.parametrize(("make", "keys", "expected"), REFUSED, ids=names(REFUSED))
def test_it_is_refused_in_one_line_and_nothing_is_half_written(tmp_path, make, keys, expected):
    root = tmp_path / "own"
    root.mkdir()
    make(root)
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
