import numpy as np
import pytest

from denoising.data import datasets
from denoising.files import InputError, write_arrays
from denoising.noise.models import Gaussian

NOISE = Gaussian(name="gaussian", sigma=0.5, clip=False)
COUNTS = {"train": 20, "validation": 7, "test": 4}


@pytest.fixture
def source():
    numbers = np.arange(60_000, dtype=np.uint32)
    return np.broadcast_to(numbers[:, None, None] % 251, (60_000, 2, 2)).astype(np.uint8), np.zeros(
        (10, 2, 2), np.uint8
    )


def noise_of(seed=0, dataset="d", split="train", images=30):
    clean = np.full((images, 8, 8), 128, np.uint8)
    return datasets.corrupt(clean, NOISE, seed, dataset, split)


def test_two_independent_versions_to_learn_from_and_one_to_test():
    assert noise_of().shape == (2, 30, 8, 8)
    assert noise_of().dtype == np.float16
    assert noise_of(split="test").shape == (1, 30, 8, 8)


def test_no_two_images_splits_draws_datasets_or_seeds_share_a_noise_field():
    everything = [
        noise_of(),
        noise_of(split="validation"),
        noise_of(split="test"),
        noise_of(dataset="e"),
        noise_of(seed=1),
    ]
    fields = np.concatenate([noisy.reshape(-1, 64) for noisy in everything]).astype(np.float64)
    correlation = np.corrcoef(fields) - np.eye(len(fields))
    assert np.abs(correlation).max() < 0.7  # of 64 pixels; a shared field would give 1


def test_same_arguments_same_noise_whatever_else_was_drawn():
    first = noise_of()
    noise_of(dataset="another")
    np.testing.assert_array_equal(first, noise_of())
    np.testing.assert_array_equal(first[:, :10], noise_of(images=10))  # streams go image by image


def test_splits_are_disjoint_and_as_large_as_asked(source):
    train, test = source
    train = np.arange(60_000, dtype=np.uint16)[:, None, None]
    for selection in ("first", "shuffled"):
        counts = {"train": 50_000, "validation": 10_000, "test": 10}
        splits = datasets.split_images(train, test, counts, selection, seed=0)
        assert {split: len(images) for split, images in splits.items()} == counts
        assert len(np.unique(np.concatenate([splits["train"], splits["validation"]]))) == 60_000
    assert not np.array_equal(splits["train"], train[:50_000])
    first = datasets.split_images(train, test, counts, "first", seed=0)["train"]
    np.testing.assert_array_equal(first, train[:50_000])


def test_fewer_images_are_spread_over_the_pool():
    train = np.arange(60_000, dtype=np.uint16)[:, None, None]
    test = np.arange(10_000, dtype=np.uint16)[:, None, None]
    splits = datasets.split_images(train, test, COUNTS, "first", seed=0)
    np.testing.assert_array_equal(splits["test"].ravel(), [0, 2500, 5000, 7500])
    np.testing.assert_array_equal(splits["train"].ravel()[:3], [0, 2500, 5000])


def test_more_images_than_there_are_is_an_error(source):
    with pytest.raises(InputError, match="test_images = 11: the source has 10"):
        datasets.split_images(*source, COUNTS | {"test": 11}, "first", seed=0)


def test_pairs_for_clean_and_for_noisy_targets():
    clean = np.full((3, 2, 2), 255, np.uint8)
    noisy = np.arange(24, dtype=np.float16).reshape(2, 3, 2, 2)
    inputs, targets = datasets.pairs(clean, noisy, "clean", [2, 0])
    np.testing.assert_array_equal(inputs, noisy[0, [2, 0]])
    np.testing.assert_array_equal(targets, np.ones((2, 2, 2)))
    inputs, targets = datasets.pairs(None, noisy, "noisy")  # no clean image is needed
    np.testing.assert_array_equal(targets, noisy[1])
    assert inputs.dtype == targets.dtype == np.float32


def test_arrays_that_do_not_fit_are_refused(tmp_path):
    path = tmp_path / "train.npz"
    clean = np.zeros((3, 2, 2), np.uint8)
    for shape in ((2, 4, 2, 2), (1, 3, 2, 2), (3, 2, 2)):
        write_arrays(path, clean=clean, noisy=np.zeros(shape, np.float16), split=np.array("train"))
        with pytest.raises(
            InputError, match=r"do not fit; expected uint8 \(N, H, W\) and float16 \(2, N, H, W\)"
        ):
            datasets.read(path, "train")
    write_arrays(
        path, clean=clean, noisy=np.zeros((2, 3, 2, 2), np.float16), split=np.array("train")
    )
    with pytest.raises(InputError, match="holds the train images, expected the validation images"):
        datasets.read(path, "validation")
