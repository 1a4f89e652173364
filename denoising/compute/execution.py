"""How a network is computed, apart from what it computes: precision, convolutions, fused layers.

The networks of `denoising.networks`, and model files, are plain Keras. Training and evaluation
work with a copy whose layers compute the same, from the same weights, by a plan.
"""

import collections
from typing import Any

import numpy as np

from denoising.compute import backend, layers
from denoising.compute.backend import keras
from denoising.compute.plan import PLAIN, Plan

FIXED = ("input", "output")  # layers that stay in float32


def convolutions(model: "keras.Model") -> list[str]:
    """Names of the layers that `FFTConv2D` can compute, without those with kernels of one pixel."""
    found = [layer for layer in model.layers if layers.FFTConv2D.supports(layer)]
    return [layer.name for layer in found if np.prod(layer.kernel_size) > 1]


def sized(model: "keras.Model", shape: tuple[int, int]) -> "keras.Model":
    """The same network with new weights, for images of one size: every layer knows its own."""
    config = model.get_config()
    channels = model.inputs[0].shape[-1]
    config["layers"][0]["config"]["batch_shape"] = (None, *shape, channels)
    return keras.Model.from_config(config)


def plain(model: "keras.Model") -> "keras.Model":
    """A copy of a network, weights included and optimizer left out, in layers of Keras alone."""
    return _copy(model, PLAIN)


def for_training(model: "keras.Model", plan: Plan) -> "keras.Model":
    """A copy of a network to be trained by a plan."""
    return _copy(model, plan, fused=plan.fused and backend.has_fused_batch_normalization())


def for_inference(model: "keras.Model", plan: Plan) -> "keras.Model":
    """A copy of a network for predictions only."""
    unfused = plain(model)
    return _copy(_without_batch_normalization(unfused) if plan.fused else unfused, plan)


def _copy(model: "keras.Model", plan: Plan, fused: bool = False) -> "keras.Model":
    config = model.get_config()
    for layer in config["layers"]:
        name = layer["config"]["name"]
        if name not in FIXED:
            layer["config"]["dtype"] = backend.POLICIES[plan.precision]
        if layer["class_name"] in ("Conv2D", "FFTConv2D"):
            _set_class(layer, "FFTConv2D" if name in plan.by_fft else "Conv2D")
        if layers.FusedBatchNormalization.supports(model.get_layer(name)):
            _set_class(layer, "FusedBatchNormalization" if fused else "BatchNormalization")
    copy = keras.Model.from_config(config)
    copy.set_weights(model.get_weights())
    return copy


def _set_class(layer: dict[str, Any], name: str) -> None:
    own = hasattr(layers, name)
    module = "denoising.compute.layers" if own else "keras.layers"
    layer |= {"class_name": name, "module": module}
    layer["registered_name"] = f"denoising>{name}" if own else None


def _without_batch_normalization(model: "keras.Model") -> "keras.Model":
    """The same function of the images: moving statistics scale and shift the convolution before."""
    readers = collections.Counter(
        id(tensor) for layer in model.layers for tensor in keras.tree.flatten(layer.input)
    )
    before = {id(layer.output): layer for layer in model.layers if readers[id(layer.output)] == 1}
    folded = {}
    for norm in filter(layers.FusedBatchNormalization.supports, model.layers):
        convolution = before.get(id(norm.input))
        is_linear = getattr(convolution, "activation", None) is keras.activations.linear
        if isinstance(convolution, keras.layers.Conv2D) and is_linear:
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


def _folded(kernel: np.ndarray, bias: Any = 0.0, *, norm: Any) -> tuple[np.ndarray, np.ndarray]:
    gamma, beta, mean, variance = norm.get_weights()
    scale = gamma / np.sqrt(variance + norm.epsilon)
    return kernel * scale, (bias - mean) * scale + beta
