"""Where the pipeline keeps its files, below the repository or a folder of published results."""

import os
from pathlib import Path

PARAMS = Path("params.yaml")
# these lie in the repository, also for the pipeline of a folder below own/
_REPOSITORY = Path(os.path.relpath(Path(__file__).parents[2]))
PROVIDED = _REPOSITORY / "data/provided"  # by the user
RESULTS = _REPOSITORY / "results"  # that were published, by budget
FETCHED = _REPOSITORY / ".fetched"  # DVC deletes outputs before it runs a stage again, this not
CHECKPOINTS = Path(".checkpoints")
LOCK = Path("dvc.lock")
TABLES = Path("plots/tables.md")
FIGURES = ("histograms", "grid", "curves", "mse")


def source_folder(source: str) -> Path:
    """Images of a source."""
    return Path("data/sources") / source


def dataset_file(dataset: str, split: str) -> Path:
    """Clean and noisy images of a split."""
    return Path("data/noisy") / dataset / f"{split}.npz"


def noise_file(dataset: str) -> Path:
    """What a training needs to know of a dataset's noise."""
    return Path("data/noisy") / dataset / "noise.json"


def targets_file(dataset: str) -> Path:
    """What an evaluation needs to know of a dataset's training targets."""
    return Path("data/noisy") / dataset / "targets.npz"


def model_file(run: str) -> Path:
    """A trained network."""
    return Path("models") / f"{run}.keras"


def provenance_file(run: str) -> Path:
    """What a trained network was made of."""
    return Path("models") / f"{run}.json"


def curve_file(run: str) -> Path:
    """The learning curve of a run."""
    return Path("plots/curves") / f"{run}.csv"


def metrics_file(name: str) -> Path:
    """What was measured of a row."""
    return Path("metrics") / f"{name}.json"


def per_image_file(name: str) -> Path:
    """Errors of a row's test images, and the first of them."""
    return Path("data/evaluated") / f"{name}.npz"


def histogram_file(name: str) -> Path:
    """Histograms of a row's pixel values."""
    return Path("plots/histograms") / f"{name}.csv"


def log_file(stage: str, name: str) -> Path:
    """What differs from time to time, such as seconds: neither an output of DVC's nor in git."""
    return Path("logs") / f"{stage}-{name}.json"


def lock_file(stage: str, *arguments: str) -> Path:
    """Held while a stage is at work."""
    return Path(".locks") / "-".join([stage, *arguments])
