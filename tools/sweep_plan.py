"""A sweep: which values a run's parameters are tried with, and the rows of runs that try them."""

import dataclasses
import hashlib
import itertools
import json
import math
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Annotated, Any, NamedTuple

from pydantic import Field, model_validator

from denoising.files import InputError
from denoising.sections import Section, Seed, shortened
from stages.shared import params
from tools import folders

LEAST = 4  # complete trials, from which on others are compared with them
WARM_UP = 0.25  # of the epochs, in which no training is given up


class Range(Section):
    """Values between two ends, both included; whole numbers if the ends are."""

    low: int | float
    high: int | float
    log: bool = False

    @model_validator(mode="after")
    def _fits(self) -> "Range":
        if not self.low < self.high or (self.log and self.low <= 0):
            raise ValueError("low should be less than high, and with log more than 0")
        return self


class Search(Section):
    """Values that Optuna proposes, instead of every combination.

    Attributes
    ----------
    trials : int
    together : int
        Trials that are proposed at a time, and can run side by side.
    seed : int
        Of what is proposed.
    prune : bool
        Give a training up whose validation error is above the median of the others' by then?
    """

    trials: Annotated[int, Field(ge=1, le=100_000)]
    together: Annotated[int, Field(ge=1, le=10_000)] = 1
    seed: Seed = 0
    prune: bool = True


class Sweep(Section):
    """A file of sweeps/.

    Attributes
    ----------
    run : str
        A row of `runs`.
    pipeline : str
        Its folder, such as own/mine; "." is that of the repository.
    budget : str, optional
    seeds : list of int, optional
        Each combination is trained by each.
    parameters : dict
        Values by path in params.yaml: a list, or with `search` a range.
    """

    run: str
    pipeline: str = "."
    budget: str | None = None
    seeds: Annotated[list[Seed], Field(min_length=1)] | None = None
    parameters: Annotated[
        dict[str, Annotated[list[Any], Field(min_length=1)] | Range], Field(min_length=1)
    ]
    search: Search | None = None

    @model_validator(mode="after")
    def _ranges_are_searched(self) -> "Sweep":
        for path, values in self.parameters.items():
            if isinstance(values, Range) and not self.search:
                raise ValueError(
                    f"parameters.{path}: should be a list, or there should be a search"
                )
        return self


@dataclasses.dataclass(frozen=True)
class Trial:
    """Values that are tried together.

    Attributes
    ----------
    parameters : dict
        Values by path.
    stop : list of dict
        When its trainings are given up: see `denoising.training.fit.Stop`.
    """

    parameters: dict[str, Any]
    stop: list[dict[str, Any]] = dataclasses.field(default_factory=list)

    @property
    def name(self) -> str:
        """The same for the same values."""
        return "t" + hashlib.sha256(json.dumps(self.parameters).encode()).hexdigest()[:8]


class Result(NamedTuple):
    """What came of a trial.

    Attributes
    ----------
    error : float or None
        Validation error at the end, the mean over seeds; None: a training failed.
    given_up : bool
    curves : list of list of float
        Validation error after each epoch, by seed.
    """

    error: float | None
    given_up: bool
    curves: list[list[float]]


def combinations(sweep: Sweep) -> list[Trial]:
    """All of them, in the order of the file."""
    lists = [values for values in sweep.parameters.values() if isinstance(values, list)]
    return [
        Trial(dict(zip(sweep.parameters, one, strict=True))) for one in itertools.product(*lists)
    ]


def proposed(
    sweep: Sweep, search: Search, done: Sequence[tuple[Trial, Result]], count: int
) -> list[Trial]:
    """Trials that Optuna's TPE sampler proposes, given what is known.

    The same, whenever it is asked with the same.

    Raises
    ------
    InputError
        If Optuna is not installed.
    """
    try:
        import optuna
    except ImportError:
        raise InputError("Optuna is not installed: pip install -r requirements-sweep.txt") from None
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    kinds = {path: _distribution(optuna, values) for path, values in sweep.parameters.items()}
    sampler = optuna.samplers.TPESampler(seed=(search.seed + len(done)) % 2**32, constant_liar=True)
    study = optuna.create_study(sampler=sampler)
    for trial, result in done:
        chosen = {
            path: _as_choice(value, sweep.parameters[path])
            for path, value in trial.parameters.items()
        }
        states = optuna.trial.TrialState
        state = states.FAIL if result.error is None else states.COMPLETE
        study.add_trial(
            optuna.trial.create_trial(
                params=chosen, distributions=kinds, value=result.error, state=state
            )
        )
    stop = limits([result for _, result in done if not result.given_up]) if search.prune else []
    found = []
    for _ in range(count):
        asked = study.ask(kinds).params
        values = {
            path: _from_choice(asked[path], sweep.parameters[path]) for path in sweep.parameters
        }
        found.append(Trial(values, stop))
    return found


def _distribution(optuna: Any, values: Any) -> Any:
    kinds = optuna.distributions
    if not isinstance(values, Range):
        return kinds.CategoricalDistribution(tuple(range(len(values))))
    is_whole = isinstance(values.low, int) and isinstance(values.high, int)
    kind = kinds.IntDistribution if is_whole else kinds.FloatDistribution
    return kind(values.low, values.high, log=values.log)


def _as_choice(value: Any, values: Any) -> Any:
    return value if isinstance(values, Range) else values.index(value)


def _from_choice(choice: Any, values: Any) -> Any:
    if not isinstance(values, Range):
        return values[choice]
    rounded = float(f"{choice:.4g}") if isinstance(choice, float) else choice
    return min(max(rounded, values.low), values.high)


def limits(results: Sequence[Result]) -> list[dict[str, Any]]:
    """After which epoch to give up above which error: the median rule of Optuna's MedianPruner.

    Parameters
    ----------
    results : sequence of Result
        Of trials that were not given up.
    """
    curves = [curve for result in results if result.error is not None for curve in result.curves]
    complete = [result for result in results if result.error is not None]
    if len(complete) < LEAST:
        return []
    longest = max(map(len, curves))
    epochs = range(max(1, math.ceil(WARM_UP * longest)), longest)
    at = {epoch: [curve[epoch - 1] for curve in curves if len(curve) > epoch] for epoch in epochs}
    return [
        {"epoch": epoch, "above": float(f"{median(errors):.6g}")}
        for epoch, errors in at.items()
        if len(errors) >= LEAST
    ]


def content_of(sweep: Sweep, given: params.Content, trials: Sequence[Trial]) -> params.Content:
    """A params.yaml that has the rows of all trials of a sweep, and no others.

    Raises
    ------
    InputError
        If a path leads nowhere.
    """
    budget = sweep.budget or given["budget"]
    return with_trials(given | {"budget": budget}, sweep.run, trials, sweep.seeds)


def with_trials(
    given: params.Content, run: str, trials: Sequence[Trial], seeds: Sequence[int] | None = None
) -> params.Content:
    """The same of any trials of a run, by each of these seeds. None: by that of the file."""
    base = params.row(given, "runs", run)
    datasets = {base["dataset"]: given["datasets"][base["dataset"]]}
    runs = {}
    for trial in trials:
        row, changes = dict(base), {}
        for path, value in trial.parameters.items():
            first, _, rest = path.partition(".")
            second, _, rest = rest.partition(".")
            if first == "runs" and second == run and rest:
                row = _with(row, rest, value, path)
            elif first == "datasets" and second == base["dataset"] and rest:
                name = f"{base['dataset']}_{trial.name}"
                before = datasets.get(name, datasets[base["dataset"]])
                datasets[name] = _with(before, rest, value, path)
                row |= {"dataset": name}
            else:
                changes[path] = value
        if trial.stop:
            row["stop"] = trial.stop
        for name, seed in rows_of(trial, seeds).items():
            seeded = changes if seed is None else changes | {"seeds.training": seed}
            runs[name] = folders.row_with(row, seeded)
    return folders.alone(given, runs) | {"datasets": datasets}


def rows_of(trial: Trial, seeds: Sequence[int] | None) -> dict[str, int | None]:
    """Names of a trial's rows, and their seeds."""
    if seeds is None:
        return {trial.name: None}
    return {f"{trial.name}_seed{seed}": seed for seed in seeds}


def _with(section: Mapping[str, Any], path: str, value: Any, whole: str) -> dict[str, Any]:
    """A copy of a section in which one value is another."""
    first, _, rest = path.partition(".")
    if not rest:
        return dict(section) | {first: value}
    inner = section.get(first)
    if not isinstance(inner, dict):
        raise InputError(f"parameters: {shortened(whole)}: {first} has no values of its own")
    return dict(section) | {first: _with(inner, rest, value, whole)}
