import json
import shutil

import numpy as np
import pandas as pd
import pytest

from denoising.files import InputError
from denoising.reporting import figures, tables
from stages import report
from stages.shared import layout, params
from tests.conftest import ROOT

KEYS = ("mse", "mse_low", "mse_high", "mse_clipped", "psnr", "ssim", "parameters", "collapsed")
SCORES = {
    "cnn": dict(zip(KEYS, (0.02, 0.019, 0.021, 0.018, 17.5, 0.8, 112_001, False), strict=True)),
    "cae": dict(zip(KEYS, (0.2, 0.1, 0.3, 0.2, 7.0, 0.1, 5, True), strict=True)),
}


def test_table_puts_ours_beside_the_articles():
    frame = tables.table(SCORES, {"cnn": 0.01})
    assert frame["ratio"][0] == 2.0
    assert np.isnan(frame["ratio"][1])
    text = tables.as_markdown(frame)
    assert "| cnn     | 0.02000 | 0.01900 .. 0.02100 | 0.01    | 2.00 " in text
    assert "**collapsed**" in text.splitlines()[-1]
    assert "nan" not in text.lower()
    assert len({len(line) for line in text.splitlines()}) == 1  # columns aligned


def test_a_table_without_rows_has_its_columns():
    assert list(tables.table({}, {}).columns) == list(tables.table(SCORES, {}).columns)


def test_paired_differences_see_what_intervals_of_each_hide():
    rng = np.random.default_rng(0)
    difficulty = rng.exponential(size=400)
    errors = {
        "a": difficulty,
        "b": difficulty + 0.01 + 0.005 * rng.standard_normal(400),
        "c": rng.permutation(difficulty),
    }
    better = {
        (row.first, row.second): row.better for row in tables.differences(errors, 500).itertuples()
    }
    assert better == {
        ("a", "b"): "a",
        ("a", "c"): "not distinguishable",
        ("b", "c"): "not distinguishable",
    }


def test_the_same_data_gives_the_same_figure(tmp_path):
    rng = np.random.default_rng(0)
    images = {name: rng.random((4, 28, 28, 1)) for name in ("original", "noisy")}
    frame = tables.table(SCORES, {"cnn": 0.01}).assign(group=["a", "b"])
    curve = pd.DataFrame({"epoch": [1, 2], "loss": [0.2, 0.1], "val_loss": [0.3, 0.2]})
    histogram = pd.DataFrame({"value": [0.0, 1.0]} | {name: [0.7, 0.3] for name in figures.SERIES})
    drawings = {
        "grid": lambda: figures.grid(images),
        "bars": lambda: figures.mse_bars(frame),
        "curves": lambda: figures.curves({"clean": {"cnn": curve}}),
        "histograms": lambda: figures.histograms({"cnn": histogram}, {"cnn": [0.2, 0.8]}),
    }
    for name, draw in drawings.items():
        for copy in "ab":
            figures.save(draw(), tmp_path / f"{name}-{copy}.png", dpi=50)
        assert (tmp_path / f"{name}-a.png").read_bytes() == (
            tmp_path / f"{name}-b.png"
        ).read_bytes()
    pixels = [figures.plt.imread(tmp_path / f"{name}-a.png").std() for name in drawings]
    assert min(pixels) > 0.01  # not blank


@pytest.fixture
def published(tmp_path, monkeypatch):
    """Settings and folder of results that can be drawn."""
    shutil.copytree(ROOT / "results/article", tmp_path / "results")
    shutil.copyfile(ROOT / "article.json", tmp_path / "article.json")
    monkeypatch.chdir(tmp_path)
    return report.settings(params.read("results/params.yaml")), tmp_path / "results"


@pytest.mark.parametrize("key", report.NUMBERS)
@pytest.mark.parametrize("value", ["x", None, True, [], 10**400])
def test_metrics_that_are_no_numbers_are_refused(published, key, value):
    settings, root = published
    path = root / layout.metrics_file("median")
    path.write_text(json.dumps(json.loads(path.read_text()) | {key: value}))
    with pytest.raises(InputError, match=rf"median.json: {key} = .*: should be a number") as caught:
        report.draw(settings, root)
    assert len(str(caught.value).removeprefix(str(path))) < 150


def test_a_row_without_metrics_is_refused_unless_it_is_known_to_be_missing(published):
    settings, root = published
    (root / layout.metrics_file("win5rb_n2n_inverse")).unlink()
    with pytest.raises(InputError, match=r"win5rb_n2n_inverse.json: no such file"):
        report.draw(settings, root)
    report.draw(settings, root, missing=["win5rb_n2n_inverse"])
    rows = (root / layout.TABLES).read_text().splitlines()
    row = next(line for line in rows if line.startswith("| win5rb_n2n_inverse"))
    assert set(row) <= set("| win5rb_n2n_inverse")
