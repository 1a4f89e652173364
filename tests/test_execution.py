import keras
import numpy as np
import pytest

from denoising import files
from denoising.compute import backend, execution, phases, taps, tuning
from denoising.compute.layers import (
    FFTConv2D,
    FusedBatchNormalization,
    PhasesConv2D,
    TapsConv2D,
    VolumeConv2D,
)
from denoising.compute.plan import PLAIN, Plan
from denoising.inference import model_files
from denoising.inference import predict as inference
from tests.test_networks import NAMES, RNG, build

SECONDS = {"direct": 2.0, "fft": 1.0, "taps": 0.5, "phases": 0.5}
DECODERS = {"cae": (2, 1), "unet": (1, 0)}
NOISY = RNG.random((6, 20, 20, 1)).astype(np.float32)


def seasoned(name):
    """A network whose batch normalisations have seen images, as after a training."""
    model = build(name, **({"last_scale": 1.0} if name == "win5rb" else {}))
    model.compile(optimizer=keras.optimizers.SGD(1e-3), loss="mse")
    for _ in range(20):
        model.train_on_batch(NOISY, NOISY)
    return model


@pytest.fixture(scope="module", params=NAMES)
def network(request):
    return seasoned(request.param)


def predict(model):
    return inference.denoise(model, NOISY, 3)


def test_every_way_to_compute_gives_the_same_images(network):
    expected = predict(network)
    everything = execution.convolutions(network)
    scale = np.abs(expected).max()
    found = [layer for layer in network.layers if isinstance(layer, keras.layers.Conv2D)]
    assert everything == [layer.name for layer in found if layer.kernel_size != (1, 1)]
    for way in (execution.for_training, execution.for_inference):
        for by_fft, fused in (((), True), ((), False), (tuple(everything), True)):
            copy = way(network, Plan("float32", dict.fromkeys(by_fft, "fft"), fused))
            assert sum(isinstance(layer, FFTConv2D) for layer in copy.layers) == len(by_fft)
            np.testing.assert_allclose(predict(copy), expected, atol=1e-4)
            half = predict(way(network, Plan("bfloat16", dict.fromkeys(by_fft, "fft"), fused)))
            assert half.dtype == np.float32
            assert 0 < np.abs(half - expected).mean() < 0.05 * scale
    assert predict(network).tobytes() == expected.tobytes()  # the network itself is left as it was


def test_the_last_layer_as_one_matrix_product_gives_the_same_images(network):
    last = execution.convolutions(network)[-1]
    for precision, tolerance in (("float32", 1e-4), ("bfloat16", 0.2)):
        copy = execution.for_inference(network, Plan(precision, {last: "taps"}))
        assert isinstance(copy.get_layer(last), TapsConv2D)
        np.testing.assert_allclose(predict(copy), predict(network), atol=tolerance)


@pytest.mark.parametrize("volumes", [False, True])
def test_a_single_image_as_a_volume_gives_the_same_image(network, monkeypatch, volumes):
    monkeypatch.setattr(backend, "prefers_volumes", lambda: volumes)
    expected = predict(network)
    by_phases = dict.fromkeys(execution.enlargements(network), "phases")
    ways = dict.fromkeys(execution.convolutions(network), "volume") | by_phases
    for precision, tolerance in (("float32", 1e-4), ("bfloat16", 0.2)):
        copy = execution.for_inference(network, Plan(precision, ways))
        assert any(isinstance(layer, VolumeConv2D) for layer in copy.layers)
        np.testing.assert_allclose(predict(copy), expected, atol=tolerance)
        single = inference.denoise(copy, NOISY[:1], 1)
        np.testing.assert_allclose(single, expected[:1], atol=tolerance)


@pytest.mark.parametrize("filters", [1, 3])
@pytest.mark.parametrize("size", [(1, 1), (3, 3), (7, 4)])
@pytest.mark.parametrize("shape", [(2, 9, 12, 5), (1, 1, 1, 2), (3, 2, 5, 4)])
def test_a_convolution_by_taps_is_that_of_keras(shape, size, filters):
    images = RNG.random(shape, np.float32)
    kernel = RNG.random((*size, shape[-1], filters), np.float32)
    expected = keras.ops.conv(images, kernel, padding="same")
    found = taps.conv2d(keras.ops.convert_to_tensor(images), kernel)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize("name", ["cae", "unet"])
def test_enlarged_images_computed_as_small_ones_give_the_same_images(name):
    network = seasoned(name)
    names = tuple(execution.enlargements(network))
    assert names == tuple(f"decoder{level}_conv1" for level in DECODERS[name])
    for precision, tolerance in (("float32", 1e-4), ("bfloat16", 0.2)):
        copy = execution.for_inference(network, Plan(precision, dict.fromkeys(names, "phases")))
        kinds = {type(layer) for layer in copy.layers}
        assert PhasesConv2D in kinds
        assert not kinds & {keras.layers.UpSampling2D, keras.layers.Concatenate}
        np.testing.assert_allclose(predict(copy), predict(network), atol=tolerance)
        sized = execution.sized(copy, NOISY.shape[1:3])
        sized.set_weights(copy.get_weights())
        np.testing.assert_allclose(predict(sized), predict(copy), atol=tolerance / 10)


@pytest.mark.parametrize("volumes", [False, True])
@pytest.mark.parametrize("factor", [2, 3])
@pytest.mark.parametrize("size", [(1, 1), (3, 3), (7, 4)])
@pytest.mark.parametrize("shape", [(2, 5, 6, 5), (1, 1, 1, 2)])
def test_a_convolution_by_phases_is_that_of_the_enlarged_image(
    monkeypatch, shape, size, factor, volumes
):
    monkeypatch.setattr(backend, "prefers_volumes", lambda: volumes)
    images = keras.ops.convert_to_tensor(RNG.random(shape, np.float32))
    kernel = keras.ops.convert_to_tensor(RNG.random((*size, shape[-1], 3), np.float32))
    enlarged = images
    for axis in (1, 2):
        enlarged = keras.ops.repeat(enlarged, factor, axis=axis)
    expected = keras.ops.conv(enlarged, kernel, padding="same")
    np.testing.assert_allclose(phases.conv2d(images, kernel, factor), expected, rtol=1e-5)


def test_what_is_enlarged_otherwise_is_left_alone():
    for options in ({"size": (2, 3)}, {"size": 2, "interpolation": "bilinear"}):
        x = inputs = keras.Input((None, None, 1), name="input")
        x = keras.layers.UpSampling2D(**options)(x)
        outputs = keras.layers.Conv2D(3, 3, padding="same", name="output")(x)
        assert not execution.enlargements(keras.Model(inputs, outputs))


def test_bfloat16_computes_inside_and_gives_float32(network):
    half = execution.for_training(network, Plan("bfloat16"))
    assert half.layers[1].compute_dtype == "bfloat16"
    assert all(weight.dtype == "float32" for weight in half.weights)
    assert half.output.dtype == "float32"


def test_inference_has_no_batch_normalisation_left(network):
    copy = execution.for_inference(network, Plan("float32"))
    assert not any(isinstance(layer, keras.layers.BatchNormalization) for layer in copy.layers)


def test_the_plain_plan_leaves_the_layers_of_keras(network):
    for way in (execution.for_training, execution.for_inference):
        layers = [type(layer) for layer in way(network, PLAIN).layers]
        assert layers == [type(layer) for layer in network.layers]


def test_a_network_is_the_same_file_however_it_was_computed(tmp_path, network):
    model_files.save(network, tmp_path / "plain.keras")
    copy = execution.for_training(
        network, Plan("bfloat16", dict.fromkeys(execution.convolutions(network), "fft"))
    )
    model_files.save(copy, tmp_path / "fast.keras")
    assert files.sha256(tmp_path / "plain.keras") == files.sha256(tmp_path / "fast.keras")
    loaded = keras.saving.load_model(tmp_path / "fast.keras")  # plain Keras can read it
    assert {type(layer).__module__.split(".")[0] for layer in loaded.layers} == {"keras"}
    np.testing.assert_array_equal(
        predict(model_files.load(tmp_path / "fast.keras")), predict(network)
    )


@pytest.mark.parametrize(
    ("name", "changes"), [("dncnn", {"depth": 5}), ("win5rb", {"last_scale": 1.0})]
)
def test_a_training_step_is_that_of_keras(name, changes):
    """Losses, weights and moving statistics after a few steps, by FFT and with fused layers."""
    plain = build(name, **changes)
    fast = execution.for_training(
        plain, Plan("float32", dict.fromkeys(execution.convolutions(plain), "fft"))
    )
    assert any(isinstance(layer, FusedBatchNormalization) for layer in fast.layers)
    losses = []
    for model in (plain, fast):
        model.compile(optimizer=keras.optimizers.SGD(1e-2), loss="mse")
        losses.append([float(model.train_on_batch(NOISY, 1 - NOISY)) for _ in range(3)])
    np.testing.assert_allclose(*losses, rtol=1e-4)
    for ours, expected in zip(fast.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(ours, expected, atol=2e-4)


@pytest.mark.parametrize(("dtype", "error"), [("float32", 1e-5), ("bfloat16", 2e-2)])
def test_batch_statistics_are_those_of_the_batch(dtype, error):
    images = keras.ops.cast(RNG.random((2, 5, 7, 3)), dtype)
    normalised, *statistics = backend.fused_batch_normalization(
        images, np.ones(3, "f"), np.zeros(3, "f"), 1e-3
    )
    assert normalised.dtype == dtype
    assert [part.dtype for part in statistics] == ["float32", "float32"]
    images, normalised = (
        keras.ops.convert_to_numpy(keras.ops.cast(part, "float32")) for part in (images, normalised)
    )
    mean, variance = images.mean((0, 1, 2)), images.var((0, 1, 2))
    np.testing.assert_allclose(statistics, [mean, variance], rtol=1e-4)
    np.testing.assert_allclose(normalised, (images - mean) / np.sqrt(variance + 1e-3), atol=error)


def test_what_others_read_too_is_not_folded_away():
    inputs = keras.Input((None, None, 1), name="input")
    x = keras.layers.Conv2D(3, 3, padding="same", name="conv")(inputs)
    outputs = keras.layers.Add(name="output")(
        [keras.layers.BatchNormalization(moving_mean_initializer="ones")(x), x]
    )
    model = keras.Model(inputs, outputs)
    np.testing.assert_allclose(
        predict(execution.for_inference(model, Plan("float32"))), predict(model), atol=1e-6
    )


def test_unusual_batch_normalisation_stays_as_it_is():
    inputs = keras.Input((None, None, 1), name="input")
    x = keras.layers.Conv2D(3, 3, padding="same", name="conv")(inputs)
    model = keras.Model(inputs, keras.layers.BatchNormalization(scale=False, name="output")(x))
    for way in (execution.for_training, execution.for_inference):
        np.testing.assert_allclose(predict(way(model, Plan("float32"))), predict(model), atol=1e-6)
    with pytest.raises(ValueError, match="scale = False: FusedBatchNormalization is only for True"):
        FusedBatchNormalization(scale=False)


class TestChoice:
    @pytest.fixture(autouse=True)
    def _without_volumes(self, monkeypatch):
        """Those are of processors without AVX-512."""
        monkeypatch.setattr(backend, "prefers_volumes", lambda: False)

    def test_what_comes_alone_may_be_convolved_as_a_volume(self, tmp_path, monkeypatch):
        monkeypatch.setattr(backend, "prefers_volumes", lambda: True)
        monkeypatch.setattr(tuning, "_seconds", lambda *_: SECONDS)
        network = build("dncnn")
        *others, last = execution.convolutions(network)
        volumes = dict.fromkeys([*others, last], "volume")
        for asked, task, shape, batch_size, expected in (
            ("auto", "inference", (64, 64), 2, volumes | {last: "taps"}),
            ("direct", "inference", (64, 64), 2, volumes),
            ("direct", "inference", (28, 28), 1, {}),
            ("direct", "training", (64, 64), 2, {}),
            ("auto", "training", (64, 64), 1, {}),
        ):
            chosen = tuning.choose(
                asked, network, shape, batch_size, "float32", task,
                cache=tmp_path / "convolution.json",
            )  # fmt: skip
            assert chosen == expected

    def choose(self, tmp_path, convolution="auto", name="win5rb", log=print):
        arguments = (convolution, build(name), (12, 12), 2, "float32", "training")
        return tuning.choose(*arguments, log=log, cache=tmp_path / "cache/convolution.json")

    def test_what_was_measured_is_remembered(self, tmp_path):
        lines = []
        first = self.choose(tmp_path, log=lines.append)
        assert len(lines) == 3  # one to eight channels, eight to eight, eight to one
        assert all(
            "direct" in line and "fft" in line and "12x12 pixels, batch 2" in line for line in lines
        )
        assert ["and input" in line for line in lines] == [
            False,
            True,
            True,
        ]  # nobody needs a gradient of the images
        kept = (tmp_path / "cache/convolution.json").read_text()
        assert self.choose(tmp_path, log=lines.append) == first
        assert len(lines) == 3
        assert (tmp_path / "cache/convolution.json").read_text() == kept

    def test_large_images_of_all_sizes_are_one_case(self, tmp_path, monkeypatch):
        monkeypatch.setattr(tuning, "_seconds", lambda *_: SECONDS)
        lines = []
        for shape, batch_size in (((64, 64), 16), ((448, 364), 1), ((28, 100), 3)):
            tuning.choose(
                "auto", build("win5rb"), shape, batch_size, "float32", "inference",
                log=lines.append, cache=tmp_path / "convolution.json",
            )  # fmt: skip
        assert len(lines) == 3  # of each convolution that differs, once

    def test_few_filters_of_large_images_may_be_one_matrix_product(self, tmp_path, monkeypatch):
        monkeypatch.setattr(tuning, "_seconds", lambda *_: SECONDS)
        for name, task, shape, last in (
            ("win5rb", "inference", (64, 64), "taps"),
            ("win5rb", "training", (64, 64), "fft"),
            ("win5rb", "inference", (28, 28), "fft"),
            ("dncnn", "inference", (64, 64), "taps"),
            ("dncnn", "training", (64, 64), None),
        ):
            chosen = tuning.choose(
                "auto", build(name), shape, 16, "float32", task,
                cache=tmp_path / "convolution.json",
            )  # fmt: skip
            *others, final = execution.convolutions(build(name))
            assert chosen.get(final) == last
            assert {chosen.get(one) for one in others} == {"fft" if name == "win5rb" else None}

    def test_enlarged_images_may_be_computed_as_small_ones(self, tmp_path, monkeypatch):
        monkeypatch.setattr(tuning, "_seconds", lambda *_: SECONDS)
        lines = []
        for task, shape in (
            ("inference", (64, 64)),
            ("training", (64, 64)),
            ("inference", (28, 28)),
        ):
            chosen = tuning.choose(
                "auto", build("unet"), shape, 16, "float32", task,
                log=lines.append, cache=tmp_path / "convolution.json",
            )  # fmt: skip
            by_phases = [name for name, way in chosen.items() if way == "phases"]
            of_level = [f"decoder{level}_conv1" for level in DECODERS["unet"]]
            assert by_phases == (of_level if (task, shape) == ("inference", (64, 64)) else [])
        assert any("enlarged to" in line for line in lines)

    @pytest.mark.parametrize(
        ("seconds", "chosen"), [((1.0, 0.5), 5), ((1.0, 0.9), 0), ((1.0, 2.0), 0)]
    )
    def test_the_fft_must_be_clearly_faster(self, tmp_path, monkeypatch, seconds, chosen):
        monkeypatch.setattr(
            tuning, "_seconds", lambda *_: dict(zip(("direct", "fft"), seconds, strict=True))
        )
        assert len(self.choose(tmp_path)) == chosen

    def test_small_kernels_and_fixed_choices_need_no_measurement(self, tmp_path, monkeypatch):
        monkeypatch.setattr(tuning, "_seconds", None)  # would raise when called
        assert not self.choose(tmp_path, name="dncnn")
        assert not self.choose(tmp_path, "direct")
        assert list(self.choose(tmp_path, "fft")) == ["conv1", "conv2", "conv3", "conv4", "conv5"]

    def test_small_kernels_are_measured_where_there_are_many_channels(self, tmp_path, monkeypatch):
        monkeypatch.setattr(tuning, "_seconds", lambda *_: {"direct": 2.0, "fft": 1.0})
        wide = build("cnn", filters=tuning.WIDE, depth=4)
        chosen = tuning.choose(
            "auto", wide, (12, 12), 2, "float32", "training", cache=tmp_path / "convolution.json"
        )
        assert list(chosen) == [
            "conv2",
            "conv3",
        ]  # not the first and the last, which have one channel at an end

    def test_without_a_place_to_keep_it_the_choice_is_measured(self, tmp_path, monkeypatch):
        monkeypatch.setattr(tuning, "_seconds", lambda *_: {"direct": 2.0, "fft": 1.0})
        (tmp_path / "cache").write_text("not a folder")
        lines = []
        assert len(self.choose(tmp_path, log=lines.append)) == 5
        assert ["measured: " in line for line in lines] == [True, True, True, False]
        assert "convolution.json: cannot be kept (File exists)" in lines[-1]

    @pytest.mark.parametrize("content", ["", "{", "[]"])
    def test_a_damaged_file_is_measured_again(self, tmp_path, monkeypatch, content):
        monkeypatch.setattr(tuning, "_seconds", lambda *_: {"direct": 2.0, "fft": 1.0})
        (tmp_path / "cache").mkdir()
        (tmp_path / "cache/convolution.json").write_text(content)
        assert len(self.choose(tmp_path)) == 5
