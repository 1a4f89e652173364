"""What the API takes and answers, as pydantic models; the OpenAPI document is made of these."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from denoising.noise.models import Noise

SIDE = 128  # pixels; larger images are reduced to fit
Row = Annotated[list[Annotated[float, Field(ge=0, le=1)]], Field(min_length=1, max_length=SIDE)]


class Message(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class DenoiseRequest(Message):
    image: str | Annotated[list[Row], Field(min_length=1, max_length=SIDE)] = Field(
        description="An image file (PNG, JPEG, TIFF, BMP, GIF, WebP) in base64, or rows of pixel values, 0 black, 1 white."
    )
    noise: Noise | None = Field(
        None, description="Noise to be added first; null: the image is noisy already."
    )
    seed: int = Field(0, ge=0, lt=2**32, description="The same seed gives the same noise.")
    models: Annotated[list[str], Field(max_length=32)] | None = Field(
        None, description="Names of networks; null: all."
    )
    format: Literal["png", "array"] = Field(
        "png", description="Of the images in the answer: PNG files in base64, or arrays."
    )
    client: str | None = Field(
        None,
        max_length=64,
        description="With `sequence`: a request that waits is dropped for a later one.",
    )
    sequence: int | None = Field(None, ge=0, lt=2**53)


class Scores(Message):
    mse: float
    psnr: float = Field(description="dB, of the image clipped to [0, 1]; at most 100")


class Picture(Message):
    image: str | list[list[float]]
    histogram: list[float] = Field(description="Shares of pixels around -0.25, -0.2, ... 1.25.")
    scores: Scores | None = Field(
        None, description="Against the image before noise was added; null where none was."
    )


class Denoised(Picture):
    name: str
    milliseconds: float


class DenoiseResponse(Message):
    height: int
    width: int
    original: Picture
    noisy: Picture
    results: list[Denoised]


class NetworkDescription(Message):
    name: str
    parameters: int
    target: Literal["clean", "noisy"] = Field(description="What the network learned from.")
    noise: Noise = Field(description="The noise that it was trained for.")


class ModelsResponse(Message):
    source: Literal["published", "workspace"] | None
    message: str | None = Field(description="What to do where there are no networks.")
    models: list[NetworkDescription]


class DigitsResponse(Message):
    digits: list[str] = Field(description="Images of the test set, PNG files in base64.")


class HealthResponse(Message):
    status: Literal["ok"]


class ErrorResponse(Message):
    error: str = Field(description="One line that says why.")
