"""What every network keeps to.

One network per file of this folder: its section of params.yaml, `class Network`, and a function
`build(section, channels)` that gives a Keras functional model from (N, H, W, C) to (N, H, W, C),
pixel values on the scale [0, 1], for any height and width that is a multiple of what its pooling
asks for. Networks are plain Keras in float32; `denoising.compute.execution` makes copies that
compute the same faster. Keras is imported by `build`, not by the file: who only reads a section
need not wait for it.
"""

import importlib
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


def build(name: str, section: Section, channels: int) -> "keras.Model":
    """A network with fresh weights (Keras's global seed decides which).

    Parameters
    ----------
    name : str
        The network's file in this folder, such as "cnn".
    section : Section
        The network's parameters.
    channels : int
        Of its images.

    Raises
    ------
    NetworkError
        If the file's `build` does not keep to the contract.
    """
    from denoising.compute import backend  # noqa: F401  # configures Keras before it is used

    model = importlib.import_module(f"denoising.networks.{name}").build(section, channels)
    check(model, channels)
    return model


def check(model: "keras.Model", channels: int) -> None:
    """Hold a network against the contract that inference, tiles and fast copies rely on.

    Raises
    ------
    NetworkError
    """
    from denoising.compute.backend import keras

    def demand(condition: bool, what: str) -> None:
        if not condition:
            raise NetworkError(f"network {model.name}: {what}")

    demand(isinstance(model, keras.Model) and len(model.inputs) == 1, "should have one input")
    first, last = model.layers[0], model.layers[-1]
    demand(first.name == INPUT, f"its first layer is {first.name!r}, should be {INPUT!r}")
    demand(last.name == OUTPUT, f"its last layer is {last.name!r}, should be {OUTPUT!r}")
    for name, tensor in ((INPUT, model.inputs[0]), (OUTPUT, model.outputs[0])):
        wanted = (None, None, None, channels)
        demand(
            tuple(tensor.shape) == wanted,
            f"layer {name!r} has the shape {tuple(tensor.shape)}, should be {wanted}",
        )
    demand(
        last.compute_dtype == "float32",
        f"layer {OUTPUT!r} computes in {last.compute_dtype}, should be float32",
    )
    for layer in model.layers:
        strides = getattr(layer, "strides", (1, 1))
        is_pooling = isinstance(layer, keras.layers.MaxPooling2D | keras.layers.AveragePooling2D)
        wanted_strides = layer.pool_size if is_pooling else (1, 1)
        demand(
            tuple(strides) == tuple(wanted_strides),
            f"layer {layer.name!r} has strides {tuple(strides)}, should be {wanted_strides}: "
            "images become smaller by pooling alone",
        )
        demand(
            getattr(layer, "padding", "same") == "same" or is_pooling,
            f"layer {layer.name!r} has padding {getattr(layer, 'padding', '')!r}, should be 'same'",
        )
    side = size_multiple(model)
    shape = tuple(model.compute_output_shape((1, side, 2 * side, channels)))
    demand(
        shape == (1, side, 2 * side, channels),
        f"images of {side} x {2 * side} pixels become {shape[1:3]}, should keep their size",
    )


def size_multiple(model: "keras.Model") -> int:
    """What height and width must be multiples of: the product of the pooling steps."""
    multiple = 1
    for layer in model.layers:
        if hasattr(layer, "pool_size"):
            multiple *= layer.pool_size[0]
    return multiple


def receptive_radius(model: "keras.Model") -> int:
    """How far to each side, in pixels, a network looks at most: what each layer adds, summed."""
    radius, pixel = 0, 1
    for layer in model.layers:
        if hasattr(layer, "pool_size"):
            pixel *= layer.pool_size[0]
        elif hasattr(layer, "kernel_size"):
            radius += (layer.kernel_size[0] // 2) * pixel
        elif hasattr(layer, "size"):  # of upsampling
            pixel //= layer.size[0]
    return radius
