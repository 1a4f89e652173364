"""Test sets that are measured in shards: the results have the bytes of one process's."""

import numpy as np
import pytest
import tifffile
from scipy import ndimage

from denoising.files import InputError
from stages import corrupt, evaluate, evaluate_filter, fetch
from stages.evaluating import shards
from stages.shared import images, layout
from tests.conftest import ROOT
from tests.test_without_truth import GAUSSIAN, SIGMA, measured, rng, rows, untrained

SHAPES = [(40, 64), (64, 40), *[(300, 48)] * 3, (33, 47), (48, 48)]  # of which some have two bands
# folders of images, of which the first is taken for what the kind of the source says
KINDS = {
    "pairs": ("clean", "noisy"),
    "noisy": ("noisy",),
    "shots": ("noisy", "noisy2", "noisy3"),
}


def fill(folder, kind):
    for number, shape in enumerate(SHAPES):
        clean = 0.5 + ndimage.gaussian_filter(rng(number).standard_normal(shape), 4)
        for seed, name in enumerate(KINDS[kind]):
            noisy = clean if name == "clean" else GAUSSIAN.corrupt(clean, rng(100 * seed + number))
            (folder / name).mkdir(parents=True, exist_ok=True)
            tifffile.imwrite(folder / name / f"{number}.tif", noisy.astype(np.float32))


def results(name):
    files = layout.metrics_file(name), layout.per_image_file(name), layout.histogram_file(name)
    return [file.read_bytes() for file in files]


@pytest.fixture(params=KINDS)
def content(request, tmp_path, monkeypatch):
    """A dataset of five test images that are held against a truth, second shots, or nothing."""
    monkeypatch.chdir(ROOT)
    has_noise = request.param == "pairs"
    noise = {"name": "real"} if has_noise else measured(a=SIGMA**2, b=0.0).model_dump()
    content = rows(noise)
    content["sources"]["images"]["kind"] = request.param
    content["datasets"]["images"]["split"] = {"validation": 1, "test": 5}
    content["budgets"]["laptop"] |= {"train_images": 1, "validation_images": 1, "test_images": 5}
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(images, "_BAND", 1)
    fill(tmp_path / "images", request.param)
    return content


def test_one_two_or_seven_shards_give_the_same_bytes(content, tmp_path, monkeypatch):
    fetch.main(content, "images")
    corrupt.main(content, "images")
    untrained("blind")
    stages = {"wavelet": (evaluate_filter, (1, 2, 7))}
    if content["sources"]["images"]["kind"] == "noisy":  # what it believes is measured as well
        stages["blind"] = evaluate, (2,)
    for name, (stage, counts) in stages.items():
        stage.main(content, name)
        expected = results(name)
        for count in counts:
            folder = tmp_path / f"{name}{count}"
            folder.mkdir()
            monkeypatch.setenv(shards.FOLDER, str(folder))
            for number in reversed(range(count)):
                monkeypatch.setenv(shards.OWN, f"{number}/{count}")
                for file in (layout.metrics_file(name), layout.per_image_file(name)):
                    file.unlink(missing_ok=True)
                with pytest.raises(SystemExit) as end:
                    stage.main(content, name)
                assert end.value.code == 0
                assert not layout.metrics_file(name).exists()
            monkeypatch.delenv(shards.OWN)
            assert len(list(folder.iterdir())) == min(count, 5)
            stage.main(content, name)
            assert results(name) == expected
        (folder / shards.name(count - 1, count)).unlink()  # what is missing is measured
        stage.main(content, name)
        assert results(name) == expected
        monkeypatch.delenv(shards.FOLDER)


def test_a_damaged_shard_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv(shards.FOLDER, str(tmp_path))
    (tmp_path / shards.name(0, 2)).write_bytes(b"PK\x03\x04 no more")
    with pytest.raises(InputError, match="damaged"):
        list(shards.each(4, "how"))


def test_what_was_measured_otherwise_is_measured_again(tmp_path, monkeypatch):
    monkeypatch.setenv(shards.FOLDER, str(tmp_path))
    for number in range(2):
        monkeypatch.setenv(shards.OWN, f"{number}/2")
        shards.write({"images": np.array([number])}, "float32")
    found = [state and state["images"].tolist() for _, state in shards.each(4, "float32")]
    assert found == [[0], [1]]
    assert [state for _, state in shards.each(4, "bfloat16")] == [None, None]
