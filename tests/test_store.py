"""Images of any size on disk, and what is drawn and cut from them."""

import subprocess
import sys

import numpy as np
import pytest

from denoising.data import image_sets, patches, splits
from denoising.data.image_sets import ImageSet
from denoising.data.patches import Patches
from denoising.data.store import Catalogue, Image, Store, to_unit, write
from denoising.data.streams import rng_for
from denoising.files import InputError
from denoising.noise.gaussian import Gaussian
from denoising.noise.poisson import Poisson
from tests.conftest import ROOT

NOISE = Gaussian(name="gaussian", sigma=0.1, clip=False)
SIZES = [(50, 70, 3), (1, 500, 3), (130, 65, 3), (1, 1, 3)]


def catalogue(arrays, own_sets=None, white=4095, dtype=np.uint16, **options):
    """A catalogue of arrays in memory: by role, a list of images (H, W, C)."""
    count = len(next(iter(arrays.values())))
    images = [
        Image(
            f"image{index}",
            (own_sets or [""] * count)[index],
            next(iter(arrays.values()))[index].shape,
            {
                role: lambda one=found[index]: iter([one[:7], one[7:]])
                for role, found in arrays.items()
            },
        )
        for index in range(count)
    ]
    return Catalogue(images, np.dtype(dtype), 0, white, **options)


@pytest.fixture(scope="module")
def pixels():
    rng = np.random.default_rng(0)
    return [rng.integers(0, 4096, size, dtype=np.uint16) for size in SIZES]


@pytest.fixture(scope="module")
def store(pixels, tmp_path_factory):
    folder = tmp_path_factory.mktemp("source")
    write(folder, catalogue({"clean": pixels}))
    return Store(folder)


def image_set(store, noise=NOISE, split="train"):
    return ImageSet(store, np.arange(len(store)), split, noise, 0, "s")


def test_images_of_any_size_are_read_as_they_were_written(store, pixels):
    for index, image in enumerate(pixels):
        np.testing.assert_array_equal(store.raw("clean", index), image)
        np.testing.assert_allclose(store.unit("clean", index), image / 4095, rtol=1e-6)
    window = (slice(10, 20), slice(30, 65))
    np.testing.assert_array_equal(store.raw("clean", 2, window), pixels[2][window])
    store.check()


@pytest.mark.parametrize(
    ("dtype", "black", "white"),
    [("uint8", 0, 255), ("int16", -1024, 3071), ("int32", -5, 2**31 - 1), ("float64", 0, 1e9)],
)
def test_black_and_white_become_0_and_1(dtype, black, white):
    ends = np.array([black, white]).astype(dtype)
    unit = to_unit(ends, black, white)
    assert unit.dtype == np.float32
    np.testing.assert_array_equal(unit, [0, 1])


def test_changed_and_missing_files_are_noticed(pixels, tmp_path):
    write(tmp_path, catalogue({"clean": pixels}))
    content = bytearray((tmp_path / "clean.npy").read_bytes())
    content[-1] ^= 1
    (tmp_path / "clean.npy").write_bytes(content)
    with pytest.raises(InputError, match=r"clean\.npy: has SHA-256 .*run the fetch stage again"):
        Store(tmp_path).check()
    (tmp_path / "clean.npy").write_bytes(content[:-2])
    with pytest.raises(InputError, match=r"clean\.npy: damaged"):
        Store(tmp_path)
    (tmp_path / "clean.npy").unlink()
    with pytest.raises(InputError, match=r"clean\.npy: no such file"):
        Store(tmp_path)


@pytest.mark.parametrize("change", ["rows", "dtype"])
def test_a_file_that_changes_while_it_is_read_is_one_line(pixels, tmp_path, change):
    found = catalogue({"clean": pixels})
    one = pixels[0][:-1] if change == "rows" else pixels[0].astype(np.uint8)
    found.images[0].read["clean"] = lambda: iter([one])
    with pytest.raises(InputError, match=r"^image0: clean .*while it was read\?$"):
        write(tmp_path, found)
    assert not list(tmp_path.iterdir())


def test_images_of_several_sizes_are_no_array(store):
    with pytest.raises(InputError, match="images of 4 sizes are no array"):
        store.array("clean", np.arange(4))
    assert store.array("clean", np.array([0, 0])).shape == (2, 50, 70, 3)


def test_noise_does_not_depend_on_where_one_looks(store):
    """Blocks are drawn one by one; a window of the image is a window of its noisy version."""
    for noise in (NOISE, Poisson(name="poisson", peak=30, clip=False)):
        images = image_set(store, noise)
        whole = images.noisy(2)
        for window in [(slice(0, 3), slice(60, 65)), (slice(60, 130), slice(1, 65))]:
            np.testing.assert_array_equal(images.noisy(2, 0, window), whole[window])
        assert not np.array_equal(images.noisy(2, 1), whole)
        assert not np.array_equal(image_set(store, noise, "test").noisy(2), whole)


def test_noise_is_as_strong_as_it_says_and_free_of_correlation(store):
    images = image_set(store)
    noise = np.concatenate([(images.noisy(i) - images.clean(i)).ravel() for i in (0, 2)])
    assert noise.std() == pytest.approx(0.1, rel=0.02)
    assert abs(np.corrcoef(noise[:-1], noise[1:])[0, 1]) < 0.03


def test_an_image_that_is_added_changes_no_others_noise(pixels, tmp_path):
    write(tmp_path / "a", catalogue({"clean": pixels[:3]}))
    write(tmp_path / "b", catalogue({"clean": pixels}))
    first, second = (image_set(Store(tmp_path / name)) for name in "ab")
    np.testing.assert_array_equal(first.noisy(1), second.noisy(1))


def test_shots_are_read_and_not_drawn(pixels, tmp_path):
    other = [image + np.uint16(1) for image in pixels]
    write(tmp_path, catalogue({"noisy": pixels, "second": other}))
    images = image_set(Store(tmp_path), noise=None)
    assert (images.versions, images.has_clean) == (2, False)
    np.testing.assert_allclose(images.noisy(0, 1), other[0] / 4095, rtol=1e-6)


def test_a_split_is_read_as_it_was_written(store, tmp_path, pixels):
    path = tmp_path / "train.npz"
    image_sets.write(path, store, np.array([2, 0]), "train", {"seed": 3})
    assert image_sets.is_one(path)
    assert image_sets.about(path) == (store.folder.name, {"seed": 3})
    found = image_sets.read(path, "train", store, NOISE)
    assert [found.name(0), found.name(1)] == ["image2", "image0"]
    with pytest.raises(InputError, match="holds the train images"):
        image_sets.read(path, "test", store, NOISE)
    write(tmp_path / "other", catalogue({"clean": pixels[::-1]}))
    with pytest.raises(InputError, match="is of other images"):
        image_sets.read(path, "train", Store(tmp_path / "other"), NOISE)


def cut(store, seed=0, count=400, epoch=None, **changes):
    section = {"size": 16, "per_epoch": 10, "validation": 10, "flips": True} | changes
    chosen = Patches(**section)
    images = image_set(store)
    where = patches.places(images, chosen, count, rng_for(seed, "p"))
    return where, patches.cut(images, chosen, where, slice(None), 2, True, epoch)


def test_patches_are_repeatable_and_lie_in_their_images(store, pixels):
    where, found = cut(store, flips=False)
    assert found.clean.shape == (400, 16, 16, 3)
    assert found.noisy.shape == (2, 400, 16, 16, 3)
    assert set(where.image) >= {0, 2}
    for number in range(0, 400, 37):
        image, top, left, _ = (axis[number] for axis in where)
        if min(SIZES[image][:2]) >= 16:
            expected = pixels[image][top : top + 16, left : left + 16] / 4095
            np.testing.assert_allclose(found.clean[number], expected, rtol=1e-6)
    np.testing.assert_array_equal(cut(store, flips=False)[1].noisy, found.noisy)
    assert not np.array_equal(cut(store, seed=1, flips=False)[0].top, where.top)


def test_every_place_is_as_likely(store):
    where, _ = cut(store, count=4000)
    places = np.array([max(h - 15, 1) * max(w - 15, 1) for h, w, _ in SIZES])
    shares = np.bincount(where.image, minlength=len(SIZES)) / 4000
    np.testing.assert_allclose(shares, places / places.sum(), atol=0.03)


def test_an_image_smaller_than_a_patch_is_mirrored(store, pixels):
    images = ImageSet(store, np.array([1, 3]), "train", NOISE, 0, "s")
    chosen = Patches(size=16, per_epoch=5, validation=5, flips=False)
    where = patches.places(images, chosen, 50, rng_for(0, "p"))
    found = patches.cut(images, chosen, where, slice(None), 1, True)
    np.testing.assert_array_equal(found.clean, found.clean[:, :1].repeat(16, axis=1))
    assert np.isfinite(found.noisy).all()


def test_flips_turn_clean_and_noisy_alike(store):
    where, found = cut(store)
    assert set(where.orientation) == set(range(8))
    residual = found.noisy[0] - found.clean
    assert residual.std() == pytest.approx(0.1, rel=0.02)


def test_noise_that_is_drawn_anew_differs_from_epoch_to_epoch(store):
    first, again, second = (cut(store, epoch=epoch)[1] for epoch in (0, 0, 1))
    np.testing.assert_array_equal(first.noisy, again.noisy)
    np.testing.assert_array_equal(first.clean, second.clean)
    assert not np.array_equal(first.noisy, second.noisy)
    fixed = cut(store)[1]
    assert not np.array_equal(fixed.noisy, first.noisy)


def test_a_batch_is_a_part_of_its_epoch(store):
    where, whole = cut(store, epoch=3)
    images = image_set(store)
    chosen = Patches(size=16, per_epoch=10, validation=10, flips=True)
    part = patches.cut(images, chosen, where, slice(100, 130), 2, True, 3)
    np.testing.assert_array_equal(part.noisy, whole.noisy[:, 100:130])


COUNTS = {"train": 1000, "validation": 1000, "test": 1000}
NAMES = [f"{camera}_{shot}" for camera in ("canon", "nikon", "sony") for shot in range(10)]
NOWHERE = np.array([""] * 30)


def split(section=None, own_sets=NOWHERE, names=NAMES, selection="shuffled", seed=0, counts=COUNTS):
    section = splits.Split(**section) if section else None
    return splits.choose(names, own_sets, section, counts, selection, seed)


def test_a_source_without_sets_is_split_by_image():
    found = split()
    assert {name: len(places) for name, places in found.items()} == {
        "train": 22,
        "validation": 2,
        "test": 6,
    }
    assert len(np.unique(np.concatenate(list(found.values())))) == 30
    assert not np.array_equal(split(seed=1)["test"], found["test"])
    last = split(selection="first")
    np.testing.assert_array_equal(last["test"], range(24, 30))


def test_its_own_test_images_are_kept():
    own_sets = np.array(["train"] * 20 + ["test"] * 10)
    np.testing.assert_array_equal(split(own_sets=own_sets)["test"], range(20, 30))
    with pytest.raises(InputError, match=r"split\.test: the source has 10 test images itself"):
        split({"validation": 3, "test": 3}, own_sets)


def test_groups_are_never_torn_apart():
    found = split({"validation": 0.3, "test": 0.3, "groups": "^([a-z]+)_"})
    cameras = [{NAMES[place].split("_")[0] for place in places} for places in found.values()]
    assert sorted(name for names in cameras for name in names) == ["canon", "nikon", "sony"]


def test_the_pages_of_a_file_stay_together_if_there_are_files_enough():
    pages = [f"stack{file}.tif#{page:02}" for file in range(6) for page in range(1, 6)]
    found = split(names=pages).values()
    files = [{pages[place].split("#")[0] for place in places} for places in found]
    assert sorted(name for names in files for name in names) == [f"stack{i}.tif" for i in range(6)]
    alone = [f"stack.tif#{page:02}" for page in range(1, 31)]
    assert len(split(names=alone)["test"]) == 6


def test_names_can_say_which_images_test():
    section = {"validation": 2, "test_names": "^nikon"}
    np.testing.assert_array_equal(split(section)["test"], range(10, 20))
    with pytest.raises(InputError, match=r"test_names = '\^leica': found in no name"):
        split(section | {"test_names": "^leica"})
    with pytest.raises(InputError, match="finds some images of group canon and not others"):
        split(section | {"test_names": "_[0-3]$", "groups": "^([a-z]+)_"})
    with pytest.raises(ValueError, match="is no regular expression"):
        split(section | {"test_names": "("})


def test_fewer_images_are_taken_where_a_budget_says_so():
    found = split(counts={"train": 5, "validation": 1, "test": 3})
    assert [len(found[name]) for name in splits.SPLITS] == [5, 1, 3]


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"validation": 2, "test": 28}, "nothing is left for"),
        ({"validation": 2}, r"split\.test: missing"),
        ({"validation": 2, "test": 2, "groups": "^x"}, "not found in the name 'canon_0'"),
    ],
)
def test_a_split_that_cannot_be_is_one_line(section, message):
    with pytest.raises(InputError, match=message):
        split(section)


def test_one_image_alone_cannot_be_split():
    with pytest.raises(InputError, match="1 image in 1 group: nothing is left for train"):
        split(names=["a"], own_sets=NOWHERE[:1])


READ = """
import resource, sys
import numpy as np
from pathlib import Path
from denoising.data.store import Store
store = Store(Path(sys.argv[1]))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
rng = np.random.default_rng(0)
for _ in range(3000):
    top, left = rng.integers(29_000, size=2)
    store.raw("clean", 0, (slice(top, top + 500), slice(left, left + 500)))
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def test_resident_memory_does_not_grow_with_what_is_read(tmp_path):
    """An image of 30,000 x 30,000 pixels, all of it a hole in the file."""
    size = 30_000
    row = np.zeros((10, size, 1), np.uint8)
    image = Image("a", "", (10, size, 1), {"clean": lambda: iter([row])})
    write(tmp_path, Catalogue([image], np.dtype(np.uint8), 0, 255))
    arrays = dict(np.load(tmp_path / "images.npz"))
    arrays["shapes"] = np.array([[size, size, 1]])
    np.savez(tmp_path / "images.npz", **arrays)
    with open(tmp_path / "clean.npy", "wb") as file:
        header = {"descr": "|u1", "fortran_order": False, "shape": (size * size,)}
        np.lib.format.write_array_header_2_0(file, header)
        file.truncate(file.tell() + size * size)
    command = [sys.executable, "-c", READ, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert int(done.stdout) < 600  # MiB, of 900 that were read
