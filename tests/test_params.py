import pytest
from ruamel.yaml import YAML

from denoising.files import InputError
from stages import schema as params

BAD = [
    ("budget", "huge", "budget = 'huge': should be one of smoke, laptop, article"),
    ("precision", "float16", "precision = 'float16': should be 'auto', 'float32' or 'bfloat16'"),
    ("colour", 1, "colour: unknown key; allowed here: budget, seeds"),
    ("seeds.data", -1, "seeds.data = -1: should be greater than or equal to 0"),
    (
        "budgets.laptop.epochs",
        -1,
        "budgets.laptop.epochs = -1: should be greater than or equal to 1",
    ),
    ("budgets.laptop.epochs", 2.5, "budgets.laptop.epochs = 2.5: should be a valid integer"),
    (
        "budgets.laptop.train_images",
        60_000,
        "train_images = 60000: should be less than or equal to 50000",
    ),
    ("budgets.laptop.schedule", "linear", "schedule = 'linear': should be 'constant' or 'cosine'"),
    (
        "datasets.gauss50.noise.sigma",
        0,
        "datasets.gauss50.noise.sigma = 0: should be greater than 0",
    ),
    ("datasets.gauss50.noise.sigma", float("nan"), "noise.sigma = nan: should be a finite number"),
    ("datasets.gauss50.noise.sigma", "0.5", "noise.sigma = '0.5': should be a valid number"),
    (
        "datasets.gauss50.noise.name",
        "fog",
        "datasets.gauss50.noise.name = 'fog': should be one of gaussian, speckle, poisson, ",
    ),
    (
        "datasets.gauss50.noise",
        {"sigma": 0.5, "clip": True},
        "datasets.gauss50.noise.name: missing",
    ),
    ("datasets.gauss50.noise", {"name": "impulse"}, "datasets.gauss50.noise.amount: missing"),
    ("datasets.gauss50.noise", 0.5, "datasets.gauss50.noise = 0.5: should be a section of keys"),
    (
        "datasets.gauss50.noise",
        {"name": "impulse", "amount": 0.5},
        "runs.win5rb_n2n_fixed.loss = 'tobit': is for noisy targets with clipped Gaussian noise",
    ),
    (
        "datasets.gauss50.noise.clipped",
        True,
        "noise.clipped: unknown key; allowed here: name, sigma, clip",
    ),
    ("models.cnn.kernel_size", 4, "models.cnn.kernel_size = 4: should be odd"),
    ("models.cae.levels", 3, "models.cae.levels = 3: should be less than or equal to 2"),
    (
        "models.cnn.filters",
        10**9,
        "models.cnn.filters = 1000000000: should be less than or equal to 4096",
    ),
    ("runs", {}, "runs = {}: "),
    (
        "datasets.gauss50.foo",
        1,
        "datasets.gauss50.foo: unknown key; allowed here: source, selection, redraw, noise",
    ),
    ("runs.data", {"foo": 1}, "allowed here: model, data, target, loss, delta"),
    ("models.unet", {}, "models.unet: unknown key; allowed here: cnn, cae, dncnn, win5rb"),
    ("runs.cnn.model", "unet", "runs.cnn.model = 'unet': should be one of cnn, cae, dncnn, win5rb"),
    ("runs.cnn.data", "ct", "runs.cnn.data = 'ct': should be one of gauss50"),
    (
        "runs.cnn.loss",
        "l7",
        "runs.cnn.loss = 'l7': should be 'mse', 'mae', 'huber', 'annealed_l0' or 'tobit'",
    ),
    ("runs.cnn.loss", "huber", "runs.cnn: loss huber takes delta"),
    ("runs.cnn.delta", 0.1, "runs.cnn: loss mse takes no delta"),
    (
        "runs.cnn.loss",
        "tobit",
        "runs.cnn.loss = 'tobit': is for noisy targets with clipped Gaussian noise",
    ),
    (
        "debiased.win5rb_n2n_inverse.run",
        "unet",
        "debiased.win5rb_n2n_inverse.run = 'unet': should be one of cnn, cae",
    ),
    (
        "debiased.win5rb_n2n_inverse.run",
        "win5rb",
        "run = 'win5rb': should be one with `target: noisy` and `loss: mse`",
    ),
    (
        "debiased.win5rb_n2n_inverse.data",
        "ct",
        "debiased.win5rb_n2n_inverse.data = 'ct': should be one of gauss50",
    ),
    (
        "debiased.cnn",
        {"run": "win5rb_n2n", "data": "gauss50"},
        "debiased.cnn: runs has this name too",
    ),
    ("runs.Cnn-2", {}, "runs.Cnn-2: a name should have only the characters a-z, 0-9 and _"),
    ("runs", [], "runs = []: should be a valid dictionary"),
    (
        "filters.cnn",
        {"data": "gauss50", "filter": "identity"},
        "filters.cnn: runs has this name too",
    ),
    ("filters.median.size", None, "filters.median: filter median takes size, given: none"),
    ("filters.median.data", "ct", "filters.median.data = 'ct': should be one of gauss50"),
    ("gate.tolerance.laptop", 0, "gate.tolerance.laptop = 0: should be greater than 0"),
    (
        "gate.tolerance.huge",
        0.1,
        "gate.tolerance.huge = 'huge': should be one of smoke, laptop, article",
    ),
    ("gate.accepted.cnn", {"value": 0.02, "reason": ""}, "gate.accepted.cnn.reason = ''"),
    (
        "gate.accepted.unet",
        {"value": 0.02, "reason": "why"},
        "gate.accepted.unet = 'unet': should be one of cnn, cae",
    ),
    (
        "report.grid_images",
        99,
        "report.grid_images = 99: should be at most evaluation.examples = 10",
    ),
]


@pytest.fixture
def content(request):
    return YAML(typ="safe").load(request.config.rootpath / "params.yaml")


def put(content, path, value):
    *sections, last = path.split(".")
    for section in sections:
        content = content[section]
    content[last] = value


@pytest.mark.parametrize(("path", "value", "message"), BAD)
def test_a_bad_value_is_one_line_with_key_value_and_what_is_allowed(content, path, value, message):
    put(content, path, value)
    with pytest.raises(InputError) as error:
        params.validate(content)
    assert message in str(error.value)
    assert str(error.value).startswith("params.yaml: ")
    assert "\n" not in str(error.value)


def test_a_mean_without_an_inverse_is_named(content):
    content["datasets"]["gauss50"]["noise"] = {"name": "quantization", "bits": 8}
    del content["runs"]["win5rb_n2n_fixed"]
    with pytest.raises(
        InputError,
        match=r"win5rb_n2n_inverse\.data = 'gauss50': the mean of its noise cannot be inverted",
    ):
        params.validate(content)


def test_a_missing_key_is_named(content):
    del content["models"]["cae"]["filters"]
    with pytest.raises(InputError, match=r"^params\.yaml: models\.cae\.filters: missing$"):
        params.validate(content)


def test_several_mistakes_are_counted(content):
    content["budget"], content["precision"], content["runs"] = "x", "y", 3
    with pytest.raises(InputError, match=r"\(and 1 more\)$"):
        params.validate(content)


@pytest.mark.parametrize("text", ["a: [1,", "", "- 1", "a: 1\na: 2\n", "\0"])
def test_files_that_are_no_mapping_are_one_line(tmp_path, text):
    path = tmp_path / "params.yaml"
    path.write_text(text)
    with pytest.raises(InputError) as error:
        params.load(path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_file_is_one_line(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        params.load(tmp_path / "params.yaml")


def test_numbers_are_read_as_dvc_reads_them(tmp_path, request):
    text = (request.config.rootpath / "params.yaml").read_text()
    path = tmp_path / "params.yaml"
    path.write_text(
        text.replace("learning_rate: 1.0e-3", "learning_rate: 1e-3")
    )  # a string to YAML 1.1
    assert params.load(path).budgets["laptop"].learning_rate == 0.001


def test_unknown_rows_are_named(content):
    settings = params.validate(content)
    with pytest.raises(InputError, match="runs has no row 'unet': should be one of cnn, cae"):
        settings.train_settings("unet")
