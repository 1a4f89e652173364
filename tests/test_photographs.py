"""What docs/photographs.md says follows from results/bsd and results/polyu."""

import functools
import re

import numpy as np
import pytest

from denoising import files
from stages.shared import layout, params
from tests.conftest import ROOT
from tests.test_readme import flat

PAGE = "docs/photographs.md"
BSD, POLYU = ROOT / "results/bsd", ROOT / "results/polyu"
PAPER = 204_800 * 50  # patches that DnCNN's paper trains on


def psnr(name, part="BSD68", root=BSD):
    return files.read_json(root / layout.metrics_file(name), "parts")["parts"][part]["psnr"]


def minutes(name):
    return files.read_json(BSD / layout.log_file("train", name), "seconds")["seconds"] / 60


@functools.cache
def published():
    return params.read(BSD / "params.yaml")["report"]["published"]["BSD68"]


def settings(name):
    return files.read_json(BSD / layout.provenance_file(name), "settings")["settings"]


def test_the_paper_and_what_was_given_up():
    of = settings("dncnn")
    seen = of["patches"]["per_epoch"] * of["epochs"]
    bm3d, paper = published()["BM3D, sigma 25"], published()["DnCNN, sigma 25"]
    assert psnr("dncnn") > bm3d
    expected = (
        f"reaches {psnr('dncnn'):.2f} dB on BSD68 after {minutes('dncnn'):.0f} minutes: above "
        f"BM3D's {bm3d} dB, {paper - psnr('dncnn'):.2f} dB below its paper.",
        f"Here {seen:,} patches were seen, {100 * seen / PAPER:.1f} % of that, in batches of "
        f"{of['batch_size']}",
    )
    for sentence in expected:
        assert sentence in flat(PAGE)


def test_unet_is_ahead_per_minute():
    assert psnr("unet") > psnr("dncnn")
    assert minutes("unet") < minutes("dncnn")
    assert f"{psnr('unet'):.2f} dB after {minutes('unet'):.0f} minutes" in flat(PAGE)


def test_noise2noise_beside_clean_targets():
    less = psnr("unet") - psnr("unet_n2n")
    assert less < 0.15
    assert f"{psnr('unet_n2n'):.2f} dB, {less:.2f} dB less" in flat(PAGE)


def test_what_a_quarter_of_an_hour_gives():
    laptop = ROOT / "results/bsd_laptop"
    logs = [files.read_json(file, "seconds") for file in (laptop / "logs").glob("train-*.json")]
    assert len(logs) == 5
    text = flat(PAGE).partition("A quarter of an hour")[2]
    assert f"{sum(log['seconds'] for log in logs) / 60:.0f} minutes of training in all" in text
    short = {name: psnr(name, root=laptop) for name in ("dncnn", "unet")}
    less = {name: psnr(name) - short[name] for name in short}
    assert f"ends at {short['dncnn']:.2f} dB on BSD68, {less['dncnn']:.2f} dB below" in text
    assert f"U-Net at {short['unet']:.2f} dB, {less['unet']:.2f} dB below" in text
    filters = params.read(BSD / "params.yaml")["filters"]
    assert max(psnr(name, root=laptop) for name in filters) < min(short.values())
    assert max(short.values()) < published()["BM3D, sigma 25"]


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ("unet_n2n_clipped", "and {} dB came out"),
        ("unet_n2n_clipped, predicted from unet_clipped", "On BSD68 {} dB were predicted"),
        ("unet_n2n_clipped_inverse", "the same network has {} dB"),
    ],
)
def test_what_clipping_costs(row, sentence):
    (found,) = re.findall(rf"^\| {row} +\| +([0-9.]+) +\|", table("photographs"), re.MULTILINE)
    assert sentence.format(found) in flat(PAGE)


def test_corrected_beside_clean_targets():
    less = psnr("unet_clipped") - psnr("unet_n2n_clipped_inverse")
    assert f"{less:.2f} dB below clean targets" in flat(PAGE)


def table(name):
    return (ROOT / f"benchmarks/{name}.md").read_text()


def over_all(kind, root=POLYU):
    """PSNR in dB, the mean over the images of all cameras."""
    paths = sorted((root / "metrics").glob(f"{kind}_*.json"))
    found = [files.read_json(path, "psnr", "images") for path in paths]
    assert len(found) == 5
    return np.average([one["psnr"] for one in found], weights=[one["images"] for one in found])


def test_a_camera_that_no_network_saw():
    network, noisy, blur = map(over_all, ("unet", "noisy", "gaussian"))
    above = f"{network:.2f} dB over all images, {network - noisy:.2f} dB above the noisy images"
    assert above in flat(PAGE)
    assert f"a Gaussian of 0.6 pixels, with {blur:.2f} dB" in flat(PAGE)
    scores = [
        [float(cell.split("/")[0]) for cell in line.split("|")[2:7]]
        for line in table("cameras").splitlines()[2:]
    ]
    assert len(scores) == 6
    for _, blurred, *estimated, learned in scores:
        assert learned > blurred > max(estimated)


def test_why_filters_that_estimate_the_noise_do_nothing():
    *_, noise, estimated, correlation, _ = table("cameras").splitlines()[-1].split("|")
    assert f"the correlation from one to the next is {correlation.strip()}" in flat(PAGE)
    expected = f"Of noise of {noise.strip()} of 255, only {estimated.strip()} is found"
    assert expected in flat(PAGE)


def test_cameras_in_a_quarter_of_an_hour():
    laptop = ROOT / "results/polyu_laptop"
    logs = [files.read_json(file, "seconds") for file in (laptop / "logs").glob("train-*.json")]
    minutes = sum(log["seconds"] for log in logs) / 60
    short, less = over_all("unet", laptop), over_all("unet") - over_all("unet", laptop)
    text = flat(PAGE).partition("Real noise: five cameras")[2]
    assert f"{minutes:.0f} minutes of training in all" in text
    assert f"{short:.2f} dB, {less:.2f} dB below" in text


def test_how_many_networks_are_published():
    for root, words in ((BSD, "lock file, and"), (POLYU, "the same files, and")):
        there = len(list(root.glob("models/*.keras")))
        trained = len(params.read(root / "params.yaml")["runs"])
        assert f"{words} {there} of the {trained} networks" in flat(PAGE)
