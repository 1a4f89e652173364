"""Requests and answers of the API, as pydantic models; the OpenAPI document is made of these."""

from typing import Annotated, Any, Literal, Union

from pydantic import BaseModel, ConfigDict, Field

from denoising import sections

Noise: Any = sections.union("noise")
_KINDS = tuple(sections.kind("noise", name) for name in sections.kinds("noise"))
_DRAWN = tuple(one for one in _KINDS if one.is_model)  # type: ignore[attr-defined]
Drawn: Any = Annotated[Union[_DRAWN], Field(discriminator="name")]  # noqa: UP007  # a tuple
SIDE = 128  # pixels; larger images are reduced to fit
Row = Annotated[list[Annotated[float, Field(ge=0, le=1)]], Field(min_length=1, max_length=SIDE)]


class Message(BaseModel):
    """Unknown keys are errors, types are not converted."""

    model_config = ConfigDict(extra="forbid", strict=True)


class DenoiseRequest(Message):
    """An image to denoise, and the noise to add first."""

    image: str | Annotated[list[Row], Field(min_length=1, max_length=SIDE)] = Field(
        description="An image file (PNG, JPEG, TIFF, BMP, GIF, WebP) in base64, or rows of grey "
        "pixel values, 0 black, 1 white. Where `/api/models` says three channels, colour is kept, "
        "grey becomes three equal channels, and a network of one channel denoises each by itself; "
        "else colour becomes luma."
    )
    noise: Drawn | None = Field(
        None,
        description="Noise to be added first, to each channel its own; null: the image is noisy "
        "already.",
    )
    seed: int = Field(0, ge=0, lt=2**32, description="The same seed gives the same noise.")
    models: Annotated[list[str], Field(max_length=32)] | None = Field(
        None, description="Names of networks; null: all."
    )
    format: Literal["png", "array"] = Field(
        "png",
        description="How the answer gives images: PNG files in base64, or rows of pixel values.",
    )
    client: str | None = Field(
        None,
        max_length=64,
        description="With `sequence`: a waiting request is dropped when the same client sends a "
        "later one.",
    )
    sequence: int | None = Field(None, ge=0, lt=2**53)


class Scores(Message):
    """Errors of an image."""

    mse: float
    psnr: float = Field(description="dB, of the image clipped to [0, 1]; at most 100")


class Picture(Message):
    """An image with its histogram and its errors."""

    image: str | list[list[float]] | list[list[list[float]]] = Field(
        description="Rows of pixel values have three each where a network was trained on colour."
    )
    histogram: list[float] = Field(
        description="Shares of the pixel values of all channels around -0.25, -0.2, ... 1.25."
    )
    scores: Scores | None = Field(
        None,
        description="Over all channels, against the image before noise was added; null where none "
        "was.",
    )


class Denoised(Picture):
    """What one network made of the noisy image."""

    name: str
    milliseconds: float


class DenoiseResponse(Message):
    """The image, with its noise, and denoised by every network asked for."""

    height: int
    width: int
    original: Picture
    noisy: Picture
    results: list[Denoised]


class NetworkDescription(Message):
    """A trained network."""

    name: str
    parameters: int
    target: Literal["clean", "noisy"] = Field(description="What the network learned from.")
    noise: Noise = Field(description="The noise that it was trained for.")


class ModelsResponse(Message):
    """The trained networks, and where they come from."""

    source: Literal["published", "workspace"] | None
    message: str | None = Field(description="What to do if there are no networks; else null.")
    channels: Literal[1, 3] = Field(description="Of images: 1, colour becomes grey.")
    models: list[NetworkDescription]


class DigitsResponse(Message):
    """Examples to choose from."""

    digits: list[str] = Field(description="Images of the test set, PNG files in base64.")


class HealthResponse(Message):
    """The server is there."""

    status: Literal["ok"]


class ErrorResponse(Message):
    """Why a request was refused."""

    error: str = Field(description="One line that says why.")
