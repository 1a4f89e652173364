"""Where the pipeline keeps its files, relative to the repository or to a folder of published results."""

from pathlib import Path

RAW = Path("data/raw")
PROVIDED = Path("data/provided")
FETCHED = Path(
    ".fetched"
)  # DVC deletes data/raw before it fetches again, as after an edit of the code
CHECKPOINTS = Path(".checkpoints")
LOCK = Path("dvc.lock")
TABLES = Path("plots/tables.md")
FIGURES = ("histograms", "grid", "curves", "mse")


def dataset_file(dataset, split):
    return Path("data/noisy") / dataset / f"{split}.npz"


def model_file(run):
    return Path("models") / f"{run}.keras"


def provenance_file(run):
    return Path("models") / f"{run}.json"


def curve_file(run):
    return Path("plots/curves") / f"{run}.csv"


def metrics_file(name):
    return Path("metrics") / f"{name}.json"


def per_image_file(name):
    return Path("data/evaluated") / f"{name}.npz"


def histogram_file(name):
    return Path("plots/histograms") / f"{name}.csv"


def log_file(stage, name):
    """What differs from run to run, such as seconds: neither an output of DVC's nor in git."""
    return Path("logs") / f"{stage}-{name}.json"


def lock_file(stage, *arguments):
    """Held while a stage is at work."""
    return Path(".locks") / "-".join([stage, *arguments])
