import keras
import numpy as np
import pytest

from denoising import files
from denoising.compute import backend
from denoising.files import InputError
from denoising.inference import model_files, predict
from denoising.networks import base
from denoising.sections import kinds
from stages import schema
from tests.conftest import ROOT

SECTIONS = schema.load(ROOT / "params.yaml").networks
NAMES = kinds("networks")
SMALL = {"filters": 8}
SHALLOW = {  # one is deep, one is four networks in one
    "dncnn": {"depth": 6},
    "blind_spot": {"levels": 1, "convolutions_per_level": 1},
}
RNG = np.random.default_rng(0)


@pytest.fixture(params=NAMES)
def name(request):
    return request.param


def build(name, channels=1, **changes):
    backend.prepare(0)
    section = getattr(SECTIONS, name).model_copy(update=SMALL | SHALLOW.get(name, {}) | changes)
    return base.build(name, section, channels)


@pytest.mark.parametrize("shape", [(28, 28, 1), (12, 36, 1), (64, 8, 1), (16, 20, 3)])
def test_any_height_width_and_channels(name, shape):
    noisy = RNG.random((3, *shape)).astype(np.float32)
    denoised = predict.denoise(build(name, channels=shape[-1]), noisy, batch_size=2)
    assert denoised.shape == noisy.shape
    assert denoised.dtype == np.float32


def test_the_cae_says_which_sizes_it_takes():
    assert base.size_multiple(build("cae")) == 4
    with pytest.raises(ValueError, match="27 x 28 pixels: network cae needs multiples of 4"):
        predict.denoise(build("cae"), np.zeros((1, 27, 28, 1), np.float32), batch_size=1)
    assert predict.denoise(
        build("cnn"), np.zeros((1, 27, 31, 1), np.float32), batch_size=1
    ).shape == (1, 27, 31, 1)


def test_untrained_win5rb_is_the_identity():
    noisy = RNG.random((2, 28, 28, 1)).astype(np.float32)
    np.testing.assert_array_equal(predict.denoise(build("win5rb"), noisy, 2), noisy)
    assert np.abs(predict.denoise(build("win5rb", last_scale=1.0), noisy, 2) - noisy).max() > 0.01


def test_networks_are_those_of_the_papers():
    def convolutions(model):
        return [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]

    dncnn = convolutions(base.build("dncnn", SECTIONS.dncnn, 1))
    assert len(dncnn) == 17
    assert {layer.kernel_size for layer in dncnn} == {(3, 3)}
    assert [layer.use_bias for layer in dncnn] == [True] + [False] * 15 + [True]
    win5rb = base.build("win5rb", SECTIONS.win5rb, 1)
    assert [layer.filters for layer in convolutions(win5rb)] == [128, 128, 128, 128, 1]
    assert {layer.kernel_size for layer in convolutions(win5rb)} == {(7, 7)}
    assert sum(isinstance(layer, keras.layers.BatchNormalization) for layer in win5rb.layers) == 5


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("cnn", {"depth": 3}),
        ("cae", {"levels": 1}),
        ("cae", {"convolutions_per_level": 1}),
        ("cae", {"latent_filters": 2}),
        ("dncnn", {"depth": 5}),
        ("win5rb", {"kernel_size": 5}),
        ("unet", {"levels": 3}),
        ("unet", {"convolutions_per_level": 1}),
        ("unet", {"kernel_size": 5}),
    ],
)
def test_parameters_change_the_network(name, change):
    assert build(name).count_params() != build(name, **change).count_params()


def test_a_saved_network_is_the_same_bytes_and_predicts_the_same(tmp_path, name):
    for file in ("a.keras", "b.keras"):
        model = build(name, **({"last_scale": 1.0} if name == "win5rb" else {}))
        model_files.save(model, tmp_path / file)
    assert files.sha256(tmp_path / "a.keras") == files.sha256(tmp_path / "b.keras")
    noisy = RNG.random((2, 16, 16, 1)).astype(np.float32)
    loaded = model_files.load(tmp_path / "a.keras")
    np.testing.assert_array_equal(
        predict.denoise(loaded, noisy, 2), predict.denoise(model, noisy, 2)
    )


def test_damaged_model_files_are_one_line(tmp_path):
    path = tmp_path / "cae.keras"
    model_files.save(build("cae"), path)
    whole = path.read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) * 2 // 3] ^= 255
    deflated = bytearray((ROOT / "results/article/models/cnn.keras").read_bytes())
    deflated[200] ^= 255
    for content in (whole[: len(whole) // 2], b"", b"no model", bytes(flipped), bytes(deflated)):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"cae\.keras: not a whole \.keras file") as error:
            model_files.load(path)
        assert "\n" not in str(error.value)
        with pytest.raises(InputError, match="not a whole"):  # without Keras
            model_files.check(path)
    keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]).save(path)
    with pytest.raises(InputError, match="holds no network of this project"):
        model_files.load(path)
    with pytest.raises(InputError, match="no such file"):
        model_files.load(tmp_path / "none.keras")


def test_the_unet_doubles_its_filters_and_has_a_skip_at_every_size():
    model = build("unet", levels=3, filters=4)
    assert base.size_multiple(model) == 8
    filters = {layer.name: layer.filters for layer in model.layers if hasattr(layer, "filters")}
    assert [filters[f"encoder{level}_conv1"] for level in range(3)] == [4, 8, 16]
    assert filters["bottom3_conv1"] == 32
    skips = [layer for layer in model.layers if isinstance(layer, keras.layers.Concatenate)]
    assert len(skips) == 3
    residual = build("unet", residual=True)
    assert isinstance(residual.layers[-1], keras.layers.Add)


def test_how_far_a_network_sees_is_what_a_changed_pixel_reaches(name):
    model = build(name, **({"last_scale": 1.0} if name == "win5rb" else {}))
    if name == "blind_spot":  # its last layer starts at zero
        last = model.get_layer("values")
        last.set_weights([np.ones_like(weights) for weights in last.get_weights()])
    radius = base.receptive_radius(model)
    side = -(-(2 * radius + 40) // 8) * 8
    images = np.full((2, side, side, 1), 0.5, np.float32)
    images[1, side // 2, side // 2] = 5.0
    # one by one: some processors round an image otherwise in another place of a batch
    dark, bright = (predict.denoise(model, image[None], 1)[0, ..., 0] for image in images)
    rows = np.flatnonzero((dark != bright).any(axis=1))
    assert len(rows) > 1
    assert side // 2 - rows.min() <= radius + 8  # pooling may add a pixel of the smallest size
    assert rows.max() - side // 2 <= radius + 8


def small(**wrong):
    """A network like those of the project, or nearly."""
    names = {"first": "input", "last": "output"} | wrong
    x = inputs = keras.Input((None, None, 1), name=names["first"])
    x = keras.layers.Conv2D(
        wrong.get("channels", 1),
        3,
        padding=wrong.get("padding", "same"),
        strides=wrong.get("strides", 1),
        dilation_rate=wrong.get("dilation", 1),
        dtype=wrong.get("inner", "float32"),
        name="conv",
    )(x)
    if wrong.get("pooled"):
        x = keras.layers.MaxPooling2D(wrong["pooled"], name="pool")(x)
    dtype = wrong.get("dtype", "float32")
    outputs = keras.layers.Activation("linear", dtype=dtype, name=names["last"])(x)
    return keras.Model(inputs, outputs, name="mine")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"first": "image"}, "network mine: its first layer is 'image', should be 'input'"),
        ({"last": "end"}, "network mine: its last layer is 'end', should be 'output'"),
        ({"dtype": "bfloat16"}, "layer 'output' computes in bfloat16, should be float32"),
        ({"inner": "bfloat16"}, "layer 'conv' computes in bfloat16, should be float32"),
        ({"dilation": 2}, r"layer 'conv' has dilation \(2, 2\), should be \(1, 1\)"),
        ({"pooled": (2, 4)}, r"layer 'pool' pools by \(2, 4\) with strides \(2, 4\), should be"),
        ({"channels": 3}, r"layer 'output' has the shape \(None, None, None, 3\), should be"),
        ({"strides": 2}, r"layer 'conv' has strides \(2, 2\), should be \(1, 1\)"),
        ({"padding": "valid"}, "layer 'conv' has padding 'valid', should be 'same'"),
        ({"pooled": 2}, r"images of 2 x 4 pixels become \(1, 2\), should keep their size"),
    ],
)
def test_a_network_that_breaks_the_contract_is_told_which_part(wrong, message):
    base.check(small(), 1)
    base.check(small())
    with pytest.raises(base.NetworkError, match=message):
        base.check(small(**wrong), 1)


def test_what_is_no_model_at_all_is_told_too():
    with pytest.raises(base.NetworkError, match="NoneType: should be a Keras functional model"):
        base.check(None)
