"""What every network keeps to.

One network per file of this folder: its section of params.yaml, `class Network`, and a function
`build(section, channels)` that gives a Keras functional model from (N, H, W, C) to (N, H, W, C),
pixel values on the scale [0, 1], for any height and width that is a multiple of what its pooling
asks for. Networks are plain Keras in float32; `denoising.compute.execution` makes copies that
compute the same faster. Keras is imported by `build`, not by the file: who only reads a section
need not wait for it.
"""

import importlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from denoising.sections import Section

if TYPE_CHECKING:
    import keras

Filters = Annotated[int, Field(ge=1, le=4096)]
Initializer = Literal["he_normal", "he_uniform", "glorot_normal", "glorot_uniform"]
OutputActivation = Literal["linear", "sigmoid"]

INPUT, OUTPUT = "input", "output"  # names of the first and the last layer, which stay in float32


class NetworkError(ValueError):
    """A network breaks the contract; the message names the layer and what it should be."""


def build(name: str, section: Section, channels: int, outputs: int | None = None) -> "keras.Model":
    """A network with fresh weights (Keras's global seed decides which).

    Parameters
    ----------
    name : str
        The network's file in this folder, such as "cnn".
    section : Section
        The network's parameters.
    channels : int
        Of its images.
    outputs : int, optional
        How many values it gives at each pixel; None: `channels`. A network that gives something
        else than an image has a `build(section, channels, outputs)`.

    Raises
    ------
    NetworkError
        If the file's `build` does not keep to the contract.
    """
    from denoising.compute import backend  # noqa: F401  # configures Keras before it is used

    make = importlib.import_module(f"denoising.networks.{name}").build
    others = () if outputs in (None, channels) else (outputs,)
    model = make(section, channels, *others)
    check(model, channels, outputs)
    return model


def check(model: "keras.Model", channels: int | None = None, outputs: int | None = None) -> None:
    """Hold a network against the contract that inference, tiles and fast copies rely on.

    Parameters
    ----------
    model : keras.Model
    channels : int, optional
        That its images should have; None: any.
    outputs : int, optional
        How many values it should give at each pixel; None: as many as its images have channels.

    Raises
    ------
    NetworkError
    """
    from denoising.compute.backend import keras

    name = getattr(model, "name", type(model).__name__)

    def demand(condition: bool, what: str) -> None:
        if not condition:
            raise NetworkError(f"network {name}: {what}")

    demand(isinstance(model, keras.Model), "should be a Keras functional model")
    single = len(model.inputs) == len(model.outputs) == 1
    demand(single, "should have one input and one output")
    channels = channels or model.inputs[0].shape[-1]
    outputs = outputs or channels
    for layer, wanted in ((model.layers[0], INPUT), (model.layers[-1], OUTPUT)):
        place = "first" if wanted == INPUT else "last"
        demand(layer.name == wanted, f"its {place} layer is {layer.name!r}, should be {wanted!r}")
    ends = ((INPUT, model.inputs[0], channels), (OUTPUT, model.outputs[0], outputs))
    for wanted, tensor, values in ends:
        shape = (None, None, None, values)
        demand(
            tuple(tensor.shape) == shape,
            f"layer {wanted!r} has the shape {tuple(tensor.shape)}, should be {shape}",
        )
    for layer in model.layers:
        for problem in _problems(layer):
            raise NetworkError(f"network {name}: layer {layer.name!r} {problem}")
    side = size_multiple(model)
    shape = tuple(model.compute_output_shape((1, side, 2 * side, channels)))
    demand(
        shape == (1, side, 2 * side, outputs),
        f"images of {side} x {2 * side} pixels become {shape[1:3]}, should keep their size",
    )


def _problems(layer: "keras.layers.Layer") -> Iterator[str]:
    """What is wrong with a single layer."""
    if layer.compute_dtype != "float32":
        yield f"computes in {layer.compute_dtype}, should be float32"
    if "Global" in type(layer).__name__:
        yield "sees the whole image, so that tiles would differ"
    if pool := getattr(layer, "pool_size", None):
        if len(set(pool)) != 1 or tuple(layer.strides) != tuple(pool):
            sizes = f"{tuple(pool)} with strides {tuple(layer.strides)}"
            yield f"pools by {sizes}, should be square, with strides of that size"
        return
    strides = tuple(getattr(layer, "strides", (1, 1)))
    if strides != (1, 1):
        yield f"has strides {strides}, should be (1, 1): images become smaller by pooling alone"
    dilation = tuple(getattr(layer, "dilation_rate", (1, 1)))
    if dilation != (1, 1):
        yield f"has dilation {dilation}, should be (1, 1)"
    if hasattr(layer, "kernel_size") and getattr(layer, "padding", "same") != "same":
        yield f"has padding {layer.padding!r}, should be 'same'"


def size_multiple(model: "keras.Model") -> int:
    """What height and width must be multiples of: the most that a path through it pools by."""
    return max(pixel for _, pixel in _seen(model))


def receptive_radius(model: "keras.Model") -> int:
    """How far to each side, in pixels, a network looks at most: along the longest of its paths.

    Upsampling adds what a pixel may lie off the first of those that are made of one, a border that
    is added as many pixels as it shifts the image.
    """
    return max(radius for radius, _ in _seen(model))


def widest(model: "keras.Model") -> float:
    """Numbers that the largest of a network's layers makes of a pixel of the image."""
    return max(
        layer.output.shape[-1] / pixel**2
        for layer, (_, pixel) in zip(model.layers, _seen(model), strict=True)
    )


def _seen(model: "keras.Model") -> list[tuple[int, int]]:
    """How far each layer's output looks, and how many pixels of the image one of its own is."""
    from denoising.compute.backend import keras

    found: dict[str, tuple[int, int]] = {}
    for layer in model.layers:
        if isinstance(layer, keras.layers.InputLayer):
            found[layer.name] = 0, 1
            continue
        inputs = keras.tree.flatten(layer.input)
        before = [found[tensor._keras_history.operation.name] for tensor in inputs]
        radius, pixel = max(one for one, _ in before), max(one for _, one in before)
        if hasattr(layer, "pool_size"):
            pixel *= layer.pool_size[0]
        elif hasattr(layer, "kernel_size"):
            radius += (layer.kernel_size[0] // 2) * pixel
        elif isinstance(layer, keras.layers.ZeroPadding2D):
            radius += max(max(side) for side in layer.padding) * pixel
        elif isinstance(layer, keras.layers.UpSampling2D):
            pixel //= layer.size[0]
            radius += (layer.size[0] - 1) * pixel
        found[layer.name] = radius, pixel
    return list(found.values())
