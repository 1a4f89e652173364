"""Grey photographs of the Berkeley Segmentation Dataset, as DnCNN's authors prepared them.

Train400 is what DnCNN was trained on, BSD68 and Set12 are what it, and much of what followed, was
tested on. Their files are downloaded, never passed on.

References
----------
D. Martin, C. Fowlkes, D. Tal, J. Malik, "A database of human segmented natural images ..." (2001).
K. Zhang et al., "Beyond a Gaussian denoiser" (2017), arXiv:1608.03981.
"""

from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import AfterValidator, Field

from denoising.data.store import Catalogue, Image, OwnSet
from denoising.sources.base import Log, Source
from denoising.sources.shared import downloads, image_files

ADDRESS = "https://raw.githubusercontent.com/cszn/DnCNN/e93b27812d3ff523a3a79d19e5e50d233d7a8d0a/"
FOLDERS = {  # in the repository
    "Train400": "TrainingCodes/DnCNN_TrainingCodes_v1.0/data/Train400",
    "BSD68": "testsets/BSD68",
    "Set12": "testsets/Set12",
}
TRAIN = "Train400"

TestSet = Literal["BSD68", "Set12"]


def _unique(sets: list[TestSet]) -> list[TestSet]:
    if len(set(sets)) < len(sets):
        raise ValueError("has a set twice")
    return sets


class BSD(Source):
    """400 training images of 180 x 180 pixels, 8 bits, one channel; 68 and 12 of test.

    Attributes
    ----------
    test : list of {"BSD68", "Set12"}
        Whose images test: BSD68's are photographs of 321 x 481 or 481 x 321 pixels, Set12's the
        classic test images, of 256 x 256 or 512 x 512.
    """

    name: Literal["bsd"]
    test: Annotated[list[TestSet], Field(min_length=1), AfterValidator(_unique)] = [  # noqa: RUF012
        "BSD68",
        "Set12",
    ]

    def scan(self, provided: Path, kept: Path, log: Log) -> Catalogue:
        wanted = (TRAIN, *self.test)
        known = downloads.known_digests(self.name)
        digests = {name: one for name, one in known.items() if name.split("/")[0] in wanted}
        urls = {name: _url(name) for name in digests}
        folder = downloads.find(
            "BSD", digests, [provided / self.name], kept / self.name, ADDRESS, urls, log
        )
        images = [_image(folder, name) for name in sorted(digests)]
        black, white = 0, 255
        return Catalogue(images, np.dtype(np.uint8), black, white)


def _url(name: str) -> str:
    folder, file = name.split("/")
    return f"{ADDRESS}{FOLDERS[folder]}/{file}"


def _image(folder: Path, name: str) -> Image:
    file = image_files.look(folder / name)
    own_set: OwnSet = "train" if name.startswith(f"{TRAIN}/") else "test"
    return Image(name, own_set, file.shape, {"clean": file.page(0)})
