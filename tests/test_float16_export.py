import keras
import numpy as np
import pytest

from denoising.files import InputError
from denoising.inference import float16_export, model_files
from denoising.networks import base
from stages import schema
from tests.conftest import ROOT


@pytest.fixture
def network():
    keras.utils.set_random_seed(0)
    return base.build("dncnn", schema.load(ROOT / "params.yaml").networks.dncnn, 1)


def test_half_the_bytes_and_nearly_the_same_network(network, tmp_path):
    rng = np.random.default_rng(0)
    for weight in network.weights:
        if len(weight.shape) == 1:  # biases and batch-norm statistics, which begin as 0 and 1
            weight.assign_add(rng.random(weight.shape) / 100)
    model_files.save(network, tmp_path / "whole.keras")
    float16_export.export(tmp_path / "whole.keras", tmp_path / "half.keras")
    content = (tmp_path / "half.keras").read_bytes()
    float16_export.export(tmp_path / "whole.keras", tmp_path / "again.keras")
    assert (tmp_path / "again.keras").read_bytes() == content
    assert len(content) < 0.55 * (tmp_path / "whole.keras").stat().st_size

    loaded = model_files.load(tmp_path / "half.keras")
    for before, after in zip(network.weights, loaded.weights, strict=True):
        assert after.dtype == "float32"
        before = np.asarray(before)
        np.testing.assert_array_equal(
            before.astype(np.float16) if before.ndim > 1 else before, np.asarray(after)
        )
    images = rng.random((4, 28, 28, 1), np.float32)
    np.testing.assert_allclose(loaded(images), network(images), atol=5e-3)


def test_a_weight_beyond_its_range_is_refused(network, tmp_path):
    network.weights[0].assign(np.full(network.weights[0].shape, 1e5))
    model_files.save(network, tmp_path / "whole.keras")
    with pytest.raises(InputError, match="has a weight of 100000, too large for float16"):
        float16_export.export(tmp_path / "whole.keras", tmp_path / "half.keras")
    assert not (tmp_path / "half.keras").exists()
