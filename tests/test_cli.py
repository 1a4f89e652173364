"""Denoising image files from the command line, with a published network."""

import io

import numpy as np
import pytest
from PIL import Image

from demo import app
from denoising import cli
from denoising.inference import images as pictures
from denoising.noise.models import Gaussian
from tests.conftest import ROOT

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
        Image.open(io.BytesIO(pictures.png(noise.corrupt(image, rng)))).save(file)
    return folder


@pytest.fixture
def run(monkeypatch, capsys):
    """Exit code and what was printed, of a command line."""

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
    return pictures.read(file.read_bytes(), 10**6)


def test_a_folder_comes_out_cleaner_and_a_second_call_has_nothing_to_do(
    run, scans, clean, tmp_path
):
    out = tmp_path / "out"
    code, printed = run(CAE, scans, "--out", out)
    assert code == 0, printed
    assert "3 of 3 denoised" in printed
    for name, image in zip(("a", "b", "deep/c"), clean, strict=True):
        source = next(scans.glob(f"{name}.*"))
        assert (
            np.mean((read(out / f"{name}.png") - image) ** 2)
            < np.mean((read(source) - image) ** 2) / 4
        )
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
    """Noise that was not clipped, as the files of a careful microscope have it, and twelve bits in sixteen."""
    noise = Gaussian(name="gaussian", sigma=0.3, clip=False).corrupt(
        clean[0], np.random.default_rng(0)
    )
    Image.fromarray(noise).save(tmp_path / "float.tif")
    Image.fromarray(np.round(np.clip(noise, 0, 1) * 4095).astype(np.uint16)).save(
        tmp_path / "twelve.png"
    )
    assert run(CAE, tmp_path / "float.tif", "--out", tmp_path / "out")[0] == 0
    assert run(CAE, tmp_path / "twelve.png", "--white", "4095", "--out", tmp_path / "out")[0] == 0
    for name in ("float", "twelve"):
        assert np.mean((read(tmp_path / "out" / f"{name}.png") - clean[0]) ** 2) < 0.02
    Image.fromarray(noise * 255).save(tmp_path / "bytes.tif")
    code, printed = run(CAE, tmp_path / "bytes.tif", "--out", tmp_path / "out")
    assert code == 1
    assert "times white" in printed


def test_a_network_of_noisy_targets_is_taken_back(run, scans, clean, tmp_path):
    network = PUBLISHED / "models/win5rb_n2n.keras"
    assert run(network, scans / "a.png", "--out", tmp_path / "grey")[0] == 0
    assert run(network, scans / "a.png", "--out", tmp_path / "fixed", "--unclip", "0.5")[0] == 0
    errors = {
        name: np.mean((read(tmp_path / name / "a.png") - clean[0]) ** 2)
        for name in ("grey", "fixed")
    }
    assert errors["fixed"] < errors["grey"] / 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing.keras", "scans"], "error: nothing.keras: no such file"),
        ([CAE, "elsewhere"], "error: elsewhere: no such file or folder"),
        ([CAE, "empty"], "error: empty: no image files there"),
        ([CAE, "scans/a.png", "scans/deep/a.png"], "both would become out/a.png"),
        ([CAE, "scans", "--unclip", "0"], "error: --unclip 0.0: should be over 0 and at most 10"),
        (["damaged.keras", "scans"], "error: damaged.keras: not a whole .keras file"),
        ([CAE, "scans", "--white", "-1"], "error: --white -1.0: should be over 0"),
        (
            [CAE, "scans", "--out", "scans"],
            "error: --out scans: is the folder of the inputs; choose another",
        ),
        (
            [CAE, "scans/a.png", "--out", "scans"],
            "error: scans/a.png: is an input; choose another folder by --out",
        ),
    ],
)
def test_a_mistake_is_one_line_and_changes_nothing(
    run, scans, tmp_path, monkeypatch, arguments, message
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "damaged.keras").write_bytes(b"PK")
    (scans / "deep/a.png").write_bytes((scans / "a.png").read_bytes())
    before = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
    code, printed = run(*arguments, *([] if "--out" in arguments else ["--out", "out"]))
    assert code == 1
    assert message in printed
    assert "\n" not in printed.strip()
    assert {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()} == before
