import keras
import numpy as np
import pytest
import tensorflow as tf

from denoising.compute import blocks, fft, fft_whole
from denoising.compute.layers import FFTConv2D

RNG = np.random.default_rng(0)


def normal(*shape):
    return RNG.standard_normal(shape).astype(np.float32)


def direct(images, kernel):
    return keras.ops.conv(images, kernel, padding="same")


def with_gradients(convolve, images, kernel, upstream):
    images, kernel = tf.convert_to_tensor(images), tf.convert_to_tensor(kernel)
    with tf.GradientTape() as tape:
        tape.watch((images, kernel))
        output = convolve(images, kernel)
    return output, *tape.gradient(output, (images, kernel), output_gradients=upstream)


@pytest.mark.parametrize("convolve", [fft.conv2d, fft_whole.conv2d])
@pytest.mark.parametrize(
    ("size", "kernel", "channels"),
    [
        ((28, 28), (7, 7), (3, 4)),
        ((28, 28), (3, 3), (1, 2)),
        ((27, 31), (5, 5), (2, 1)),
        ((13, 10), (7, 3), (2, 2)),
        ((16, 9), (4, 2), (1, 3)),
        ((5, 6), (7, 7), (2, 2)),  # the kernel is larger than the image
        ((1, 1), (3, 3), (2, 2)),
        ((60, 41), (15, 15), (1, 1)),
        ((96, 28), (7, 7), (16, 16)),  # in blocks along one side
        ((64, 101), (7, 7), (16, 24)),
        ((130, 75), (5, 4), (16, 8)),
        ((41, 300), (3, 9), (8, 8)),
    ],
)
def test_results_and_gradients_are_those_of_a_direct_convolution(convolve, size, kernel, channels):
    arrays = (
        normal(2, *size, channels[0]),
        normal(*kernel, *channels),
        normal(2, *size, channels[1]),
    )
    exact = with_gradients(direct, *(array.astype(np.float64) for array in arrays))
    for found, expected in zip(with_gradients(convolve, *arrays), exact, strict=True):
        ours = found.numpy()
        assert ours.shape == expected.shape
        assert np.abs(ours - expected.numpy()).max() < 3e-6 * np.abs(expected).max() + 1e-5


@pytest.mark.parametrize("ours", [fft.conv2d, fft_whole.conv2d])
def test_bfloat16_is_as_near_as_its_precision(ours):
    arrays = normal(2, 28, 28, 32), normal(7, 7, 32, 32), normal(2, 28, 28, 32)
    exact = with_gradients(direct, *arrays)
    half = [tf.cast(array, "bfloat16") for array in arrays]

    def errors(convolve):
        found = with_gradients(convolve, *half)
        assert all(one.dtype == "bfloat16" for one in found)
        return [
            np.std(tf.cast(one, "float32") - expected) / np.std(expected)
            for one, expected in zip(found, exact, strict=True)
        ]

    # processors without bfloat16 also sum in it, which costs a direct convolution as much
    most = max(0.01, 1.5 * max(errors(direct)))
    assert all(0 < error < most for error in errors(ours))


@pytest.mark.parametrize(("bias", "activation"), [(True, "relu"), (False, None)])
def test_the_layer_has_the_weights_and_results_of_conv2d(bias, activation):
    options = {
        "padding": "same",
        "use_bias": bias,
        "activation": activation,
        "bias_initializer": "random_normal",
    }
    direct, ours = keras.layers.Conv2D(4, 7, **options), FFTConv2D(4, 7, **options)
    images = normal(2, 19, 20, 3)
    expected = direct(images)
    ours.build(images.shape)
    assert [weight.shape for weight in ours.weights] == [weight.shape for weight in direct.weights]
    ours.set_weights(direct.get_weights())
    np.testing.assert_allclose(ours(images), expected, atol=1e-5)
    again = FFTConv2D.from_config(ours.get_config())
    again.build(images.shape)
    again.set_weights(direct.get_weights())
    np.testing.assert_array_equal(again(images), ours(images))


def test_images_of_unknown_size_and_many_channels_are_convolved_too(monkeypatch):
    layer, images = FFTConv2D(2, 5, padding="same"), normal(1, 20, 24, 2)
    known = layer(images)
    unknown = tf.function(layer, input_signature=[tf.TensorSpec((None, None, None, 2))])(images)
    np.testing.assert_allclose(unknown, known, atol=1e-5)
    for module in (fft, fft_whole):
        monkeypatch.setattr(module, "conv2d", None)  # would raise when called
    monkeypatch.setattr(FFTConv2D, "LARGEST_SPECTRUM", 1000)
    np.testing.assert_allclose(layer(images), known, atol=1e-5)


@pytest.mark.parametrize("size", [28, 64, 101, 250, 1000])
def test_a_pixel_costs_no_more_in_an_image_of_any_size(size):
    def cost(pixels):
        return blocks.multiplications(blocks.cut(pixels, 7, 128, 128), 128, 128)

    assert cost(size) < 1.15 * cost(4000)


@pytest.mark.parametrize(
    ("option", "value"), [("padding", "valid"), ("strides", 2), ("dilation_rate", 2), ("groups", 2)]
)
def test_other_convolutions_are_refused(option, value):
    options = {"padding": "same"} | {option: value}
    with pytest.raises(ValueError, match=f"{option} = .*{value}"):
        FFTConv2D(2, 3, **options)
