"""How a network is computed, apart from what it computes: precision, convolutions, fused layers.

The networks of `denoising.networks`, and model files, are plain Keras. Training and evaluation
work with a copy whose layers compute the same, from the same weights, by a plan.
"""

import collections
import types
from collections.abc import Mapping
from typing import Any

import numpy as np

from denoising.compute import backend, beliefs, layers, pooling, recorruption  # noqa: F401  # loading
from denoising.compute.backend import keras
from denoising.compute.plan import FFT, PHASES, PLAIN, TAPS, VOLUME, Plan

INPUT, OUTPUT = "input", "output"
CLASSES = {
    FFT: "FFTConv2D",
    TAPS: "TapsConv2D",
    PHASES: "PhasesConv2D",
    VOLUME: "VolumeConv2D",
}
# phases take several
OF_ONE_IMAGE = {"Conv2D", *CLASSES.values()} - {CLASSES[PHASES]}
# layers that stay in float32
FIXED = (INPUT, "recorruption", f"network_{OUTPUT}", OUTPUT)
Folded = Mapping[str, Any]  # batch normalisation, by the name of the convolution that does it
NONE: Folded = types.MappingProxyType({})


def convolutions(model: "keras.Model") -> list[str]:
    """Names of the layers that `FFTConv2D` can compute, without those with kernels of one pixel."""
    found = [layer for layer in model.layers if layers.FFTConv2D.supports(layer)]
    return [layer.name for layer in found if np.prod(layer.kernel_size) > 1]


def enlargements(model: "keras.Model") -> "dict[str, keras.layers.UpSampling2D]":
    """What repeats the pixels that a convolution sees, by its name: see `PhasesConv2D`.

    Other channels may come before those.
    """
    found = {}
    for name in convolutions(model):
        before = _maker(model.get_layer(name).input)
        if isinstance(before, keras.layers.Concatenate) and before.axis in (-1, 3):
            before = _maker(before.input[-1])
        if isinstance(before, keras.layers.UpSampling2D) and _repeats(before):
            found[name] = before
    return found


def _repeats(layer: "keras.layers.UpSampling2D") -> bool:
    return layer.interpolation == "nearest" and len(set(layer.size)) == 1


def _maker(tensor: Any) -> Any:
    """The layer that makes a tensor."""
    return tensor._keras_history.operation


def sized(model: "keras.Model", shape: tuple[int, int]) -> "keras.Model":
    """The same network, untrained, for images of one size: every layer knows its own."""
    config = model.get_config()
    _set_size(config, shape)
    return keras.Model.from_config(_without_initial_weights(config))


def plain(model: "keras.Model") -> "keras.Model":
    """A copy of a network, weights included and optimizer left out, in layers of Keras alone."""
    return _copy(model, _planned(model, PLAIN))


def continued(network: "keras.Model", after: Any, before: Any = None) -> "keras.Model":
    """A network whose output goes on into a layer, together with the image.

    Parameters
    ----------
    network : keras.Model
    after : keras.layers.Layer
        Takes the network's output and the image; its name is "output".
    before : keras.layers.Layer, optional
        What becomes of the image before the network sees it.

    Returns
    -------
    keras.Model
        With copies of the network's weights.
    """
    config = _renamed(network.get_config(), OUTPUT, f"network_{OUTPUT}")
    if before is not None:
        config = _renamed(config, INPUT, before.name)
        first = network.get_config()["layers"][0]
        image = _tensor(first["config"]["batch_shape"])
        config["layers"][:1] = [
            first,
            keras.saving.serialize_keras_object(before)
            | {"name": before.name, "inbound_nodes": [{"args": [image], "kwargs": {}}]},
        ]
        config["input_layers"] = network.get_config()["input_layers"]
    copy = keras.Model.from_config(config)
    for layer in network.layers:
        name = f"network_{OUTPUT}" if layer.name == OUTPUT else layer.name
        copy.get_layer(name).set_weights(layer.get_weights())
    whole = after([copy.outputs[0], copy.inputs[0]])
    return keras.Model(copy.inputs[0], whole, name=network.name)


def _tensor(shape: Any) -> dict[str, Any]:
    """The image, as the configuration of a model refers to it."""
    config = {"shape": shape, "dtype": "float32", "keras_history": [INPUT, 0, 0]}
    return {"class_name": "__keras_tensor__", "config": config}


def _renamed(config: Any, old: str, new: str) -> Any:
    """A copy of a model's configuration in which a layer has another name."""
    if isinstance(config, dict):
        return {key: _renamed(value, old, new) for key, value in config.items()}
    if isinstance(config, (list, tuple)):
        return type(config)(_renamed(value, old, new) for value in config)
    return new if config == old else config


def for_training(model: "keras.Model", plan: Plan) -> "keras.Model":
    """A copy of a network to be trained by a plan."""
    fused = plan.fused and backend.has_fused_batch_normalization()
    return _copy(model, _planned(model, plan, fused))


def for_inference(
    model: "keras.Model", plan: Plan, shape: tuple[int, int] | None = None
) -> "keras.Model":
    """A copy of a network for predictions only; of images of a size, if it is given.

    Without batch normalisation where its moving statistics can scale and shift the convolution
    before it.
    """
    folded = _folded_into(model) if plan.fused else {}
    config = _planned(model, plan)
    _fold(config, folded)
    if shape:
        _set_size(config, shape)
    return _copy(model, _without_initial_weights(config), folded)


def _copy(model: "keras.Model", config: dict[str, Any], folded: Folded = NONE) -> "keras.Model":
    copy = keras.Model.from_config(config)
    for made in copy.layers:  # in another order than before, where the graph is another
        weights = model.get_layer(made.name).get_weights()
        if made.name in folded:
            weights = _scaled(*weights, norm=folded[made.name])
        if made.weights:
            made.set_weights(weights)
    return copy


def _planned(model: "keras.Model", plan: Plan, fused: bool = False) -> dict[str, Any]:
    """The configuration of a network whose layers compute by a plan."""
    config = model.get_config()
    by_name = {layer["config"]["name"]: layer for layer in config["layers"]}
    larger = enlargements(model) if PHASES in plan.ways.values() else {}
    for name, layer in by_name.items():
        if name not in FIXED:
            layer["config"]["dtype"] = backend.POLICIES[plan.precision]
        if layer["class_name"] in OF_ONE_IMAGE:
            way = plan.ways.get(name)
            _set_class(layer, CLASSES[way] if way else "Conv2D")
            if way == PHASES:
                layer["config"]["factor"] = larger[name].size[0]
                layer["inbound_nodes"] = [_before(layer, by_name, larger[name].name)]
                del layer["build_config"]  # that of a single image
        if layers.FusedBatchNormalization.supports(model.get_layer(name)):
            _set_class(layer, "FusedBatchNormalization" if fused else "BatchNormalization")
    return config


def _before(layer: dict[str, Any], by_name: dict[str, Any], enlarged: str) -> dict[str, Any]:
    """What a convolution takes that is computed by phases, as its configuration refers to it."""
    (small,) = by_name[enlarged]["inbound_nodes"][0]["args"]
    (tensor,) = layer["inbound_nodes"][0]["args"]
    name = tensor["config"]["keras_history"][0]
    others = [] if name == enlarged else by_name[name]["inbound_nodes"][0]["args"][0][:-1]
    return {"args": [[*others, small]], "kwargs": {}}


def _set_class(layer: dict[str, Any], name: str) -> None:
    own = hasattr(layers, name)
    module = "denoising.compute.layers" if own else "keras.layers"
    layer |= {"class_name": name, "module": module}
    layer["registered_name"] = f"denoising>{name}" if own else None


def _set_size(config: dict[str, Any], shape: tuple[int, int]) -> None:
    first = config["layers"][0]["config"]
    first["batch_shape"] = (None, *shape, first["batch_shape"][-1])


def _without_initial_weights(config: dict[str, Any]) -> dict[str, Any]:
    """To draw them takes longer than all else, and others come in their place."""
    for layer in config["layers"]:
        if "kernel_initializer" in layer["config"]:
            layer["config"]["kernel_initializer"] = "zeros"
    return config


def _fold(config: dict[str, Any], folded: Folded) -> None:
    removed = {norm.name for norm in folded.values()}
    for layer in config["layers"]:
        name = layer["config"]["name"]
        if name in folded:
            layer["config"]["use_bias"] = True
        if name in removed:
            _set_class(layer, "Identity")
            layer["config"] = {"name": name, "dtype": layer["config"]["dtype"]}
            for node in layer["inbound_nodes"]:
                node["kwargs"] = {}  # the mask, which other layers do not take


def _folded_into(model: "keras.Model") -> dict[str, Any]:
    """Batch normalisation that a convolution can do as well, by the convolution's name."""
    readers = collections.Counter(
        id(tensor) for layer in model.layers for tensor in keras.tree.flatten(layer.input)
    )
    before = {id(layer.output): layer for layer in model.layers if readers[id(layer.output)] == 1}
    found = {}
    for norm in filter(layers.FusedBatchNormalization.supports, model.layers):
        convolution = before.get(id(norm.input))
        is_linear = getattr(convolution, "activation", None) is keras.activations.linear
        if isinstance(convolution, keras.layers.Conv2D) and is_linear:
            found[convolution.name] = norm
    return found


def _scaled(kernel: np.ndarray, bias: Any = 0.0, *, norm: Any) -> tuple[np.ndarray, np.ndarray]:
    gamma, beta, mean, variance = norm.get_weights()
    scale = gamma / np.sqrt(variance + norm.epsilon)
    return kernel * scale, (bias - mean) * scale + beta
