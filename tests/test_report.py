import numpy as np
import pandas as pd

from denoising.reporting import figures, tables

SCORES = {
    "cnn": {"mse": 0.02, "mse_low": 0.019, "mse_high": 0.021, "mse_clipped": 0.018, "psnr": 17.5, "ssim": 0.8,
            "parameters": 112_001, "collapsed": False},
    "cae": {"mse": 0.2, "mse_low": 0.1, "mse_high": 0.3, "mse_clipped": 0.2, "psnr": 7.0, "ssim": 0.1,
            "parameters": 5, "collapsed": True},
}  # fmt: skip


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
    images = {"original": rng.random((4, 28, 28)), "noisy": rng.random((4, 28, 28))}
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
