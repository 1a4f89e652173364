"""Public image sets: their files are known by digest, wherever they come from.

Tests with the images themselves need them in data/provided/, or in the folder that the environment
variable DENOISING_DATA names: bsd/, polyu/, fashion_mnist/.
"""

import gzip
import hashlib
import os
import re
from pathlib import Path

import numpy as np
import pytest

from denoising.data import leaks, store
from denoising.files import InputError
from denoising.sections import validate
from denoising.sources import bsd, fashion_mnist, polyu
from denoising.sources.shared import downloads, idx
from tests.conftest import ROOT
from tests.test_folder import random, save

PROVIDED = Path(os.environ.get("DENOISING_DATA", ROOT / "data/provided"))


def source(kind, **keys):
    (name,) = kind.model_fields["name"].annotation.__args__
    return validate(kind, {"name": name} | keys, "sources.own")


def needs(name):
    missing = not (PROVIDED / name).is_dir()
    return pytest.mark.skipif(missing, reason=f"{PROVIDED / name} is not there")


def scan(tmp_path, one, provided=PROVIDED):
    """The catalogue, and the lines of the log."""
    lines = []
    return one.scan(provided, tmp_path / "kept", lines.append), lines


@pytest.fixture
def no_net(monkeypatch):
    """Downloads that fail, as they do without a connection."""

    def refuse(urls, digests, folder):
        raise downloads.SourceError("no connection")

    monkeypatch.setattr(downloads, "download", refuse)


# --- the images themselves


@needs("bsd")
def test_bsd_has_its_sets_and_no_test_image_is_trained_on(tmp_path, no_net):
    catalogue, _ = scan(tmp_path, source(bsd.BSD))
    store.write(tmp_path / "stored", catalogue)
    images = store.Store(tmp_path / "stored")
    sets = {name: np.flatnonzero(images.own_sets == name) for name in ("train", "test")}
    assert [len(places) for places in sets.values()] == [400, 80]
    leaks.check_no_leak(images, sets)
    sizes = {}
    for name, shape in zip(images.names, images.shapes.tolist(), strict=True):
        sizes.setdefault(name.split("/")[0], []).append(tuple(shape))
    assert set(sizes["Train400"]) == {(180, 180, 1)}
    assert sorted(map(sizes["BSD68"].count, set(sizes["BSD68"]))) == [15, 53]
    assert set(sizes["BSD68"]) == {(321, 481, 1), (481, 321, 1)}
    assert {name: sizes["Set12"].count((side, side, 1)) for name, side in
            (("small", 256), ("large", 512))} == {"small": 7, "large": 5}  # fmt: skip
    assert "BSD68/test001.png" in images.names
    assert "Set12/01.png" in images.names


@needs("bsd")
def test_bsd_takes_the_test_sets_that_are_wanted(tmp_path, no_net):
    catalogue, _ = scan(tmp_path, source(bsd.BSD, test=["Set12"]))
    names = [image.name for image in catalogue.images if image.own_set == "test"]
    assert names == [f"Set12/{number:02}.png" for number in range(1, 13)]


@needs("polyu")
def test_polyu_has_the_noise_and_the_cameras_that_are_known(tmp_path, no_net):
    catalogue, _ = scan(tmp_path, source(polyu.PolyU))
    store.write(tmp_path / "stored", catalogue)
    images = store.Store(tmp_path / "stored")
    assert images.shapes.tolist() == [[512, 512, 3]] * 100
    assert images.roles == ["clean", "noisy"]
    cameras = [re.search("^([^_]+)_", name)[1] for name in images.names]
    assert {one: cameras.count(one) for one in cameras} == {
        "Canon5D2": 29, "Canon600D": 11, "Canon80D": 15, "NikonD800": 33, "Sony": 12
    }  # fmt: skip
    errors = [np.mean((images.unit("clean", i) - images.unit("noisy", i)) ** 2) for i in range(100)]
    # measured with other software: 35.97 dB in the mean, from 31.1 to 41.0
    psnr = -10 * np.log10(errors)
    assert psnr.mean() == pytest.approx(35.97, abs=0.01)
    assert (psnr.min(), psnr.max()) == (pytest.approx(31.1, abs=0.05), pytest.approx(41, abs=0.05))


HAS_FASHION = any(
    (folder / f"{fashion_mnist.TRAIN}.gz").is_file()
    for folder in (PROVIDED / "fashion_mnist", "/" / fashion_mnist.INSTALLED)
)


@pytest.mark.skipif(not HAS_FASHION, reason="neither provided nor installed as a Debian package")
def test_fashion_mnist_has_its_shape(tmp_path, no_net):
    catalogue, _ = scan(tmp_path, source(fashion_mnist.FashionMNIST))
    assert len(catalogue.images) == 70_000
    assert catalogue.held_out == 10_000


# --- where they come from


def test_the_lists_of_digests_are_whole():
    counted = {}
    for name in ("bsd", "polyu"):
        digests = downloads.known_digests(name)
        assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in digests.values())
        assert len(set(digests.values())) == len(digests)
        for path in digests:
            folder = path.split("/")[0]
            counted[folder] = counted.get(folder, 0) + 1
    assert counted == {"BSD68": 68, "Set12": 12, "Train400": 400, "CroppedImages": 200}


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        ([], r"sources\.own: test = \[\]: should have at least one"),
        (["BSD500"], r"sources\.own: test\.0 = 'BSD500': should be 'BSD68' or 'Set12'"),
        (["Set12", "Set12"], r"test = \['Set12', 'Set12'\]: has a set twice"),
    ],
)
def test_other_test_sets_are_refused(test, expected):
    with pytest.raises(InputError, match=expected):
        source(bsd.BSD, test=test)


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """A BSD of three images: the folder that has it, from which it is downloaded too."""
    origin = tmp_path / "origin"
    names = ("Train400/test_001.png", "BSD68/test001.png", "Set12/01.png")
    for name in names:
        save(origin / name, random(4, 6))
    digests = {name: hashlib.sha256((origin / name).read_bytes()).hexdigest() for name in names}
    monkeypatch.setattr(downloads, "known_digests", lambda _: digests)
    return origin


@pytest.fixture
def net(monkeypatch, tiny):
    """What is asked of the net: every address, answered from the tiny BSD."""
    import pooch

    asked = []

    def downloader(**options):
        def get(url, output_file, _):
            asked.append(url)
            if "gone" in url:
                raise OSError("404 Client Error: Not Found")
            name = "/".join(url.split("/")[-2:])
            Path(output_file).write_bytes((tiny / name).read_bytes())

        return get

    monkeypatch.setattr(pooch, "HTTPDownloader", downloader)
    return asked


def place(origin, target):
    for file in origin.rglob("*.png"):
        to = target / file.relative_to(origin)
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_bytes(file.read_bytes())


def test_provided_files_come_before_kept_ones_and_those_before_downloads(tmp_path, tiny, net):
    provided = tmp_path / "provided"
    place(tiny, provided / "bsd")
    catalogue, lines = scan(tmp_path, source(bsd.BSD), provided)
    assert [(image.name, image.own_set) for image in catalogue.images] == [
        ("BSD68/test001.png", "test"), ("Set12/01.png", "test"), ("Train400/test_001.png", "train")
    ]  # fmt: skip
    assert lines == [f"trying {provided / 'bsd'}", "  3 files: as expected"]
    place(tiny, tmp_path / "kept/bsd")
    save(provided / "bsd/Set12/01.png", random(4, 6))
    catalogue, lines = scan(tmp_path, source(bsd.BSD), provided)
    assert "Set12/01.png has SHA-256" in lines[1]
    assert lines[2] == f"trying {tmp_path / 'kept/bsd'}"
    assert net == []


def test_downloads_are_kept_and_only_what_lacks_is_downloaded(tmp_path, tiny, net):
    catalogue, _ = scan(tmp_path, source(bsd.BSD), tmp_path)
    assert sorted(net) == [
        f"{bsd.ADDRESS}{folder}"
        for folder in (
            "TrainingCodes/DnCNN_TrainingCodes_v1.0/data/Train400/test_001.png",
            "testsets/BSD68/test001.png",
            "testsets/Set12/01.png",
        )
    ]
    assert next(catalogue.images[0].read["clean"]()).shape == (4, 6, 1)
    (tmp_path / "kept/bsd/Set12/01.png").unlink()
    net.clear()
    scan(tmp_path, source(bsd.BSD), tmp_path)
    assert net == [f"{bsd.ADDRESS}testsets/Set12/01.png"]


def test_a_download_with_another_digest_is_refused_and_not_kept(tmp_path, tiny, net):
    save(tiny / "Set12/01.png", random(4, 6))
    with pytest.raises(InputError, match=r"BSD is not available\. Tried: .*01\.png") as error:
        scan(tmp_path, source(bsd.BSD), tmp_path)
    assert "By hand: put the folders BSD68, Set12, Train400 into" in str(error.value)
    assert str(tmp_path / "bsd") in str(error.value)
    assert "\n" not in str(error.value)
    assert not list((tmp_path / "kept/bsd/Set12").iterdir())


def test_what_cannot_be_downloaded_is_said_in_one_line(tmp_path, tiny, net, monkeypatch):
    monkeypatch.setattr(bsd, "ADDRESS", "https://gone/")
    with pytest.raises(InputError, match=r"https://gone/: 404 Client Error") as error:
        scan(tmp_path, source(bsd.BSD), tmp_path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("kind", [bsd.BSD, polyu.PolyU])
def test_without_connection_the_error_says_what_to_do_by_hand(tmp_path, no_net, kind):
    provided = tmp_path / "provided"
    (provided / "bsd").mkdir(parents=True)
    with pytest.raises(
        InputError, match=f"no connection.*By hand: put .* into {provided}"
    ) as error:
        scan(tmp_path, source(kind), provided)
    assert "\n" not in str(error.value)
    assert ("lacks" in str(error.value)) == (kind is bsd.BSD)
    assert not (tmp_path / "kept").exists()


def test_polyu_pairs_the_shot_with_the_mean(tmp_path, monkeypatch):
    folder = tmp_path / "polyu/CroppedImages"
    for ending, value in (("real", 10), ("mean", 200)):
        save(folder / f"Sony_1_{ending}.JPG", np.full((8, 8, 3), value, np.uint8))
    digests = {
        f"CroppedImages/{file.name}": hashlib.sha256(file.read_bytes()).hexdigest()
        for file in folder.iterdir()
    }
    monkeypatch.setattr(downloads, "known_digests", lambda _: digests)
    catalogue, _ = scan(tmp_path, source(polyu.PolyU), tmp_path)
    ((name, own_set, shape, read),) = catalogue.images
    assert (name, own_set, shape) == ("Sony_1", "", (8, 8, 3))
    means = {role: np.concatenate(list(bands())).mean() for role, bands in read.items()}
    assert means == {"clean": pytest.approx(200, abs=2), "noisy": pytest.approx(10, abs=2)}


@pytest.fixture
def clothes(monkeypatch):
    """A Fashion-MNIST of few images, as the content of its two files."""
    content = {
        fashion_mnist.TRAIN: idx.encode_idx(random(5, 28, 28)),
        fashion_mnist.TEST: idx.encode_idx(random(2, 28, 28)),
    }
    digests = {name: hashlib.sha256(one).hexdigest() for name, one in content.items()}
    monkeypatch.setattr(fashion_mnist, "DIGESTS", digests)
    monkeypatch.setattr(fashion_mnist.FashionMNIST, "digests", digests)
    return content


def zipped(content, folder):
    folder.mkdir(parents=True)
    for name, one in content.items():
        (folder / f"{name}.gz").write_bytes(gzip.compress(one))


def test_fashion_mnist_does_not_take_mnists_files_of_the_same_names(tmp_path, clothes, no_net):
    provided = tmp_path / "provided"
    zipped({name: idx.encode_idx(random(3, 28, 28)) for name in clothes}, provided / "elsewhere")
    zipped(clothes, provided / "fashion_mnist")
    for name in clothes:
        (provided / name).write_bytes(b"MNIST's")
    catalogue, _ = scan(tmp_path, source(fashion_mnist.FashionMNIST), provided)
    assert [image.own_set for image in catalogue.images] == ["train"] * 5 + ["test"] * 2
    np.testing.assert_array_equal(
        next(catalogue.images[5].read["clean"]()).ravel(),
        np.frombuffer(clothes[fashion_mnist.TEST], np.uint8)[16 : 16 + 784],
    )
    for name, one in clothes.items():
        assert (tmp_path / "kept/fashion_mnist" / name).read_bytes() == one


def test_fashion_mnist_is_unpacked_from_debians_package(tmp_path, clothes, no_net, monkeypatch):
    def client(program, *arguments, folder=None):
        if program == "apt-get":
            assert arguments[-1] == "dataset-fashion-mnist"
            (folder / "dataset-fashion-mnist_0_all.deb").write_bytes(b"")
        else:
            zipped(clothes, arguments[-1] / "usr/share/datasets/fashion-mnist")

    monkeypatch.setattr(downloads, "client", client)
    monkeypatch.setattr(fashion_mnist, "INSTALLED", Path("usr/share/datasets/fashion-mnist"))
    assert fashion_mnist.from_debian(tmp_path) == clothes


def test_fashion_mnist_that_is_nowhere_says_what_to_do(tmp_path, clothes, no_net, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(fashion_mnist, "INSTALLED", Path("nowhere"))
    with pytest.raises(InputError, match=r"Fashion-MNIST is not available\. Tried: ") as error:
        scan(tmp_path, source(fashion_mnist.FashionMNIST), tmp_path)
    for part in (*fashion_mnist.MIRRORS, "no apt-get on this machine", "By hand: put train-images"):
        assert part in str(error.value)
    assert "\n" not in str(error.value)
