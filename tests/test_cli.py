"""Denoising image files from the command line, with a published network."""

import io
import zipfile

import numpy as np
import pytest
from PIL import Image

from demo import app
from denoising import cli
from denoising.inference import images
from denoising.noise.gaussian import Gaussian
from tests import demo_server
from tests.demo_server import ROOT

PUBLISHED = ROOT / "results/article"
CAE = PUBLISHED / "models/cae.keras"


@pytest.fixture(scope="module")
def clean():
    return app.examples(PUBLISHED)[:3]


@pytest.fixture
def scans(tmp_path, clean):
    """A folder of noisy digits, one of them in a folder below."""
    noise, rng = Gaussian(name="gaussian", sigma=0.5, clip=True), np.random.default_rng(0)
    folder = tmp_path / "scans"
    for name, image in zip(("a.png", "b.tif", "deep/c.png"), clean, strict=True):
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.open(io.BytesIO(images.png(noise.corrupt(image, rng)))).save(file)
    return folder


@pytest.fixture
def run(monkeypatch, capsys):
    """Run a command line in this process: its exit code, and what it printed."""

    def run_it(*arguments):
        monkeypatch.setattr("sys.argv", ["cli", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        printed = capsys.readouterr()
        if isinstance(end.value.code, str):  # what sys.exit prints itself
            return 1, end.value.code
        return end.value.code, printed.out + printed.err

    return run_it


def read(file):
    return images.read(file.read_bytes(), 10**6)


def test_a_folder_comes_out_cleaner_and_a_second_call_has_nothing_to_do(
    run, scans, clean, tmp_path
):
    out = tmp_path / "out"
    code, printed = run(CAE, scans, "--out", out)
    assert code == 0, printed
    assert "3 of 3 denoised" in printed
    for name, image in zip(("a", "b", "deep/c"), clean, strict=True):
        source = next(scans.glob(f"{name}.*"))
        error = np.mean((read(out / f"{name}.png") - image) ** 2)
        assert error < np.mean((read(source) - image) ** 2) / 4
    times = {file: file.stat().st_mtime_ns for file in out.rglob("*.png")}
    code, printed = run(CAE, scans, "--out", out)
    assert (code, printed) == (0, "3 of 3 are there already\n")
    assert {file: file.stat().st_mtime_ns for file in out.rglob("*.png")} == times


def test_a_damaged_file_is_named_and_the_others_are_done(run, scans, tmp_path):
    (scans / "b.tif").write_bytes(b"II*\0 and no more")
    code, printed = run(CAE, scans, "--out", tmp_path / "out")
    assert code == 1
    assert f"error: {scans / 'b.tif'}: not a" in printed
    assert "2 of 3 denoised" in printed
    assert not (tmp_path / "out/b.png").exists()


def test_floating_point_beyond_the_range_keeps_its_scale(run, clean, tmp_path):
    """Noise that was not clipped, as in the files of some microscopes, and 12 bits stored in 16."""
    unclipped = Gaussian(name="gaussian", sigma=0.3, clip=False)
    noisy = unclipped.corrupt(clean[0], np.random.default_rng(0))[..., 0]
    Image.fromarray(noisy).save(tmp_path / "float.tif")
    twelve_bits = np.round(np.clip(noisy, 0, 1) * 4095).astype(np.uint16)
    Image.fromarray(twelve_bits).save(tmp_path / "twelve.png")
    assert run(CAE, tmp_path / "float.tif", "--out", tmp_path / "out")[0] == 0
    assert run(CAE, tmp_path / "twelve.png", "--white", "4095", "--out", tmp_path / "out")[0] == 0
    for name in ("float", "twelve"):
        assert np.mean((read(tmp_path / "out" / f"{name}.png") - clean[0]) ** 2) < 0.02
    Image.fromarray(noisy * 255).save(tmp_path / "bytes.tif")
    code, printed = run(CAE, tmp_path / "bytes.tif", "--out", tmp_path / "out")
    assert code == 1
    assert "times white" in printed


def test_a_network_of_clipped_noisy_targets_is_corrected(run, scans, clean, tmp_path):
    network = PUBLISHED / "models/win5rb_n2n.keras"
    assert run(network, scans / "a.png", "--out", tmp_path / "grey")[0] == 0
    assert run(network, scans / "a.png", "--out", tmp_path / "fixed", "--unclip", "0.5")[0] == 0
    errors = {
        name: np.mean((read(tmp_path / name / "a.png") - clean[0]) ** 2)
        for name in ("grey", "fixed")
    }
    assert errors["fixed"] < errors["grey"] / 2


MISTAKES = {
    "no model": (["nothing.keras", "scans"], "error: nothing.keras: no such file"),
    "no input": ([CAE, "elsewhere"], "error: elsewhere: no such file or folder"),
    "no images": ([CAE, "empty"], "error: empty: no image files there"),
    "two of a name": ([CAE, "scans/a.png", "scans/deep/a.png"], "both would become out/a.png"),
    "sigma": ([CAE, "scans", "--unclip", "0"], "error: --unclip 0.0: should be over 0 and at most"),
    "half a model": (["damaged.keras", "scans"], "error: damaged.keras: not a whole .keras file"),
    "white": ([CAE, "scans", "--white", "-1"], "error: --white -1.0: should be over 0"),
    "same folder": (
        [CAE, "scans", "--out", "scans"],
        "error: --out scans: is the folder of the inputs; choose another",
    ),
    "an input": (
        [CAE, "scans/a.png", "--out", "scans"],
        "error: scans/a.png: is an input; choose another folder by --out",
    ),
    "no folder": ([CAE, "scans", "--out", CAE], f"error: --out {CAE}: is not a folder"),
}
WRONG_USAGE = {
    "nothing": ([], "error: the following arguments are required: model, inputs, --out"),
    "no number": ([CAE, "scans", "--white", "x"], "error: argument --white: invalid float value"),
    "unknown": ([CAE, "scans", "--fast"], "error: unrecognized arguments: --fast"),
}


@pytest.fixture
def mistakes(scans, tmp_path, monkeypatch):
    """The folder in which the mistakes are made."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "damaged.keras").write_bytes(b"PK")
    (scans / "deep/a.png").write_bytes((scans / "a.png").read_bytes())
    return tmp_path


@pytest.fixture(scope="module")
def forbidden(tmp_path_factory):
    """A folder for the path: importing TensorFlow, Keras or scikit-image ends the process."""
    return demo_server.forbid(tmp_path_factory.mktemp("forbidden"))


def content(folder):
    return {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def with_out(arguments):
    return [*arguments, *([] if "--out" in arguments or not arguments else ["--out", "out"])]


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line_and_changes_nothing(run, mistakes, mistake):
    arguments, message = MISTAKES[mistake]
    before = content(mistakes)
    code, printed = run(*with_out(arguments))
    assert code == 1
    assert message in printed
    assert "\n" not in printed.strip()
    assert content(mistakes) == before


@pytest.mark.parametrize("mistake", MISTAKES | WRONG_USAGE)
def test_a_mistake_is_answered_without_importing_keras(mistakes, forbidden, mistake):
    arguments, message = (MISTAKES | WRONG_USAGE)[mistake]
    code, output, errors = demo_server.run(
        "denoising.cli", *with_out(arguments), cwd=mistakes, before=[forbidden]
    )
    assert code == (1 if mistake in MISTAKES else 2)
    assert output == ""
    assert message in errors
    assert errors.startswith("error: ")
    assert errors.count("\n") == 1


def test_help_and_nothing_to_do_are_answered_without_importing_keras(scans, forbidden, tmp_path):
    code, output, errors = demo_server.run("denoising.cli", "--help", before=[forbidden])
    assert (code, errors) == (0, "")
    assert "--unclip SIGMA" in output
    for name in ("a", "b", "deep/c"):
        file = tmp_path / f"out/{name}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    arguments = [CAE, scans, "--out", tmp_path / "out"]
    done = demo_server.run("denoising.cli", *arguments, before=[forbidden])
    assert done == (0, "3 of 3 are there already\n", "")
    # proof that the folder does forbid it: with work to do, Keras is imported
    (tmp_path / "out/a.png").unlink()
    assert demo_server.run("denoising.cli", *arguments, before=[forbidden])[0] == 99


def test_nothing_of_tensorflow_is_printed(scans, tmp_path):
    """Neither with work that succeeds, nor with a model file that only Keras finds damaged."""
    done = demo_server.run("denoising.cli", CAE, scans, "--out", tmp_path / "out")
    assert done == (0, "3 of 3 denoised\n", "")
    strange = tmp_path / "strange.keras"
    with zipfile.ZipFile(strange, "w") as archive:
        for name in ("config.json", "metadata.json", "model.weights.h5"):
            archive.writestr(name, "{}")
    code, output, errors = demo_server.run(
        "denoising.cli", strange, scans, "--out", tmp_path / "none"
    )
    assert (code, output) == (1, "")
    assert errors.startswith(f"error: {strange}: not a whole .keras file (Keras says ")
    assert errors.count("\n") == 1
    assert not (tmp_path / "none").exists()


def test_a_result_that_cannot_be_written_is_named(run, scans, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/deep").write_text("no folder")
    code, printed = run(CAE, scans, "--out", tmp_path / "out")
    assert code == 1
    assert f"error: {tmp_path / 'out/deep'}" in printed
    assert "2 of 3 denoised" in printed
