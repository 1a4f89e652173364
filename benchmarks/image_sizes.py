"""What a pixel costs in images of all sizes, beside PyTorch: python -m benchmarks.image_sizes

Square images: inference as the command line does it, without files; training on patches, with Adam.
Ways: ours; ours directly convolved; ours with memory going back to the system; PyTorch (channels
last, when it is installed), and the same compiled. All in the precision that `auto` is here. Every
way has a process of its own; they take turns, and the best of a few counts. Peers compute of the
largest images a part, as large as a megapixel, and no image in tiles.

With words, only the networks of these names are measured anew. Takes an hour on two cores; leave
the machine alone meanwhile. Writes benchmarks/image_sizes_PRECISION.json, .md and .png.

As on a processor of less: ONEDNN_MAX_CPU_ISA=AVX2 ATEN_CPU_CAPABILITY=avx2, for what TensorFlow and
PyTorch compute with.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.ticker import LogLocator

from benchmarks.speed import Worker, has_peer
from benchmarks.worker import RETURNED, WHOLE
from denoising.files import read_json, write_json, write_text
from denoising.reporting.tables import pipes
from stages import schema
from stages.shared import params

SIZES = {"infer": (28, 64, 256, 1024, 4096), "train": (28, 64, 128, 256)}
TITLES = {"infer": "Inference", "train": "Training"}
OURS, DIRECT = "ours", "convolution: direct"
PEER, COMPILED, FASTER = "PyTorch", "PyTorch compiled", "faster PyTorch"
LABELS = {DIRECT: "ours, direct", RETURNED: "ours, memory returned"}
MEGAPIXEL = 2**20
TURNS = 3


def main() -> None:
    """Measure, and write the files, anew after each case."""
    schema.load()  # refuses a bad params.yaml before anything is started
    from denoising.compute import backend

    networks = list(params.read()["networks"])
    chosen = sys.argv[1:] or networks
    if unknown := set(chosen) - set(networks):
        sys.exit(f"error: {', '.join(unknown)}: no such network; there are {', '.join(networks)}")
    precision = backend.resolve_precision("auto")
    kept = file(precision)
    rows = read_json(kept, "rows")["rows"] if kept.is_file() else []
    for network in chosen:
        for task, sizes in SIZES.items():
            for size in sizes:
                case = {"network": network, "task": task, "size": size}
                rows = [row for row in rows if case.items() - row.items()]
                rows += (case | row for row in measured(network, task, size, precision))
                rows.sort(key=lambda row: networks.index(row["network"]))
                write_json(kept, {"rows": rows})
                draw(rows, kept)


def file(precision: str) -> Path:
    """Of the measurements in a precision; tables and figure lie beside it."""
    return Path(__file__).with_name(f"{Path(__file__).stem}_{precision}.json")


def measured(network: str, task: str, size: int, precision: str) -> Iterator[dict[str, Any]]:
    """Rows of one case."""
    ours = Worker(OURS, network, size)
    workers = {OURS: ours}
    if size <= WHOLE and ours.about["by_fft"][task]:
        workers[DIRECT] = Worker(DIRECT, network, size)
    if (task, size) == ("infer", WHOLE):
        workers[RETURNED] = Worker(RETURNED, network, size)
    if has_peer(network):
        workers[PEER] = Worker(f"torch {precision}", network, size)
        workers[COMPILED] = Worker(f"torch compiled {precision}", network, size)
    speeds: dict[str, float] = dict.fromkeys(workers, 0)
    for turn in range(TURNS):
        for way, worker in workers.items():
            if turn and way == OURS and size > WHOLE:  # it takes long, and to compile does not
                continue
            speeds[way] = max(speeds[way], worker.turn(task) * size**2 / MEGAPIXEL)
    for way, worker in workers.items():
        row = {
            "way": way,
            "megapixels_a_second": float(f"{speeds[way]:.3g}"),
            "peak_memory_mib": round(worker.memory()),
            "by_fft": len(ours.about["by_fft"][task]) if way == OURS else 0,
            "machine": f"{ours.about['device']}, {ours.about['cores']} cores, {precision}",
            "version": worker.about["version"],
        }
        worker.stop()
        print(network, task, size, row, flush=True)
        yield row


def draw(rows: list[dict[str, Any]], kept: Path) -> None:
    """The tables and the figure, beside the file of the rows."""
    table = pd.DataFrame(rows)
    speed, memory = (
        table.pivot_table(
            index=["task", "network", "size"], columns="way", values=column, sort=False
        )
        for column in ("megapixels_a_second", "peak_memory_mib")
    )
    cases = table[["task", "network", "size"]].drop_duplicates()
    order = pd.MultiIndex.from_frame(cases.sort_values("size", kind="stable"))
    speed, memory = speed.reindex(order), memory.reindex(order)
    text = [
        f"{'; '.join(table['machine'].unique())}. {'; '.join(table['version'].unique())}. A "
        "megapixel is 2^20 pixels."
    ]
    for task, title in TITLES.items():
        if task not in speed.index:
            continue
        text += [f"### {title}, megapixels a second", pipes(_speeds(speed.loc[task]))]
    text += ["### Peak memory of inference, MiB", pipes(_memory(memory))]
    write_text(kept.with_suffix(".md"), "\n\n".join(text) + "\n")
    _figure(speed, memory, kept.with_suffix(".png"))


def _speeds(speed: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for (network, size), values in speed.sort_index(level="network", kind="stable").iterrows():
        row = {"network": network, "side": f"{size:,}"}
        row |= {
            LABELS.get(way, way): "" if pd.isna(values.get(way)) else f"{values[way]:.3g}"
            for way in (OURS, DIRECT, RETURNED, PEER, COMPILED)
            if way in speed
        }
        peers = values.reindex([PEER, COMPILED]).dropna()
        if len(peers):
            row[f"ours / {FASTER}"] = f"{values[OURS] / peers.max():.2f}"
        rows.append(row)
    return pd.DataFrame(rows).fillna("")  # a network without a peer has no ratio


def _memory(memory: pd.DataFrame) -> pd.DataFrame:
    ours = memory[OURS].reset_index().query("task == 'infer'")
    ours = ours.pivot_table(index="network", columns="size", values=OURS, sort=False)
    shown = ours.map(lambda value: "" if pd.isna(value) else f"{value:.0f}")
    shown.columns = [f"{size:,}" for size in shown.columns]
    return shown.reset_index()


def _figure(speed: pd.DataFrame, memory: pd.DataFrame, path: Path) -> None:
    """Speeds of ours and of the faster peer, and memory, over the size."""
    figure, axes = plt.subplots(1, 3, figsize=(13, 4.4), layout="constrained")
    peers = speed.reindex(columns=[PEER, COMPILED]).max(axis=1)
    networks = speed.sort_index().index.unique("network")
    colours = {network: f"C{number}" for number, network in enumerate(networks)}
    for axis, (task, title) in zip(axes, TITLES.items(), strict=False):
        for network in networks:
            case = speed.index.isin([(task, network, size) for size in SIZES[task]])
            ours, peer = (one[case].droplevel([0, 1]).dropna() for one in (speed[OURS], peers))
            axis.plot(ours.index, ours, "-o", color=colours[network], label=network)
            axis.plot(peer.index, peer, ":o", color=colours[network], mfc="none")
        axis.plot([], [], ":o", color="grey", mfc="none", label=FASTER)
        axis.set(yscale="log", title=f"{title}, megapixels a second")
        axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.yaxis.set_major_formatter("{x:g}")
    for network in networks:
        case = memory.index.isin([("infer", network, size) for size in SIZES["infer"]])
        values = memory[OURS][case].droplevel([0, 1]).dropna()
        axes[2].plot(values.index, values, "-o", color=colours[network])
    axes[2].set(title="Peak memory of inference, MiB")
    axes[2].set_ylim(bottom=0)
    for axis in axes:
        axis.set(xscale="log", xlabel="side of the image, pixels")
        sizes = SIZES["train" if axis is axes[1] else "infer"]
        axis.set_xticks(sizes, [f"{size:,}" for size in sizes], minor=False)
        axis.minorticks_off()
        axis.grid(visible=True, alpha=0.3)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=7)
    figure.savefig(path, dpi=120)
    plt.close(figure)


if __name__ == "__main__":
    main()
