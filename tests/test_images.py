"""Image files in and out, and images of any size through a network."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from demo.messages import SIDE
from demo.networks import DIGIT, SIZES
from denoising.compute import backend
from denoising.compute.backend import keras
from denoising.inference import images, tiles
from denoising.inference.layout import LARGEST, layout
from denoising.networks.base import build, size_multiple
from denoising.sections import kind, kinds, validate
from stages.shared import params
from tests.conftest import ROOT

LIMIT = 1_000_000
CONTENT = params.read(ROOT / "params.yaml")


def encoded(image, form="PNG", **options):
    content = io.BytesIO()
    image.save(content, form, **options)
    return content.getvalue()


@pytest.fixture
def grey():
    return np.arange(20 * 30, dtype=np.uint16).reshape(20, 30).astype(np.uint8)


@pytest.mark.parametrize("form", ["PNG", "TIFF", "BMP", "GIF"])
def test_grey_images_come_in_as_they_are(grey, form):
    image = images.read(encoded(Image.fromarray(grey), form), LIMIT)
    assert (image.dtype, image.shape) == (np.float32, (20, 30, 1))
    np.testing.assert_array_equal(np.round(image[..., 0] * 255), grey)


def test_colour_becomes_luma_and_transparency_lies_on_white():
    colour = Image.new("RGB", (4, 3), (255, 0, 0))
    np.testing.assert_allclose(images.read(encoded(colour), LIMIT), 0.299, atol=0.003)
    assert images.read(encoded(Image.new("RGBA", (4, 3), (0, 0, 0, 0))), LIMIT).min() == 1


def test_sixteen_bits_keep_their_scale():
    image = Image.fromarray(np.full((3, 4), 32768, np.uint16))
    np.testing.assert_allclose(images.read(encoded(image), LIMIT), 0.5, atol=1e-4)


def test_a_camera_that_was_turned_is_turned_back():
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    content = encoded(Image.new("L", (40, 20)), "JPEG", exif=exif)
    assert images.read(content, LIMIT).shape == (40, 20, 1)


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_that_claims(width, height):
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 10_000))
        + chunk(b"IEND", b"")
    )


HOSTILE = {
    "nothing": b"",
    "text": b"hello",
    "html": b"<html><script>alert(1)</script></html>",
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>',
    "half a png": encoded(Image.new("L", (99, 99), 7))[:60],
    "a png that claims more than it has": png_that_claims(900, 900),
    "a bomb": png_that_claims(60_000, 60_000),
    "a png of no width": png_that_claims(0, 10),
    "a long text chunk": b"\x89PNG\r\n\x1a\n"
    + chunk(b"IHDR", struct.pack(">IIBBBBB", 9, 9, 8, 0, 0, 0, 0))
    + chunk(b"zTXt", b"a\0\0" + zlib.compress(b"a" * 90_000_000)),
    "noise": np.random.default_rng(0).bytes(5000),
    "a tiff header alone": b"II*\0\x08\0\0\0",
    "a gif that ends": b"GIF89a\xff\xff\xff\xff",
    "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_image_is_refused_in_one_line(name):
    with pytest.raises(images.ImageError) as error:
        images.read(HOSTILE[name], LIMIT)
    assert "\n" not in str(error.value)


def test_size_is_judged_before_decoding():
    with pytest.raises(images.TooLarge, match="far more than the 1,000,000 pixels"):
        images.read(HOSTILE["a bomb"], LIMIT)
    with pytest.raises(images.TooLarge, match="900 x 900 pixels: at most 800,000"):
        images.read(HOSTILE["a png that claims more than it has"], 800_000)


def test_png_clips_and_keeps_the_rest(grey):
    def written(pixels):
        return np.asarray(Image.open(io.BytesIO(images.png(pixels[..., None]))))

    np.testing.assert_array_equal(written(grey / np.float32(255)), grey)
    assert written(np.array([[-1.0, 2.0]])).tolist() == [[0, 255]]


@pytest.fixture(scope="module")
def blurring():
    """A small network that pools by 4, as the CAE does, and its function of a batch."""
    x = inputs = keras.Input((None, None, 1))
    x = keras.layers.UpSampling2D(4)(keras.layers.MaxPooling2D(4)(x))
    model = keras.Model(inputs, keras.layers.Conv2D(1, 5, padding="same")(x))
    return model, lambda batch: np.asarray(model(batch))


def test_any_size_goes_through_a_network_that_pools(blurring):
    for shape in [(28, 28, 1), (29, 31, 1), (1, 1, 1), (3, 50, 1)]:
        done = tiles.denoise(blurring[0], np.ones(shape, np.float32), blurring[1])
        assert done.shape == shape


def test_tiles_join_without_a_seam(blurring):
    image = np.random.default_rng(0).random((700, 330, 1), dtype=np.float32)
    padded = np.pad(image, [(0, 0), (0, 2), (0, 0)], mode="symmetric")
    whole = blurring[1](padded[None])[0, :, :330]
    tiled = tiles.denoise(blurring[0], image, blurring[1])
    np.testing.assert_allclose(tiled, whole, atol=1e-5)


def test_channels_stay_apart(blurring):
    image = np.random.default_rng(0).random((400, 30, 3), dtype=np.float32)  # two tiles
    np.testing.assert_array_equal(tiles.denoise(blurring[0], image, lambda batch: batch), image)


@pytest.mark.parametrize(("by_fft", "hundred"), [(True, 112), (False, 100)])
def test_images_become_no_larger_than_needed_or_of_few_sizes(blurring, by_fft, hundred):
    def height(size):
        return layout(blurring[0], size, size, by_fft=by_fft).height

    assert [height(size) for size in (27, 28, 29, 576, 602)] == [28, 28, 32, 576, 604]
    assert {height(size) for size in (98, 100)} == {hundred}


def test_the_demo_compiles_the_fft_for_few_sizes(blurring):
    sides = (5, DIGIT, DIGIT + 1, 100, SIDE)
    found = [layout(blurring[0], side, side, by_fft=True, sizes=SIZES) for side in sides]
    assert [one.height for one in found] == [DIGIT, DIGIT, SIDE, SIDE, SIDE]


def test_bands_are_the_whole_image(blurring):
    """No more than a row of tiles is read at a time, and progress adds up to the image."""
    image = np.random.default_rng(0).random((1250, 600, 1), dtype=np.float32)
    whole = tiles.denoise(blurring[0], image, blurring[1])
    heights, shares = [], []

    def read(rows):
        heights.append(rows.stop - rows.start)
        return image[rows]

    found = np.full_like(image, np.nan)
    found_tiles = layout(blurring[0], *image.shape[:2])
    for rows, done in tiles.bands(found_tiles, image.shape, read, blurring[1], shares.append):
        assert len(done) == rows.stop - rows.start
        found[rows] = done
    np.testing.assert_array_equal(found, whole)
    assert max(heights) <= LARGEST
    assert len(shares) > 4
    assert sum(shares) == pytest.approx(1)


@pytest.mark.parametrize("size", [513, 600, 1000, 1024, 2049, 4096])
def test_tiles_are_as_small_as_so_many_can_be(blurring, size):
    seen = set()
    computed = 0

    def predict(batch):
        nonlocal computed
        seen.add(batch.shape)
        computed += batch.size
        return batch

    tiles.denoise(blurring[0], np.zeros((size, 100, 1), np.float32), predict)
    assert len(seen) == 1
    assert max(max(seen)) <= LARGEST
    assert computed < 1.15 * size * 100


@pytest.mark.parametrize("name", kinds("networks"))
def test_seams_of_every_network_cannot_be_measured(name):
    """Tiles against the network on the whole image, in float32."""
    section = CONTENT["networks"][name] | ({"last_scale": 1.0} if name == "win5rb" else {})
    backend.prepare(0)
    model = build(name, validate(kind("networks", name), section), channels=3)
    image = np.random.default_rng(0).random((301, 220, 3), np.float32)
    multiple = size_multiple(model)
    margins = [(0, -301 % multiple), (0, -220 % multiple), (0, 0)]
    padded = np.pad(image, margins, mode="symmetric")
    whole = model.predict_on_batch(np.stack([padded, padded]))[0, :301, :220]
    tiled = tiles.denoise(model, image, largest=128)
    assert np.abs(whole - image).max() > 0.01
    assert np.abs(tiled - whole).max() < 1e-5
