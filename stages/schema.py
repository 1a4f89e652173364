"""The whole of params.yaml, composed of the sections of the library, with the checks between them.

No stage depends on this file: it refuses what is wrong, and alters nothing. What a stage computes
with, it takes from the sections that dvc.yaml declares for it.
"""

import itertools
from collections.abc import Iterable
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, PlainValidator, create_model, model_validator

from denoising import sections
from denoising.data.datasets import DatasetOptions
from denoising.data.patches import Patches
from denoising.data.splits import SPLITS, Amount
from denoising.evaluation.evaluate import Evaluation
from denoising.evaluation.filters import Filter
from denoising.files import InputError
from denoising.reporting.tables import Report
from denoising.sections import Key, Positive, Section, Seed, shortened
from denoising.training.fit import Optimizer, Stop, Work
from stages.evaluating import shards
from stages.shared import layout, params

Stage = Literal[
    "fetch", "corrupt", "train", "evaluate", "evaluate_debiased", "evaluate_filter", "report"
]
STAGES: tuple[str, ...] = get_args(Stage)
MOST_CORES = 4096


def _cores(value: Any) -> Any:
    is_number = type(value) is int and 1 <= value <= MOST_CORES
    if not is_number and value != "all":
        raise ValueError(f"should be a number of cores, 1 .. {MOST_CORES}, or all")
    return value


Cores = Annotated[Any, PlainValidator(_cores)]


class Seeds(Section):
    """Seeds of all that is drawn."""

    data: Seed
    training: Seed


class Budget(Amount, Work):
    """How much work to do."""


class Dataset(DatasetOptions):
    """A row of `datasets`."""

    noise: sections.union("noise")  # type: ignore[valid-type]


class Run(Section):
    """A row of `runs`: dataset x network x method.

    Attributes
    ----------
    seeds : list of int, optional
        Trainings of the same by other seeds are rows beside it: `tools.seeds` writes them.
    set : dict, optional
        Values of other sections that are others for this run: see `stages.shared.params.of_run`.
    ranks : int
        Processes that train it together on a cluster: see `denoising.compute.ranks`.
    """

    dataset: str
    network: str
    method: sections.union("methods")  # type: ignore[valid-type]
    patches: Patches | None = None
    stream: Key | None = None
    seeds: Annotated[list[Seed], Field(min_length=1)] | None = None
    set: Annotated[dict[str, Any], Field(min_length=1)] | None = None
    stop: list[Stop] | None = None
    ranks: int = Field(default=1, ge=1, le=1024)


class Debiased(Section):
    """A row of `debiased`."""

    dataset: str
    run: str


class FilterRow(Section):
    """A row of `filters`."""

    dataset: str
    filter: Filter
    corrected: bool = False


class Accepted(Section):
    """A worse result that is wanted."""

    value: Positive
    reason: str = Field(min_length=1, max_length=1000)


class Gate(Section):
    """What the gate lets pass."""

    tolerance: dict[Key, Positive]
    accepted: dict[Key, Accepted]


_NETWORKS = sections.kinds("networks")


class Resources(Section):
    """What each instance of a stage asks a cluster for: a row of `resources`.

    Attributes
    ----------
    cpus : int or "all"
        Cores that are granted. All: those of the largest node.
    threads : int or "all", optional
        Cores that it may use, if not those alone. All: those of its node, as without a cluster,
        shared with others. Trainings have the bytes that they have with as many elsewhere.
    gpus : int
    memory : float
        GiB that have to be free; 0: Ray does not ask.
    shards : int
        Into how many tasks an evaluation is cut, each with such resources, where the images are of
        any size. Results have the same bytes, whatever the number.
    """

    cpus: Cores = 1
    threads: Cores = None
    gpus: int = Field(default=0, ge=0, le=64)
    memory: float = Field(default=0, ge=0, le=4096)
    shards: int = Field(default=1, ge=1, le=10_000)


Networks: Any = create_model(
    "Networks",
    __base__=Section,
    **{name: (sections.kind("networks", name), None) for name in _NETWORKS},  # type: ignore[call-overload]
)


class Params(Section):
    """params.yaml."""

    budget: str
    seeds: Seeds
    precision: Literal["auto", "float32", "bfloat16"]
    convolution: Literal["auto", "direct", "fft"]
    budgets: dict[Key, Budget]
    sources: dict[Key, sections.union("sources")]  # type: ignore[valid-type]
    datasets: dict[Key, Dataset]
    networks: Networks
    optimizer: Optimizer
    runs: dict[Key, Run]
    debiased: dict[Key, Debiased] = Field(default_factory=dict)
    filters: dict[Key, FilterRow]
    evaluation: Evaluation
    report: Report
    gate: Gate
    resources: dict[Stage, Resources] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _sections_fit_together(self) -> "Params":
        _one_of("budget", self.budget, self.budgets)
        if not self.runs and not self.filters:
            raise ValueError("runs and filters: one of them should have at least one row")
        for name, dataset in self.datasets.items():
            _one_of(f"datasets.{name}.source", dataset.source, self.sources)
        networks = [name for name in _NETWORKS if name in self.networks.model_fields_set]
        for name, run in self.runs.items():
            fitting = [one for one in networks if _fits(one, run.method)]
            _one_of(f"runs.{name}.network", run.network, fitting)
            _one_of(f"runs.{name}.dataset", run.dataset, self.datasets)
            if problem := run.method.problem(self.datasets[run.dataset].noise):
                raise ValueError(f"runs.{name}.method.{problem}")
        for name, row in self.debiased.items():
            self._check_debiased(name, row)
        for name, filtered in self.filters.items():
            _one_of(f"filters.{name}.dataset", filtered.dataset, self.datasets)
            if filtered.corrected:
                self._check_mean(f"filters.{name}.dataset", filtered.dataset)
        self._check_names()
        self._check_amounts()
        return self

    def _check_debiased(self, name: str, row: Debiased) -> None:
        _one_of(f"debiased.{name}.run", row.run, self.runs)
        run = self.runs[row.run]
        _one_of(f"debiased.{name}.dataset", row.dataset, [run.dataset])
        if run.method.targets != "noisy" or run.method.learns != "mean":
            raise ValueError(
                f"debiased.{name}.run = {row.run!r}: should be one that learns from noisy targets "
                "by squared error"
            )
        self._check_mean(f"debiased.{name}.dataset", row.dataset)

    def _check_mean(self, key: str, dataset: str) -> None:
        if not self.datasets[dataset].noise.invertible:
            raise ValueError(f"{key} = {dataset!r}: the mean of its noise cannot be inverted")

    def _check_names(self) -> None:
        for first, second in itertools.combinations(("runs", "debiased", "filters"), 2):
            for name in getattr(self, first).keys() & getattr(self, second):
                raise ValueError(
                    f"{second}.{name}: {first} has this name too; their metrics would be one file"
                )
        for stage, row in self.resources.items():
            if row.shards > 1 and stage not in shards.CUT:
                raise ValueError(
                    f"resources.{stage}.shards = {row.shards}: should be 1; what is cut is "
                    f"{', '.join(shards.CUT)}"
                )
        for name in self.gate.tolerance:
            _one_of(f"gate.tolerance.{name}", name, self.budgets)
        for name in self.gate.accepted:
            _one_of(f"gate.accepted.{name}", name, [*self.runs, *self.debiased])

    def _check_amounts(self) -> None:
        name, budget = self.budget, self.budgets[self.budget]
        for dataset in self.datasets.values():
            available = self.sources[dataset.source].available
            for split in SPLITS:
                count = budget.by_split[split]
                if count > (most := available.get(split, count)):
                    raise ValueError(
                        f"budgets.{name}.{split}_images = {count}: should be less than or equal to "
                        f"{most}, which source {dataset.source} has"
                    )
        if self.report.grid_images > self.evaluation.examples:
            raise ValueError(
                f"report.grid_images = {self.report.grid_images}: should be at most "
                f"evaluation.examples = {self.evaluation.examples}"
            )


def _fits(network: str, method: Any) -> bool:
    """Does the network give what the method makes of it: an image, or something else?"""
    if method.networks:
        return network in method.networks
    return not getattr(sections.kind("networks", network), "gives_values", False)


def _one_of(path: str, value: str, allowed: Iterable[str]) -> None:
    if value not in (names := list(allowed)):
        raise ValueError(f"{path} = {shortened(value)}: should be one of {', '.join(names)}")


def validate(content: params.Content, name: object = layout.PARAMS) -> Params:
    """The whole file, typed. Raises InputError, one line, if anything in it is wrong."""
    found: Params = sections.validate(Params, content, str(name))
    for run, row in found.runs.items():
        if row.set:
            _check_set(content, run, row, str(name))
        if row.seeds:
            _check_seeds(content["runs"], run, row.seeds, str(name))
    return found


def _check_seeds(rows: params.Content, run: str, seeds: list[int], name: str) -> None:
    """Does every seed of a run have its row?"""
    here = f"{name}: runs.{run}.seeds = {shortened(seeds)}"
    if len(set(seeds)) < len(seeds):
        raise InputError(f"{here}: should be different numbers")
    for key, row in params.rows_of_seeds(run, rows[run]).items():
        if rows.get(key) != row:
            raise InputError(
                f"{here}: row {key} is missing, or is another: python -m tools.seeds writes it, "
                "and so does make repro"
            )


def _check_set(content: params.Content, run: str, row: Run, name: str) -> None:
    """Is all that a row sets there, for a training to read, and is the whole right with it?"""
    here = f"{name}: runs.{run}.set"
    work = [f"budgets.{content['budget']}.{key}" for key in Work.model_fields]
    network = [f"networks.{row.network}.{key}" for key in content["networks"][row.network] or ()]
    optimizer = [f"optimizer.{key}" for key in content["optimizer"]]
    settable = ["seeds.training", *optimizer, *network, *work, "precision", "convolution"]
    for path in row.set or ():
        if path not in settable:
            raise InputError(f"{here}: {shortened(path)}: should be one of {', '.join(settable)}")
    if row.seeds and "seeds.training" in (row.set or ()):
        raise InputError(f"{here}: seeds.training: one of both, this or seeds = {row.seeds}")
    # with this row alone: each row is looked at once, however many there are
    changed = params.of_run(content, run)
    own = {key: value for key, value in changed["runs"][run].items() if key != "set"}
    alone = {"runs": {run: own}, "debiased": {}, "gate": changed["gate"] | {"accepted": {}}}
    sections.validate(Params, changed | alone, here)


def load(path: object = layout.PARAMS) -> Params:
    """`validate` of a file."""
    return validate(params.read(str(path)), path)
