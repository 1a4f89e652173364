"""What depends on the hardware and on Keras's backend. No other file calls TensorFlow itself."""

import contextlib
import ctypes
import functools
import gc
import json
import os
import platform
import sys
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

from denoising.compute import agreement, kernels, ranks
from denoising.files import InputError

# TensorFlow greets with a page of messages; what matters it raises. Set before it is imported.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
kernels.choose()


@contextlib.contextmanager
def _native_messages_discarded() -> Iterator[None]:
    """TensorFlow writes a page of information to the file descriptor while it is imported."""
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """Thousands of modules are kept for good: look through none of them for garbage.

    Neither while they are imported, nor at the end of the process: a second of both.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_enabled:
            gc.enable()


def _not_needed() -> list[str]:
    """What Keras and TensorFlow import in case a user plots, passes frames or converts a model.

    JAX takes half a second where it is installed, and may be the backend.
    """
    name = os.environ.get("KERAS_BACKEND")
    if not name:
        home = os.environ.get("KERAS_HOME") or Path.home() / ".keras"
        with contextlib.suppress(OSError, ValueError, AttributeError):
            content = json.loads(Path(home, "keras.json").read_text(encoding="utf-8"))
            name = content.get("backend")
    return ["matplotlib", "pandas", *([] if name == "jax" else ["jax"])]


@contextlib.contextmanager
def _absent(*names: str) -> Iterator[None]:
    """Hide modules from those that can do without."""
    hidden = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # None: not to be found
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


# M_MMAP_THRESHOLD, M_TRIM_THRESHOLD (-1: never) and M_ARENA_MAX of malloc.h
_MALLOPT = {-3: 2**31 - 1, -1: -1, -8: 1}


def _keep_memory() -> None:
    """Let the C library keep what is freed, in one place, for what is asked for next.

    Else it goes back to the system whenever an array of a layer is freed, and every page of the
    next one is a fault: benchmarks/image_sizes.md.
    """
    with contextlib.suppress(OSError, AttributeError):  # not the GNU C library
        mallopt = ctypes.CDLL(None).mallopt
        for option, value in _MALLOPT.items():
            mallopt(option, value)


_keep_memory()  # before there are threads with places of their own
with _native_messages_discarded(), _uncollected(), _absent(*_not_needed()):
    import keras

POLICIES = {
    "float32": "float32",
    "bfloat16": "mixed_bfloat16",
}  # Keras's names; weights are float32 in both
AHEAD = 4  # batches that are made before they are asked for

keras.config.set_image_data_format(
    "channels_last"
)  # whatever the user's own Keras configuration says


def prepare(seed: int) -> None:
    """Make everything that follows repeatable: same seed, same machine, same bytes.

    Parameters
    ----------
    seed : int
        Less than 2**32.

    Raises
    ------
    InputError
        If this is not the kind of device that the work was given to.
    """
    _configure()
    _check_device()
    keras.utils.set_random_seed(seed)


@functools.cache
def _configure() -> None:
    ranks.join()
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.get_logger().setLevel("ERROR")  # else it advises on how Keras calls it
        tf.config.experimental.enable_op_determinism()
        for gpu in tf.config.list_physical_devices("GPU"):
            tf.config.experimental.set_memory_growth(gpu, True)


@functools.cache
def _check_device() -> None:
    kind, name = device()
    asked = agreement.agreed("device", lambda: kind)
    if asked.value != kind:
        raise InputError(
            f"device: {asked.by} asks for a {asked.value}, {keras.backend.backend()} computes on "
            f"a {kind} here ({name}): install what it needs on this machine, or leave it out"
        )


def device() -> tuple[str, str]:
    """What the networks run on: "gpu" or "cpu", and its name."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        gpus = tf.config.list_physical_devices("GPU")
        if gpus:
            return "gpu", tf.config.experimental.get_device_details(gpus[0]).get(
                "device_name", "unknown"
            )
    if keras.backend.backend() == "jax":
        import jax

        if jax.default_backend() == "gpu":
            return "gpu", jax.devices()[0].device_kind
    return "cpu", _cpu_name()


def kind() -> str:
    """Of device and backend: those of one kind agree on how to compute."""
    name = keras.backend.backend()
    return device()[0] if name == "tensorflow" else f"{device()[0]} with {name}"


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0))


def resolve_precision(precision: str) -> str:
    """What "auto" becomes: "bfloat16" where the hardware computes in it, else "float32".

    Other values stay. Machines that work together agree on one: `agreement`.

    Raises
    ------
    InputError
        If this machine does not compute in what was agreed on.
    """
    if precision != "auto":
        return precision
    here = "bfloat16" if _computes_in_bfloat16() else "float32"
    found = agreement.agreed(f"precision: auto on a {kind()}", lambda: here)
    if found.value == "bfloat16" != here:
        raise InputError(
            f"precision: auto is bfloat16 for all, as {found.by} found it; this machine does not "
            "compute in it: set precision: float32, or leave it out"
        )
    return str(found.value)


def _computes_in_bfloat16() -> bool:
    if device()[0] == "gpu":
        return _gpu_has_bfloat16()
    return keras.backend.backend() == "tensorflow" and kernels.has_bfloat16()


def batches(count: int, make: Callable[[int], Any]) -> Any:
    """What `fit` and `predict` of Keras take: batches that are made while it computes.

    With TensorFlow not as Keras would feed them. Of arrays it makes a dataset that tunes itself,
    and the end of an epoch may wait until the tuning wakes: it sleeps 10 ms, 20 ms, 40 ms and so
    on, so that many epochs take 10.2 s or 20.5 s. Of a `PyDataset` it makes one with which some
    networks compute at half their speed: benchmarks/feeding.md has both. JAX computes one batch
    while Python makes the next; several ranks wait for each.

    Parameters
    ----------
    count : int
        How many.
    make : callable
        The batch of a number, counted from 0: arrays, the first of which have the shape of all but
        for the number of images.
    """
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        first = make(0)
        arrays = keras.tree.flatten(first)

        def made(number: Any) -> Any:
            parts = tf.numpy_function(
                lambda number: keras.tree.flatten(make(int(number))),
                [number],
                [array.dtype for array in arrays],
            )
            for part, array in zip(parts, arrays, strict=True):
                part.set_shape((None, *array.shape[1:]))
            return keras.tree.pack_sequence_as(first, parts)

        options = tf.data.Options()
        options.autotune.enabled = False
        return tf.data.Dataset.range(count).map(made).prefetch(AHEAD).with_options(options)

    share = ranks.shared(make)

    class Batches(keras.utils.PyDataset):
        def __len__(self) -> int:
            return count

        def __getitem__(self, index: int) -> Any:
            return share(index)

    # With more workers Keras restarts them after the batch that it builds a model from, and the
    # first epoch has some batches twice and others not at all.
    return Batches(workers=1)


def batches_of(arrays: Any, batch_size: int) -> Any:
    """The same of arrays, or tuples of them: slices of `batch_size`, of which the last may be less.

    Parameters
    ----------
    arrays : ndarray (N, ...) or nested tuple of ndarray
    """
    count = len(keras.tree.flatten(arrays)[0])

    def make(number: int) -> Any:
        part = slice(number * batch_size, (number + 1) * batch_size)
        return keras.tree.map_structure(lambda array: array[part], arrays)

    return batches(-(-count // batch_size), make)


def prefers_volumes() -> bool:
    """Is a single image convolved faster as a volume of one slice?

    For one image in float32, and for no other number, TensorFlow gives oneDNN the kernel in an
    order that only its slowest way takes on processors without AVX-512. With a volume it does not.
    """
    is_ours = keras.backend.backend() == "tensorflow" and device()[0] == "cpu"
    return is_ours and kernels.are_onednn_for_avx2()


def convolve(
    images: Any,
    kernel: Any,
    margins: tuple[tuple[int, int], tuple[int, int]] | None = None,
    after: Callable[[Any], Any] = lambda x: x,
) -> Any:
    """Cross-correlation of images, as fast for one as for many: see `prefers_volumes`.

    Parameters
    ----------
    images : tensor (N, H, W, C)
    kernel : tensor (K, L, C, D)
    margins : pairs of int, optional
        So many zeros above and below, left and right; None: what keeps the size.
    after : callable
        Of each pixel of the result by itself, such as bias and activation, for any number of axes
        before the channels: done in one pass with the convolution.

    Returns
    -------
    tensor (N, H', W', D)
    """
    ops = keras.ops
    if margins is None:
        padding: Any = "same"
    elif keras.backend.backend() == "tensorflow" and not prefers_volumes():
        import tensorflow as tf  # Keras has no such padding

        return after(tf.nn.conv2d(images, kernel, 1, [(0, 0), *margins, (0, 0)]))
    else:
        padding, images = "valid", ops.pad(images, [(0, 0), *margins, (0, 0)])
    if prefers_volumes():
        return after(ops.conv(images[:, None], kernel[None], padding=padding))[:, 0]
    return after(ops.conv(images, kernel, padding=padding))


def has_fused_batch_normalization() -> bool:
    """Does this backend have `fused_batch_normalization`?"""
    return keras.backend.backend() == "tensorflow"


def fused_batch_normalization(images: Any, scale: Any, offset: Any, epsilon: float) -> Any:
    """Batch normalisation with the batch's own statistics, in one fused operation.

    Parameters
    ----------
    images : tensor (N, H, W, C)
        "float32" or "bfloat16".
    scale, offset : tensor (C,)

    Returns
    -------
    normalised : tensor (N, H, W, C)
        In the images' dtype.
    mean, variance : tensor (C,)
        Of the batch, float32. The variance is that of the batch itself (divided by the number of
        values, as Keras does).
    """
    import tensorflow as tf

    normalised, mean, variance = tf.compat.v1.nn.fused_batch_norm(
        images,
        tf.convert_to_tensor(scale),
        tf.convert_to_tensor(offset),
        epsilon=epsilon,
        is_training=True,
    )
    values = tf.cast(tf.reduce_prod(tf.shape(images)[:3]), variance.dtype)
    return (
        normalised,
        mean,
        variance * (values - 1) / values,
    )  # TensorFlow's is that of an unbiased estimate


def description() -> dict[str, Any]:
    """Device, backend and versions, for the provenance of a result."""
    kind, name = device()
    packages = ["keras", keras.backend.backend(), "numpy"]
    return {
        "device": kind,
        "device_name": name,
        "cores": cores(),
        "python": platform.python_version(),
        "backend": keras.backend.backend(),
        "versions": {package: metadata.version(package) for package in packages},
    }


def machine() -> str:
    """The same as a line."""
    about = description()
    versions = " ".join(f"{package} {version}" for package, version in about["versions"].items())
    return f"{about['device_name']}, {about['cores']} cores, {versions}"


def _cpu_name() -> str:
    name = kernels.cpu_info("model name") or platform.processor() or platform.machine()
    return f"{name} with {kernels.limit()} at most" if kernels.limit() else name


def _gpu_has_bfloat16() -> bool:
    if keras.backend.backend() == "jax":
        import jax

        return float(getattr(jax.devices()[0], "compute_capability", "0")) >= 8
    import tensorflow as tf

    details = tf.config.experimental.get_device_details(tf.config.list_physical_devices("GPU")[0])
    return details.get("compute_capability", (0, 0)) >= (8, 0)
