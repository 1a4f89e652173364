"""Zero-Shot Noise2Noise: a small network that learns from the noisy image alone."""

import functools
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

import numpy as np
from pydantic import Field

from denoising.data.streams import rng_for
from denoising.files import InputError
from denoising.methods.base import Assumption
from denoising.sections import Section

CHANNELS, SLOPE = 48, 0.2  # of the hidden layers
RADIUS = 2  # pixels that the network sees around each
LEARNING_RATE, HALVED_EVERY = 1e-3, 1000  # steps
WINDOW = 256  # pixels of a side that is learned from at most, in the middle of a larger image
SHORTEST = 2  # pixels of a side: there is one pixel in each half
BAND = 2**18  # pixels that are denoised at a time
_STEPS_PER_CALL = 50  # between two returns to Python, which small images would else wait for
_KEPT = 4  # sizes of images whose compiled training is kept


class ZeroShotNoise2Noise(Section):
    """A network trained on one image, one half of whose pixels predicts the other half.

    Two images of half the size are made of the noisy one: of every 2 x 2 pixels, one has the mean
    of one diagonal, the other that of the other. They show nearly the same scene with independent
    noise, so that each is a target for the other, as in Noise2Noise. The network predicts the
    noise; a second loss asks that it commutes with taking halves. `steps` of Adam, each over the
    whole image, of which at most `WINDOW` x `WINDOW` pixels in the middle and an even number of
    rows and columns; the network then denoises all of it. Images are processed one by one, each
    from the same initial weights. An image of a single value stays as it is.

    Settings are those of the authors' program: two convolutions of 3 x 3 pixels with 48 channels
    and one of 1 x 1, and a learning rate of 0.001 that is halved every 1,000 steps. Unlike there,
    pixel values are shifted and scaled to mean 0.5 and standard deviation 0.25 while the network
    sees them, so that a dark image is denoised like a bright one, and what comes out is not
    clipped. The hidden layers compute in bfloat16 where the hardware does.

    The network has 22,000 weights, enough to learn the noise of a small image by heart: of 256 x
    256 pixels 2,000 steps are better than 500, of 28 x 28 they leave nearly all the noise
    (benchmarks/zero_shot.md).

    Attributes
    ----------
    assumes : tuple of Assumption
        What makes it work.

    References
    ----------
    Y. Mansour, R. Heckel, "Zero-Shot Noise2Noise: Efficient Image Denoising without any Data",
    CVPR (2023), arXiv:2303.11253.
    """

    name: Literal["zs_n2n"]
    steps: Annotated[int, Field(ge=1, le=1_000_000)] = 2000

    assumes: ClassVar[tuple[Assumption, ...]] = (
        Assumption.INDEPENDENT,
        Assumption.ZERO_MEAN,
        Assumption.SMOOTH,
    )

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Denoise images.

        Raises
        ------
        InputError
            If a side is a single pixel.
        """
        return np.stack([self._denoised(image) for image in images.astype(np.float32)])

    def _denoised(self, image: np.ndarray) -> np.ndarray:
        """One image (H, W, C) float32."""
        if np.ptp(image) == 0:
            return image
        height, width, _ = image.shape
        if min(height, width) < SHORTEST:
            raise InputError(f"an image of {height} x {width} pixels: too small to learn from")
        scale = Scale.of(image)
        pixels = scale.apply(image)
        learned = window(pixels)
        training = training_for(*learned.shape)
        training.start(learned)
        training.go_on(self.steps)
        return scale.undo(pixels - training.noise(pixels))


class Scale(NamedTuple):
    """From pixel values to those that the network sees: mean 0.5, standard deviation 0.25."""

    mean: float
    deviation: float

    @classmethod
    def of(cls, image: np.ndarray) -> "Scale":
        """That of an image that has more than one value."""
        return cls(float(image.mean(dtype=float)), float(image.std(dtype=float)))

    def apply(self, image: np.ndarray) -> np.ndarray:
        """What the network sees, float32."""
        return ((image - self.mean) / (4 * self.deviation) + 0.5).astype(np.float32)

    def undo(self, image: np.ndarray) -> np.ndarray:
        """Pixel values again, float32."""
        return ((image - 0.5) * (4 * self.deviation) + self.mean).astype(np.float32)


def window(image: np.ndarray) -> np.ndarray:
    """What is learned from of an image (H, W, C): its middle, with even sides up to `WINDOW`."""
    height, width = (min(size, WINDOW) // 2 * 2 for size in image.shape[:2])
    top, left = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
    return image[top : top + height, left : left + width]


def halves(images: Any) -> Any:
    """Two images of half the size: the means of both diagonals of every 2 x 2 pixels.

    Parameters
    ----------
    images : tensor (1, H, W, C)
        Even H and W.

    Returns
    -------
    tensor (2, H / 2, W / 2, C)
    """
    from keras import ops

    _, height, width, channels = images.shape
    cells = ops.reshape(images, (1, height // 2, 2, width // 2, 2, channels))
    rising = cells[:, :, 0, :, 1] + cells[:, :, 1, :, 0]
    falling = cells[:, :, 0, :, 0] + cells[:, :, 1, :, 1]
    return ops.concatenate([rising, falling], axis=0) / 2


class Training:
    """The training of images of one size: compiled once, and started anew for each.

    Parameters
    ----------
    shape : tuple (H, W, C)
        Even H and W.
    """

    def __init__(self, shape: tuple[int, int, int]) -> None:
        from denoising.compute import kernels

        kernels.choose(single_images=True)

        from denoising.compute import backend
        from denoising.compute.backend import keras

        backend.prepare(0)
        ops = keras.ops
        policy = backend.POLICIES[backend.resolve_precision("auto")]
        self._network = _network(shape[-1], policy)
        # A step takes the image from the model itself, not from a data set: one copy in memory
        self._image = keras.layers.Embedding(1, int(np.prod(shape)), trainable=False)
        number = keras.Input((), batch_size=1, dtype="int32")
        image = ops.reshape(self._image(number), (1, *shape))
        noisy = halves(image)
        denoised = noisy - self._network(noisy)
        residual = ops.flip(noisy, axis=0) - denoised  # each half predicts the other
        inconsistency = denoised - halves(image - self._network(image))
        self._model = keras.Model(number, ops.stack([residual, inconsistency]))

        def loss(_: Any, parts: Any) -> Any:
            return ops.sum(ops.mean(ops.square(parts), axis=(1, 2, 3, 4)))

        rate = keras.optimizers.schedules.ExponentialDecay(
            LEARNING_RATE, HALVED_EVERY, decay_rate=0.5, staircase=True
        )
        optimizer = keras.optimizers.Adam(rate, epsilon=1e-8)  # the authors' own
        self._model.compile(optimizer, loss, steps_per_execution=_STEPS_PER_CALL)
        optimizer.build(self._model.trainable_variables)
        self._fresh = [np.array(variable) for variable in optimizer.variables]

    def start(self, image: np.ndarray) -> None:
        """Begin with fresh weights, the same each time, on an image (H, W, C) float32."""
        self._image.set_weights([image.reshape(1, -1)])
        self._network.set_weights(_initial_weights(self._network.get_weights()))
        for variable, value in zip(self._model.optimizer.variables, self._fresh, strict=True):
            variable.assign(value)

    def go_on(self, steps: int) -> float:
        """Train for some steps more. Returns the mean loss, from before each of them."""
        numbers = np.zeros(steps, np.int32)
        history = self._model.fit(numbers, numbers, batch_size=1, shuffle=False, verbose=0)
        return float(history.history["loss"][0])

    def noise(self, image: np.ndarray) -> np.ndarray:
        """The noise that the network finds in an image of any size, (H, W, C) float32."""
        from keras import ops

        height, width, _ = image.shape
        found = np.empty_like(image)
        rows = max(1, BAND // width)
        for start in range(0, height, rows):
            stop = min(start + rows, height)
            first, last = max(0, start - RADIUS), min(height, stop + RADIUS)
            band = ops.convert_to_numpy(self._network(image[None, first:last]))[0]
            found[start:stop] = band[start - first : stop - first]
        return found


@functools.lru_cache(_KEPT)
def training_for(height: int, width: int, channels: int) -> Training:
    """The training for images of a size, compiled when it is first asked for."""
    return Training((height, width, channels))


def _network(channels: int, policy: str) -> Any:
    """From images of any size to the noise in them; the last layer is float32."""
    from denoising.compute.backend import keras

    layers = keras.layers
    images = hidden = keras.Input((None, None, channels))
    for _ in range(2):
        hidden = layers.Conv2D(CHANNELS, 3, padding="same", dtype=policy)(hidden)
        hidden = layers.LeakyReLU(SLOPE, dtype=policy)(hidden)
    return keras.Model(images, layers.Conv2D(channels, 1, dtype="float32")(hidden))


def _initial_weights(like: list[np.ndarray]) -> list[np.ndarray]:
    """Kernels and biases, uniform up to 1 / sqrt(inputs of a pixel), as PyTorch draws them."""
    rng = rng_for(0, "zs_n2n")
    drawn = []
    for kernel, bias in zip(like[::2], like[1::2], strict=True):
        limit = np.prod(kernel.shape[:-1]) ** -0.5
        drawn += [rng.uniform(-limit, limit, weight.shape) for weight in (kernel, bias)]
    return drawn
