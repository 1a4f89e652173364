"""U-Net: an encoder and a decoder, with a skip connection at every size.

Each level has `convolutions_per_level` convolutions + ReLU and halves height and width by max
pooling; filters double from level to level. The decoder repeats the nearest pixel, takes the
encoder's output of the same size beside it, and convolves again; a 1x1 convolution ends it. With
`residual` it predicts what to add to its input. Noise2Noise uses such a network, Noise2Void one of
two levels with 32 filters; both are for larger images than MNIST's, which allow two levels.
N2V2's network, which leaves fewer checkerboard artefacts behind, has `blurred_pooling` and no
`top_skip`. Height and width must be multiples of 2**levels.
    make repro; then: dvc exp run -S networks.unet.filters=16

References
----------
O. Ronneberger, P. Fischer, T. Brox, "U-Net: Convolutional Networks for Biomedical Image
Segmentation", MICCAI 2015.
J. Lehtinen et al., "Noise2Noise: Learning Image Restoration without Clean Data", ICML 2018.
A. Krull, T.-O. Buchholz, F. Jug, "Noise2Void: Learning Denoising from Single Noisy Images",
CVPR 2019.
E. Hoeck et al., "N2V2: Fixing Noise2Void Checkerboard Artifacts with Modified Sampling Strategies
and a Tweaked Network Architecture", ECCV Workshops 2022.
"""

from typing import TYPE_CHECKING, Any

from pydantic import Field

from denoising.networks.base import Filters, Initializer
from denoising.sections import Odd, Section

if TYPE_CHECKING:
    import keras


class Network(Section):
    """Parameters of the U-Net."""

    levels: int = Field(ge=2, le=4)  # height and width shrink by 2 at each
    convolutions_per_level: int = Field(ge=1, le=8)
    filters: Filters  # of the first level; they double at each
    kernel_size: Odd
    residual: bool
    initializer: Initializer
    zero_output: bool = (
        False  # the last layer starts at zero: with `residual` it is the identity then
    )
    blurred_pooling: bool = False  # blurs between taking the maximum and leaving pixels out
    top_skip: bool = True  # is the skip connection of the full size there?


def build(section: Network, channels: int) -> "keras.Model":
    """The network with fresh weights."""
    import keras
    from keras import layers

    from denoising.compute.pooling import BlurredMaxPooling2D

    def level(x: Any, part: str, number: int) -> Any:
        """(N, h, w, anything) -> (N, h, w, filters of that level)."""
        for index in range(1, section.convolutions_per_level + 1):
            x = layers.Conv2D(
                section.filters * 2**number,
                section.kernel_size,
                padding="same",
                activation="relu",
                kernel_initializer=section.initializer,
                name=f"{part}{number}_conv{index}",
            )(x)
        return x

    x = inputs = keras.Input((None, None, channels), name="input")  # (N, H, W, C)
    skips = []
    for number in range(section.levels):
        x = level(x, "encoder", number)
        skips.append(x)  # (N, H / 2**number, W / 2**number, filters 2**number)
        pooling = BlurredMaxPooling2D if section.blurred_pooling else layers.MaxPooling2D
        x = pooling(2, name=f"encoder{number}_pool")(x)
    x = level(x, "bottom", section.levels)
    for number in reversed(range(section.levels)):
        x = layers.UpSampling2D(2, name=f"decoder{number}_up")(x)
        if number or section.top_skip:
            x = layers.Concatenate(name=f"decoder{number}_skip")([skips[number], x])
        x = level(x, "decoder", number)
    last = "zeros" if section.zero_output else section.initializer
    x = layers.Conv2D(channels, 1, padding="same", kernel_initializer=last, name="output_conv")(
        x
    )  # (N, H, W, C)
    if section.residual:
        outputs = layers.Add(dtype="float32", name="output")([inputs, x])
    else:
        outputs = layers.Activation("linear", dtype="float32", name="output")(x)
    return keras.Model(inputs, outputs, name="unet")
