import keras
import numpy as np
import pytest

from denoising import files
from denoising import networks as models
from denoising.compute import backend
from denoising.files import InputError
from denoising.inference import model_files as saving
from denoising.inference import predict as inference
from stages import schema as params
from tests.conftest import ROOT

SECTIONS = params.load(ROOT / "params.yaml").models
NAMES = list(type(SECTIONS).model_fields)
SMALL = {"filters": 8}
RNG = np.random.default_rng(0)


@pytest.fixture(params=NAMES)
def name(request):
    return request.param


def build(name, **changes):
    backend.prepare(0)
    return models.build(name, getattr(SECTIONS, name).model_copy(update=SMALL | changes))


@pytest.mark.parametrize("shape", [(28, 28), (12, 36), (64, 8)])
def test_any_height_and_width(name, shape):
    noisy = RNG.random((3, *shape)).astype(np.float32)
    denoised = inference.denoise(build(name), noisy, batch_size=2)
    assert denoised.shape == noisy.shape
    assert denoised.dtype == np.float32


def test_the_cae_says_which_sizes_it_takes():
    assert inference.size_multiple(build("cae")) == 4
    with pytest.raises(ValueError, match="27 x 28 pixels: network cae needs multiples of 4"):
        inference.denoise(build("cae"), np.zeros((1, 27, 28), np.float32), batch_size=1)
    assert inference.denoise(
        build("cnn"), np.zeros((1, 27, 31), np.float32), batch_size=1
    ).shape == (1, 27, 31)


def test_untrained_win5rb_is_the_identity():
    noisy = RNG.random((2, 28, 28)).astype(np.float32)
    np.testing.assert_array_equal(inference.denoise(build("win5rb"), noisy, 2), noisy)
    assert np.abs(inference.denoise(build("win5rb", last_scale=1.0), noisy, 2) - noisy).max() > 0.01


def test_networks_are_those_of_the_papers():
    def convolutions(model):
        return [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]

    dncnn = convolutions(models.build("dncnn", SECTIONS.dncnn))
    assert len(dncnn) == 17
    assert {layer.kernel_size for layer in dncnn} == {(3, 3)}
    assert [layer.use_bias for layer in dncnn] == [True] + [False] * 15 + [True]
    win5rb = models.build("win5rb", SECTIONS.win5rb)
    assert [layer.filters for layer in convolutions(win5rb)] == [128, 128, 128, 128, 1]
    assert {layer.kernel_size for layer in convolutions(win5rb)} == {(7, 7)}
    assert sum(isinstance(layer, keras.layers.BatchNormalization) for layer in win5rb.layers) == 5


@pytest.mark.parametrize(
    ("name", "change"),
    [("cnn", {"depth": 3}), ("cae", {"levels": 1}), ("cae", {"convolutions_per_level": 1}), ("cae", {"latent_filters": 2}),
     ("dncnn", {"depth": 5}), ("win5rb", {"kernel_size": 5})],
)  # fmt: skip
def test_parameters_change_the_network(name, change):
    assert build(name).count_params() != build(name, **change).count_params()


def test_a_saved_network_is_the_same_bytes_and_predicts_the_same(tmp_path, name):
    for file in ("a.keras", "b.keras"):
        model = build(name, **({"last_scale": 1.0} if name == "win5rb" else {}))
        saving.save(model, tmp_path / file)
    assert files.sha256(tmp_path / "a.keras") == files.sha256(tmp_path / "b.keras")
    noisy = RNG.random((2, 16, 16)).astype(np.float32)
    loaded = saving.load(tmp_path / "a.keras")
    np.testing.assert_array_equal(
        inference.denoise(loaded, noisy, 2), inference.denoise(model, noisy, 2)
    )


def test_damaged_model_files_are_one_line(tmp_path):
    path = tmp_path / "cae.keras"
    saving.save(build("cae"), path)
    whole = path.read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) * 2 // 3] ^= 255
    for content in (whole[: len(whole) // 2], b"", b"no model", bytes(flipped)):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"cae\.keras: not a whole \.keras file") as error:
            saving.load(path)
        assert "\n" not in str(error.value)
    with pytest.raises(InputError, match="no such file"):
        saving.load(tmp_path / "none.keras")
