"""Fashion-MNIST's images, articles of clothing as IDX files, from whichever place answers.

References
----------
H. Xiao, K. Rasul, R. Vollgraf, "Fashion-MNIST: a novel image dataset for benchmarking machine
learning algorithms" (2017), arXiv:1708.07747.
"""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar, Literal

from denoising.sources.base import Log
from denoising.sources.shared import downloads, idx
from denoising.sources.shared.downloads import Digests, Files, Getters, SourceError

DIGESTS = {  # of the uncompressed files: Debian compresses them anew
    "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
}
TRAIN, TEST = DIGESTS
GZIP_DIGESTS = {
    f"{TRAIN}.gz": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
    f"{TEST}.gz": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
}
MIRRORS = (
    "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/"
    "b2617bb6d3ffa2e429640350f613e3291e10b141/data/fashion/",
    "https://storage.googleapis.com/cvdf-datasets/fashion-mnist/",
)
PACKAGE = "dataset-fashion-mnist"  # Debian's
INSTALLED = Path("usr/share/datasets/fashion-mnist")  # below the root


class FashionMNIST(idx.IDXImages):
    """Articles of clothing."""

    name: Literal["fashion_mnist"]

    digests: ClassVar[Digests] = DIGESTS

    def find(self, provided: Path, kept: Path, log: Log) -> Path:
        provided, kept = provided / self.name, kept / self.name
        by_hand = f"put {TRAIN}.gz and {TEST}.gz into {provided}/"
        downloads.fetch("Fashion-MNIST", places(provided, kept), self.digests, [kept], by_hand, log)
        return kept


def places(provided: Path, kept: Path) -> Getters:
    """The places, in this order: the user, what was fetched before, this machine, the net."""
    found: dict[str, Callable[[Path], Files]] = {}
    for known in (provided, kept, "/" / INSTALLED):
        found[str(known)] = functools.partial(_from_known, known)
    for mirror in MIRRORS:
        found[mirror] = functools.partial(from_mirror, mirror)
    return found | {f"apt-get download {PACKAGE}": from_debian}


def _from_known(known: Path, _: Path) -> Files:
    files = idx.from_folder(known, DIGESTS)
    if files is None:
        raise SourceError("no files there")
    return files


def from_mirror(mirror: str, folder: Path) -> Files:
    """The .gz files over HTTPS."""
    downloads.download({name: mirror + name for name in GZIP_DIGESTS}, GZIP_DIGESTS, folder)
    return _from_known(folder, folder)


def from_debian(folder: Path) -> Files:
    """The .gz files inside Debian's package, which is not installed."""
    downloads.client("apt-get", "download", "--quiet", PACKAGE, folder=folder)
    package = downloads.only_file(folder, "*.deb")
    downloads.client("dpkg-deb", "--extract", package, folder)
    return _from_known(folder / INSTALLED, folder)
