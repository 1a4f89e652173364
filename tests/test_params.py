import subprocess

import pytest
import yaml
from ruamel.yaml import YAML

from denoising.files import InputError
from stages import schema, train
from stages.shared import params
from tests.conftest import ROOT

MSE = {"name": "mse"}

BAD = [
    ("budget", "huge", "budget = 'huge': should be one of smoke, laptop, article"),
    ("precision", "float16", "precision = 'float16': should be 'auto', 'float32' or 'bfloat16'"),
    ("colour", 1, "colour: unknown key; allowed here: budget, seeds"),
    ("seeds", 3, "seeds = 3: should be a section of keys"),
    ("seeds.data", -1, "seeds.data = -1: should be greater than or equal to 0"),
    ("budgets.laptop.epochs", -1, "laptop.epochs = -1: should be greater than or equal to 1"),
    ("budgets.laptop.epochs", 2.5, "budgets.laptop.epochs = 2.5: should be an integer"),
    ("budgets.laptop.epochs", 10**9, "epochs = 1000000000: should be less than or equal to 100000"),
    ("budgets.laptop.batch_size", 10**9, "= 1000000000: should be less than or equal to 65536"),
    (
        "budgets.laptop.train_images",
        60_000,
        "budgets.laptop.train_images = 60000: should be less than or equal to 50000, which source "
        "mnist has",
    ),
    ("budgets.laptop.schedule", "linear", "schedule = 'linear': should be 'constant' or 'cosine'"),
    ("datasets.gauss50.source", "ct", "datasets.gauss50.source = 'ct': should be one of mnist"),
    ("sources.mnist.name", "ct", "sources.mnist.name = 'ct': should be "),
    ("datasets.gauss50.noise.sigma", 0, "gauss50.noise.sigma = 0: should be greater than 0"),
    ("datasets.gauss50.noise.sigma", float("nan"), "noise.sigma = nan: should be a finite number"),
    ("datasets.gauss50.noise.sigma", "0.5", "noise.sigma = '0.5': should be a number"),
    ("datasets.gauss50.noise.sigma", "5e-1", "= '5e-1': should be a number; write 5.0e-1"),
    ("datasets.gauss50.noise.clip", "yes", "clip = 'yes': should be true or false; write true"),
    ("datasets.gauss50.noise.clip", 1, "noise.clip = 1: should be true or false"),
    ("networks.cnn.depth", "010", "depth = '010': should be an integer; write 10"),
    (
        "datasets.gauss50.noise.name",
        "fog",
        "datasets.gauss50.noise.name = 'fog': should be one of correlated, gaussian, ",
    ),
    ("datasets.gauss50.noise", {"sigma": 0.5, "clip": True}, "gauss50.noise.name: missing"),
    ("datasets.gauss50.noise", {"name": "impulse"}, "datasets.gauss50.noise.amount: missing"),
    ("datasets.gauss50.noise", 0.5, "datasets.gauss50.noise = 0.5: should be a section of keys"),
    (
        "datasets.gauss50.noise",
        {"name": "impulse", "amount": 0.5},
        "runs.win5rb_n2n_fixed.method.loss.name = 'tobit': is for clipped Gaussian noise",
    ),
    (
        "datasets.gauss50.noise.clipped",
        True,
        "noise.clipped: unknown key; allowed here: name, sigma, clip",
    ),
    ("networks.cnn.kernel_size", 4, "networks.cnn.kernel_size = 4: should be odd"),
    ("networks.cae.levels", 3, "networks.cae.levels = 3: should be less than or equal to 2"),
    ("networks.unet.levels", 5, "networks.unet.levels = 5: should be less than or equal to 4"),
    ("networks.cnn.filters", 10**9, "= 1000000000: should be less than or equal to 4096"),
    ("networks.cnn", None, "networks.cnn = None: should be a section of keys"),
    ("networks.cnn.width", 1, "networks.cnn.width: unknown key; allowed here: depth, filters"),
    (
        "datasets.gauss50.foo",
        1,
        "allowed here: source, selection, redraw, drawn, split, stream, noise",
    ),
    ("runs.data", {"foo": 1}, "runs.data.foo: unknown key; allowed here: dataset, network, method"),
    ("networks.vgg", {}, "networks.vgg: unknown key; allowed here: blind_spot, cae, cnn"),
    ("runs.cnn.network", "vgg", "runs.cnn.network = 'vgg': should be one of "),
    ("runs.cnn.dataset", "ct", "runs.cnn.dataset = 'ct': should be one of gauss50"),
    (
        "runs.cnn.method.name",
        "magic",
        "runs.cnn.method.name = 'magic': should be one of blind_spot, neighbor2neighbor",
    ),
    (
        "runs.cnn.method.loss.name",
        "l7",
        "runs.cnn.method.loss.name = 'l7': should be one of mse, mae, huber, annealed_l0, tobit",
    ),
    ("runs.cnn.method.loss", {"name": "huber"}, "runs.cnn.method.loss.delta: missing"),
    ("runs.cnn.method.loss.delta", 0.1, "method.loss.delta: unknown key; allowed here: name"),
    (
        "runs.cnn.method.loss.name",
        "tobit",
        "runs.cnn.method.loss.name = 'tobit': is for noisy targets",
    ),
    ("runs.cnn.stream", "A b", "runs.cnn.stream = 'A b': should have only the characters a-z"),
    (
        "runs.blind_spot.network",
        "unet",
        "runs.blind_spot.network = 'unet': should be one of blind_spot",
    ),
    (
        "runs.cnn.network",
        "blind_spot",
        "runs.cnn.network = 'blind_spot': should be one of cae, cnn",
    ),
    (
        "runs.unet.method",
        {"name": "sure", "step": 0.1},
        "runs.unet.method.name = 'sure': its noise should leave the mean alone; gaussian",
    ),
    (
        "debiased.win5rb_n2n_inverse.run",
        "vgg",
        "debiased.win5rb_n2n_inverse.run = 'vgg': should be one of cnn, cae",
    ),
    (
        "debiased.win5rb_n2n_inverse.run",
        "win5rb",
        "run = 'win5rb': should be one that learns from noisy targets by squared error",
    ),
    (
        "debiased.win5rb_n2n_inverse.dataset",
        "ct",
        "debiased.win5rb_n2n_inverse.dataset = 'ct': should be one of gauss50",
    ),
    (
        "debiased.cnn",
        {"run": "win5rb_n2n", "dataset": "gauss50"},
        "debiased.cnn: runs has this name too",
    ),
    ("runs.Cnn-2", {}, "runs.Cnn-2: a name should have only the characters a-z, 0-9 and _"),
    ("runs." + 300 * "a", {}, ": a name should have only the characters a-z, 0-9 and _, at most"),
    ("budget", 100_000 * "x", "(100,002 characters): should be one of smoke, laptop, article"),
    ("runs", [], "runs = []: should be a section of keys"),
    (
        "filters.cnn",
        {"dataset": "gauss50", "filter": {"name": "identity"}},
        "filters.cnn: runs has this name too",
    ),
    ("filters.median.filter", {"name": "median"}, "filters.median.filter.size: missing"),
    ("filters.median.dataset", "ct", "filters.median.dataset = 'ct': should be one of gauss50"),
    ("gate.tolerance.laptop", 0, "gate.tolerance.laptop = 0: should be greater than 0"),
    ("gate.tolerance.huge", 0.1, "gate.tolerance.huge = 'huge': should be one of smoke, laptop"),
    (
        "gate.accepted.cnn",
        {"value": 0.02, "reason": ""},
        "gate.accepted.cnn.reason = '': should not be empty",
    ),
    (
        "gate.accepted.vgg",
        {"value": 0.02, "reason": "why"},
        "gate.accepted.vgg = 'vgg': should be one of cnn, cae",
    ),
    (
        "report.grid_images",
        99,
        "report.grid_images = 99: should be at most evaluation.examples = 10",
    ),
]


@pytest.fixture
def content():
    return params.read(ROOT / "params.yaml")


def put(content, path, value):
    *sections, last = path.split(".")
    for section in sections:
        content = content[section]
    content[last] = value


def test_without_runs_there_are_filters(content):
    content |= {"runs": {}, "debiased": {}}
    schema.validate(content)
    content["filters"] = {}
    with pytest.raises(InputError, match="runs and filters: one of them should have at least one"):
        schema.validate(content)


@pytest.mark.parametrize(("path", "value", "message"), BAD, ids=range(len(BAD)))
def test_a_bad_value_is_one_line_with_key_value_and_what_is_allowed(content, path, value, message):
    put(content, path, value)
    with pytest.raises(InputError) as error:
        schema.validate(content)
    assert message in str(error.value)
    assert str(error.value).startswith("params.yaml: ")
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 400


def test_validation_refuses_and_never_alters(content):
    assert schema.validate(content).model_dump(exclude_unset=True) == content


def test_a_mean_without_an_inverse_is_named(content):
    content["datasets"]["gauss50"]["noise"] = {"name": "quantization", "bits": 8}
    del content["runs"]["win5rb_n2n_fixed"], content["runs"]["blind_spot"]
    message = r"inverse\.dataset = 'gauss50': the mean of its noise cannot be inverted"
    with pytest.raises(InputError, match=message):
        schema.validate(content)


def test_a_missing_key_is_named(content):
    del content["networks"]["cae"]["filters"]
    with pytest.raises(InputError, match=r"^params\.yaml: networks\.cae\.filters: missing$"):
        schema.validate(content)


def test_a_network_that_no_run_uses_needs_no_section(content):
    del content["networks"]["unet"], content["runs"]["unet"]
    schema.validate(content)


def test_several_mistakes_are_counted(content):
    content["budget"], content["precision"], content["runs"] = "x", "y", 3
    with pytest.raises(InputError, match=r"\(and 1 more\)$"):
        schema.validate(content)


@pytest.mark.parametrize(
    "text",
    [
        "a: [1,",
        "",
        "- 1",
        "a: 1\na: 2\n",
        "\0",
        "a: " + 2000 * "[",
        "a: " + 5000 * "9",
        "{a: 1}: 2",
    ],
    ids=range(8),
)
def test_files_that_are_no_mapping_of_sections_are_one_line(tmp_path, text):
    path = tmp_path / "params.yaml"
    path.write_text(text)
    with pytest.raises(InputError) as error:
        schema.load(path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 400


def test_a_missing_file_is_one_line(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        schema.load(tmp_path / "params.yaml")


@pytest.mark.parametrize(
    "file", ["params.yaml", "studies/advice/params.yaml", "studies/clipping/params.yaml"]
)
def test_both_readers_of_yaml_read_the_committed_file_alike(file):
    """PyYAML's stock loader (YAML 1.1), ours, and ruamel's (YAML 1.2), with which DVC reads."""
    text = (ROOT / file).read_text()
    ours = params.parse(text, file)
    assert ours == YAML(typ="safe", pure=True).load(text) == yaml.safe_load(text)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "learning_rate: 1.0e-3",
            "learning_rate: 1e-3",
            "= '1e-3': should be a number; write 1.0e-3",
        ),
        ("clip: true", "clip: yes", "clip = 'yes': should be true or false; write true"),
        ("clip: true", "clip: off", "clip = 'off': should be true or false; write false"),
        ("  data: 0 ", "  data: 010 ", "seeds.data = '010': should be an integer; write 10"),
        ("  data: 0 ", "  data: 0o10 ", "seeds.data = '0o10': should be an integer; write 8"),
        ("  data: 0 ", "  data: 1_000 ", "seeds.data = '1_000': should be an integer; write 1000"),
        ("  data: 0 ", "  data: 1:30 ", "seeds.data = '1:30': should be an integer"),
    ],
)
def test_what_dvc_would_read_differently_is_refused_with_how_to_write_it(
    tmp_path, old, new, message
):
    text = (ROOT / "params.yaml").read_text()
    assert old in text
    path = tmp_path / "params.yaml"
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(InputError) as error:
        schema.load(path)
    assert message in str(error.value)


@pytest.mark.parametrize("value", ["0.5", "1e-3", "0.00001", "2.5e-7", "3"])
def test_what_dvc_writes_when_a_parameter_is_set_is_read(tmp_path, value):
    """`dvc exp run --set-param`, which writes small numbers as 1e-05."""
    code = (
        "import sys; from dvc.utils.hydra import apply_overrides\n"
        "apply_overrides(sys.argv[1], [f'budgets.laptop.learning_rate={sys.argv[2]}'])"
    )
    path = tmp_path / "params.yaml"
    path.write_text((ROOT / "params.yaml").read_text())
    done = subprocess.run(
        ["python", "-c", code, path, value], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert schema.load(path).budgets["laptop"].learning_rate == float(value)


def test_unknown_rows_are_named(content):
    with pytest.raises(InputError, match="runs has no row 'vgg': should be one of cnn, cae"):
        train.settings(content, "vgg")


def test_a_stage_takes_its_own_sections_and_no_other(content):
    own = {key: content[key] for key in ("budget", "budgets", "seeds", "precision", "convolution",
                                         "networks", "optimizer", "runs")}  # fmt: skip
    assert train.settings(own, "cnn") == train.settings(content, "cnn")


@pytest.mark.parametrize(
    "text",
    ["1e-3", "2e3", "5e0", "1.0e0", "1_0.5", "0_5", "00.5", "-1e-3", "1E5", "0o17", "010", "1_000"],
)
def test_the_spelling_that_an_error_advises_is_read_alike_by_both(tmp_path, content, text):
    """And it is the number that was meant."""
    key = "depth" if text in ("0o17", "010", "1_000") else "batch_norm_epsilon"
    content["networks"]["dncnn"][key] = text
    with pytest.raises(InputError) as error:
        schema.validate(content)
    advice = str(error.value).partition("; write ")[2]
    value = params.parse(f"a: {advice}", "x")["a"]
    assert value == YAML(typ="safe", pure=True).load(f"a: {advice}")["a"]
    meant = {"0o17": 15, "010": 10, "1_000": 1000}.get(text) or float(text.replace("_", ""))
    assert value == meant
    assert not isinstance(value, str)


@pytest.mark.parametrize("text", [".5", "0x10", "0.5", "1.", "1.0e+3", "1e-05", "2.5e-07", "-3"])
def test_numbers_that_both_read_alike_are_numbers(text):
    value = params.parse(f"a: {text}", "x")["a"]
    assert value == YAML(typ="safe", pure=True).load(f"a: {text}")["a"]
    assert isinstance(value, int | float)


def test_a_source_need_have_only_what_the_chosen_budget_takes(content):
    content["budgets"]["article"]["train_images"] = 60_000
    schema.validate(content)
