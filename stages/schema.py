"""Typed, validated view of params.yaml.

`load` validates the whole file. What a stage works with is then one of the `*_settings`, which hold only the sections that
the stage declares in dvc.yaml: a stage cannot depend on a number that DVC does not know it depends on.
"""

import itertools
from typing import Annotated, Literal, get_args, get_origin

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from denoising.files import InputError
from denoising.noise.models import Gaussian, Noise

# `-` joins the parts of a DVC stage name, `.` those of a parameter's path
Key = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]+$")]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Fraction = Annotated[float, Field(ge=0, lt=1)]
Count = Annotated[int, Field(ge=1)]
Seed = Annotated[int, Field(ge=0, lt=2**63)]
Initializer = Literal["he_normal", "he_uniform", "glorot_normal", "glorot_uniform"]
OutputActivation = Literal["linear", "sigmoid"]

TRAINING_POOL, VALIDATION_POOL, TEST_POOL = 50_000, 10_000, 10_000  # of MNIST's 60,000 + 10,000


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def _odd(value):
    if value % 2 == 0:
        raise ValueError("should be odd")
    return value


Odd = Annotated[int, Field(ge=1, le=63), AfterValidator(_odd)]
Filters = Annotated[int, Field(ge=1, le=4096)]


class Seeds(Section):
    data: Seed
    training: Seed


class Budget(Section):
    train_images: int = Field(ge=1, le=TRAINING_POOL)
    validation_images: int = Field(ge=1, le=VALIDATION_POOL)
    test_images: int = Field(ge=1, le=TEST_POOL)
    epochs: Count
    batch_size: Count
    learning_rate: Positive
    schedule: Literal["constant", "cosine"]


class Dataset(Section):
    source: Literal["mnist"]
    selection: Literal["first", "shuffled"]
    redraw: Literal["never", "every_epoch"]
    noise: Noise


class CNN(Section):
    depth: int = Field(ge=2, le=200)
    filters: Filters
    kernel_size: Odd
    output_activation: OutputActivation
    initializer: Initializer


class CAE(Section):
    levels: int = Field(ge=1, le=2)  # 28 pixels halve twice
    convolutions_per_level: int = Field(ge=1, le=20)
    filters: Filters
    latent_filters: Filters
    kernel_size: Odd
    output_activation: OutputActivation
    initializer: Initializer


class DnCNN(Section):
    depth: int = Field(ge=3, le=200)
    filters: Filters
    kernel_size: Odd
    batch_norm_momentum: Fraction
    batch_norm_epsilon: Positive
    initializer: Initializer


class Win5RB(Section):
    depth: int = Field(ge=2, le=200)
    filters: Filters
    kernel_size: Odd
    batch_norm_momentum: Fraction
    batch_norm_epsilon: Positive
    last_scale: float = Field(ge=0, le=10)
    initializer: Initializer


class Models(Section):
    cnn: CNN
    cae: CAE
    dncnn: DnCNN
    win5rb: Win5RB


class Optimizer(Section):
    name: Literal["adam"]
    beta_1: Fraction
    beta_2: Fraction
    epsilon: Positive


class Run(Section):
    model: str
    data: str
    target: Literal["clean", "noisy"]
    loss: Literal["mse", "mae", "huber", "annealed_l0", "tobit"]
    delta: Positive | None = None

    @model_validator(mode="after")
    def _huber_has_delta(self):
        if (self.delta is None) == (self.loss == "huber"):
            raise ValueError(
                f"loss {self.loss} takes {'delta' if self.loss == 'huber' else 'no delta'}"
            )
        return self


class Debiased(Section):
    run: str
    data: str


class Filter(Section):
    data: str
    filter: Literal["identity", "median", "gaussian", "mean"]
    size: Odd | None = None
    sigma: Positive | None = None

    @model_validator(mode="after")
    def _has_its_own_parameter(self):
        wanted = {"identity": set(), "median": {"size"}, "mean": {"size"}, "gaussian": {"sigma"}}[
            self.filter
        ]
        if set(self.arguments) != wanted:
            given = ", ".join(self.arguments) or "none"
            raise ValueError(
                f"filter {self.filter} takes {' '.join(wanted) or 'no parameter'}, given: {given}"
            )
        return self

    @property
    def arguments(self):
        return self.model_dump(include={"size", "sigma"}, exclude_none=True)


class Evaluation(Section):
    batch_size: Count
    bootstrap_resamples: int = Field(ge=100, le=1_000_000)
    histogram_step: float = Field(ge=0.001, le=0.5)
    examples: Count


class Report(Section):
    grid_images: Count
    dpi: int = Field(ge=30, le=600)


class Accepted(Section):
    value: Positive
    reason: str = Field(min_length=1)


class Gate(Section):
    tolerance: dict[Key, Positive]
    accepted: dict[Key, Accepted]


class Params(Section):
    budget: str
    seeds: Seeds
    precision: Literal["auto", "float32", "bfloat16"]
    convolution: Literal["auto", "direct", "fft"]
    budgets: dict[Key, Budget]
    datasets: dict[Key, Dataset]
    models: Models
    optimizer: Optimizer
    runs: dict[Key, Run] = Field(min_length=1)
    debiased: dict[Key, Debiased] = {}
    filters: dict[Key, Filter]
    evaluation: Evaluation
    report: Report
    gate: Gate

    @model_validator(mode="after")
    def _names_refer_to_something(self):
        def check(path, value, allowed):
            if value not in allowed:
                raise ValueError(f"{path} = {value!r}: should be one of {', '.join(allowed)}")

        check("budget", self.budget, self.budgets)
        for name, run in self.runs.items():
            check(f"runs.{name}.model", run.model, Models.model_fields)
            check(f"runs.{name}.data", run.data, self.datasets)
            noise = self.datasets[run.data].noise
            clipped_gaussian = isinstance(noise, Gaussian) and noise.clip
            if run.loss == "tobit" and not (run.target == "noisy" and clipped_gaussian):
                raise ValueError(
                    f"runs.{name}.loss = 'tobit': is for noisy targets with clipped Gaussian noise"
                )
        for name, row in self.debiased.items():
            check(f"debiased.{name}.run", row.run, self.runs)
            check(f"debiased.{name}.data", row.data, [self.runs[row.run].data])
            if (self.runs[row.run].target, self.runs[row.run].loss) != ("noisy", "mse"):
                raise ValueError(
                    f"debiased.{name}.run = {row.run!r}: should be one with `target: noisy` and `loss: mse`"
                )
            if not self.datasets[row.data].noise.invertible:
                raise ValueError(
                    f"debiased.{name}.data = {row.data!r}: the mean of its noise cannot be inverted"
                )
        for name, row in self.filters.items():
            check(f"filters.{name}.data", row.data, self.datasets)
        tables = ("runs", "debiased", "filters")
        for first, second in itertools.combinations(tables, 2):
            for name in getattr(self, first).keys() & getattr(self, second):
                raise ValueError(
                    f"{second}.{name}: {first} has this name too; their metrics would be one file"
                )
        for name in self.gate.tolerance:
            check(f"gate.tolerance.{name}", name, self.budgets)
        for name in self.gate.accepted:
            check(f"gate.accepted.{name}", name, [*self.runs, *self.debiased])
        if self.report.grid_images > self.evaluation.examples:
            raise ValueError(
                f"report.grid_images = {self.report.grid_images}: "
                f"should be at most evaluation.examples = {self.evaluation.examples}"
            )
        return self

    def _row(self, table, name):
        rows = getattr(self, table)
        if name not in rows:
            raise InputError(f"{table} has no row {name!r}: should be one of {', '.join(rows)}")
        return rows[name]

    def corrupt_settings(self, dataset):
        budget = self.budgets[self.budget]
        return CorruptSettings(
            name=dataset,
            dataset=self._row("datasets", dataset),
            seed=self.seeds.data,
            images={
                "train": budget.train_images,
                "validation": budget.validation_images,
                "test": budget.test_images,
            },
        )

    def train_settings(self, run):
        row = self._row("runs", run)
        budget = self.budgets[self.budget]
        return TrainSettings(
            name=run,
            run=row,
            network=getattr(self.models, row.model),
            noise=self.datasets[row.data].noise,
            redraw=self.datasets[row.data].redraw,
            data_seed=self.seeds.data,
            seed=self.seeds.training,
            precision=self.precision,
            convolution=self.convolution,
            optimizer=self.optimizer,
            **budget.model_dump(include={"epochs", "batch_size", "learning_rate", "schedule"}),
        )

    def evaluate_settings(self, run):
        return EvaluateSettings(
            name=run,
            data=self._row("runs", run).data,
            target=self._row("runs", run).target,
            precision=self.precision,
            convolution=self.convolution,
            evaluation=self.evaluation,
        )

    def debiased_settings(self, name):
        row = self._row("debiased", name)
        return DebiasedSettings(
            name=name,
            run=row.run,
            noise=self.datasets[row.data].noise,
            **self.evaluate_settings(row.run).model_dump(exclude={"name", "evaluation"}),
            evaluation=self.evaluation,
        )

    def filter_settings(self, name):
        return FilterSettings(
            name=name, filter=self._row("filters", name), evaluation=self.evaluation
        )

    def report_settings(self):
        return ReportSettings(
            budget=self.budget,
            runs=self.runs,
            debiased=self.debiased,
            filters=self.filters,
            datasets=self.datasets,
            bootstrap_resamples=self.evaluation.bootstrap_resamples,
            report=self.report,
        )


class CorruptSettings(Section):
    name: str
    dataset: Dataset
    seed: int
    images: dict[str, int]


class TrainSettings(Section):
    name: str
    run: Run
    network: CNN | CAE | DnCNN | Win5RB
    noise: Noise
    redraw: str
    data_seed: int
    seed: int
    precision: str
    convolution: str
    optimizer: Optimizer
    epochs: int
    batch_size: int
    learning_rate: float
    schedule: str


class EvaluateSettings(Section):
    name: str
    data: str
    target: str
    precision: str
    convolution: str
    evaluation: Evaluation


class DebiasedSettings(EvaluateSettings):
    run: str
    noise: Noise


class FilterSettings(Section):
    name: str
    filter: Filter
    evaluation: Evaluation


class ReportSettings(Section):
    budget: str
    runs: dict[str, Run]
    debiased: dict[str, Debiased]
    filters: dict[str, Filter]
    datasets: dict[str, Dataset]
    bootstrap_resamples: int
    report: Report


def load(path="params.yaml", model=Params):
    """The validated parameters of a YAML file, as an instance of `model`.

    Raises
    ------
    InputError
        One line: the file, the key, its value and what is allowed.
    """
    try:
        with open(path, encoding="utf-8") as file:
            content = YAML(typ="safe", pure=True).load(file)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    except (YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not valid YAML ({' '.join(str(error).split())})") from None
    return validate(content, path, model)


def validate(content, path="params.yaml", model=Params):
    """`model` of a nested dict; see `load`."""
    if not isinstance(content, dict):
        raise InputError(
            f"{path}: should hold sections such as `budget:`, found {type(content).__name__}"
        )
    try:
        return model.model_validate(content)
    except ValidationError as error:
        # a misspelt key is both unknown and missing: say the first
        first, *others = sorted(error.errors(), key=lambda one: one["type"] != "extra_forbidden")
        more = f" (and {len(others)} more)" if others else ""
        raise InputError(f"{path}: {_explain(first, content, model)}{more}") from None


def _explain(error, content, model):
    key = ".".join(_without_tags(error["loc"], content))
    reason = error["msg"].removeprefix("Value error, ").replace("Input should", "should")
    match error["type"]:
        case "extra_forbidden":
            return (
                f"{key}: unknown key; allowed here: {', '.join(_keys_beside(error['loc'], model))}"
            )
        case "union_tag_not_found":
            return f"{key}.name: missing"
        case "union_tag_invalid":
            allowed = error["ctx"]["expected_tags"].replace("'", "")
            return f"{key}.name = {error['ctx']['tag']!r}: should be one of {allowed}"
        case "model_attributes_type":
            return f"{key} = {error['input']!r}: should be a section of keys"
        case "missing":
            return f"{key}: missing"
        case "value_error" if isinstance(
            error["input"], dict
        ):  # a check between keys, which names its own
            return f"{key}: {reason}" if key else reason
        case "string_pattern_mismatch":
            return f"{key}: a name should have only the characters a-z, 0-9 and _"
        case _:
            return f"{key} = {error['input']!r}: {reason}"


def _without_tags(location, content):
    """The keys of a location in a file: pydantic counts the kind of a noise, such as "gaussian", as a part of its own."""
    for part in location:
        if part == "[key]" or (
            isinstance(content, dict) and part not in content and content.get("name") == part
        ):
            continue
        content = content.get(part) if isinstance(content, dict) else None
        yield str(part)


def _keys_beside(location, model):
    """The keys that the section of an unknown key may have."""
    section = model
    for part in location[:-1]:
        if get_origin(section) is dict:  # of dict[Key, Row] any row's name leads to Row
            section = get_args(section)[-1]
        elif get_origin(section):  # of a union of kinds to the kind of this name
            section = next(
                kind
                for kind in get_args(section)
                if get_args(kind.model_fields["name"].annotation) == (part,)
            )
        else:
            section = section.model_fields[part].annotation
    return section.model_fields
