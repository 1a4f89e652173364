"""Networks and filters on the real noise of five cameras, each of which one network never saw.

After `make repro SOURCE=polyu BUDGET=polyu` and `make publish SOURCE=polyu`:

    cd own/polyu && PYTHONPATH=../.. python -m benchmarks.cameras

puts the published numbers of results/polyu into one table, half a minute, and measures what the
noise is like, from the noisy images and their means: its standard deviation, beside that which is
estimated from the noisy image alone as if it were white, and its correlation from each pixel to the
next one across. Writes benchmarks/cameras.md.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from denoising.files import read_json, write_text
from denoising.noise.estimate import estimated_sigma
from denoising.reporting.tables import pipes
from stages.shared import command, images, layout, params

PUBLISHED = layout.RESULTS / "polyu"
KINDS = ("noisy", "gaussian", "nlm", "wavelet", "unet")


def main(content: params.Content) -> None:
    """Write the table."""
    there = [name for name in content["datasets"] if _file("unet", name).is_file()]
    scores = {name: np.array([_scores(kind, name) for kind in KINDS]) for name in there}
    noise = {name: np.array(_noise(name)) for name in there}
    counts = [len(noise[name]) for name in there]
    rows = [_row(name, scores[name], noise[name]) for name in there]
    mean = np.average([scores[name] for name in there], axis=0, weights=counts)
    rows.append(_row(f"all {sum(counts)} images", mean, np.concatenate(list(noise.values()))))
    path = Path(__file__).with_suffix(".md")
    write_text(path, pipes(pd.DataFrame(rows)) + "\n")
    command.say(f"{path.name}: {len(there)} cameras")


def _file(kind: str, camera: str) -> Path:
    return PUBLISHED / layout.metrics_file(f"{kind}_{camera}")


def _scores(kind: str, camera: str) -> tuple[float, float]:
    found = read_json(_file(kind, camera), "psnr", "ssim")
    return found["psnr"], found["ssim"]


def _noise(camera: str) -> list[tuple[float, float, float]]:
    """Of every image: the noise's variance, its covariance across, the estimated variance."""
    test = images.image_set(camera, "test")
    found = []
    for index in range(len(test)):
        noisy = test.noisy(index)
        noise = (noisy - test.clean(index)).astype(np.float64)
        noise -= noise.mean(axis=(0, 1))
        across = float(np.mean(noise[:, 1:] * noise[:, :-1]))
        found.append((float(np.mean(noise**2)), across, estimated_sigma(noisy) ** 2))
    return found


def _row(name: str, scores: np.ndarray, noise: np.ndarray) -> dict[str, str]:
    """PSNR in dB and SSIM of every kind, (kinds, 2); what `_noise` found, (images, 3)."""
    cells = {
        kind: f"{psnr:.2f} / {ssim:.3f}" for kind, (psnr, ssim) in zip(KINDS, scores, strict=True)
    }
    variance, across, estimated = noise.mean(axis=0)
    return (
        {"camera": name}
        | cells
        | {
            "noise, of 255": f"{255 * np.sqrt(variance):.1f}",
            "estimated": f"{255 * np.sqrt(estimated):.1f}",
            "correlation": f"{across / variance:.2f}",
        }
    )


if __name__ == "__main__":
    command.run("cameras", main)
