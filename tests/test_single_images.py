"""Methods for single noisy images, each held against its definition."""

import dataclasses

import keras
import numpy as np
import pytest
from keras import ops

from denoising.compute import beliefs, execution
from denoising.compute.plan import Plan
from denoising.data import datasets
from denoising.data.store import to_unit
from denoising.inference import model_files, predict
from denoising.methods import blind_spot, unsure
from denoising.methods.base import Assumption, Given, Method
from denoising.networks import base as networks
from denoising.noise.gaussian import Gaussian
from denoising.noise.poisson import Poisson
from denoising.sections import kind, kinds, read_kind
from denoising.sources import mnist
from denoising.training.checkpoints import Nowhere
from denoising.training.examples import Arrays
from denoising.training.fit import fit
from tests.test_training import settings

CLIPPED = Gaussian(name="gaussian", sigma=0.5, clip=True)
UNCLIPPED = Gaussian(name="gaussian", sigma=0.5, clip=False)
METHODS = {
    "neighbor2neighbor": {"gamma": 2.0},
    "noise2void": {"masked": 0.015, "replacement": "uniform"},
    "sure": {"step": 0.2},
    "unsure": {"step": 0.1},
    "recorrupted": {"alpha": 0.5, "draws": 2},
    "blind_spot": {},
}
BLIND = {
    "levels": 2, "convolutions_per_level": 1, "filters": 4, "joined_filters": 16,
    "kernel_size": 3, "initializer": "he_normal",
}  # fmt: skip


def method(name, **changes):
    return read_kind("methods", {"name": name} | METHODS[name] | changes, "method")


def rng(seed=0):
    return np.random.default_rng(seed)


def images(count=4, size=24, channels=1, seed=0):
    return rng(seed).random((1, count, size, size, channels), np.float32)


def identity(channels=1):
    """A network whose output is its image times a weight, which starts at 1."""
    inputs = keras.Input((None, None, channels), name="input")
    scale = keras.layers.Conv2D(channels, 1, use_bias=False, name="scale")
    outputs = keras.layers.Activation("linear", name="output")(scale(inputs))
    scale.set_weights([np.eye(channels)[None, None]])
    return keras.Model(inputs, outputs)


def blind(channels=1, outputs=None):
    section = kind("networks", "blind_spot").model_validate(BLIND)
    return networks.build("blind_spot", section, channels, outputs or channels)


def test_every_method_for_single_images_is_tested_and_states_what_it_assumes():
    found = {name: kind("methods", name) for name in kinds("methods")}
    assert {name for name, one in found.items() if one.table == "single"} == set(METHODS)
    for one in found.values():
        assert issubclass(one, Method)
        assert one.assumes
        assert all(isinstance(assumed, Assumption) for assumed in one.assumes)


# Neighbor2Neighbor


def test_neighbours_are_neighbours():
    ramp = np.arange(16 * 16, dtype=np.float32).reshape(1, 1, 16, 16, 1)
    one = method("neighbor2neighbor")
    (image, *masks), _ = one.examples(None, ramp, Given(UNCLIPPED), rng())
    first, second = ((image * mask).reshape(8, 2, 8, 2).sum(axis=(1, 3)) for mask in masks)
    for mask in masks:  # one pixel of each cell
        assert (mask.reshape(8, 2, 8, 2).sum(axis=(1, 3)) == 1).all()
    assert set(np.unique(np.abs(first - second))) == {1, 16}  # beside, or below


def test_loss_of_neighbor2neighbor_is_that_of_the_paper():
    one, noisy = method("neighbor2neighbor"), images()
    inputs, targets = one.examples(None, noisy, Given(UNCLIPPED), rng())
    network = identity()
    network.get_layer("scale").set_weights([np.full((1, 1, 1, 1), 0.7)])
    task = one.task(network, Given(UNCLIPPED), lambda: 0.25)
    value = float(ops.mean(task.loss(targets, task.model(inputs))))
    image, *masks = inputs
    halves = [(image * m).reshape(4, 12, 2, 12, 2).sum(axis=(2, 4)) for m in masks]
    difference = 0.7 * halves[0] - halves[1]
    beyond = difference - 0.7 * (halves[0] - halves[1])
    assert value == pytest.approx((difference**2 + 2 * 0.25 * beyond**2).mean(), rel=1e-5)


def test_examples_are_cut_to_what_the_network_takes():
    inputs, _ = method("neighbor2neighbor").examples(
        None, images(size=28), Given(UNCLIPPED, 4), rng()
    )
    assert inputs[0].shape == (4, 24, 24, 1)


# Noise2Void


@pytest.mark.parametrize("replacement", ["uniform", "median"])
def test_hidden_pixels_are_hidden_and_only_they_count(replacement):
    noisy = images(count=16, size=64, channels=3)
    one = method("noise2void", replacement=replacement)
    seen, targets = one.examples(None, noisy, Given(UNCLIPPED), rng())
    original, counts = targets[..., :3], targets[..., 3]
    hidden = counts > 0
    assert hidden.mean() == pytest.approx(0.015, rel=0.2)
    np.testing.assert_array_equal(original, noisy[0])
    np.testing.assert_array_equal(seen[~hidden], noisy[0][~hidden])
    assert (seen[hidden] != original[hidden]).all()
    task = one.task(identity(3), Given(UNCLIPPED), lambda: 0.0)
    loss = float(ops.mean(task.loss(targets, seen)))
    assert loss == pytest.approx(((seen - original)[hidden] ** 2).mean(), rel=1e-4)


def test_what_stands_for_a_hidden_pixel_is_near_it():
    ramp = np.tile(np.arange(64, dtype=np.float32), (64, 1))[None, None, ..., None]
    for replacement in ("uniform", "median"):
        seen, targets = method("noise2void", replacement=replacement).examples(
            None, ramp, Given(UNCLIPPED), rng()
        )
        assert np.abs(seen - targets[..., :1]).max() <= (2 if replacement == "uniform" else 1)


@pytest.mark.parametrize("axis", ["across", "down"])
def test_for_correlated_noise_a_line_is_hidden(axis):
    one = method("noise2void", along={"axis": axis, "span": 3})
    noisy = np.zeros((1, 1, 32, 32, 1), np.float32)
    noisy[..., :16, :] = 1  # so that values are drawn between 0 and 1
    seen, targets = one.examples(None, noisy, Given(UNCLIPPED), rng())
    changed = (seen != noisy[0])[0, ..., 0]
    for row, column in np.argwhere(targets[0, ..., 1] > 0):
        beside = slice(max(0, column - 3), column + 4), slice(max(0, row - 3), row + 4)
        line = changed[row, beside[0]] if axis == "across" else changed[beside[1], column]
        assert line.sum() >= len(line) - 1  # all but, perhaps, the pixel itself


# SURE and UNSURE


@pytest.mark.parametrize("noise", [UNCLIPPED, Poisson(name="poisson", peak=20, clip=False)])
def test_sure_is_the_error(noise):
    clean = np.broadcast_to(np.linspace(0.2, 1, 64, dtype=np.float32), (200, 64, 64))[..., None]
    noisy = noise.corrupt(clean, rng())
    network = identity()
    network.get_layer("scale").set_weights([np.full((1, 1, 1, 1), 0.6)])
    one = method("sure")
    inputs, targets = one.examples(None, noisy[None], Given(noise), rng(1))
    task = one.task(network, Given(noise), lambda: 0.0)
    estimate = float(ops.mean(task.loss(targets, task.model(inputs))))
    assert estimate == pytest.approx(((0.6 * noisy - clean) ** 2).mean(), rel=0.02)


def test_unsure_finds_a_network_without_divergence():
    """The best multiple of a noisy image that does not depend on its own pixel is none at all."""
    noisy = 0.5 * rng().standard_normal((1, 512, 16, 16, 1)).astype(np.float32)
    one, network = method("unsure"), identity()
    inputs, targets = one.examples(None, noisy, Given(UNCLIPPED), rng())
    task = one.task(network, Given(UNCLIPPED), lambda: 0.0)
    task.model.compile(optimizer=keras.optimizers.SGD(0.02), loss=task.loss)
    task.model.fit(inputs, targets, batch_size=8, epochs=10, verbose=0)
    assert abs(float(np.squeeze(network.get_layer("scale").get_weights()[0]))) < 0.1
    logarithm = float(np.squeeze(task.model.get_layer("multiplier").get_weights()[0]))
    assert np.exp(unsure.RATE * logarithm) == pytest.approx(0.25, rel=0.1)  # sigma²


# Recorrupted2Recorrupted


@pytest.mark.parametrize("noise", [UNCLIPPED, Poisson(name="poisson", peak=8, clip=False)])
def test_recorrupted_pairs_share_the_image_alone(noise):
    clean = np.full((2000, 16, 16, 1), 0.6, np.float32)
    noisy = noise.corrupt(clean, rng())
    first, second = method("recorrupted").examples(None, noisy[None], Given(noise), rng(1))
    assert first.mean() == pytest.approx(0.6, abs=0.01)
    assert second.mean() == pytest.approx(0.6, abs=0.01)
    correlation = np.corrcoef(first.ravel(), second.ravel())[0, 1]
    assert correlation == pytest.approx(0, abs=0.01)


@pytest.mark.parametrize(
    "content",
    [
        {"name": "speckle", "sigma": 0.3, "clip": False},
        {"name": "poisson_gaussian", "peak": 30.0, "sigma": 0.1, "clip": False},
        {"name": "measured", "a": 0.01, "b": 0.02, "clipped_black": False, "clipped_white": False,
         "across": 0.6, "down": 0.4, "channels": 0.8},
    ],
    ids=lambda content: content["name"],
)  # fmt: skip
def test_an_image_is_denoised_with_more_noise_of_the_kind_it_has(content):
    noise = read_kind("noise", content, "noise")
    one, flat = method("recorrupted"), np.full((1, 256, 256, 3), 0.6, np.float32)
    model = one.denoiser(identity(3), Given(noise))
    added = np.asarray(model.get_layer("recorruption")(flat)) - flat
    alike = one.alpha * noise.more(np.repeat(flat, one.draws, axis=0), rng())
    assert added.var() == pytest.approx(alike.var(), rel=0.05)
    assert added[:, :, :3].var() == pytest.approx(alike.var(), rel=0.15)  # at the border too
    for first, second in (
        (np.s_[:, :, 1:], np.s_[:, :, :-1]),
        (np.s_[:, 1:], np.s_[:, :-1]),
        (np.s_[..., 0], np.s_[..., 1]),
    ):
        expected, found = (
            np.corrcoef(drawn[first].ravel(), drawn[second].ravel())[0, 1]
            for drawn in (alike, added)
        )
        assert found == pytest.approx(expected, abs=0.04)


# the blind spot


def test_a_pixel_is_blind_to_itself_and_sees_all_around():
    network = blind()
    for layer in network.layers:  # no path may be dead by chance
        if weights := layer.get_weights():
            layer.set_weights([np.abs(rng().normal(0.1, 0.05, one.shape)) for one in weights])
    image = rng().random((1, 32, 32, 1), np.float32)
    before = network.predict(image, verbose=0)
    changed = image.copy()
    changed[0, 13, 18, 0] += 1
    difference = np.abs(network.predict(changed, verbose=0) - before)[0, ..., 0]
    assert difference[13, 18] == 0
    around = difference[9:18, 14:23].ravel()
    assert (np.delete(around, 40) > 0).all()
    moved = np.argwhere(difference > 0)
    assert np.abs(moved - [13, 18]).max() <= networks.receptive_radius(network)


@pytest.mark.parametrize("noise", [CLIPPED, UNCLIPPED, Poisson(name="poisson", peak=10, clip=True)])
def test_the_answer_is_that_of_bayes(noise):
    table = blind_spot.likelihoods(noise)
    noisy = noise.corrupt(rng().random((1, 8, 8, 1), np.float32), rng(1))
    coefficients = rng(2).normal(0, 1, (1, 8, 8, beliefs.COEFFICIENTS)).astype(np.float32)
    layer = beliefs.Posterior(table.logarithms.shape, table.low, table.high)
    layer.build(None)
    layer.set_weights([table.logarithms])
    values = beliefs.values_of(table.logarithms)
    found = np.asarray(layer([ops.convert_to_tensor(coefficients), ops.convert_to_tensor(noisy)]))
    prior = np.exp(np.asarray(beliefs.log_prior(coefficients, values)))
    np.testing.assert_allclose(prior.sum(axis=-1), 1, rtol=1e-5)
    seen = noise.likelihood(noisy.ravel(), values).reshape(1, 8, 8, 1, -1)
    together = prior * seen
    expected = (together * values).sum(axis=-1) / together.sum(axis=-1)
    np.testing.assert_allclose(found, expected, atol=0.01)


def test_an_untrained_network_believes_nearly_anything():
    prior = np.exp(np.asarray(beliefs.log_prior(np.zeros((1, 1, 1, beliefs.COEFFICIENTS)),
                                                np.linspace(0, 1, 32))))  # fmt: skip
    assert prior.max() / prior.min() < 3


# all of them


@pytest.fixture(scope="module")
def digits(mnist_folder):
    pixels = mnist.read_idx(mnist_folder / mnist.TRAIN)[..., None]
    sets = {"train": pixels[:480], "validation": pixels[-64:], "test": pixels[1000:1100]}
    return lambda noise: {
        split: (clean, datasets.corrupt(clean, noise, 0, "d", split))
        for split, clean in sets.items()
    }


@pytest.mark.parametrize("name", METHODS)
def test_every_method_learns_without_a_clean_image(digits, name, tmp_path):
    noise = CLIPPED if name == "blind_spot" else UNCLIPPED
    sets = digits(noise)
    data = Arrays(*((np.zeros_like(c), noisy) for c, noisy in (sets["train"], sets["validation"])))
    chosen = settings("unet", epochs=4, batch_size=8, learning_rate=3e-3, noise=noise)
    if name == "blind_spot":
        section = kind("networks", "blind_spot").model_validate(BLIND | {"filters": 8, "levels": 1})
        chosen = dataclasses.replace(chosen, network="blind_spot", section=section)
    model, _, _ = fit(dataclasses.replace(chosen, method=method(name)), data, Nowhere(), str)
    model_files.save(model, tmp_path / "one.keras")
    model_files.save(model, tmp_path / "two.keras")
    assert (tmp_path / "one.keras").read_bytes() == (tmp_path / "two.keras").read_bytes()
    loaded = execution.for_inference(model_files.load(tmp_path / "one.keras"), Plan("float32"))
    clean, noisy = sets["test"]
    prediction = predict.denoise(loaded, noisy[0], 32)
    np.testing.assert_array_equal(prediction, predict.denoise(loaded, noisy[0], 32))
    error = np.mean((prediction - to_unit(clean)) ** 2)
    constant = to_unit(clean).var()
    assert error < 0.8 * constant


CLIPPED_METHODS = METHODS | {"noise2noise": {"loss": {"name": "mse"}}}


@pytest.mark.parametrize("name", ["noise2noise", "noise2void", "neighbor2neighbor"])
def test_clipped_targets_teach_the_mean_that_the_noise_model_predicts(name):
    """And its inverse takes that back, as for a row under `debiased`."""
    one = read_kind("methods", {"name": name} | CLIPPED_METHODS[name], "method")
    assert one.learns == "mean"
    assert one.problem(CLIPPED) == ""
    values = np.linspace(0, 1, 11, dtype=np.float32)
    clean = np.broadcast_to(np.repeat(values, 30)[:, None, None, None], (330, 16, 16, 1))
    noisy = np.stack([CLIPPED.corrupt(clean, rng(seed)) for seed in (1, 2)])
    keras.utils.set_random_seed(0)
    inputs = keras.Input((None, None, 1), name="input")
    x = keras.layers.Conv2D(16, 5, padding="same", activation="relu")(inputs)
    x = keras.layers.AveragePooling2D(8, strides=1, padding="same")(x)
    network = keras.Model(inputs, keras.layers.Conv2D(1, 1, name="output")(x))
    examples, targets = one.examples(None, noisy[: one.versions], Given(CLIPPED), rng(3))
    task = one.task(network, Given(CLIPPED), lambda: 0.0)
    task.model.compile(optimizer=keras.optimizers.Adam(3e-3), loss=task.loss)
    task.model.fit(examples, targets, batch_size=10, epochs=25, verbose=0)
    side = 8 if name == "neighbor2neighbor" else 16  # of what the network saw
    seen = noisy[0, :, :side, :side]
    found = network.predict(seen, verbose=0).reshape(11, -1).mean(axis=1)
    predicted = CLIPPED.mean(values)
    np.testing.assert_allclose(found, predicted, atol=0.04)
    assert np.abs(found - values).max() > 0.12  # not the clean value
    np.testing.assert_allclose(CLIPPED.debias(found), values, atol=0.12)


@pytest.mark.parametrize("name", METHODS)
def test_colour_images(name):
    one = method(name)
    noise = UNCLIPPED
    noisy = images(channels=3)
    network = identity(3)
    if name == "blind_spot":
        network = blind(3, one.outputs(3))
    given = Given(noise, networks.size_multiple(network))
    inputs, targets = one.examples(None, noisy, given, rng())
    task = one.task(network, given, lambda: 0.5)
    task.model.compile(optimizer="adam", loss=task.loss, metrics=task.metrics)
    assert np.isfinite(task.model.evaluate(inputs, targets, verbose=0)).all()
    assert one.denoiser(network, given).predict(noisy[0], verbose=0).shape == noisy[0].shape


@pytest.mark.parametrize("name", ["sure", "recorrupted", "blind_spot"])
def test_noise_that_a_method_is_not_for_is_refused(name):
    real = read_kind("noise", {"name": "real"}, "noise")
    assert "should" in method(name).problem(real)
    assert method(name).problem(UNCLIPPED) == ""
    assert bool(method(name).problem(CLIPPED)) == (name != "blind_spot")
