"""A network that does not see the pixel that it speaks about.

Four U-Nets look each in one direction: up, down, left, right. Every convolution and every pooling
is shifted, so that the output at a pixel depends on the half of the image on one side of it, that
pixel and its row or column left out. 1x1 convolutions put the four together. What it gives at each
pixel is a number of values, for a method such as `blind_spot`, which makes a distribution of them.
Laine et al. turn the image instead and share the weights of the four; here each has its own.
The first value of each channel starts as the mean of the four pixels beside, less middle grey; the
others start at zero. Height and width must be multiples of 2**levels.
    rows of docs/noisy-only.md

References
----------
S. Laine, T. Karras, J. Lehtinen, T. Aila, "High-Quality Self-Supervised Deep Image Denoising",
NeurIPS 2019.
"""

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field

from denoising.networks.base import Filters, Initializer
from denoising.sections import Odd, Section

if TYPE_CHECKING:
    import keras

MIDDLE = 0.5  # grey
LOOKING = {"up": (1, 0), "down": (-1, 0), "left": (0, 1), "right": (0, -1)}  # which way is shifted


class Network(Section):
    """Parameters of the blind-spot network."""

    levels: int = Field(ge=1, le=4)  # height and width shrink by 2 at each
    convolutions_per_level: int = Field(ge=1, le=8)
    filters: Filters  # of the first level of each of the four; they double at each
    joined_filters: Filters  # of the 1x1 convolutions that put the four together
    kernel_size: Odd
    initializer: Initializer

    gives_values: ClassVar[bool] = True  # which a method makes an image of


def build(section: Network, channels: int, outputs: int | None = None) -> "keras.Model":
    """The network with fresh weights.

    Parameters
    ----------
    section : Network
    channels : int
        Of the images.
    outputs : int, optional
        Values at each pixel, as many for each channel; None: one. The first of a channel's says how
        bright the pixel is, what the others are is the method's matter.
    """
    import keras
    from keras import layers

    def shift(x: Any, looking: str, pixels: int, name: str) -> Any:
        """Content moved by some pixels, away from where is looked at; zeros come in."""
        down, across = (pixels * direction for direction in LOOKING[looking])
        before, after = (
            ((max(down, 0), max(-down, 0)), (max(across, 0), max(-across, 0))),
            (
                (max(-down, 0), max(down, 0)),
                (max(-across, 0), max(across, 0)),
            ),
        )
        x = layers.ZeroPadding2D(before, name=f"{name}_pad")(x)
        return layers.Cropping2D(after, name=f"{name}_crop")(x)

    def level(x: Any, looking: str, part: str, number: int) -> Any:
        """(N, h, w, anything) -> (N, h, w, filters of that level)."""
        for index in range(1, section.convolutions_per_level + 1):
            name = f"{looking}_{part}{number}_conv{index}"
            x = shift(x, looking, section.kernel_size // 2, f"{name}_shift")
            x = layers.Conv2D(
                section.filters * 2**number,
                section.kernel_size,
                padding="same",
                activation="relu",
                kernel_initializer=section.initializer,
                name=name,
            )(x)
        return x

    def half(x: Any, looking: str) -> Any:
        """What is seen in one direction: (N, H, W, filters)."""
        skips = []
        for number in range(section.levels):
            x = level(x, looking, "encoder", number)
            skips.append(x)
            x = shift(x, looking, 1, f"{looking}_encoder{number}_shift")
            x = layers.MaxPooling2D(2, name=f"{looking}_encoder{number}_pool")(x)
        x = level(x, looking, "bottom", section.levels)
        for number in reversed(range(section.levels)):
            x = layers.UpSampling2D(2, name=f"{looking}_decoder{number}_up")(x)
            x = layers.Concatenate(name=f"{looking}_decoder{number}_skip")([skips[number], x])
            x = level(x, looking, "decoder", number)
        return shift(x, looking, 1, f"{looking}_shift")

    inputs = keras.Input((None, None, channels), name="input")  # (N, H, W, C)
    x = layers.Concatenate(name="joined")([half(inputs, looking) for looking in LOOKING])
    for index in (1, 2):
        x = layers.Conv2D(
            section.joined_filters,
            1,
            padding="same",
            activation="relu",
            kernel_initializer=section.initializer,
            name=f"joined_conv{index}",
        )(x)
    values = outputs or channels
    x = layers.Conv2D(values, 1, padding="same", kernel_initializer="zeros", name="values")(x)
    # put side by side: a sum of four has no fixed order, and other bytes from time to time
    beside = [shift(inputs, looking, 1, f"{looking}_beside") for looking in LOOKING]
    start = layers.Conv2D(values, 1, padding="same", trainable=False, name="start")
    x = layers.Add(name="output_add")([x, start(layers.Concatenate(name="beside")(beside))])
    start.set_weights(_start(channels, values // channels))
    outputs_ = layers.Activation("linear", dtype="float32", name="output")(x)
    return keras.Model(inputs, outputs_, name="blind_spot")


def _start(channels: int, values: int) -> list[np.ndarray]:
    """Weights that make the first value of each channel: the mean of what is beside, less grey."""
    kernel = np.zeros((1, 1, len(LOOKING) * channels, channels * values), np.float32)
    bias = np.zeros(channels * values, np.float32)
    for channel in range(channels):
        kernel[..., channel::channels, channel * values] = 1 / len(LOOKING)
        bias[channel * values] = -MIDDLE
    return [kernel, bias]
