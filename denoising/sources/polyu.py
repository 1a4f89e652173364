"""PolyU's photographs of one scene each: one shot, and the mean of many, which stands for clean.

100 regions of 512 x 512 pixels, colour, with the noise of five cameras. The name of a region starts
with its camera's: Canon5D2, Canon600D, Canon80D, NikonD800, Sony. The noise
of neighbouring pixels is correlated. The files are for non-commercial use; they are downloaded,
never passed on.

References
----------
J. Xu, H. Li, Z. Liang, D. Zhang, L. Zhang, "Real-world noisy image denoising: a new benchmark"
(2018), arXiv:1804.02603.
"""

from pathlib import Path
from typing import Literal

import numpy as np

from denoising.data.store import Catalogue, Image
from denoising.sources.base import Log, Source
from denoising.sources.shared import downloads, image_files

ADDRESS = (
    "https://raw.githubusercontent.com/csjunxu/PolyU-Real-World-Noisy-Images-Dataset/"
    "3af0f2646b267a00446fe4b7113a15e67bc80b4e/"
)
FOLDER = "CroppedImages"
ENDINGS = {"clean": "_mean.JPG", "noisy": "_real.JPG"}  # by role


class PolyU(Source):
    """100 pairs of a noisy and a clean image, which the dataset has to split."""

    name: Literal["polyu"]

    def scan(self, provided: Path, kept: Path, log: Log) -> Catalogue:
        digests = downloads.known_digests(self.name)
        urls = {name: ADDRESS + name for name in digests}
        folder = downloads.find(
            "PolyU", digests, [provided / self.name], kept / self.name, ADDRESS, urls, log
        )
        ending = ENDINGS["clean"]
        scenes = [name.removesuffix(ending) for name in sorted(digests) if name.endswith(ending)]
        black, white = 0, 255
        images = [_image(folder, scene) for scene in scenes]
        return Catalogue(images, np.dtype(np.uint8), black, white)


def _image(folder: Path, scene: str) -> Image:
    files = {role: image_files.look(folder / (scene + end)) for role, end in ENDINGS.items()}
    read = {role: file.page(0) for role, file in files.items()}
    return Image(scene.removeprefix(f"{FOLDER}/"), "", files["clean"].shape, read)
