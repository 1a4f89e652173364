"""The Flask application: the page, and the small API below it."""

import base64
import binascii
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from flask import Flask, Response, jsonify, request
from pydantic import ValidationError
from werkzeug.exceptions import HTTPException

from demo import openapi
from demo.messages import SIDE, DenoiseRequest
from demo.networks import Networks
from denoising.data.datasets import to_unit
from denoising.evaluation import metrics
from denoising.files import read_arrays
from denoising.inference import images

MAX_BYTES = 8_000_000  # of a request
MAX_PIXELS = 16_000_000  # of an image file, before it is reduced to SIDE x SIDE
AT_ONCE = 4  # requests that are worked on or wait for their turn; the next is answered with 503
STEP = 0.05  # pixel values, width of the histograms' bins

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data: blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


class Refused(Exception):
    """A request that is answered with an HTTP status and one line."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


def create(
    networks: Networks, digits: Iterable[np.ndarray], hosts: list[str] | None = None
) -> Flask:
    """The application.

    Parameters
    ----------
    digits : iterable of ndarray (H, W, 1) float32
        Examples for visitors to choose from, on the scale [0, 1].
    hosts : list of str, optional
        Host names that requests may be addressed to; None: any.
    """
    app = Flask("demo", static_folder="static", static_url_path="/static")
    app.config.update(MAX_CONTENT_LENGTH=MAX_BYTES, TRUSTED_HOSTS=hosts)
    answers: Any = app.json
    answers.sort_keys, answers.compact = False, True
    room, latest, decoding = _Room(AT_ONCE), _Latest(), threading.Lock()
    app.extensions["waiting"] = lambda: room.taken
    document = openapi.document()
    known = [network.name for network in networks.all]

    @app.get("/")
    def page() -> Any:
        return app.send_static_file("index.html")

    @app.get("/health")
    def health() -> Any:
        return {"status": "ok"}

    @app.get("/api/openapi.json")
    def api() -> Any:
        return document

    @app.get("/api/models")
    def models() -> Any:
        listed = [
            {
                "name": one.name,
                "parameters": one.parameters,
                "target": one.targets,
                "noise": one.noise.model_dump(),
            }
            for one in networks.all
        ]
        place = {"source": networks.place, "message": networks.missing}
        return place | {"channels": networks.channels, "models": listed}

    @app.get("/api/digits")
    def some_digits() -> Any:
        return {"digits": [_text(images.png(digit)) for digit in digits]}

    @app.post("/api/denoise")
    def denoise() -> Any:
        with room:  # before anything is decoded: a refusal should cost almost nothing
            asked = _parse(known)
            latest.see(asked)
            with decoding:  # one large image in memory at a time
                image = _image(asked, networks.channels)
            with networks.turn:
                if latest.has_later(asked):
                    raise Refused(409, "overtaken by a later request of the same client")
                return _answer(asked, image, networks)

    @app.errorhandler(Refused)
    def refused(error: Refused) -> Any:
        later = {"Retry-After": "1"} if error.status == 503 else {}
        return jsonify(error=error.reason), error.status, later

    @app.errorhandler(HTTPException)
    def failed(error: HTTPException) -> Any:
        too_large = f"more than the {MAX_BYTES / 1e6:g} MB that are allowed"
        reason = too_large if error.code == 413 else error.name.lower()
        allow = {name: value for name, value in error.get_headers() if name == "Allow"}
        return jsonify(error=reason), error.code, allow

    @app.errorhandler(Exception)
    def broken(error: Exception) -> Any:
        app.logger.exception("unexpected", exc_info=error)
        return jsonify(error="internal error"), 500

    @app.after_request
    def secure(response: Response) -> Response:
        response.headers.update(HEADERS)
        if request.path.startswith("/api/"):
            response.headers["Cache-Control"] = "no-store"
        return response

    return app


class _Room:
    """Room for so many requests at once; the next is refused."""

    def __init__(self, places: int) -> None:
        self.taken, self._places, self._lock = 0, places, threading.Lock()

    def __enter__(self) -> None:
        with self._lock:
            if self.taken == self._places:
                raise Refused(503, "too many requests at once")
            self.taken += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self.taken -= 1


class _Latest:
    """The highest sequence number of each client, for the last thousand clients."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._lock = threading.Lock()

    def see(self, asked: DenoiseRequest) -> None:
        """Note a request's number."""
        if asked.client is None or asked.sequence is None:
            return
        with self._lock:
            number = max(asked.sequence, self._numbers.pop(asked.client, 0))
            self._numbers[asked.client] = number
            while len(self._numbers) > 1000:
                del self._numbers[next(iter(self._numbers))]

    def has_later(self, asked: DenoiseRequest) -> bool:
        """Has the same client asked again since?"""
        if asked.client is None or asked.sequence is None:
            return False
        with self._lock:
            return self._numbers.get(asked.client, 0) > asked.sequence


def _parse(known: list[str]) -> DenoiseRequest:
    if not request.is_json:
        raise Refused(415, "the body should be application/json")
    try:
        asked = DenoiseRequest.model_validate_json(request.get_data())
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        if first["type"] == "json_invalid":
            raise Refused(400, "the body is not valid JSON") from None
        # keys are the client's choice: escaped, and not repeated at any length
        place = ".".join(repr(str(part))[1:41].rstrip("'") for part in first["loc"])
        raise Refused(422, f"{place or 'body'}: {first['msg']}") from None
    unknown = [name for name in asked.models or [] if name not in known]
    if unknown:
        raise Refused(422, f"models: unknown network; there are {', '.join(known)}")
    return asked


def _image(asked: DenoiseRequest, channels: int) -> np.ndarray:
    """The pixels (H, W, channels) float32 in [0, 1], at most SIDE x SIDE."""
    if not isinstance(asked.image, str):
        if len({len(row) for row in asked.image}) > 1:
            raise Refused(422, "image: rows of different lengths")
        return np.repeat(np.array(asked.image, np.float32)[..., None], channels, axis=-1)
    try:
        content = base64.b64decode(asked.image, validate=True)
    except (binascii.Error, ValueError):
        raise Refused(422, "image: not base64") from None
    try:
        image = np.clip(images.read(content, MAX_PIXELS, channels), 0, 1)
    except images.TooLarge as error:
        raise Refused(413, f"image: {error}") from None
    except images.ImageError as error:
        raise Refused(422, f"image: {error}") from None
    height, width, _ = image.shape
    scale = SIDE / max(height, width)
    if scale >= 1:
        return image
    from skimage.transform import resize  # takes half a second to import

    shape = [max(1, round(length * scale)) for length in (height, width)]
    smaller = resize(image, shape, anti_aliasing=True)
    return np.clip(smaller, 0, 1).astype(np.float32)  # its rounding leaves [0, 1]


def _answer(asked: DenoiseRequest, original: np.ndarray, networks: Networks) -> dict[str, Any]:
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


def _picture(image: np.ndarray, form: str, reference: np.ndarray | None = None) -> dict[str, Any]:
    """An image (H, W, 1 or 3) as the API gives it: a file, or rows of pixel values."""
    rows = image[..., 0] if image.shape[-1] == 1 else image
    picture: dict[str, Any] = {
        "image": _text(images.png(image)) if form == "png" else rows.round(5).tolist(),
        "histogram": metrics.histogram(image, STEP).round(6).tolist(),
        "scores": None,
    }
    if reference is not None:
        mse = float(metrics.mse_per_image(image[None], reference[None])[0])
        clipped = metrics.mse_per_image(np.clip(image, 0, 1)[None], reference[None])[0]
        picture["scores"] = {"mse": mse, "psnr": float(metrics.psnr(clipped))}
    return picture


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()


def examples(folder: Path) -> list[np.ndarray]:
    """Digits of the test set, (H, W, 1) float32 each, that an evaluation in a folder has kept.

    There are none if nothing was evaluated.
    """
    for file in sorted(folder.glob("data/evaluated/*.npz")):
        (clean,) = read_arrays(file, "clean")
        return list(to_unit(clean))
    return []
