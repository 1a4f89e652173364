"""The images of a source as arrays on disk: two .npy files, and what is known of them."""

from pathlib import Path

import numpy as np

from denoising.files import InputError, atomic, read_json, sha256, write_json

SETS = ("train", "test")


def write(folder: Path, train: np.ndarray, test: np.ndarray, held_out: int) -> None:
    """Write a source's images (N, H, W, C) uint8 and the number held out for validation."""
    digests = {}
    for name, images in zip(SETS, (train, test), strict=True):
        path = folder / f"{name}.npy"
        with atomic(path) as temporary, open(temporary, "wb") as file:
            np.save(file, np.ascontiguousarray(images))
        digests[name] = sha256(path)
    write_json(folder / "source.json", {"held_out": held_out, "sha256": digests})


def read(folder: Path) -> tuple[np.ndarray, np.ndarray, int]:
    """What `write` wrote, memory-mapped: train, test, held_out.

    Raises
    ------
    InputError
        If a file is missing, damaged or altered.
    """
    about = read_json(folder / "source.json", "held_out", "sha256")
    images = []
    for name in SETS:
        path = folder / f"{name}.npy"
        if not path.is_file():
            raise InputError(f"{path}: no such file; the fetch stage makes it")
        if (actual := sha256(path)) != (expected := about["sha256"].get(name)):
            raise InputError(
                f"{path}: has SHA-256 {actual}, expected {expected}; run the fetch stage again"
            )
        images.append(np.load(path, mmap_mode="r", allow_pickle=False))
    return images[0], images[1], about["held_out"]
