"""Images in memory, for benchmarks that need them otherwise than the pipeline's stages do."""

import numpy as np

from denoising.data import datasets, splits
from denoising.data.store import Store
from stages import corrupt
from stages.shared import layout


def arrays(made_of: corrupt.Settings) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """As the corrupt stage writes them, clean and noisy images of each split."""
    source = Store(layout.source_folder(made_of.options.source))
    counts, selection = made_of.images.by_split, made_of.options.selection
    found = splits.of_source(source, made_of.options.split, counts, selection, made_of.seed)
    return {
        split: (clean, datasets.corrupt(clean, made_of.noise, made_of.seed, made_of.stream, split))
        for split, places in found.items()
        for clean in [source.array("clean", places)]
    }
