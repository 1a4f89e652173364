"""The demo's API with the published networks, without a browser."""

import base64
import shutil
import threading

import numpy as np
import pytest

from demo import app
from demo.networks import PUBLISHED, Networks
from denoising.files import InputError
from denoising.inference import images, model_files
from denoising.networks.base import build
from denoising.sections import kind, validate
from stages.shared import params
from tests.demo_server import ROOT
from tests.test_images import HOSTILE

NOISE = {"name": "gaussian", "sigma": 0.5, "clip": True}


@pytest.fixture(scope="module")
def networks():
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        found = Networks("published")
        found.warm_up()
        return found


@pytest.fixture(scope="module")
def digits():
    return app.examples(ROOT / PUBLISHED)


@pytest.fixture
def client(networks, digits):
    return app.create(networks, digits, hosts=["localhost"]).test_client()


def ask(client, image, **options):
    return client.post("/api/denoise", json={"image": image, "noise": NOISE} | options)


def rows(image):
    """Pixel values as the API takes them."""
    return image[..., 0].tolist()


def text(content):
    return base64.b64encode(content).decode()


def test_every_network_brings_a_digit_closer_to_the_original(client, digits, networks):
    answer = ask(client, text(images.png(digits[0]))).json
    assert [result["name"] for result in answer["results"]] == [
        network.name for network in networks.all
    ]
    for result in answer["results"]:
        assert result["scores"]["mse"] < answer["noisy"]["scores"]["mse"] / 2
        assert sum(result["histogram"]) == pytest.approx(1, abs=1e-4)


def test_arrays_and_files_say_the_same(client, digits):
    as_array = ask(client, rows(digits[1]), format="array", models=["cae"]).json
    as_file = ask(client, text(images.png(digits[1])), format="array", models=["cae"]).json
    assert as_array["results"][0]["scores"] == pytest.approx(
        as_file["results"][0]["scores"], rel=1e-4
    )
    assert np.array(as_array["noisy"]["image"]).shape == (28, 28)
    assert as_array["original"]["scores"] is None


def test_the_seed_fixes_the_noise(client, digits):
    noisy = [
        ask(client, rows(digits[0]), models=[], seed=seed).json["noisy"]["image"]
        for seed in (1, 1, 2)
    ]
    assert noisy[0] == noisy[1] != noisy[2]


def test_without_noise_the_image_is_taken_as_noisy_and_nothing_is_scored(client, digits):
    answer = ask(client, rows(digits[0]), noise=None, models=["cae"]).json
    assert answer["results"][0]["scores"] is None
    assert answer["noisy"]["image"] == answer["original"]["image"]


def test_any_size_is_taken_and_large_images_become_smaller(client):
    image = np.random.default_rng(0).random((300, 101, 1)).astype(np.float32)
    answer = ask(client, text(images.png(image)), models=["cae"]).json
    assert (answer["height"], answer["width"]) == (128, 43)


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_image_gets_a_reason(client, name):
    response = ask(client, text(HOSTILE[name]), models=["cae"])
    assert response.status_code in (413, 422)
    reason = response.json["error"]
    assert "\n" not in reason
    assert "/" not in reason.replace("text/html", "")
    assert "Traceback" not in reason


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        (b"{", 400, "not valid JSON"),
        (b"[]", 422, "body"),
        (b'{"image": [[0.5]], "noise": {"name": "fog"}}', 422, "noise"),
        (
            b'{"image": [[0.5]], "noise": {"name": "gaussian", "sigma": -1, "clip": true}}',
            422,
            "noise.gaussian.sigma",
        ),
        (b'{"image": [[1.5]]}', 422, "image"),
        (b'{"image": [[0.5], [0.5, 0.5]]}', 422, "rows of different lengths"),
        (b'{"image": "%%%"}', 422, "not base64"),
        (b'{"image": [[0.5]], "models": ["unet"]}', 422, "unknown network"),
        (b'{"image": [[0.5]], "colour": true}', 422, "colour"),
        (b'{"image": [[0.5]], "' + b"x\\n" * 9999 + b'": 1}', 422, "Extra inputs"),
        (b'{"image": "' + b"A" * 8_000_000 + b'"}', 413, "more than the 8 MB"),
    ],
)
def test_bad_requests_get_a_reason(client, body, status, reason):
    response = client.post("/api/denoise", data=body, content_type="application/json")
    assert response.status_code == status
    assert len(response.json["error"]) < 240
    assert "\n" not in response.json["error"]
    assert reason in response.json["error"]


def test_other_ways_in_are_closed(client):
    assert client.post("/api/denoise", data="x", content_type="text/plain").status_code == 415
    assert client.get("/api/denoise").status_code == 405
    assert client.get("/api/denoise").allow == {"OPTIONS", "POST"}
    assert client.get("/static/../app.py").status_code == 404
    assert client.get("/health", headers={"Host": "evil.example"}).status_code == 400
    for path in ("/", "/health", "/nothing", "/api/models"):
        with client.get(path) as response:  # closes the file that the page is
            assert "default-src 'none'" in response.headers["Content-Security-Policy"]
            assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_over_the_bound_the_answer_is_busy_at_once_and_a_later_request_overtakes(networks, digits):
    """The test holds the turn, as a long request would; four requests of one client wait for it."""
    application = app.create(networks, digits)
    statuses = {}

    def start(number):
        body = {
            "image": rows(digits[0]),
            "noise": NOISE,
            "models": ["cae"],
            "client": "one",
            "sequence": number,
        }
        statuses[number] = application.test_client().post("/api/denoise", json=body).status_code

    with networks.turn:
        waiting = [threading.Thread(target=start, args=(number,)) for number in range(app.AT_ONCE)]
        for number, thread in enumerate(waiting):
            thread.start()
            while thread.is_alive() and application.extensions["waiting"]() <= number:
                pass
        refused = application.test_client().post("/api/denoise", json={"image": [[0.5]]})
        assert refused.status_code == 503
        assert refused.headers["Retry-After"] == "1"
    for thread in waiting:
        thread.join()
    assert statuses == {0: 409, 1: 409, 2: 409, 3: 200}


@pytest.fixture
def place(monkeypatch, tmp_path):
    """A copy of what the demo reads of the published folder, in its place."""
    monkeypatch.chdir(tmp_path)
    copy = tmp_path / PUBLISHED
    shutil.copytree(ROOT / PUBLISHED / "models", copy / "models")
    shutil.copyfile(ROOT / PUBLISHED / "params.yaml", copy / "params.yaml")
    return copy


def edit(place, before, after):
    file = place / "params.yaml"
    text = file.read_text()
    assert before in text
    file.write_text(text.replace(before, after))


def names_of(networks):
    return [network.name for network in networks.all]


def test_a_params_file_may_have_more_than_is_read(place, networks):
    """Sections, runs without a model file, networks and keys that this version does not know."""
    edit(place, "\nruns:", "\nmachines: {count: 3}\n\nruns:\n  later: {dataset: fog, pairs: yes}\n")
    edit(place, "\nnetworks:", "\nnetworks:\n  transformer: {heads: 8}\n")
    edit(place, "    network: cae\n", "    network: cae\n    ensemble: 4\n")
    assert names_of(Networks("published")) == names_of(networks)


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        ("    dataset: gauss50", "    dataset: fog", "runs.cnn.dataset = 'fog': no such dataset"),
        ("      name: gaussian\n", "      name: fog\n", "noise: no 'fog'; should be one of"),
        ("      sigma: 0.5", "      sigma: -1.0", "noise: sigma = -1.0: should be greater than 0"),
        ("    method:\n", "    means:\n", "runs.cnn: method: missing"),
        ("\ndatasets:", "\nsets:", "datasets: missing"),
        ("name: supervised", "name: guess", "methods: no 'guess'; should be one of"),
    ],
)
def test_a_params_file_without_what_is_read_is_one_line(place, before, after, problem):
    edit(place, before, after)
    with pytest.raises(InputError) as error:
        Networks("published")
    assert problem in str(error.value)
    assert "\n" not in str(error.value)


def test_a_correction_needs_a_noise_whose_mean_can_be_inverted(place):
    noise = "      name: gaussian\n      sigma: 0.5"
    edit(place, noise, "      name: quantization\n      bits: 2 #")
    edit(place, "      clip: true", "      # clip: true")
    with pytest.raises(InputError, match=r"debiased\.win5rb_n2n_inverse\.run = 'win5rb_n2n'"):
        Networks("published")


@pytest.fixture
def in_colour(place):
    """A network for colour beside one for grey images, as small as they come."""
    for file in (place / "models").glob("*.keras"):
        if file.stem != "cae":
            file.unlink()
    section = params.read(place / "params.yaml")["networks"]["cnn"] | {"depth": 2, "filters": 4}
    model = build("cnn", validate(kind("networks", "cnn"), section), channels=3)
    model_files.save(model, place / "models/cnn.keras")
    return Networks("published")


def test_colour_stays_colour_where_a_network_was_trained_on_it(in_colour):
    client = app.create(in_colour, [], hosts=["localhost"]).test_client()
    assert client.get("/api/models").json["channels"] == 3
    photograph = np.random.default_rng(0).random((20, 28, 3), np.float32)
    answer = ask(client, text(images.png(photograph))).json
    assert [result["name"] for result in answer["results"]] == ["cnn", "cae"]
    for picture in (answer["original"], answer["noisy"], *answer["results"]):
        found = images.read(base64.b64decode(picture["image"]), 10_000, channels=3)
        assert found.shape == (20, 28, 3)
        assert np.ptp(found, axis=-1).max() > 0
        assert sum(picture["histogram"]) == pytest.approx(1, abs=1e-4)
    assert np.shape(ask(client, [[0.5] * 28] * 20, format="array").json["original"]["image"]) == (
        20,
        28,
        3,
    )


def test_a_network_for_grey_images_denoises_each_channel_by_itself(in_colour):
    photograph = np.random.default_rng(0).random((28, 28, 3), np.float32)
    whole, _ = in_colour.denoise(photograph, ["cae"])["cae"]
    for channel in range(3):
        # as a batch of three too: others round otherwise
        alone, _ = in_colour.denoise(np.repeat(photograph[..., [channel]], 3, -1), ["cae"])["cae"]
        np.testing.assert_allclose(whole[..., channel], alone[..., channel], atol=1e-6)


def test_for_digits_colour_is_luma(client):
    red = np.zeros((28, 28, 3), np.float32) + np.float32([1, 0, 0])
    answer = ask(client, text(images.png(red)), noise=None, format="array").json
    np.testing.assert_allclose(answer["original"]["image"], 0.299, atol=0.003)
