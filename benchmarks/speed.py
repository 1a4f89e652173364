"""Speed of training and inference of every network beside its peers, interleaved: make bench

Ways: `ours` (the pipeline's copies of the networks), `keras float32` (the article's way),
`keras bfloat16` (Keras's mixed precision), `torch float32` and `torch bfloat16` (PyTorch,
channels-last, when it is installed), and both compiled by PyTorch; in bfloat16
only where the hardware computes in it. Every way has a process of its own; they take
turns, so that a noisy neighbour disturbs them alike, and ratios are taken within a round. Leave the
machine alone meanwhile.

Measures the networks of params.yaml; tables and chart show those that were measured. Writes
benchmarks/speed.csv, benchmarks/speed.md and benchmarks/speed.png. `--draw` writes the last two
from the first. `--gpu` computes on the GPU that Keras (`KERAS_BACKEND` says with what) and PyTorch
see, instead of on the processor, and writes benchmarks/speed_gpu.csv and so on.
"""

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from tqdm import tqdm

from benchmarks.worker import DIGIT
from denoising.files import write_text
from denoising.reporting.tables import pipes
from stages import schema
from stages.shared import params

FOLDER = Path(__file__).parent
TASKS = {"train": "training", "infer": "inference"}
LABELS = {
    "ours": "ours",
    "keras float32": "Keras float32",
    "keras bfloat16": "Keras bfloat16",
    "torch float32": "PyTorch float32",
    "torch bfloat16": "PyTorch bfloat16",
    "torch compiled float32": "PyTorch compiled float32",
    "torch compiled bfloat16": "PyTorch compiled bfloat16",
}
WAYS = tuple(LABELS)
CPU = {"CUDA_VISIBLE_DEVICES": ""}
GPU = {"XLA_PYTHON_CLIENT_PREALLOCATE": "false"}  # several processes share it
ROUNDS = 5


def main() -> None:
    """Measure unless told otherwise, and write all files."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--draw",
        action="store_true",
        help="only write table and chart of the last measurement again",
    )
    parser.add_argument("--gpu", action="store_true", help="compute on a GPU")
    arguments = parser.parse_args()
    file = FOLDER / ("speed_gpu.csv" if arguments.gpu else "speed.csv")
    if not arguments.draw:
        where = GPU if arguments.gpu else CPU
        if arguments.gpu and _device(where) != "gpu":
            sys.exit("error: --gpu: Keras sees none; KERAS_BACKEND says what it computes with")
        measure(possible_ways(), ROUNDS, where).to_csv(file, index=False, float_format="%.5g")
    turns = pd.read_csv(file)
    write_text(file.with_suffix(".md"), report(turns))
    draw(turns, file.with_suffix(".png"))
    print(file.with_suffix(".md").read_text())


def _device(where: Mapping[str, str]) -> str:
    """What Keras computes on there: "gpu" or "cpu"."""
    code = "from denoising.compute import backend; print(backend.device()[0])"
    command, environment = [sys.executable, "-c", code], os.environ | where
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    return done.stdout.strip()


def possible_ways() -> list[str]:
    """Those whose precision the processor computes in."""
    from denoising.compute import backend

    has_bfloat16 = backend.resolve_precision("auto") == "bfloat16"
    return [way for way in WAYS if has_bfloat16 or "bfloat16" not in way]


def has_peer(network: str) -> bool:
    """Is PyTorch installed, and the network written in it?"""
    if importlib.util.find_spec("torch") is None:
        return False
    return network in importlib.import_module("benchmarks.torch_networks").WRITTEN


def measure(ways: Sequence[str], rounds: int, where: Mapping[str, str] = CPU) -> pd.DataFrame:
    """Images per second of every turn of every way; one of them is "ours"."""
    schema.load()  # refuses a bad params.yaml before anything is started
    rows = []
    for network in params.read()["networks"]:
        rates = matrix_rates(where)
        own = [way for way in ways if "torch" not in way or has_peer(network)]
        workers = {way: Worker(way, network, environment=where) for way in own}
        about = workers["ours"].about
        sizes = {way: worker.about["parameters"] for way, worker in workers.items()}
        if len(set(sizes.values())) > 1:
            sys.exit(f"error: {network} is not the same network in all ways; parameters: {sizes}")
        for turn in tqdm(range(rounds), desc=network, disable=None):
            for task in TASKS:
                # in an order that is drawn, or one would always follow the same other
                for way in np.random.default_rng(turn).permutation(own):
                    worker = workers[way]
                    row = {"network": network, "task": task, "way": way, "turn": turn}
                    row["images_a_second"] = worker.turn(task)
                    row["by_fft"] = " ".join(about["by_fft"][task]) if way == "ours" else ""
                    row |= {
                        key: about[key]
                        for key in (
                            "multiply_adds",
                            "device",
                            "cores",
                            "training_batch",
                            "inference_batch",
                        )
                    }
                    row |= {key: worker.about[key] for key in ("version", "precision")}
                    rows.append(row | rates)
        for worker in workers.values():
            worker.stop()
    return pd.DataFrame(rows)


class Worker:
    """One way to compute one network, in a process of its own: see benchmarks/worker.py."""

    def __init__(
        self, way: str, network: str, pixels: int = DIGIT, environment: Mapping[str, str] = CPU
    ) -> None:
        command = [sys.executable, "-m", "benchmarks.worker", way, network, str(pixels)]
        self.process: Any = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=FOLDER.parent,
            env=os.environ | environment,
        )
        self.about: dict[str, Any] = json.loads(self._line())

    def _line(self) -> str:
        line = self.process.stdout.readline()
        if not line:
            command = " ".join(self.process.args[2:])
            sys.exit(f"error: {command} ended with exit code {self.process.wait()}")
        return line

    def turn(self, task: str) -> float:
        """Images per second."""
        time.sleep(0.3)  # threads of the one before spin for a while
        print(task, file=self.process.stdin, flush=True)
        return float(self._line())

    def memory(self) -> float:
        """MiB that it has had at most."""
        print("memory", file=self.process.stdin, flush=True)
        return float(self._line())

    def stop(self) -> None:
        """End the process."""
        self.process.communicate()


def matrix_rates(where: Mapping[str, str] = CPU) -> dict[str, float]:
    """GFLOP/s of a matrix product, the best of a few, float32 and bfloat16."""
    command = [sys.executable, "-m", "benchmarks.matrix_product"]
    environment = os.environ | where
    output = subprocess.run(
        command, check=True, capture_output=True, text=True, cwd=FOLDER.parent, env=environment
    ).stdout
    return {f"matmul_{dtype}": rate for dtype, rate in json.loads(output).items()}


def measured_networks(turns: pd.DataFrame) -> list[str]:
    """Names of the networks that were measured, in their order."""
    return list(turns.network.unique())


def report(turns: pd.DataFrame) -> str:
    """Markdown: speeds, ratios, rates of arithmetic, hours of the article's protocol."""
    networks = measured_networks(turns)
    ways = [way for way in WAYS if way in set(turns.way)]
    first = turns.iloc[0]
    text = [
        f"On {first.device}, {first.cores} cores; images of 28 x 28 pixels, "
        f"{first.training_batch} per step of training with Adam, {first.inference_batch} of "
        f"inference; medians of {turns.turn.nunique()} rounds (smallest .. largest). "
        f"{'; '.join(dict.fromkeys(turns.version))}. PyTorch: channels last, autocast, batch "
        "normalisation not folded."
    ]
    for task, title in TASKS.items():
        rows = []
        for network in networks:
            speeds = _speeds(turns, network, task)
            own = [way for way in ways if way in speeds]
            row = {"network": network} | {LABELS[way]: f"{speeds[way].median():.0f}" for way in own}
            row |= {
                f"ours / {LABELS[way]}": as_range(relative(turns, network, task, "ours", way))
                for way in own[1:]
            }
            rows.append(row)
        text += [f"## Images per second, {title}", pipes(pd.DataFrame(rows).fillna(""))]
    rows = []
    for task, title in TASKS.items():
        for network in networks:
            group = turns[(turns.network == network) & (turns.task == task)]
            flops = 2 * group.multiply_adds.iloc[0] * (3 if task == "train" else 1) / 1e9
            row = {"network": f"{network}, {title}"}
            for way in (way for way in ways if way in set(group.way)):
                own = group[group.way == way]
                rate = flops * own.images_a_second.median()
                row[LABELS[way]] = (
                    f"{rate:.0f} ({rate / own['matmul_' + own.precision.iloc[0]].iloc[0]:.0%})"
                )
            rows.append(row)
    rates = {
        name: f"{turns[name].min():.0f} to {turns[name].max():.0f}"
        for name in ("matmul_float32", "matmul_bfloat16")
    }
    text += [
        "## GFLOP/s, and as a share of the matrix product's",
        "Counted as a direct convolution's, forward and twice backward: computing less by FFT "
        "shows as more than all. A large matrix product, measured before each network, "
        f"has {rates['matmul_float32']} GFLOP/s in float32 and {rates['matmul_bfloat16']} in "
        "bfloat16; the share is that of the way's own precision.",
        pipes(pd.DataFrame(rows).fillna("")),
    ]
    text += ["## The article's protocol, hours, computed from these speeds", _protocol(turns, ways)]
    return "\n\n".join(text) + "\n"


def _protocol(turns: pd.DataFrame, ways: Sequence[str]) -> str:
    """Training, validation and test of every run whose network was measured.

    All but training is at the speed of inference.
    """
    settings = schema.load()
    budget = settings.budgets["article"]
    rows: list[dict[str, Any]] = []
    for name, run in settings.runs.items():
        if run.network not in measured_networks(turns):
            continue
        speeds = {task: _speeds(turns, run.network, task) for task in TASKS}
        if not set(ways) <= set(speeds["train"]):  # no peer: the sums would not be of the same
            continue
        hours = {}
        for way in ways:
            train, infer = (speeds[task][way].median() for task in TASKS)
            seconds = budget.epochs * (
                budget.train_images / train + budget.validation_images / infer
            )
            hours[way] = (seconds + budget.test_images / infer) / 3600
        rows.append({"run": name} | hours)
    total = pd.DataFrame(rows).set_index("run").sum()
    rows.append({"run": "all"} | total.to_dict())
    rows.append({"run": "all / ours"} | (total / total.ours).to_dict())
    return pipes(
        pd.DataFrame(rows)
        .map(lambda v: v if isinstance(v, str) else f"{v:.2f}")
        .rename(columns=LABELS)
    )


def _speeds(turns: pd.DataFrame, network: str, task: str) -> pd.DataFrame:
    group = turns[(turns.network == network) & (turns.task == task)]
    return group.pivot_table(index="turn", columns="way", values="images_a_second")


def relative(turns: pd.DataFrame, network: str, task: str, way: str, reference: str) -> pd.Series:
    """Speed of one way over another's, one number per round."""
    speeds = _speeds(turns, network, task)
    return speeds[way] / speeds[reference]


def as_range(values: pd.Series) -> str:
    """Median (smallest .. largest)."""
    return f"{values.median():.2f} ({values.min():.2f} .. {values.max():.2f})"


def draw(turns: pd.DataFrame, file: Path) -> None:
    """The chart: speed of every way over plain Keras's."""
    networks = measured_networks(turns)
    ways = [way for way in WAYS if way in set(turns.way)]
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.4), sharey=True, layout="constrained")
    for axis, (task, title) in zip(axes, TASKS.items(), strict=True):
        for index, way in enumerate(ways):
            shown = [name for name in networks if way in _speeds(turns, name, task)]
            ratios = [relative(turns, name, task, way, "keras float32") for name in shown]
            middles = np.array([ratio.median() for ratio in ratios])
            spread = np.abs(
                np.array([[ratio.min() for ratio in ratios], [ratio.max() for ratio in ratios]])
                - middles
            )
            places = (
                np.array([networks.index(name) for name in shown])
                + (index - (len(ways) - 1) / 2) * 0.17
            )
            bars = axis.bar(
                places,
                middles,
                0.16,
                yerr=spread,
                label=LABELS[way],
                capsize=2,
                error_kw={"linewidth": 0.8},
            )
            axis.bar_label(bars, fmt="%.1f", fontsize=7, padding=2)
        axis.set_xticks(range(len(networks)), networks)
        axis.set_title(title.capitalize())
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("speed / plain Keras float32")
    axes[0].legend(frameon=False, fontsize=8)
    figure.savefig(file, dpi=130, metadata={"Software": None})
    plt.close(figure)


if __name__ == "__main__":
    main()
