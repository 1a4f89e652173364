"""The pipeline on a folder of one's own: presets, the dvc.yaml that is made, a whole run."""

import json
import re
import subprocess
import sys

import numpy as np
import pytest
import tifffile
import yaml

from denoising import files
from denoising.files import InputError
from denoising.sources.folder import Folder
from stages import corrupt, fetch, schema
from stages.shared import layout, params
from tests.conftest import ROOT
from tools import folders, own, samples

PRESETS = [path.stem for path in (ROOT / "presets").glob("*.yaml") if path.stem != "images"]


@pytest.fixture(autouse=True)
def in_the_repository(monkeypatch):
    monkeypatch.chdir(ROOT)


def composed(preset):
    return own.compose(preset).replace("FOLDER", '"images"')


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_makes_valid_parameters_at_every_budget(preset):
    content = params.parse(composed(preset), "params.yaml")
    for budget in content["budgets"]:
        schema.validate(content | {"budget": budget})
    base = params.read(ROOT / "params.yaml")
    assert content["optimizer"] == base["optimizer"]
    assert content["runs"] != base["runs"]


@pytest.mark.parametrize("preset", PRESETS)
def test_comments_are_kept_and_no_section_is_there_twice(preset):
    text = composed(preset)
    keys = re.findall(r"(?m)^([a-z_]+):", text)
    assert len(keys) == len(set(keys))
    assert set(keys) == set(params.read(ROOT / "params.yaml"))
    assert "# one of `budgets`" in text
    assert "name: adam" in text


def test_the_pipeline_is_the_repositorys_with_the_paths_from_there(tmp_path):
    text = folders.pipeline(["../../scans"])
    made, original = yaml.safe_load(text), yaml.safe_load((ROOT / "dvc.yaml").read_text())
    assert made["stages"].keys() == original["stages"].keys()
    fetch = made["stages"]["fetch"]["do"]
    assert fetch["cmd"].startswith("PYTHONPATH=../.. python -m stages.fetch")
    assert "../../scans" in fetch["deps"]
    for name, stage in made["stages"].items():
        for dep in stage.get("do", stage)["deps"]:
            known = dep.startswith(("../../", "data/", "models/", "metrics", "plots/"))
            assert known, f"{name}: {dep}"
    assert made["plots"] == original["plots"]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("nowhere", "SOURCE=nowhere: no such folder, and none of bsd, fashion_mnist, mnist, polyu"),
        (
            "fashion_mnist",
            "fashion_mnist has no preset; there are bsd, clean, noisy, pairs, polyu, shots",
        ),
    ],
)
def test_what_there_is_not_is_one_line(source, message):
    with pytest.raises(InputError, match=re.escape(message)):
        own.main(source, None)
    assert not (ROOT / "own" / source).exists()


NOISE = 150 / 4095  # of the photographs, white at 1
SIMULATED = 0.1  # in presets/clean.yaml, white at 1
SUB_FOLDERS = {
    "clean": ("clean",),
    "pairs": ("clean", "noisy"),
    "shots": ("noisy", "noisy2", "noisy3"),
    "noisy": ("noisy",),
}


def photographs(folder, kind, count=6):
    """16-bit colour TIFF files of 12 bits, of several sizes, with the noise of a camera."""
    from skimage import data

    rng = np.random.default_rng(0)
    whole = data.coffee()[..., :3] / 255 * 2400 + 800  # far from both ends
    for number in range(count):
        top, left = 40 * number, 30 * number
        clean = whole[top : top + 90 + number, left : left + 150 - 5 * number]
        for name in SUB_FOLDERS[kind]:
            noise = 0 if name == "clean" else rng.normal(0, NOISE * 4095, clean.shape)
            path = folder / name / f"photo {number}.tif"
            path.parent.mkdir(parents=True, exist_ok=True)
            stored = np.clip(np.round(clean + noise), 0, 4095).astype(np.uint16)
            tifffile.imwrite(path, stored, photometric="rgb", compression="zlib")


def test_another_folder_of_the_same_name_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(own, "OWN", tmp_path / "own")
    first, second = tmp_path / "a/scans", tmp_path / "b/scans"
    for folder in (first, second):
        (folder / "noisy").mkdir(parents=True)
    made, _ = own.prepare(str(first), None)
    assert own.prepare(str(first), None)[0] == made
    with pytest.raises(InputError, match=r"scans: \S+own/scans is of \S+a/scans; rename one of"):
        own.prepare(str(second), None)


@pytest.fixture
def own_clone(tmp_path):
    """Runs `tools.own` on a source, in a clone, since it leaves a folder behind."""
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
    command = [sys.executable, "-m", "tools.own", "--budget", "smoke"]
    return lambda source: subprocess.run(
        [*command, source], cwd=clone, capture_output=True, text=True
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind",
    [
        "noisy",
        "pairs",
        pytest.param("clean", marks=pytest.mark.nightly),
        pytest.param("shots", marks=pytest.mark.nightly),
    ],
)
def test_a_folder_becomes_a_table(own_clone, tmp_path, kind):
    photographs(tmp_path / "my scans", kind)
    first = own_clone("../my scans")
    assert first.returncode == 0, first.stdout + first.stderr
    assert "white: 4095 (12 bits, since no value exceeds" in first.stdout
    folder = tmp_path / "clone/own/my_scans"
    table = (folder / "plots/tables.md").read_text()
    assert table in first.stdout
    metrics = json.loads((folder / "metrics/noisy.json").read_text())
    if kind == "noisy":
        assert metrics["noise_sigma"] == pytest.approx(NOISE, rel=0.15)
        assert "Nothing to measure with" in table
    else:
        noise = SIMULATED if kind == "clean" else NOISE
        assert metrics["psnr"] == pytest.approx(-20 * np.log10(noise), abs=0.15)
        assert re.search(r"\| unet +\| 0\.0", table)
        told = [first.stdout.find(words) for words in ("unet: PSNR ", "stages.evaluate_filter")]
        assert 0 <= told[0] < told[1]  # as soon as it is known
        assert ("second and third shots" in table) == (kind == "shots")

    assert "up to date" in own_clone("../my scans").stdout


@pytest.mark.slow
def test_another_image_has_all_measured_anew(own_clone, tmp_path):
    photographs(tmp_path / "my scans", "noisy")
    assert own_clone("../my scans").returncode == 0
    photographs(tmp_path / "my scans", "noisy", count=7)
    assert "Running stage 'fetch@images'" in own_clone("../my scans").stdout


def test_black_frames_are_no_image_in_two_splits(tmp_path, monkeypatch):
    """What has one value throughout teaches nothing; equal frames with content do."""
    frames = np.random.default_rng(1).integers(0, 255, (8, 300, 20), np.uint8)
    frames[[1, 4, 7]] = 0
    content = params.parse(composed("clean"), "params.yaml")
    monkeypatch.chdir(tmp_path)
    content["datasets"]["images"] |= {"selection": "first"}

    def split():
        tifffile.imwrite(tmp_path / "images/clean/stack.tif", frames, photometric="minisblack")
        fetch.main(content, "images")
        corrupt.main(content, "images")

    (tmp_path / "images/clean").mkdir(parents=True)
    split()
    assert 7 in files.read_arrays(layout.dataset_file("images", "test"), "images")[0]
    frames[[1, 4, 7], 299, 19] = 1  # the same, in the very last pixel
    with pytest.raises(InputError, match=r"#0002 in train and .*#0008 in test are the same"):
        split()


@pytest.mark.parametrize(
    ("kind", "found", "said"),
    [
        ("clean", "14 images, from 191 x 256 to 256 x 256 pixels, 1 channel, uint8", "white: 255"),
        ("pairs", "14 images, from 191 x 256 to 256 x 256 pixels, 3 channels, uint8", "white: 255"),
        ("stacks", "70 images", "white: 4095 (12 bits"),
        ("photons", "noisy: 14 images", "white: 1"),
    ],
)
def test_samples_are_a_folder_of_their_kind(tmp_path, kind, found, said):
    samples.main(kind, tmp_path / "made")
    lines = []
    Folder(name="folder", path=str(tmp_path / "made")).scan(tmp_path, tmp_path, lines.append)
    assert any(found in line for line in lines), lines
    assert any(said in line for line in lines), lines
    with pytest.raises(InputError, match="is there already"):
        samples.main(kind, tmp_path / "made")
