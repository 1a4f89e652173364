"""Layers that compute what Keras's own do, with the same weights, faster. `denoising.execution` puts them in place."""

import types

import keras

from denoising import backend, fft


@keras.saving.register_keras_serializable("denoising")
class FFTConv2D(keras.layers.Conv2D):
    """`keras.layers.Conv2D` computed through spectra (see `denoising.fft`).

    Only for padding "same" without strides, dilation or groups, channels last. Images that are so large that the kernel's
    spectrum would not fit, or whose size is not known when the graph is built, are convolved directly.

    Raises
    ------
    ValueError
        If an argument asks for another kind of convolution.
    """

    LARGEST_SPECTRUM = 2**29  # bytes

    SUPPORTED = types.MappingProxyType(
        {"padding": "same", "strides": (1, 1), "dilation_rate": (1, 1), "groups": 1, "data_format": "channels_last"}
    )

    def __init__(self, filters, kernel_size, **options):
        super().__init__(filters, kernel_size, **options)
        for name, value in self.SUPPORTED.items():
            if getattr(self, name) != value:
                raise ValueError(f"{name} = {getattr(self, name)!r}: FFTConv2D is only for {value!r}")

    @classmethod
    def supports(cls, layer):
        """Is this a `Conv2D` that this layer can take the place of?"""
        if not isinstance(layer, keras.layers.Conv2D):
            return False
        return all(getattr(layer, name) == value for name, value in cls.SUPPORTED.items())

    def convolution_op(self, inputs, kernel):
        _, height, width, channels = inputs.shape
        if height is None or width is None:
            return super().convolution_op(inputs, kernel)
        itemsize = 2 if self.compute_dtype == "bfloat16" else 4
        if fft.spectrum_bytes(height, width, self.kernel_size, channels, self.filters, itemsize) > self.LARGEST_SPECTRUM:
            return super().convolution_op(inputs, kernel)
        return fft.conv2d(inputs, kernel)


@keras.saving.register_keras_serializable("denoising")
class FusedBatchNormalization(keras.layers.BatchNormalization):
    """`keras.layers.BatchNormalization` of images in one pass over memory, without a float32 copy of them.

    Statistics are accumulated in float32. For channels last and no mask.
    """

    def call(self, inputs, training=None, mask=None):
        if not (training and self.trainable):
            return super().call(inputs, training=training, mask=mask)
        outputs, mean, variance = backend.batch_normalization(inputs, self.gamma, self.beta, self.epsilon)
        for moving, batch in ((self.moving_mean, mean), (self.moving_variance, variance)):
            moving.assign(moving * self.momentum + batch * (1 - self.momentum))
        return outputs
