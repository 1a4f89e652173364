import numpy as np
import pytest

from denoising.data import datasets, splits
from denoising.data.store import to_unit
from denoising.data.streams import rng_for
from denoising.evaluation import metrics, targets
from denoising.files import InputError
from denoising.methods.base import Given
from denoising.methods.noise2noise import Noise2Noise
from denoising.methods.supervised import Supervised
from denoising.noise.gaussian import Gaussian
from denoising.noise.impulse import Impulse

NOISE = Gaussian(name="gaussian", sigma=0.5, clip=False)
COUNTS = {"train": 20, "validation": 7, "test": 4}


def noise_of(seed=0, dataset="d", split="train", images=30):
    clean = np.full((images, 8, 8, 1), 128, np.uint8)
    return datasets.corrupt(clean, NOISE, seed, dataset, split)


def test_two_independent_versions_to_learn_from_and_one_to_test():
    assert noise_of().shape == (2, 30, 8, 8, 1)
    assert noise_of().dtype == np.float16
    assert noise_of(split="test").shape == (1, 30, 8, 8, 1)


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


def test_noise_of_another_epoch_is_another():
    clean = np.full((30, 8, 8, 1), 128, np.uint8)
    kept, first, second = (datasets.corrupt(clean, NOISE, 0, "d", "train", e) for e in (0, 1, 2))
    np.testing.assert_array_equal(kept, noise_of())
    assert not np.array_equal(first, kept)
    assert not np.array_equal(first, second)


OWN = np.array(["train"] * 60_000 + ["test"] * 10_000)


def own(own_sets, held_out, counts, selection, seed):
    """A source with sets of known sizes, as MNIST is."""
    names = [f"{number:05}" for number in range(len(own_sets))]
    split = splits.Split(validation=held_out)
    return splits.choose(names, own_sets, split, counts, selection, seed, exact=True)


def test_splits_are_disjoint_and_as_large_as_asked():
    for selection in ("first", "shuffled"):
        counts = {"train": 50_000, "validation": 10_000, "test": 10}
        found = own(OWN, 10_000, counts, selection, seed=0)
        assert {split: len(images) for split, images in found.items()} == counts
        assert len(np.unique(np.concatenate([found["train"], found["validation"]]))) == 60_000
        assert min(found["test"]) >= 60_000
    drawn = rng_for(0, "selection").permutation(60_000)
    np.testing.assert_array_equal(found["train"], drawn[:50_000])
    np.testing.assert_array_equal(found["validation"], drawn[50_000:])
    first = own(OWN, 10_000, counts, "first", seed=0)["train"]
    np.testing.assert_array_equal(first, np.arange(50_000))


def test_a_small_source_has_validation_images_too():
    own_sets = np.array(["train"] * 100 + ["test"] * 10)
    found = own(own_sets, 20, COUNTS, "first", seed=0)
    assert found["train"].max() < 80
    assert found["validation"].min() >= 80
    assert len(found["validation"]) == COUNTS["validation"]


def test_fewer_images_are_spread_over_the_pool():
    found = own(OWN, 10_000, COUNTS, "first", seed=0)
    np.testing.assert_array_equal(found["test"] - 60_000, [0, 2500, 5000, 7500])
    np.testing.assert_array_equal(found["train"][:3], [0, 2500, 5000])


def test_more_images_than_there_are_is_an_error():
    own_sets = np.array(["train"] * 100 + ["test"] * 10)
    with pytest.raises(InputError, match="test_images = 11: the source has 10"):
        own(own_sets, 20, COUNTS | {"test": 11}, "first", seed=0)


def test_pairs_for_clean_and_for_noisy_targets():
    loss = {"name": "mse"}
    supervised = Supervised.model_validate({"name": "supervised", "loss": loss})
    noise2noise = Noise2Noise.model_validate({"name": "noise2noise", "loss": loss})
    clean = np.full((3, 2, 2, 1), 255, np.uint8)
    noisy = np.arange(24, dtype=np.float16).reshape(2, 3, 2, 2, 1)
    given, rng = Given(NOISE), np.random.default_rng(0)
    inputs, targets = supervised.examples(clean, noisy[:1], given, rng)
    np.testing.assert_array_equal(inputs, noisy[0])
    np.testing.assert_array_equal(targets, np.ones((3, 2, 2, 1)))
    inputs, targets = noise2noise.examples(None, noisy, given, rng)  # no clean image is needed
    np.testing.assert_array_equal(inputs, noisy[0])
    np.testing.assert_array_equal(targets, noisy[1])
    assert inputs.dtype == targets.dtype == np.float32


def test_arrays_that_do_not_fit_are_refused(tmp_path):
    path = tmp_path / "train.npz"
    clean = np.zeros((3, 2, 2, 1), np.uint8)
    wanted = r"do not fit; expected uint8 \(N, H, W, C\) and float16 \(2, N, H, W, C\)"
    for shape in ((2, 4, 2, 2, 1), (1, 3, 2, 2, 1), (3, 2, 2, 1), (2, 3, 2, 2)):
        datasets.write(path, clean, np.zeros(shape, np.float16), "train")
        with pytest.raises(InputError, match=wanted):
            datasets.read(path, "train")
    grey = np.zeros((3, 2, 2), np.uint8)  # without its channel
    datasets.write(path, grey, np.zeros((2, 3, 2, 2), np.float16), "train")
    with pytest.raises(InputError, match=wanted):
        datasets.read(path, "train")
    datasets.write(path, clean, np.zeros((2, 3, 2, 2, 1), np.float16), "train")
    with pytest.raises(InputError, match="holds the train images, expected the validation images"):
        datasets.read(path, "validation")


def test_a_histogram_of_the_targets_needs_no_training_images():
    rng = np.random.default_rng(0)
    clean = rng.integers(0, 256, (50, 8, 8, 1), dtype=np.uint8)
    noisy = datasets.corrupt(clean, NOISE, 0, "d", "train")
    known = targets.measure(clean, noisy, NOISE)
    for step in (0.025, 0.05, 0.0123):
        for kind, pixels in (("clean", to_unit(clean)), ("noisy", noisy[datasets.TARGET])):
            values, counts = known.values(kind)
            shares = metrics.histogram(values, step, counts=counts)
            np.testing.assert_array_equal(shares, metrics.histogram(pixels, step))


def test_targets_are_read_as_they_were_written(tmp_path):
    clean = np.zeros((4, 4, 4, 1), np.uint8)
    noise = Impulse(name="impulse", amount=0.25)
    known = targets.measure(clean, datasets.corrupt(clean, noise, 0, "d", "train"), noise)
    targets.write(tmp_path / "targets.npz", known)
    for one, other in zip(targets.read(tmp_path / "targets.npz"), known, strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_allclose(known.mean[[0, -1]], [0.125, 0.875])
