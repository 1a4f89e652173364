import itertools

import numpy as np
import pandas as pd
import pytest

from denoising.reporting import figures

RNG = np.random.default_rng(0)
DPI = 110


def images(*shape, count=3):
    return RNG.random((count, *shape), np.float32)


def drawn(figure, folder):
    """The pixels (H, W, 4) of a figure's file."""
    path = folder / "figure.png"
    figures.save(figure, path, DPI)
    return figures.plt.imread(path)


def texts(figure):
    return [text.get_text() for text in figure.findobj(figures.plt.Text) if text.get_text()]


def test_digits_are_drawn_as_small_as_ever():
    figure = figures.grid(
        {"original": images(28, 28, 1, count=8), "noisy": images(28, 28, 1, count=8)}
    )
    assert figure.get_size_inches() == pytest.approx([8 * 0.95 + 1.3, 2 * 0.98])


def test_a_photograph_is_shown_at_about_its_own_size_and_no_figure_grows_without_end(tmp_path):
    for side, count in itertools.product((65, 180, 1000), (1, 8)):
        figure = figures.grid({"original": images(side, side, 1, count=count)})
        width = figure.axes[0].get_position().width
        shown = width * drawn(figure, tmp_path).shape[1]
        assert shown > 0.9 * min(side, 180)
    crowd = figures.grid({"original": images(100, 100, 1, count=60)})
    assert crowd.get_size_inches()[0] * 600 < 2**16  # pixels that can be saved at the most dpi
    figures.plt.close(crowd)


@pytest.mark.parametrize(
    "shape", [(1, 1, 1), (1, 5000, 1), (5000, 1, 3), (70, 20, 3), (300, 100, 1), (65, 65, 1)]
)
def test_any_size_is_drawn(shape, tmp_path):
    assert drawn(figures.grid({"original": images(*shape)}), tmp_path).std() > 0.01


def test_colours_are_those_of_the_image(tmp_path):
    green = np.zeros((1, 100, 100, 3), np.float32)
    green[..., 1] = 1.5  # over white, as noise leaves it
    pixels = drawn(figures.grid({"original": green}), tmp_path)[..., :3]
    assert np.mean(np.all(np.isclose(pixels, (0, 1, 0)), axis=-1)) > 0.3


def test_of_large_images_the_middle_is_shown_and_the_figure_says_so():
    large = np.zeros((1, 300, 400, 1), np.float32)
    large[:, 22:-22, 72:-72] = 1
    figure = figures.grid({"original": large})
    (shown,) = figure.axes[0].images
    assert shown.get_array().shape == (256, 256)
    assert shown.get_array().min() == 1
    assert any("at most 256 x 256 pixels" in text for text in texts(figure))
    figures.plt.close(figure)
    whole = figures.grid({"original": images(256, 100, 1)})
    assert not any("256" in text for text in texts(whole))
    figures.plt.close(whole)


def test_images_of_a_row_may_differ_in_size(tmp_path):
    row = [images(100, 60, 1)[0], images(70, 90, 1)[0]]
    assert drawn(figures.grid({"original": row, "noisy": row}), tmp_path).std() > 0.01


def test_rows_are_labelled_and_captions_stand_below_their_images():
    name = "a name as long as names can be, which are 64 characters in all"
    rows = {"original": images(80, 80, 3), name: images(80, 80, 3)}
    figure = figures.grid(rows, {name: ["20.12 dB", "21.34 dB", "22.56 dB"]})
    assert [axis.get_ylabel() for axis in figure.axes[::3]] == list(rows)
    labels = [axis.get_xlabel() for axis in figure.axes]
    assert labels == ["", "", "", "20.12 dB", "21.34 dB", "22.56 dB"]
    figure.canvas.draw()
    assert figure.axes[3].yaxis.label.get_window_extent().x0 >= -3  # of 100 to the inch
    figures.plt.close(figure)
    with pytest.raises(ValueError, match="zip"):
        figures.grid(rows, {name: ["20.12 dB"]})
    figures.plt.close()


BARS = pd.DataFrame(
    {
        "name": ["dncnn", "nlm", "noisy"],
        "group": ["clean targets", "untrained", "untrained"],
        "mse": [0.0012, 0.0018, 0.0091],
        "mse_low": [0.0011, 0.0017, 0.009],
        "mse_high": [0.0013, 0.0019, 0.0092],
        "article": np.nan,
    }
)


@pytest.mark.parametrize("article", [[np.nan] * 3, [0.001, np.nan, np.nan]])
def test_the_article_is_marked_where_it_has_a_value(article):
    figure = figures.mse_bars(BARS.assign(article=article))
    assert ("article" in texts(figure)) == (not np.isnan(article).all())
    assert "0.00120" in texts(figure)  # as many digits as small errors need
    figures.plt.close(figure)


def test_bars_and_their_values_do_not_hide_behind_the_legend():
    figure = figures.mse_bars(BARS)
    figure.canvas.draw()
    (axis,) = figure.axes
    legend = (figure.legends or [axis.get_legend()])[0].get_window_extent()
    assert not any(text.get_window_extent().overlaps(legend) for text in axis.texts)
    figures.plt.close(figure)


def test_a_group_has_the_same_colour_whatever_other_groups_there_are():
    def colour(frame):
        bars = figures.mse_bars(frame).axes[0].patches
        return {tuple(bar.get_facecolor()) for bar in bars if bar.get_width() == widest}

    widest = BARS["mse"].max()
    assert BARS["group"][BARS["mse"].idxmax()] == "untrained"
    alone = BARS[BARS["group"] == "untrained"].reset_index(drop=True)
    assert len(colour(BARS)) == 1
    assert colour(BARS) == colour(alone)


def test_every_panel_of_histograms_has_its_pixel_values():
    frame = pd.DataFrame({"value": [0.0, 0.5, 1.0], "predictions": [0.2, 0.3, 0.5]})
    for count in (2, 5, 8):
        figure = figures.histograms({f"run{i}": frame for i in range(count)}, {})
        figure.canvas.draw()
        for axis in figure.axes:
            assert [label for label in axis.get_xticklabels() if label.get_visible()]
            assert axis.xaxis.get_tick_params()["labelbottom"]


def test_more_groups_than_colours_are_all_drawn():
    count = 2 * len(figures.CYCLE) + 1
    frame = pd.concat([BARS.iloc[:1]] * count, ignore_index=True)
    frame = frame.assign(
        name=[f"run{i}" for i in range(count)], group=[f"g{i}" for i in range(count)]
    )
    figure = figures.mse_bars(frame)
    assert set(frame["group"]) <= set(texts(figure))
    figures.plt.close(figure)


def test_a_run_without_validation_has_a_logarithmic_curve():
    frame = pd.DataFrame({"epoch": [1, 2], "loss": [0.2, 0.1], "val_loss": [np.nan, np.nan]})
    figure = figures.curves({"clean": {"cnn": frame}})
    assert figure.axes[0].get_yscale() == "log"
    figures.plt.close(figure)


def test_losses_that_change_little_have_a_linear_scale():
    """Its marks are plain numbers, where a logarithmic one has 3.15 x 10^-1."""
    frame = pd.DataFrame({"epoch": [1, 2], "loss": [0.33, 0.32], "val_loss": [0.32, 0.31]})
    figure = figures.curves({"noisy": {"win5rb": frame}})
    assert figure.axes[0].get_yscale() == "linear"
    figures.plt.close(figure)


def test_the_same_data_gives_the_same_bytes(tmp_path):
    photographs = images(90, 120, 3)
    for copy in "ab":
        figure = figures.grid({"original": photographs}, {"original": ["1", "2", "3"]})
        figures.save(figure, tmp_path / f"{copy}.png", DPI)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_what_has_nothing_to_show_says_so():
    figure = figures.note("no network was trained")
    assert texts(figure) == ["no network was trained"]
    figures.plt.close(figure)
