"""An image file through a network or a filter, into a file of the same kind, page by page."""

import contextlib
import dataclasses
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import NoReturn, Protocol

import numpy as np

from denoising.files import InputError
from denoising.formats.base import Header, ImageFile, refuse
from denoising.formats.levels import FAR, extremes, not_finite, to_dtype, to_unit
from denoising.formats.opening import open_image
from denoising.formats.writing import create
from denoising.inference import levels, tiles, training_images
from denoising.inference.kept_pages import KeptPages
from denoising.inference.notes import Notes
from denoising.inference.training_images import TrainingImages
from denoising.middle import middle
from denoising.noise.estimate import estimated_sigma

LUMA = (0.299, 0.587, 0.114)  # of red, green, blue: ITU-R BT.601
CENTRE = 512  # pixels, side of the part of a page that its noise is estimated from

Correct = Callable[[np.ndarray], np.ndarray]


@dataclasses.dataclass(frozen=True)
class Choices:
    """What the user says.

    Attributes
    ----------
    black, white : float or None
        See `denoising.inference.levels.find`.
    grey : bool
        Colour becomes luma first.
    format : str or None
        Of the results, see `denoising.formats.writing.create`.
    correct : callable or None
        Of denoised pixel values, such as the inverse of what clipping did to their mean. Its
        `repr` tells it from others.
    """

    black: float | None = None
    white: float | None = None
    grey: bool = False
    format: str | None = None
    correct: Correct | None = None


class Means(Protocol):
    """What denoises pixels.

    Attributes
    ----------
    channels : int or None
        That it takes; None: any.
    """

    channels: int | None

    def bands(
        self, shape: tuple[int, ...], read: tiles.Read, progress: tiles.Progress
    ) -> Iterator[tuple[slice, np.ndarray]]:
        """An image (H, W, C), read and given back in bands of rows: see `tiles.bands`."""


class WholePages:
    """A filter of images (1, H, W, C), of a page as a whole: it may choose its strength by it."""

    channels: int | None = None

    def __init__(self, filtered: tiles.Predict) -> None:
        self.filtered = filtered

    def bands(
        self, shape: tuple[int, ...], read: tiles.Read, progress: tiles.Progress
    ) -> Iterator[tuple[slice, np.ndarray]]:
        """See `Means.bands`."""
        rows = slice(0, shape[0])
        yield rows, self.filtered(read(rows)[None])[0]
        progress(1)


class FileDenoiser:
    """Denoises files with one network or filter.

    Parameters
    ----------
    means : Means
    choices : Choices
    trained : TrainingImages or None
        What the network was trained on, if it is known.
    notes : Notes
        Told what the user should know.
    key : str
        Of the model and the choices, so that pages of a stack that was interrupted are used again
        only if they would be the same. "": none are kept.
    """

    def __init__(
        self,
        means: Means,
        choices: Choices,
        trained: TrainingImages | None,
        notes: Notes,
        key: str = "",
    ) -> None:
        self.means, self.choices, self.trained, self.notes = means, choices, trained, notes
        self.key = key

    def denoise(
        self, source: Path, target: Path, progress: tiles.Progress = lambda share: None
    ) -> None:
        """Denoise a file: format, type, channels, pages and metadata stay.

        Parameters
        ----------
        source, target : Path
            `target` appears when it is whole.
        progress : callable
            Called after every tile, with its share of the file.

        Raises
        ------
        InputError
            If the file is damaged, or the result would be meaningless or cannot be written.
        """
        with contextlib.ExitStack() as stack:
            image = stack.enter_context(open_image(source))
            grey = self.choices.grey and image.header.channels == 3
            like = dataclasses.replace(image.header, channels=1) if grey else image.header
            self._check_channels(like)
            writer = stack.enter_context(
                create(target, like if grey else image, format=self.choices.format)
            )
            self._say_of_formats(image.header, writer.header, grey)
            found = levels.find(image, self.choices.black, self.choices.white, self.trained)
            if found.guess:
                text = f"white is {found.white:g}, black {found.black:g} ({found.why})"
                advice = "set --white to say otherwise"
                self.notes.note(f"white is {found.white:g}", source, f"{text}; {advice}")
            one = _File(self, image, writer.header, found, grey)
            kept = self._kept(image.header, target, found)
            pages = image.header.pages

            def done(page: int) -> np.ndarray:
                return one.page(page, lambda share: progress(share / pages))

            def write(page: int, result: np.ndarray, is_new: bool) -> None:
                if kept and is_new:
                    kept.put(page, result)
                writer.write(page, result)

            pool = stack.enter_context(ThreadPoolExecutor(1))
            writing: Future[None] | None = None  # the page before, while the next one is denoised
            for page in range(pages):
                known = kept.get(page) if kept else None
                result = done(page) if known is None else known
                if known is not None:
                    progress(1 / pages)
                if writing:
                    writing.result()
                writing = pool.submit(write, page, result, known is None)
            if writing:
                writing.result()
        if kept:
            kept.clear()

    def _kept(self, header: Header, target: Path, found: levels.Levels) -> KeptPages | None:
        if not self.key or header.pages == 1:
            return None
        state = header.path.stat()
        about = (self.key, state.st_size, state.st_mtime_ns, header.shape, header.pages, found)
        return KeptPages(target, repr(about))

    def _check_channels(self, header: Header) -> None:
        channels = self.means.channels
        if channels in (None, header.channels):
            return
        if channels != 1:
            # three equal channels would have equal noise, which such a network takes for signal
            refuse(
                header.path,
                f"has {header.channels} channel, but the network was trained on {channels}; "
                "use a network of one channel",
            )
        text = "colour, but the network is for grey images: each channel is denoised by itself"
        advice = "--grey converts to grey first"
        self.notes.note("each channel by itself", header.path, f"{text}; {advice}")

    def _say_of_formats(self, old: Header, new: Header, grey: bool) -> None:
        if grey:
            text = "colours become grey, and tags and metadata are left out"
            self.notes.note("colours become grey", old.path, text)
        elif new.format != old.format:
            text = f"tags and metadata of {old.format} are not carried into {new.format}"
            self.notes.note(text, old.path, text)
        if new.format == "JPEG":
            text = "JPEG loses a little of the result; --format png keeps all of it"
            self.notes.note("JPEG loses a little", old.path, text)


class _File:
    """A file that is being denoised, into one with the header `new`."""

    def __init__(
        self, by: FileDenoiser, image: ImageFile, new: Header, found: levels.Levels, grey: bool
    ) -> None:
        self.by, self.image, self.new, self.levels, self.grey = by, image, new, found, grey
        self.low, self.high = np.inf, -np.inf  # of the file, as far as it was read
        self.page_high = -np.inf

    def page(self, page: int, progress: tiles.Progress) -> np.ndarray:
        """A denoised page (H, W, C), of the type that is written."""
        by, header = self.by, self.new
        self.page_high = -np.inf
        self._compare_noise(page)
        result = np.empty(header.shape, header.dtype)

        def read(rows: slice) -> np.ndarray:
            return self._unit(page, rows)

        bands = by.means.bands(header.shape, read, progress)
        for rows, done in bands:
            if by.choices.correct is not None:
                done = by.choices.correct(done)
            if not np.isfinite(done).all():
                self._refuse(page, "the answer is not finite")
            result[rows] = to_dtype(done, header.dtype, self.levels.black, self.levels.white)
        self._compare_range()
        if header.dtype.kind != "f" and self.page_high <= 1:
            # 12 bits in a file of 16 stay 12 bits
            white = to_dtype(1, header.dtype, self.levels.black, self.levels.white)
            np.minimum(result, white, out=result)
        return result

    def _compare_range(self) -> None:
        by, header = self.by, self.image.header
        if by.trained is not None:
            for text in training_images.unlike_range(by.trained, self.low, self.high):
                by.notes.warn("values beyond those of the training images", header.path, text)
        elif header.dtype.kind != "f" and (self.low < 0 or self.high > 1):
            text = f"values from {self.low:.3g} to {self.high:.3g} of white ({self.levels.why})"
            by.notes.warn("values beyond black and white", header.path, text)

    def _compare_noise(self, page: int) -> None:
        by, header = self.by, self.image.header
        if by.trained is None or by.trained.noise_sigma is None:
            return
        rows, columns = middle(header.shape, CENTRE)
        centre = self._unit(page, rows)[:, columns]
        with contextlib.suppress(InputError):  # too small to tell
            sigma = estimated_sigma(centre)
            for text in training_images.unlike_noise(by.trained, sigma):
                by.notes.warn("noise unlike that of the training images", header.path, text)

    def _unit(self, page: int, rows: slice) -> np.ndarray:
        """Rows of a page on the scale [0, 1], if a network can make sense of them."""
        pixels = self.image.read(page, rows)
        *ends, lost = extremes([pixels])
        if lost:
            self._refuse(page, not_finite(lost))
        black, white, why, _ = self.levels
        low, high = ((end - black) / (white - black) for end in ends)
        if max(-low, high) > FAR:
            self._refuse(
                page,
                f"values up to {max(-low, high):.6g} times white, which is {white:g} ({why}); set "
                "--white",
            )
        self.low, self.high = min(self.low, low), max(self.high, high)
        self.page_high = max(self.page_high, high)
        unit = to_unit(pixels, black, white)
        return (unit @ np.array(LUMA, np.float32))[..., None] if self.grey else unit

    def _refuse(self, page: int, reason: str) -> NoReturn:
        header = self.image.header
        refuse(header.path, f"page {page + 1}: {reason}" if header.pages > 1 else reason)
