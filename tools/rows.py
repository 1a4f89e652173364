"""The rows of params.yaml that advice asks for."""

import io
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
LEAST = 32  # pixels, side of the patches of small images
MULTIPLE = 8  # pixels, of the sizes that the networks take


def text(dataset: str, advice: Advice) -> str:
    """The rows, as they stand in params.yaml."""
    found = _sections(dataset, advice)
    return _dumped(found)


def _sections(dataset: str, advice: Advice) -> dict[str, Any]:
    chosen = _chosen(advice)
    networks = {one.network: costs.NETWORKS[one.network] for one in chosen if one.network}
    trained = {one.name: _run(dataset, one, advice) for one in chosen if one.network}
    filters = {
        one.name: {"dataset": dataset, "filter": one.section} for one in chosen if not one.network
    }
    found: dict[str, Any] = {"datasets": {dataset: {"noise": advice.noise}}}
    for key, rows in (("networks", networks), ("runs", trained), ("filters", filters)):
        if rows:
            found[key] = rows
    return found


def _chosen(advice: Advice) -> list[Candidate]:
    """The best methods that train a network, and the best filter."""
    fit = [choice.candidate for choice in advice.fit]
    return [
        *[one for one in fit if one.network][:BEST],
        *[one for one in fit if not one.network and one.section["name"] != "identity"][:1],
    ]


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
        "stream": one.name,
    }


def add(
    path: Path, dataset: str, advice: Advice, seconds: dict[str, float], minutes: float
) -> list[str]:
    """Write the rows into a params.yaml, comments and other rows left as they are.

    A budget of its own divides the minutes among the networks.

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
    found = _sections(dataset, advice)
    content["datasets"][dataset]["noise"] = advice.noise
    names = []
    for key in ("networks", "runs", "filters"):
        for name, row in found.get(key, {}).items():
            if content.get(key) is None or not content[key]:
                content[key] = CommentedMap()
            if name in content[key] and key == "networks":
                continue  # the user's own
            if key != "networks":
                other = "filters" if key == "runs" else "runs"
                if name in (content.get(other) or {}):
                    raise InputError(f"{path}: {other}.{name}: the advice has {key} of this name")
                names.append(name)
            content[key][name] = row
    epoch = sum(seconds.values())
    epochs = max(1, int(60 * minutes / epoch)) if epoch else 1
    content["budgets"][BUDGET] = dict(content["budgets"]["laptop"]) | {
        "epochs": epochs,
        "batch_size": costs.BATCH,
    }
    stream = io.StringIO()
    yaml.dump(content, stream)
    write_text(path, stream.getvalue())
    return names


def _dumped(content: dict[str, Any]) -> str:
    yaml = YAML()
    stream = io.StringIO()
    yaml.dump(content, stream)
    return stream.getvalue()
