"""How a network is computed, apart from what it computes: precision, method of convolution, fused layers.

The networks of `denoising.networks`, and model files, are plain Keras. Training and evaluation work with a copy whose layers
compute the same, from the same weights, as fast as this machine can.
"""

import collections

import keras
import numpy as np

from denoising.compute import backend, layers

FIXED = ("input", "output")  # layers that stay in float32


def convolutions(model):
    """Names of the layers that `FFTConv2D` can compute, those with kernels of one pixel left out."""
    found = [layer for layer in model.layers if layers.FFTConv2D.supports(layer)]
    return [layer.name for layer in found if np.prod(layer.kernel_size) > 1]


def sized(model, shape):
    """The same network with new weights, for images of one size (height, width): every layer knows the size it works at."""
    config = model.get_config()
    config["layers"][0]["config"]["batch_shape"] = (None, *shape, 1)
    return keras.Model.from_config(config)


def plain(model):
    """A copy of a network, weights included and optimizer left out, in float32 and layers of Keras alone."""
    return _copy(model, "float32", ())


def for_training(model, precision, by_fft=()):
    """A copy of a network to be trained.

    Parameters
    ----------
    model : keras.Model
    precision : {"float32", "bfloat16"}
        What the inner layers compute in; weights are kept in float32 either way.
    by_fft : collection of str
        Names of the convolutions to be computed through spectra.
    """
    return _copy(model, precision, by_fft, fused=backend.has_fused_batch_normalization())


def for_inference(model, precision, by_fft=()):
    """A copy of a network for predictions only: batch normalisation becomes part of the convolution before it."""
    return _copy(_without_batch_normalization(plain(model)), precision, by_fft)


def _copy(model, precision, by_fft, fused=False):
    config = model.get_config()
    for layer in config["layers"]:
        name = layer["config"]["name"]
        if name not in FIXED:
            layer["config"]["dtype"] = backend.POLICIES[precision]
        if layer["class_name"] in ("Conv2D", "FFTConv2D"):
            _set_class(layer, "FFTConv2D" if name in by_fft else "Conv2D")
        if layers.FusedBatchNormalization.supports(model.get_layer(name)):
            _set_class(layer, "FusedBatchNormalization" if fused else "BatchNormalization")
    copy = keras.Model.from_config(config)
    copy.set_weights(model.get_weights())
    return copy


def _set_class(layer, name):
    own = hasattr(layers, name)
    layer |= {"class_name": name, "module": "denoising.layers" if own else "keras.layers"}
    layer["registered_name"] = f"denoising>{name}" if own else None


def _without_batch_normalization(model):
    """The same function of the images: moving statistics scale and shift the convolution before them."""
    readers = collections.Counter(
        id(tensor) for layer in model.layers for tensor in keras.tree.flatten(layer.input)
    )
    before = {id(layer.output): layer for layer in model.layers if readers[id(layer.output)] == 1}
    folded = {}
    for norm in filter(layers.FusedBatchNormalization.supports, model.layers):
        convolution = before.get(id(norm.input))
        if (
            isinstance(convolution, keras.layers.Conv2D)
            and convolution.activation is keras.activations.linear
        ):
            folded[convolution.name] = norm
    removed = {norm.name for norm in folded.values()}
    config = model.get_config()
    for layer in config["layers"]:
        name = layer["config"]["name"]
        if name in folded:
            layer["config"]["use_bias"] = True
        if name in removed:
            _set_class(layer, "Identity")
            layer["config"] = {"name": name}
            for node in layer["inbound_nodes"]:
                node["kwargs"] = {}  # the mask, which other layers do not take
    copy = keras.Model.from_config(config)
    for layer in copy.layers:
        weights = model.get_layer(layer.name).get_weights()
        if layer.name in folded:
            weights = _folded(*weights, norm=folded[layer.name])
        if layer.name not in removed:
            layer.set_weights(weights)
    return copy


def _folded(kernel, bias=0.0, *, norm):
    gamma, beta, mean, variance = norm.get_weights()
    scale = gamma / np.sqrt(variance + norm.epsilon)
    return kernel * scale, (bias - mean) * scale + beta
