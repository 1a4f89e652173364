import keras
import numpy as np
import pytest
from keras import ops
from scipy import optimize, special

from denoising.methods import losses
from denoising.noise.gaussian import Gaussian
from denoising.sections import read_kind

NOISE = Gaussian(name="gaussian", sigma=0.5, clip=True)


def minimiser(loss, targets):
    """The constant prediction that has the least loss against many targets."""
    targets = ops.convert_to_tensor(targets[:, None].astype(np.float32))

    def total(value):
        return float(ops.mean(loss(targets, ops.full_like(targets, value))))

    return optimize.minimize_scalar(
        total, bounds=(-0.5, 1.5), method="bounded", options={"xatol": 1e-5}
    ).x


@pytest.fixture(scope="module", params=[0.0, 0.3, 1.0])
def value_and_targets(request):
    clean = np.full(200_000, request.param, np.float32)
    return request.param, NOISE.corrupt(clean, np.random.default_rng(0))


def of(name, progress=0.0, **options):
    content = {"name": "noise2noise", "loss": {"name": name} | options}
    method = read_kind("methods", content, "method")
    return keras.losses.get(method.loss.function(NOISE, lambda: progress))


def test_squared_error_learns_the_clipped_mean_which_is_not_the_pixel(value_and_targets):
    value, targets = value_and_targets
    assert minimiser(of("mse"), targets) == pytest.approx(NOISE.mean(value), abs=0.003)


def test_likelihood_of_clipped_targets_learns_the_pixel(value_and_targets):
    value, targets = value_and_targets
    assert minimiser(of("tobit"), targets) == pytest.approx(value, abs=0.006)


def test_absolute_error_learns_the_pixel(value_and_targets):
    value, targets = value_and_targets
    assert minimiser(of("mae"), targets) == pytest.approx(value, abs=0.006)


def test_huber_lies_between_mean_and_median(value_and_targets):
    value, targets = value_and_targets
    low, high = sorted([value, float(NOISE.mean(value))])
    assert low - 0.003 <= minimiser(of("huber", delta=0.2), targets) <= high + 0.003


def test_annealed_l0_begins_as_squared_error_and_ends_at_the_mode():
    rng = np.random.default_rng(0)
    targets = np.where(rng.random(100_000) < 0.6, rng.random(100_000), 0.7).astype(
        np.float32
    )  # impulses on a pixel of 0.7
    assert minimiser(of("annealed_l0", progress=0.0), targets) == pytest.approx(
        targets.mean(), abs=1e-3
    )
    assert minimiser(of("annealed_l0", progress=0.95), targets) == pytest.approx(0.7, abs=1e-3)


def test_log_ndtr_is_that_of_scipy_and_its_gradient_is_finite_far_out():
    x = np.concatenate([np.linspace(-40, 40, 2001), [-1e4, -1e6, 1e4, 0.0, 1e-20]]).astype(
        np.float32
    )
    np.testing.assert_allclose(
        losses.log_ndtr(x), special.log_ndtr(x.astype(np.float64)), rtol=1e-5, atol=3e-7
    )

    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    model.compile(
        keras.optimizers.SGD(1e-9), loss=lambda target, prediction: -losses.log_ndtr(prediction)
    )
    model.fit(x[:, None], x[:, None], batch_size=1, shuffle=False, verbose=0)
    assert np.isfinite(model.get_weights()[0]).all()


def test_tobit_is_the_squared_error_inside_the_range():
    targets, prediction = np.array([[0.2], [0.9]], np.float32), np.array([[0.5], [1.4]], np.float32)
    np.testing.assert_allclose(
        losses.tobit(0.5)(targets, ops.convert_to_tensor(prediction)), [0.09, 0.25], rtol=1e-6
    )
