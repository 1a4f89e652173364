"""Denoising image files from the command line, with a published network."""

import io
import zipfile

import numpy as np
import pytest
import tifffile
import zarr
from PIL import Image

from demo import app
from denoising import cli, files
from denoising.formats.opening import open_image
from denoising.inference import images, kept_pages
from denoising.noise.gaussian import Gaussian
from tests import demo_server
from tests.demo_server import ROOT

PUBLISHED = ROOT / "results/article"
CAE = PUBLISHED / "models/cae.keras"


@pytest.fixture(scope="module")
def clean():
    return app.examples(PUBLISHED)[:3]


@pytest.fixture
def scans(tmp_path, clean):
    """A folder of noisy digits, one of them in a folder below."""
    noise, rng = Gaussian(name="gaussian", sigma=0.5, clip=True), np.random.default_rng(0)
    folder = tmp_path / "scans"
    for name, image in zip(("a.png", "b.tif", "deep/c.png"), clean, strict=True):
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.open(io.BytesIO(images.png(noise.corrupt(image, rng)))).save(file)
    return folder


@pytest.fixture
def run(monkeypatch, capsys):
    """Run a command line in this process: its exit code, and what it printed."""

    def run_it(*arguments):
        monkeypatch.setattr("sys.argv", ["cli", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        printed = capsys.readouterr()
        if isinstance(end.value.code, str):  # what sys.exit prints itself
            return 1, end.value.code
        return end.value.code, printed.out + printed.err

    return run_it


def read(file, white=255):
    """Pixels (H, W, C) of the first page, on the scale [0, 1]."""
    with open_image(file) as image:
        return image.read(0) / white


def test_a_folder_comes_out_cleaner_and_a_second_call_has_nothing_to_do(
    run, scans, clean, tmp_path
):
    out = tmp_path / "out"
    code, printed = run(CAE, scans, "--out", out)
    assert code == 0, printed
    assert "3 of 3 denoised" in printed
    for name, image in zip(("a.png", "b.tif", "deep/c.png"), clean, strict=True):
        error = np.mean((read(out / name) - image) ** 2)
        assert error < np.mean((read(scans / name) - image) ** 2) / 4
    times = {file: file.stat().st_mtime_ns for file in out.rglob("*.*")}
    code, printed = run(CAE, scans, "--out", out)
    assert (code, printed) == (0, "3 of 3 results exist already\n")
    assert {file: file.stat().st_mtime_ns for file in out.rglob("*.*")} == times


def test_results_are_like_what_was_read_or_as_is_asked_for(run, clean, tmp_path):
    """Names, formats, depth and pages."""
    stack = np.round(np.stack(clean)[..., 0] * 65535).astype(np.uint16)
    scans, out = tmp_path / "scans", tmp_path / "out"
    zarr.save(str(scans / "z.zarr"), stack)
    tifffile.imwrite(scans / "a.ome.tiff", stack, photometric="minisblack")
    Image.fromarray(stack[0]).save(scans / "b.png")
    (scans / "c.txt").write_text("not an image")
    (scans / "link").symlink_to(tmp_path)
    code, printed = run(CAE, scans, "--out", out)
    assert code == 0, printed
    assert f"note: {scans}: left out 2 that are not images by their names: " in printed
    assert sorted(file.name for file in out.iterdir()) == ["a.ome.tiff", "b.png", "z.zarr"]
    for name in ("a.ome.tiff", "b.png", "z.zarr"):
        with open_image(scans / name) as old, open_image(out / name) as new:
            assert new.header.dtype == np.uint16
            assert (new.header.format, new.header.pages) == (old.header.format, old.header.pages)
    code, printed = run(CAE, scans, "--out", tmp_path / "tiff", "--format", "tiff")
    assert code == 0, printed
    names = sorted(file.name for file in (tmp_path / "tiff").iterdir())
    assert names == ["a.ome.tiff", "b.tif", "z.tif"]
    for name, page in zip(("a.ome.tiff", "b.tif", "z.tif"), (0, 0, 0), strict=True):
        first = read(tmp_path / "tiff" / name, 65535)
        assert np.mean((first - clean[page]) ** 2) < 0.02


def test_images_unlike_those_of_the_training_are_named(run, scans, tmp_path):
    """What is beside the model file says what the network was trained on."""
    model = tmp_path / "x.keras"
    model.write_bytes(CAE.read_bytes())
    images = {"dtype": "uint8", "black": 0, "white": 255, "channels": 1, "noise_sigma": 0.01,
              "range": [0, 1]}  # fmt: skip
    files.write_json(tmp_path / "x.json", {"images": images})
    code, printed = run(model, scans / "a.png", "--out", tmp_path / "out")
    assert code == 0
    assert f"warning: {scans / 'a.png'}: noise of about 0." in printed
    assert "training images were" not in printed
    files.write_json(tmp_path / "x.json", {"images": images | {"white": 0}})
    code, printed = run(model, scans / "b.tif", "--out", tmp_path / "out")
    assert code == 1
    assert printed == (
        f"error: {tmp_path / 'x.json'}: images: white = 0: should be greater than black"
    )


def test_ctrl_c_ends_a_stack_in_its_middle_and_the_same_command_goes_on(run, scans, tmp_path):
    stack = np.zeros((30, 28, 28), np.uint8)
    tifffile.imwrite(scans / "many.tif", stack, photometric="minisblack")
    pages = []

    def stop(self, page, pixels):
        if pages.append(page) or page == 20:
            raise KeyboardInterrupt
        put(self, page, pixels)

    put = kept_pages.KeptPages.put
    out = tmp_path / "out"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kept_pages.KeptPages, "put", stop)
        code, printed = run(CAE, scans / "many.tif", "--out", out)
    assert code == 130
    assert "interrupted; the same command continues" in printed
    assert not (out / "many.tif").exists()
    with pytest.MonkeyPatch.context() as patch:
        pages.clear()
        patch.setattr(kept_pages.KeptPages, "put", lambda self, page, pixels: pages.append(page))
        assert run(CAE, scans / "many.tif", "--out", out)[0] == 0
    assert pages == list(range(20, 30))
    assert [file.name for file in out.iterdir()] == ["many.tif"]


def test_a_damaged_file_is_named_and_the_others_are_done(run, scans, tmp_path):
    (scans / "b.tif").write_bytes(b"II*\0 and no more")
    code, printed = run(CAE, scans, "--out", tmp_path / "out")
    assert code == 1
    assert f"error: {scans / 'b.tif'}: not a" in printed
    assert "2 of 3 denoised" in printed
    assert not (tmp_path / "out/b.tif").exists()


def test_floating_point_beyond_the_range_keeps_its_scale(run, clean, tmp_path):
    """Noise that was not clipped, as in the files of some microscopes, and 12 bits stored in 16."""
    unclipped = Gaussian(name="gaussian", sigma=0.3, clip=False)
    noisy = unclipped.corrupt(clean[0], np.random.default_rng(0))[..., 0]
    Image.fromarray(noisy).save(tmp_path / "float.tif")
    twelve_bits = np.round(np.clip(noisy, 0, 1) * 4095).astype(np.uint16)
    Image.fromarray(twelve_bits).save(tmp_path / "twelve.png")
    assert run(CAE, tmp_path / "float.tif", "--out", tmp_path / "out")[0] == 0
    assert run(CAE, tmp_path / "twelve.png", "--white", "4095", "--out", tmp_path / "out")[0] == 0
    for name, white in (("float.tif", 1), ("twelve.png", 4095)):
        assert np.mean((read(tmp_path / "out" / name, white) - clean[0]) ** 2) < 0.02
    assert read(tmp_path / "out/float.tif").dtype == np.float32
    Image.fromarray(noisy * 255).save(tmp_path / "bytes.tif")
    code, printed = run(CAE, tmp_path / "bytes.tif", "--out", tmp_path / "out")
    assert code == 1
    assert "times white" in printed


def test_a_network_of_clipped_noisy_targets_is_corrected(run, scans, clean, tmp_path):
    network = PUBLISHED / "models/win5rb_n2n.keras"
    assert run(network, scans / "a.png", "--out", tmp_path / "grey")[0] == 0
    assert run(network, scans / "a.png", "--out", tmp_path / "fixed", "--unclip", "0.5")[0] == 0
    noise = tmp_path / "noise.json"
    noise.write_text('{"noise": {"name": "gaussian", "sigma": 0.5, "clip": true}}')
    assert run(network, scans / "a.png", "--out", tmp_path / "same", "--noise", noise)[0] == 0
    difference = read(tmp_path / "same" / "a.png") - read(tmp_path / "fixed" / "a.png")
    assert np.abs(difference).max() < 1.01 / 255
    errors = {
        name: np.mean((read(tmp_path / name / "a.png") - clean[0]) ** 2)
        for name in ("grey", "fixed")
    }
    assert errors["fixed"] < errors["grey"] / 2


MISTAKES = {
    "no model": (["nothing.keras", "scans"], "error: nothing.keras: no such file"),
    "no input": ([CAE, "elsewhere"], "error: elsewhere: no such file or folder"),
    "no file": ([CAE, "elsewhere.png"], "error: elsewhere.png: no such file or folder"),
    "no images": ([CAE, "empty"], "error: empty: no image files there"),
    "two of a name": ([CAE, "scans/a.png", "scans/deep/a.png"], "both would become out/a.png"),
    "noise": ([CAE, "scans", "--noise", "nowhere.json"], "error: nowhere.json: "),
    "sigma": ([CAE, "scans", "--unclip", "0"], "error: --unclip 0.0: should be over 0 and at most"),
    "half a model": (["damaged.keras", "scans"], "error: damaged.keras: not a whole .keras file"),
    "white": ([CAE, "scans", "--white", "-1"], "error: --white -1.0: should be over 0"),
    "same folder": (
        [CAE, "scans", "--out", "scans"],
        "error: --out scans: is the folder of the inputs; choose another",
    ),
    "an input": (
        [CAE, "scans/a.png", "--out", "scans"],
        "error: scans/a.png: is an input; choose another folder with --out",
    ),
    "black": (
        [CAE, "scans", "--black", "9", "--white", "3"],
        "error: --white 3.0: should be over 9",
    ),
    "one format": (
        [CAE, "scans/a.png", "scans/a.bmp", "--format", "tiff"],
        "scans/a.bmp and scans/a.png: both would become out/a.tif",
    ),
    "no folder": ([CAE, "scans", "--out", CAE], f"error: --out {CAE}: is not a folder"),
}
WRONG_USAGE = {
    "nothing": ([], "error: the following arguments are required: model, inputs, --out"),
    "no number": ([CAE, "scans", "--white", "x"], "error: argument --white: invalid float value"),
    "format": ([CAE, "scans", "--format", "x"], "error: argument --format: invalid choice: 'x'"),
    "unknown": ([CAE, "scans", "--fast"], "error: unrecognized arguments: --fast"),
}


@pytest.fixture
def mistakes(scans, tmp_path, monkeypatch):
    """The folder in which the mistakes are made."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "damaged.keras").write_bytes(b"PK")
    (scans / "deep/a.png").write_bytes((scans / "a.png").read_bytes())
    Image.open(scans / "a.png").save(scans / "a.bmp")
    return tmp_path


@pytest.fixture(scope="module")
def forbidden(tmp_path_factory):
    """A folder for the path: importing TensorFlow, Keras or scikit-image ends the process."""
    return demo_server.forbid(tmp_path_factory.mktemp("forbidden"))


def content(folder):
    return {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def with_out(arguments):
    return [*arguments, *([] if "--out" in arguments or not arguments else ["--out", "out"])]


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line_and_changes_nothing(run, mistakes, mistake):
    arguments, message = MISTAKES[mistake]
    before = content(mistakes)
    code, printed = run(*with_out(arguments))
    assert code == 1
    assert message in printed
    assert "\n" not in printed.strip()
    assert content(mistakes) == before


@pytest.mark.parametrize("mistake", MISTAKES | WRONG_USAGE)
def test_a_mistake_is_answered_without_importing_keras(mistakes, forbidden, mistake):
    arguments, message = (MISTAKES | WRONG_USAGE)[mistake]
    code, output, errors = demo_server.run(
        "denoising.cli", *with_out(arguments), cwd=mistakes, before=[forbidden]
    )
    assert code == (1 if mistake in MISTAKES else 2)
    assert output == ""
    assert message in errors
    assert errors.startswith("error: ")
    assert errors.count("\n") == 1


def test_help_and_nothing_to_do_are_answered_without_importing_keras(scans, forbidden, tmp_path):
    code, output, errors = demo_server.run("denoising.cli", "--help", before=[forbidden])
    assert (code, errors) == (0, "")
    assert "--unclip SIGMA" in output
    for name in ("a.png", "b.tif", "deep/c.png"):
        file = tmp_path / "out" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    arguments = [CAE, scans, "--out", tmp_path / "out"]
    done = demo_server.run("denoising.cli", *arguments, before=[forbidden])
    assert done == (0, "3 of 3 results exist already\n", "")
    # proof that the folder does forbid it: with work to do, Keras is imported
    (tmp_path / "out/a.png").unlink()
    assert demo_server.run("denoising.cli", *arguments, before=[forbidden])[0] == 99


def test_nothing_of_tensorflow_is_printed(scans, tmp_path):
    """Neither with work that succeeds, nor with a model file that only Keras finds damaged."""
    done = demo_server.run("denoising.cli", CAE, scans, "--out", tmp_path / "out")
    unknown = f"note: {CAE}: no file beside it says what its training images were\n"
    assert done == (0, "3 of 3 denoised\n", unknown)
    strange = tmp_path / "strange.keras"
    with zipfile.ZipFile(strange, "w") as archive:
        for name in ("config.json", "metadata.json", "model.weights.h5"):
            archive.writestr(name, "{}")
    code, output, errors = demo_server.run(
        "denoising.cli", strange, scans, "--out", tmp_path / "none"
    )
    assert (code, output) == (1, "")
    assert errors.startswith(f"error: {strange}: not a whole .keras file (Keras says ")
    assert errors.count("\n") == 1
    assert not (tmp_path / "none").exists()


def test_a_result_that_cannot_be_written_is_named(run, scans, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/deep").write_text("no folder")
    code, printed = run(CAE, scans, "--out", tmp_path / "out")
    assert code == 1
    assert f"error: {tmp_path / 'out/deep'}" in printed
    assert "2 of 3 denoised" in printed
