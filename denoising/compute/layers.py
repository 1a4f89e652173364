"""Layers that compute what Keras's own do, with the same weights, faster.

`denoising.compute.execution` puts them in place.
"""

import types
from collections.abc import Mapping
from typing import Any, ClassVar

from denoising.compute import backend, fft, fft_whole, phases, taps
from denoising.compute.backend import keras


class _Substitute:
    """Takes the place of the Keras layer that it is derived from, where its options allow it.

    Raises
    ------
    ValueError
        If an argument asks for what is not supported.
    """

    SUPPORTED: ClassVar[Mapping[str, Any]] = types.MappingProxyType({})

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        for name, value in self.SUPPORTED.items():
            if getattr(self, name) != value:
                raise ValueError(
                    f"{name} = {getattr(self, name)!r}: {type(self).__name__} is only for {value!r}"
                )

    @classmethod
    def supports(cls, layer: Any) -> bool:
        """Can this layer take the place of that one?"""
        options_fit = all(
            getattr(layer, name, None) == value for name, value in cls.SUPPORTED.items()
        )
        return isinstance(layer, cls.__bases__[-1]) and options_fit


class _Convolution(_Substitute):
    """Only for padding "same" without strides, dilation or groups, channels last."""

    use_bias: bool
    bias: Any
    SUPPORTED = types.MappingProxyType(
        {
            "padding": "same",
            "strides": (1, 1),
            "dilation_rate": (1, 1),
            "groups": 1,
            "data_format": "channels_last",
        }
    )

    def _biased(self, x: Any) -> Any:
        """With the bias, of images or volumes, in the form that TensorFlow fuses."""
        if not self.use_bias:
            return x
        return x + keras.ops.reshape(self.bias, (1,) * (len(x.shape) - 1) + (-1,))


@keras.saving.register_keras_serializable("denoising")
class FFTConv2D(_Convolution, keras.layers.Conv2D):
    """`keras.layers.Conv2D` computed by FFT (see `denoising.compute.fft`).

    Images whose size is not known when the graph is built are convolved directly, and all where
    there are so many channels that the kernel's spectrum would not fit.
    """

    LARGEST_SPECTRUM = 2**29  # bytes

    def convolution_op(self, inputs: Any, kernel: Any) -> Any:
        _, height, width, channels = inputs.shape
        if height is None or width is None:
            return super().convolution_op(inputs, kernel)
        of_layer = height, width, self.kernel_size, channels, self.filters
        itemsize = 2 if self.compute_dtype == "bfloat16" else 4
        if fft.spectrum_bytes(*of_layer, itemsize) > self.LARGEST_SPECTRUM:
            return super().convolution_op(inputs, kernel)
        convolve = fft_whole.conv2d if fft.is_one_block(*of_layer) else fft.conv2d
        return convolve(inputs, kernel)


@keras.saving.register_keras_serializable("denoising")
class TapsConv2D(_Convolution, keras.layers.Conv2D):
    """`keras.layers.Conv2D` as one matrix product for all taps (see `denoising.compute.taps`)."""

    def convolution_op(self, inputs: Any, kernel: Any) -> Any:
        return taps.conv2d(inputs, kernel)


@keras.saving.register_keras_serializable("denoising")
class VolumeConv2D(_Convolution, keras.layers.Conv2D):
    """`keras.layers.Conv2D`, as fast for one image as for many (see `backend.convolve`)."""

    def call(self, inputs: Any) -> Any:
        kernel = keras.ops.convert_to_tensor(self.kernel)
        return backend.convolve(inputs, kernel, after=lambda x: self.activation(self._biased(x)))


@keras.saving.register_keras_serializable("denoising")
class PhasesConv2D(_Convolution, keras.layers.Conv2D):
    """`keras.layers.Conv2D` of `UpSampling2D` (see `denoising.compute.phases`).

    Takes a list: of what `Concatenate` would put in front of the enlarged image, and of the image
    as it was.

    Parameters
    ----------
    factor : int
        Of the upsampling, which repeats pixels.
    """

    def __init__(self, *arguments: Any, factor: int, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.factor = factor
        self.input_spec = None  # that of a single image

    def build(self, input_shape: Any) -> None:
        super().build((None, None, None, sum(shape[-1] for shape in input_shape)))
        self.input_spec = None

    def call(self, inputs: Any) -> Any:
        *others, small = inputs
        kernel = keras.ops.convert_to_tensor(self.kernel)
        first = kernel.shape[-2] - small.shape[-1]
        of_small, of_others = kernel[:, :, first:], kernel[:, :, :first]
        if not others:  # bias and activation of each phase: one operation with its convolution
            return phases.conv2d(
                small, of_small, self.factor, lambda x: self.activation(self._biased(x))
            )
        beside = others[0] if len(others) == 1 else keras.ops.concatenate(others, axis=-1)
        result = backend.convolve(beside, of_others, after=lambda x: self._biased(x))
        return self.activation(result + phases.conv2d(small, of_small, self.factor))

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        if not isinstance(input_shape[-1], (list, tuple)):  # where the kernel is made
            return super().compute_output_shape(input_shape)
        count, *sizes, _ = input_shape[-1]
        return (count, *(size and size * self.factor for size in sizes), self.filters)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"factor": self.factor}


@keras.saving.register_keras_serializable("denoising")
class FusedBatchNormalization(_Substitute, keras.layers.BatchNormalization):
    """`keras.layers.BatchNormalization` in one pass over memory.

    Makes no float32 copy of the images; statistics are accumulated in float32. Only for channels
    last, scaled and shifted, and without a mask.

    Raises
    ------
    ValueError
        If an argument asks for another kind of batch normalisation.
    """

    SUPPORTED: ClassVar[Mapping[str, Any]] = types.MappingProxyType(
        {"axis": -1, "center": True, "scale": True}
    )

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        if not (training and self.trainable):
            return super().call(inputs, training=training, mask=mask)
        outputs, mean, variance = backend.fused_batch_normalization(
            inputs, self.gamma, self.beta, self.epsilon
        )
        for moving, batch in ((self.moving_mean, mean), (self.moving_variance, variance)):
            moving.assign(moving * self.momentum + batch * (1 - self.momentum))
        return outputs
