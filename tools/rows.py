"""The rows of params.yaml that advice asks for."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap

from denoising.advice import costs
from denoising.advice.advise import Advice
from denoising.advice.candidates import Candidate
from denoising.files import InputError, write_text

BUDGET = "advised"
BEST = 2  # rows that are trained
KINDS = ("runs", "debiased", "filters")
LEAST = 32  # pixels, side of the patches of small images
MULTIPLE = 8  # pixels, of the sizes that the networks take


def text(dataset: str, advice: Advice) -> str:
    """The rows, as they stand in params.yaml."""
    rows: dict[str, Any] = {"datasets": {dataset: {"noise": advice.noise}}}
    return _dumped(rows | _rows(dataset, advice))


def trained(advice: Advice) -> list[Candidate]:
    """The best methods that train a network."""
    return [choice.candidate for choice in advice.fit if choice.candidate.network][:BEST]


def _rows(dataset: str, advice: Advice) -> dict[str, Any]:
    """Of runs, of their corrections and of filters, as far as there are any."""
    networks = trained(advice)
    fit = [choice.candidate for choice in advice.fit]
    best = [one for one in fit if not one.network and one.section["name"] != "identity"][:1]
    found = {
        "runs": {one.uncorrected: _run(dataset, one, advice) for one in networks},
        "debiased": {
            one.name: {"dataset": dataset, "run": one.uncorrected}
            for one in networks
            if one.corrected
        },
        "filters": {one.name: _filter(dataset, one) for one in best},
    }
    return {key: rows for key, rows in found.items() if rows}


def _filter(dataset: str, one: Candidate) -> dict[str, Any]:
    row = {"dataset": dataset, "filter": one.section}
    return row | {"corrected": True} if one.corrected else row


def _run(dataset: str, one: Candidate, advice: Advice) -> dict[str, Any]:
    size = costs.SIZE
    if advice.facts.shortest < size:
        size = max(LEAST, -(-advice.facts.shortest // MULTIPLE) * MULTIPLE)
    patches = {"size": size, "per_epoch": costs.PATCHES, "validation": 256, "flips": True}
    return {
        "dataset": dataset,
        "network": one.network,
        "method": one.section,
        "patches": patches,
        "stream": one.uncorrected,
    }


def add(
    path: Path,
    dataset: str,
    advice: Advice,
    networks: Mapping[str, Any],
    seconds: Mapping[str, float],
    minutes: float,
) -> list[str]:
    """Write the rows into a params.yaml, comments and other rows left as they are.

    A budget of its own divides the minutes among the networks.

    Parameters
    ----------
    networks : mapping
        Sections of networks; those that the file has not are added, where a row needs them.
    seconds : mapping
        Of an epoch, by row.
    minutes : float
        For all epochs.

    Returns
    -------
    list of str
        Names of the rows.

    Raises
    ------
    InputError
        If there is a row of another kind with such a name.
    """
    yaml = YAML()
    yaml.preserve_quotes = True
    content = yaml.load(path.read_text())
    content["datasets"][dataset]["noise"] = advice.noise
    for one in trained(advice):
        content["networks"].setdefault(one.network, networks[one.network])
    names = []
    for key, rows in _rows(dataset, advice).items():
        for name, row in rows.items():
            for other in KINDS:
                if other != key and name in (content.get(other) or {}):
                    raise InputError(f"{path}: {other}.{name}: the advice has {key} of this name")
            if not content.get(key):
                content[key] = CommentedMap()
            content[key][name] = row
            names.append(name)
    epoch = sum(seconds.values())
    epochs = max(1, int(60 * minutes / epoch)) if epoch else 1
    work = {"epochs": epochs, "batch_size": costs.BATCH}
    content["budgets"][BUDGET] = dict(content["budgets"]["laptop"]) | work
    write_text(path, _dumped(content, yaml))
    return names


def _dumped(content: Any, yaml: YAML | None = None) -> str:
    stream = io.StringIO()
    (yaml or YAML()).dump(content, stream)
    return stream.getvalue()
