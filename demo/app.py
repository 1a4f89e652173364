"""The Flask application: the page, and the small API below it."""

import base64
import binascii
import threading

import numpy as np
from flask import Flask, jsonify, request
from pydantic import ValidationError
from skimage.transform import resize
from werkzeug.exceptions import HTTPException

from demo import openapi
from demo.messages import SIDE, DenoiseRequest
from denoising.evaluation import metrics
from denoising.files import read_arrays
from denoising.inference import images as pictures

MAX_BYTES = 8_000_000  # of a request
MAX_PIXELS = 16_000_000  # of an image file, before it is reduced to SIDE x SIDE
AT_ONCE = 4  # requests that are worked on or wait for their turn; over that the answer is 503
STEP = 0.05  # pixel values, width of the histograms' bins

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


class Refused(Exception):
    """A request that is answered with a status of its own and one line."""

    def __init__(self, status, reason):
        super().__init__(reason)
        self.status, self.reason = status, reason


def create(networks, digits, hosts=None):
    """The application.

    Parameters
    ----------
    networks : demo.networks.Networks
    digits : list of ndarray (28, 28)
        For visitors to choose from, on the scale [0, 1].
    hosts : list of str, optional
        Names that requests may be addressed to; None: any.
    """
    app = Flask("demo", static_folder="static", static_url_path="/static")
    app.config.update(MAX_CONTENT_LENGTH=MAX_BYTES, TRUSTED_HOSTS=hosts)
    app.json.sort_keys = False
    app.json.compact = True
    room, latest, decoding = _Room(AT_ONCE), _Latest(), threading.Lock()
    app.extensions["waiting"] = lambda: room.taken
    document = openapi.document()
    known = [network.name for network in networks.all]

    @app.get("/")
    def page():
        return app.send_static_file("index.html")

    @app.get("/health")
    def health():
        return {"status": "ok"}

    @app.get("/api/openapi.json")
    def api():
        return document

    @app.get("/api/models")
    def models():
        listed = [
            {
                "name": one.name,
                "parameters": one.parameters,
                "target": one.target,
                "noise": one.noise.model_dump(),
            }
            for one in networks.all
        ]
        return {"source": networks.place, "message": networks.missing, "models": listed}

    @app.get("/api/digits")
    def some_digits():
        return {"digits": [base64.b64encode(pictures.png(digit)).decode() for digit in digits]}

    @app.post("/api/denoise")
    def denoise():
        with room:  # before anything is decoded: a refusal should cost next to nothing
            asked = _parse(known)
            latest.see(asked)
            with decoding:  # one large image in memory at a time
                image = _image(asked)
            with networks.turn:
                if latest.has_later(asked):
                    raise Refused(409, "overtaken by a later request of the same client")
                return _answer(asked, image, networks)

    @app.errorhandler(Refused)
    def refused(error):
        return (
            jsonify(error=error.reason),
            error.status,
            {"Retry-After": "1"} if error.status == 503 else {},
        )

    @app.errorhandler(HTTPException)
    def failed(error):
        reason = (
            f"more than the {MAX_BYTES / 1e6:g} MB that are taken"
            if error.code == 413
            else error.name.lower()
        )
        return (
            jsonify(error=reason),
            error.code,
            {name: value for name, value in error.get_headers() if name == "Allow"},
        )

    @app.errorhandler(Exception)
    def broken(error):
        app.logger.exception("unexpected", exc_info=error)
        return jsonify(error="internal error"), 500

    @app.after_request
    def secure(response):
        response.headers.update(HEADERS)
        if request.path.startswith("/api/"):
            response.headers["Cache-Control"] = "no-store"
        return response

    return app


class _Room:
    """Holds so many at once, and refuses the next."""

    def __init__(self, places):
        self.taken, self._places, self._lock = 0, places, threading.Lock()

    def __enter__(self):
        with self._lock:
            if self.taken == self._places:
                raise Refused(503, "too many requests at once")
            self.taken += 1

    def __exit__(self, *_):
        with self._lock:
            self.taken -= 1


class _Latest:
    """The highest sequence number of each client, of the last thousand clients."""

    def __init__(self):
        self._numbers, self._lock = {}, threading.Lock()

    def see(self, asked):
        if asked.client is None or asked.sequence is None:
            return
        with self._lock:
            number = max(asked.sequence, self._numbers.pop(asked.client, 0))
            self._numbers[asked.client] = number
            while len(self._numbers) > 1000:
                del self._numbers[next(iter(self._numbers))]

    def has_later(self, asked):
        with self._lock:
            return (
                asked.sequence is not None and self._numbers.get(asked.client, 0) > asked.sequence
            )


def _parse(known):
    if not request.is_json:
        raise Refused(415, "the body should be application/json")
    try:
        asked = DenoiseRequest.model_validate_json(request.get_data())
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        if first["type"] == "json_invalid":
            raise Refused(400, "the body is not valid JSON") from None
        place = (
            ".".join(repr(str(part))[1:41].rstrip("'") for part in first["loc"]) or "body"
        )  # which the client chose
        raise Refused(422, f"{place}: {first['msg']}") from None
    unknown = [name for name in asked.models or [] if name not in known]
    if unknown:
        raise Refused(422, f"models: unknown network; there are {', '.join(known)}")
    return asked


def _image(asked):
    """Pixels (H, W) float32 in [0, 1], at most SIDE x SIDE."""
    if not isinstance(asked.image, str):
        if len({len(row) for row in asked.image}) > 1:
            raise Refused(422, "image: rows of different lengths")
        return np.array(asked.image, np.float32)
    try:
        content = base64.b64decode(asked.image, validate=True)
    except (binascii.Error, ValueError):
        raise Refused(422, "image: not base64") from None
    try:
        image = np.clip(pictures.read(content, MAX_PIXELS), 0, 1)
    except pictures.TooLarge as error:
        raise Refused(413, f"image: {error}") from None
    except pictures.PictureError as error:
        raise Refused(422, f"image: {error}") from None
    scale = SIDE / max(image.shape)
    if scale >= 1:
        return image
    shape = [max(1, round(length * scale)) for length in image.shape]
    return np.clip(resize(image, shape, anti_aliasing=True), 0, 1).astype(
        np.float32
    )  # rounding goes beyond


def _answer(asked, original, networks):
    rng = np.random.default_rng(asked.seed)
    noisy = asked.noise.corrupt(original, rng) if asked.noise else original
    reference = original if asked.noise else None
    names = [network.name for network in networks.all] if asked.models is None else asked.models
    done = networks.denoise(noisy, names)
    return {
        "height": original.shape[0],
        "width": original.shape[1],
        "original": _picture(original, asked.format),
        "noisy": _picture(noisy, asked.format, reference),
        "results": [
            {"name": name, "milliseconds": round(milliseconds, 2)}
            | _picture(image, asked.format, reference)
            for name, (image, milliseconds) in done.items()
        ],
    }


def _picture(image, form, reference=None):
    picture = {
        "image": base64.b64encode(pictures.png(image)).decode()
        if form == "png"
        else image.round(5).tolist(),
        "histogram": metrics.histogram(image, STEP).round(6).tolist(),
        "scores": None,
    }
    if reference is not None:
        mse = float(metrics.mse_per_image(image[None], reference[None])[0])
        clipped = metrics.mse_per_image(np.clip(image, 0, 1)[None], reference[None])[0]
        picture["scores"] = {"mse": mse, "psnr": float(metrics.psnr(clipped))}
    return picture


def examples(folder):
    """Digits of the test set that the published or the workspace's evaluation keeps; none where there are none."""
    for file in sorted(folder.glob("data/evaluated/*.npz")):
        (clean,) = read_arrays(file, "clean")
        return list(clean.astype(np.float32) / 255)
    return []
