"""A network in PyTorch, as a step of training and one of inference: see benchmarks/worker.py.

Channels last; autocast in bfloat16; images as they are, not in tiles. Compiled ones are so with
default settings: with `freezing`, which would fold batch normalisation too, PyTorch 2.14 fails on
large images.
"""

import functools
import logging
import os
import warnings
from typing import Any

import torch

from benchmarks import torch_networks
from benchmarks.worker import LEARNING_RATE, Steps, Work

COMPILED = "torch compiled"


def steps(way: str, work: Work) -> tuple[Steps, dict[str, Any]]:
    """Steps by task, and what the worker says of itself.

    Parameters
    ----------
    way : str
        "torch float32", "torch bfloat16", "torch compiled float32" or "torch compiled bfloat16".
    """
    torch.manual_seed(0)
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    precision, device = way.split()[-1], "cuda" if torch.cuda.is_available() else "cpu"
    autocast = functools.partial(
        torch.autocast, device, dtype=torch.bfloat16, enabled=precision == "bfloat16"
    )
    network: Any = torch_networks.build(work.name, work.section)
    network = network.to(device, memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE)
    parameters = sum(weight.numel() for weight in network.parameters())
    if way.startswith(COMPILED):
        warnings.filterwarnings("ignore", module="torch")
        logging.getLogger("torch").setLevel(logging.ERROR)
        network = torch.compile(network)

    @functools.cache
    def tensors(task: str) -> list[torch.Tensor]:
        channels_first = torch.from_numpy(work.pair(task).transpose(0, 1, 4, 2, 3)).to(device)
        return [part.contiguous(memory_format=torch.channels_last) for part in channels_first]

    def wait() -> None:
        if device == "cuda":
            torch.cuda.synchronize()

    def train() -> None:
        network.train()
        optimizer.zero_grad(set_to_none=True)
        images, targets = tensors("train")
        with autocast():
            loss = torch.nn.functional.mse_loss(network(images).float(), targets)
        loss.backward()
        optimizer.step()
        wait()

    def infer() -> None:
        network.eval()
        with torch.inference_mode(), autocast():
            network(tensors("infer")[0])
        wait()

    return {"train": train, "infer": infer}, {
        "version": f"torch {torch.__version__}",
        "parameters": parameters,
        "precision": precision,
    }
