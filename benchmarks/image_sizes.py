"""What a pixel costs in images of all sizes: python -m benchmarks.image_sizes

The published networks denoise square images, as the command line does, but without reading and
writing files: ours; directly convolved (`convolution: direct`); and ours with memory going back to
the system, as the C library does unless told otherwise. Each case has a process of its own, since
its peak memory is measured too. Small images are as many as make up a quarter of a megapixel.
Compilation is left out, but for images of more than a megapixel, and the faster of two rounds
counts. Takes half an hour on two cores; leave the machine alone meanwhile. With words, only the
networks of these names are measured anew.

Writes benchmarks/image_sizes.json, .md and .png.
"""

import ctypes
import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from denoising.files import read_json, write_json, write_text
from denoising.reporting.tables import pipes

FILE = Path(__file__).with_suffix(".json")
ROOT = Path(__file__).parent.parent
NETWORKS = {
    "cnn": "results/article/models/cnn.keras",
    "cae": "results/article/models/cae.keras",
    "dncnn": "results/article/models/dncnn.keras",
    "unet": "results/bsd/models/unet.keras",
    "win5rb": "results/article/models/win5rb.keras",
}
SIZES = (28, 64, 256, 1024, 4096)
OURS, DIRECT, RETURNED = "ours", "direct", "memory returned"
LARGEST = {OURS: 4096, DIRECT: 1024, RETURNED: 1024}  # sides that are measured
MEGAPIXEL = 2**20
BATCH = 256  # images at most


def main() -> None:
    """Measure, and write the files, anew after each case."""
    chosen = sys.argv[1:] or list(NETWORKS)
    if unknown := set(chosen) - NETWORKS.keys():
        sys.exit(f"error: {', '.join(unknown)}: no such network; there are {', '.join(NETWORKS)}")
    rows = read_json(FILE, "rows")["rows"] if FILE.is_file() else []
    rows = [row for row in rows if row["network"] not in chosen]
    for network in chosen:
        for way, largest in LARGEST.items():
            for size in (size for size in SIZES if size <= largest):
                command = [sys.executable, "-m", "benchmarks.image_sizes", "--", network, way]
                command.append(str(size))
                output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
                rows.append(json.loads(output.splitlines()[-1]))
                print(rows[-1], flush=True)
                write_json(FILE, {"rows": rows})
                draw(rows)


def measured(network: str, way: str, size: int) -> dict[str, Any]:
    """One row."""
    if way == RETURNED:  # so that `backend` leaves malloc as it is
        ctypes.CDLL = _refuse  # type: ignore[assignment,misc]
    from denoising.compute import backend, execution, tuning
    from denoising.inference import layout, model_files
    from denoising.inference.prepared import Prepared

    backend.prepare(0)
    trained = model_files.load(ROOT / NETWORKS[network])
    convolution = "direct" if way == DIRECT else "auto"
    count = min(BATCH, max(1, MEGAPIXEL // 4 // size**2))
    images = np.random.default_rng(0).random((count, size, size, 1), np.float32)
    if size <= layout.SIZES:  # digits go through a network in batches, as in an evaluation
        plan = tuning.plan(convolution, "auto", trained, (size, size), BATCH, "inference", log=_say)
        predict = execution.for_inference(trained, plan).predict_on_batch
    else:
        predict = Prepared(trained, convolution, log=_say).denoise_each
    rounds = 1 if images.size > MEGAPIXEL else 2
    if rounds > 1:
        predict(images)
    seconds = []
    for _ in range(rounds):
        started = time.perf_counter()
        predict(images)
        seconds.append(time.perf_counter() - started)
    return {
        "network": network,
        "way": way,
        "size": size,
        "megapixels_a_second": float(f"{images.size / MEGAPIXEL / min(seconds):.3g}"),
        "peak_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "machine": f"{backend.machine()}, {backend.resolve_precision('auto')}",
    }


def _refuse(name: str | None) -> ctypes.CDLL:
    raise OSError(name)


def _say(line: str) -> None:
    print(line, file=sys.stderr)


def draw(rows: list[dict[str, Any]]) -> None:
    """The table and the figure."""
    import matplotlib.pyplot as plt

    table = pd.DataFrame(rows)
    speed, memory = (
        table.pivot_table(index=["network", "way"], columns="size", values=column)
        for column in ("megapixels_a_second", "peak_memory_mib")
    )
    machines = "; ".join(table["machine"].unique())
    write_text(
        FILE.with_suffix(".md"),
        f"Megapixels (2^20) a second, by the side of the image in pixels. {machines}.\n\n"
        f"{pipes(_flat(speed, '{:.3g}'))}\n\nPeak memory of the process, MiB.\n\n"
        f"{pipes(_flat(memory, '{:.0f}'))}\n",
    )
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    for axes, values, title in (
        (left, speed, "megapixels a second"),
        (right, memory, "peak memory, MiB"),
    ):
        for number, network in enumerate(table["network"].unique()):
            for way, style in ((OURS, "-"), (DIRECT, ":")):
                if (network, way) in values.index:
                    row = values.loc[(network, way)].dropna()
                    label = f"{network}, {way}" if way == DIRECT else network
                    axes.plot(row.index, row, f"{style}o", color=f"C{number}", label=label)
        axes.set(xscale="log", xlabel="side of the image, pixels", title=title)
        axes.set_xticks(SIZES, [f"{size:,}" for size in SIZES], minor=False)
        axes.minorticks_off()
        axes.grid(visible=True, alpha=0.3)
    left.set_yscale("log")
    right.set_ylim(bottom=0)
    left.legend(fontsize="small", ncols=2)
    figure.savefig(FILE.with_suffix(".png"), dpi=120)
    plt.close(figure)


def _flat(table: pd.DataFrame, form: str) -> pd.DataFrame:
    """With all as text."""
    shown = table.map(lambda value: "" if pd.isna(value) else form.format(value))
    shown.columns = [f"{size:,}" for size in shown.columns]
    return shown.reset_index()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--"]:
        print(json.dumps(measured(sys.argv[2], sys.argv[3], int(sys.argv[4]))))
    else:
        main()
