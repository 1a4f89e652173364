"""Files through a network: what comes out is like what went in, and what makes no sense is refused.

The networks here return what they are given, or do something to it that is easily foretold.
"""

import contextlib
import os
import re

import numpy as np
import pytest
import tifffile

from denoising.compute.backend import keras
from denoising.files import InputError, write_json
from denoising.formats.numpy_files import NumpyFile
from denoising.formats.opening import open_image
from denoising.inference import files, levels, tiles, training_images
from denoising.inference.files import Choices, FileDenoiser
from denoising.inference.layout import layout
from denoising.inference.notes import Notes
from denoising.inference.training_images import TrainingImages
from tests.test_formats import (
    COLOUR,
    DEEP,
    GREY,
    RNG,
    STACK,
    everything,
    read,
    save,
    write_dicom,
)

UNIT = RNG.random((20, 30), np.float32)
TRAINED = {"dtype": "uint16", "black": 100, "white": 4095, "channels": 1, "noise_sigma": 0.1,
           "range": [-0.1, 1.2]}  # fmt: skip


def network(channels=1, change=lambda x: x):
    images = keras.Input((None, None, channels), name="input")
    return keras.Model(images, change(images))


class InTiles:
    """Any function of tensors, which `Prepared` would copy layer by layer."""

    def __init__(self, model):
        self.model, self.channels = model, model.inputs[0].shape[-1]

    def bands(self, shape, read, progress):
        found = layout(self.model, *shape[:2])
        return tiles.bands(found, shape, read, tiles.predictor(self.model), progress)


@pytest.fixture(scope="module")
def same():
    return network()


@pytest.fixture
def denoise(same, tmp_path):
    """Denoise a file: the result's path, and what was said."""

    def denoise_it(path, model=None, trained=None, name="", key="", progress=None, **choices):
        said = []
        notes = Notes(said.append)
        by = FileDenoiser(InTiles(model or same), Choices(**choices), trained, notes, key)
        target = tmp_path / "out" / (name or path.name)
        by.denoise(path, target, *[progress] * (progress is not None))
        notes.end()
        return target, said

    return denoise_it


def npy(path, pixels):
    np.save(path, pixels)
    return path


def tiff(path, pixels, **options):
    tifffile.imwrite(path, pixels, **{"photometric": "minisblack"} | options)
    return path


FILES = {
    "a.png": lambda path: save(path, GREY),
    "deep.png": lambda path: save(path, DEEP),
    "colour.png": lambda path: save(path, COLOUR),
    "a.bmp": lambda path: save(path, COLOUR),
    "a.webp": lambda path: save(path, COLOUR, lossless=True),
    "stack.tif": lambda path: tiff(path, STACK, description="cells", metadata=None),
    "float.tif": lambda path: tiff(path, UNIT * 3 - 1),
    "double.tif": lambda path: tiff(path, UNIT.astype("f8")),
    "stack.npy": lambda path: npy(path, STACK),
    "half.npy": lambda path: npy(path, UNIT.astype("f2")),
    "a.dcm": lambda path: write_dicom(path, STACK, 12),
}


@pytest.mark.parametrize("name", FILES)
def test_what_comes_out_is_like_what_went_in(denoise, tmp_path, name):
    """Format, type, channels, pages, and every pixel, if the network changes nothing."""
    path = FILES[name](tmp_path / name)
    (old, before), (new, after) = everything(path), everything(denoise(path)[0])
    assert (old.format, old.dtype, old.shape, old.pages) == (
        (new.format, new.dtype, new.shape, new.pages)
    )
    np.testing.assert_array_equal(after, before)


def test_metadata_stay(denoise, tmp_path):
    target, said = denoise(FILES["stack.tif"](tmp_path / "a.tif"))
    with tifffile.TiffFile(target) as file:
        assert file.pages[0].description == "cells"
    assert said == [
        f"note: {tmp_path / 'a.tif'}: white is 4095, black 0 (12 bits, since no value exceeds "
        f"{STACK.max()}); set --white to say otherwise"
    ]


def test_integers_are_clipped_to_their_type_and_floats_are_not(denoise, tmp_path):
    double = network(change=lambda x: 2 * x - 0.5)
    target, _ = denoise(save(tmp_path / "a.png", DEEP), double)
    expected = np.clip(2.0 * DEEP - 0.5 * 65535, 0, 65535)
    np.testing.assert_allclose(read(target), expected, atol=0.6)
    target, _ = denoise(tiff(tmp_path / "a.tif", UNIT), double)
    np.testing.assert_allclose(read(target), 2 * UNIT - 0.5, atol=1e-6)


def test_another_format_holds_the_same_or_is_refused(denoise, tmp_path):
    target, said = denoise(save(tmp_path / "a.png", DEEP), name="a.tif", format="TIFF")
    np.testing.assert_array_equal(read(target), DEEP)
    assert any("tags and metadata of PNG are not carried into TIFF" in line for line in said)
    path = tiff(tmp_path / "b.tif", UNIT)
    with pytest.raises(InputError, match="PNG files cannot hold float32"):
        denoise(path, name="b.png", format="PNG")
    assert os.listdir(tmp_path / "out") == ["a.tif"]  # noqa: PTH208


def test_jpeg_says_that_it_loses(denoise, tmp_path):
    flat = np.full((16, 24, 3), (200, 100, 50), np.uint8)
    target, said = denoise(save(tmp_path / "a.jpg", flat))
    assert everything(target)[0].format == "JPEG"
    assert any("JPEG loses a little" in line for line in said)


def test_colour_goes_through_a_network_for_grey_channel_by_channel(denoise, tmp_path):
    """The network spreads a pixel within its channel: no channel is changed by another."""
    blur = network(change=keras.layers.Conv2D(1, 3, padding="same", kernel_initializer="ones"))
    path = npy(tmp_path / "a.npy", UNIT[..., None] * np.array([1, 0, 0.5], np.float32))
    target, said = denoise(path, blur)
    alone = read(denoise(npy(tmp_path / "b.npy", UNIT), blur)[0])
    expected = alone[..., None] * np.array([1, 0, 0.5])
    np.testing.assert_allclose(read(target), expected, atol=1e-5)
    assert any("each channel is denoised by itself" in line for line in said)


@pytest.mark.parametrize("name", ["a.png", "a.npy", "a.tif", "a.webp"])
def test_grey_is_made_of_colour_if_asked_for(denoise, tmp_path, name):
    path = tmp_path / name
    if name == "a.npy":
        np.save(path, COLOUR)
    else:
        save(path, COLOUR, **({"lossless": True} if name == "a.webp" else {}))
    target, said = denoise(path, grey=True)
    header, pixels = everything(target)
    # WebP has no grey: it is read as equal colours
    assert (header.channels, header.dtype) == (3 if name == "a.webp" else 1, "u1")
    luma = COLOUR @ np.array(files.LUMA)
    np.testing.assert_allclose(pixels[0, ..., 0], luma, atol=0.51)
    assert any("colours become grey, and tags and metadata are left out" in line for line in said)


def test_a_network_for_colour_takes_colour_alone(denoise, tmp_path):
    colour = network(3)
    path = save(tmp_path / "a.png", COLOUR)
    target, said = denoise(path, colour)
    np.testing.assert_array_equal(read(target), COLOUR)
    assert said == []
    with pytest.raises(InputError, match=r"b.png: has 1 channel, but the network was trained on 3"):
        denoise(save(tmp_path / "b.png", GREY), colour)
    assert not (tmp_path / "out/b.png").exists()


@pytest.mark.parametrize("value", [np.nan, np.inf, 21])
def test_values_without_meaning_are_refused(denoise, tmp_path, value):
    pixels = np.stack([UNIT, UNIT])
    pixels[1, 3, 4] = value
    reason = "1 pixel value is NaN or infinite"
    if np.isfinite(value):
        reason = r"values up to 21 times white, which is 1 \(floating point\); set --white"
    with pytest.raises(InputError, match=f"a.tif: page 2: {reason}"):
        denoise(tiff(tmp_path / "a.tif", pixels))
    assert not list((tmp_path / "out").iterdir())


def test_a_network_that_answers_nonsense_is_an_error(denoise, tmp_path):
    wrong = network(change=lambda x: x / 0)
    with pytest.raises(InputError, match="answer is not finite"):
        denoise(save(tmp_path / "a.png", np.zeros_like(GREY)), wrong)


def test_images_unlike_those_of_the_training_are_told(denoise, tmp_path):
    trained = TrainingImages(**TRAINED)
    noise = RNG.normal(0, 1, (300, 300))

    def warnings_of(sigma, mean=0.5, name="a.tif"):
        pixels = np.clip((mean + sigma * noise) * 3995 + 100, 0, 65535)
        path = tiff(tmp_path / name, pixels.astype("u2"))
        _, said = denoise(path, trained=trained)
        return [line for line in said if line.startswith("warning: ")]

    assert warnings_of(0.1) == []
    (line,) = warnings_of(0.05)
    assert "of white, in the training images 0.1: details will be lost" in line
    assert float(re.search(r"noise of about (\S+)", line)[1]) == pytest.approx(0.05, rel=0.1)
    lines = warnings_of(0.2, name="b.tif")
    assert "of white, in the training images 0.1: noise will remain" in lines[0]
    (line,) = warnings_of(0.1, 1.5)
    assert "of white, in the training images from -0.1 to 1.2" in line


def test_values_beyond_white_are_kept_and_told(denoise, tmp_path):
    path = tiff(tmp_path / "a.tif", STACK[0])
    target, said = denoise(path, white=2000)
    np.testing.assert_array_equal(read(target), STACK[0])
    low, high = STACK[0].min() / 2000, STACK[0].max() / 2000
    assert said == [f"warning: {path}: values from {low:.3g} to {high:.3g} of white (as set)"]


def test_progress_is_told_within_an_image(denoise, tmp_path):
    shares = []
    stack = np.zeros((2, 700, 40), np.uint8)
    denoise(npy(tmp_path / "a.npy", stack), progress=shares.append)
    assert len(shares) == 4
    assert sum(shares) == pytest.approx(1)


class Stopped(Exception):
    pass


def stop_after(tiles):
    """A progress that is interrupted."""
    left = [tiles]

    def progress(share):
        left[0] -= 1
        if left[0] < 0:
            raise Stopped

    return progress


def test_a_stack_that_was_interrupted_goes_on(denoise, tmp_path, monkeypatch):
    path, computed = npy(tmp_path / "a.npy", STACK), []
    with pytest.raises(Stopped):
        denoise(path, key="x", progress=stop_after(3))
    assert not (tmp_path / "out/a.npy").exists()

    one = files._File.page

    def counted(self, page, progress):
        computed.append(page)
        return one(self, page, progress)

    monkeypatch.setattr(files._File, "page", counted)
    shares = []
    target, _ = denoise(path, key="x", progress=shares.append)
    assert computed == [3, 4]
    assert sum(shares) == pytest.approx(1)
    np.testing.assert_array_equal(read(target), STACK)
    assert os.listdir(tmp_path / "out") == ["a.npy"]  # noqa: PTH208


def test_pages_of_another_model_or_file_are_not_used(denoise, tmp_path):
    double = network(change=lambda x: 2 * x)
    path = npy(tmp_path / "a.npy", STACK)
    for change in ("model", "file"):
        with contextlib.suppress(Stopped):
            denoise(path, double, key="double", progress=stop_after(3))
        if change == "file":
            npy(path, STACK[:, ::-1, :-1])
        target, _ = denoise(path, key="same")
        np.testing.assert_array_equal(read(target), np.load(path))
        target.unlink()


# what is white


@pytest.mark.parametrize(
    ("pixels", "trained", "choices", "expected"),
    [
        (GREY, None, {}, (0, 255)),
        (GREY, None, {"black": 10, "white": 200}, (10, 200)),
        (STACK, None, {}, (0, 4095)),
        (STACK // 8, None, {}, (0, 1023)),
        (DEEP, None, {}, (0, 65535)),
        (STACK, TRAINED, {}, (100, 4095)),
        (STACK, TRAINED, {"white": 2000}, (0, 2000)),
        (GREY, TRAINED, {}, (0, 255)),
        (UNIT, TRAINED, {}, (0, 1)),
        (UNIT * 255, None, {"white": 255}, (0, 255)),
        (STACK.astype("i4"), None, {"white": 9999}, (0, 9999)),
        (STACK.astype("i2") - 1024, None, {"black": -1024, "white": 3071}, (-1024, 3071)),
    ],
)
def test_white_is_what_is_known_best(denoise, tmp_path, pixels, trained, choices, expected):
    """The network moves every value by half of the way from black to white."""
    half = network(change=lambda x: x * 0 + 0.5)
    path = npy(tmp_path / "a.npy", pixels)
    known = trained and TrainingImages(**trained)
    target, _ = denoise(path, half, known, **choices)
    black, white = expected
    middle = (black + white) / 2
    assert np.unique(read(target)) == pytest.approx([middle], abs=0.51)


def test_tags_say_what_is_white(denoise, tmp_path):
    half = network(change=lambda x: x * 0 + 0.5)
    path = tiff(tmp_path / "a.tif", STACK, extratags=[(281, 3, 1, 4000, True)])
    target, said = denoise(path, half, TrainingImages(**TRAINED))
    assert np.unique(read(target)).tolist() == [2000]
    assert not any(line.startswith("note") for line in said)


def test_a_file_is_looked_through_once_to_find_what_is_white(tmp_path, monkeypatch):
    reads = []

    def read_it(self, page, rows):
        reads.append(page)
        return real(self, page, rows)

    real = NumpyFile.read
    monkeypatch.setattr(NumpyFile, "read", read_it)
    with open_image(npy(tmp_path / "a.npy", STACK.astype("i2"))) as image:
        found = levels.find(image)
    assert (found.black, found.white, found.guess) == (0, 4095, True)
    assert reads == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("pixels", "choices", "match"),
    [
        (STACK.astype("i4"), {}, "nothing says which value of int32 is white; set --white"),
        (STACK.astype("i2") - 5, {"white": 99}, "has the value -5, less than 0, which would be"),
        (UNIT, {"black": 1}, r"white = 1 \(floating point\); should be greater than black = 1"),
    ],
)
def test_what_nobody_can_know_is_asked_for(denoise, tmp_path, pixels, choices, match):
    pixels.flat[0] = min(pixels.flat[0], -5) if pixels.dtype == np.int16 else pixels.flat[0]
    with pytest.raises(InputError, match=match):
        denoise(npy(tmp_path / "a.npy", pixels), **choices)


def test_twelve_bits_stay_twelve_bits(denoise, tmp_path):
    """Of networks whose answers go beyond white; what went beyond it before may stay there."""
    more = network(1, lambda x: x * 1.5)
    path = tiff(tmp_path / "a.tif", STACK)
    grown = np.rint(np.minimum(STACK * 1.5, 4095))
    np.testing.assert_allclose(read(denoise(path, more)[0]), grown, atol=1)
    assert read(denoise(path, more, white=4095)[0]).max() == 4095
    assert read(denoise(path, more, white=2000)[0]).max() > 6000
    assert read(denoise(path, more, white=70_000)[0]).max() > 6000  # more than the type holds


# what is known of the training


def test_provenance_without_images_says_nothing(tmp_path):
    model = tmp_path / "x.keras"
    assert training_images.of_model(model) is None
    (tmp_path / "x.json").write_text('{"model_sha256": "..."}')
    assert training_images.of_model(model) is None


def test_provenance_is_checked_in_one_line(tmp_path):
    model, file = tmp_path / "x.keras", tmp_path / "x.json"
    write_json(file, {"images": TRAINED | {"noisy_mean": 0.3, "noisy_std": 0.2}})
    assert training_images.of_model(model) == TrainingImages(**TRAINED)
    for change, message in [
        ({"white": 50}, r"x.json: images: white = 50: should be greater than black"),
        ({"white": "big"}, r"x.json: images: white = 'big': should be a number"),
        ({"range": [1, 0]}, r"range = \[1.0, 0.0\]: should be the least and the greatest value"),
        ({"channels": 2}, r"images: channels = 2: should be 1 or 3"),
    ]:
        write_json(file, {"images": TRAINED | change})
        with pytest.raises(InputError, match=message):
            training_images.of_model(model)
    write_json(file, {"images": 5})
    with pytest.raises(InputError, match=r"x.json: images: should hold"):
        training_images.of_model(model)


def test_images_too_small_to_tell_their_noise_are_denoised(denoise, tmp_path):
    path = npy(tmp_path / "a.npy", DEEP[:1, :2])
    target, said = denoise(path, trained=TrainingImages(**TRAINED | {"range": [-1, 20]}))
    np.testing.assert_array_equal(np.load(target), DEEP[:1, :2])
    assert not any(line.startswith("warning") for line in said)


def test_many_files_of_a_kind_are_counted(tmp_path):
    said = []
    notes = Notes(said.append)
    for number in range(8):
        notes.note("white is 255", tmp_path / f"{number}", "white is 255 (as set)")
        for _ in range(3):  # pages
            notes.warn("strange", tmp_path / f"{number}", "strange by a bit")
    assert len(said) == 6
    notes.end()
    assert said[-2:] == [
        "note: white is 255: 7 more files",
        "warning: strange: 3 more files",
    ]
