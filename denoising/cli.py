"""Denoise image files, or folders of them, with a trained network.

    python -m denoising.cli results/article/models/cae.keras scans/ --out denoised/

Results keep the format, bit depth, channels, pages and metadata of the inputs. No input is
overwritten, and results that exist already are not computed again, so that the same command
continues a run that was stopped.
"""

import argparse
import dataclasses
import math
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from denoising.files import InputError, PathLike, read_json, sha256
from denoising.formats.base import shown
from denoising.formats.opening import CALLED
from denoising.inference import jobs, model_files, training_images
from denoising.inference.files import Choices, Correct, FileDenoiser
from denoising.inference.notes import Notes

MODULE = "python -m denoising.cli"
BAR = "{percentage:3.0f}%|{bar}| {n:.2f}/{total} images [{elapsed}<{remaining}]{postfix}"


class Parser(argparse.ArgumentParser):
    """Arguments of a command. A mistake in them is answered in one line, without the usage."""

    def error(self, message: str) -> NoReturn:
        """End the process with exit code 2."""
        self.exit(2, f"error: {message}; --help lists the arguments\n")


@dataclasses.dataclass(frozen=True)
class Corrected:
    """Corrects the means that noise moved, as a section of a dataset says what the noise is."""

    noise: dict[str, Any]

    def __call__(self, denoised: np.ndarray) -> np.ndarray:
        from denoising.noise.base import Noise  # SciPy takes a while to import
        from denoising.sections import read_kind

        noise: Noise = read_kind("noise", self.noise, "noise")
        return noise.debias(denoised).astype(np.float32)


def run(model_file: PathLike, found: Mapping[Path, Path], choices: Choices) -> int:
    """Denoise the files whose results are not there yet.

    Parameters
    ----------
    model_file : path-like
    found : mapping
        See `denoising.inference.jobs.jobs`.
    choices : Choices

    Returns
    -------
    int
        How many files failed; each was named in a line on stderr.

    Raises
    ------
    InputError
        If the model file, or what is beside it, is damaged.
    """

    def made(notes: Notes) -> FileDenoiser:
        trained = training_images.of_model(model_file)
        # TensorFlow takes seconds to import: only when there is work
        from denoising.compute import backend
        from denoising.inference.prepared import Prepared

        backend.prepare(0)
        precision = backend.resolve_precision("auto")
        network = Prepared(model_files.load(model_file), precision=precision, log=notes.say)
        if trained is None:
            text = "no file beside it says what its training images were"
            notes.note(text, Path(model_file), text)
        key = f"{sha256(model_file)} {precision} {choices}"
        return FileDenoiser(network, choices, trained, notes, key)

    return through(made, found)


def through(made: Callable[[Notes], FileDenoiser], found: Mapping[Path, Path]) -> int:
    """Denoise the files whose results are not there yet, by what is made where there is work.

    Returns
    -------
    int
        How many files failed; each was named in a line on stderr.
    """
    waiting = {file: target for file, target in found.items() if not target.exists()}
    if len(waiting) < len(found):
        print(f"{len(found) - len(waiting)} of {len(found)} results exist already")
    if not waiting:
        return 0

    from tqdm import tqdm

    failed = 0
    with tqdm(total=len(waiting), bar_format=BAR, disable=None) as bar:

        def say(line: str) -> None:
            bar.write(line, file=sys.stderr)

        notes = Notes(say)
        by = made(notes)
        for number, (file, target) in enumerate(waiting.items(), 1):
            bar.set_postfix_str(shown(file.name))
            try:
                by.denoise(file, target, bar.update)
            except InputError as error:
                failed += 1
                say(f"error: {error}")
            except OSError as error:
                failed += 1
                say(f"error: {_reason(error, file)}")
            except MemoryError:
                failed += 1
                say(f"error: {shown(file)}: needs more memory than this machine has")
            bar.update(number - bar.n)
        notes.end()
    print(f"{len(waiting) - failed} of {len(waiting)} denoised")
    return failed


def _reason(error: OSError, file: PathLike) -> str:
    return f"{shown(error.filename or file)}: {error.strerror or error}"


def _note(line: str) -> None:
    print(f"note: {line}", file=sys.stderr)


def _arguments() -> argparse.Namespace:
    called = Path(sys.argv[0]).name
    summary, _, more = __doc__.split("\n\n")
    parser = Parser(prog=MODULE if called == "cli.py" else called, description=summary, epilog=more)
    parser.add_argument("model", type=Path, help="trained network, a .keras file of the pipeline")
    parser.add_argument("inputs", nargs="+", help="image files, or folders to search for them")
    parser.add_argument("--out", type=Path, required=True, help="folder for the results")
    parser.add_argument(
        "--format",
        choices=sorted(CALLED),
        help="format of the results; default: the format of each input",
    )
    moved = parser.add_mutually_exclusive_group()
    moved.add_argument(
        "--unclip",
        type=float,
        metavar="SIGMA",
        help="correct a network that learned from noisy targets clipped to [0, 1]: the standard "
        "deviation of their noise, for pixel values from 0 to 1",
    )
    moved.add_argument(
        "--noise",
        type=Path,
        metavar="FILE",
        help="likewise, for noise of any kind that moves means: the dataset's noise.json, which "
        "lies in data/noisy/DATASET",
    )
    parser.add_argument(
        "--white",
        type=float,
        metavar="VALUE",
        help="pixel value of white, such as 4095 for 12 bits stored in 16. Default: what the "
        "file's tags say; else as in the training images, if they had the same type; else 255 for "
        "8 bits, 1 for floating point, and for 16 bits the largest value of the 8, 10, 12, 14 or "
        "16 bits that the file's values need",
    )
    parser.add_argument(
        "--black",
        type=float,
        metavar="VALUE",
        help="pixel value of black. Default: by the tags or training images that say what is "
        "white, else 0",
    )
    parser.add_argument(
        "--grey",
        action="store_true",
        help="convert colour images to grey first. Default: a network for grey images denoises "
        "each colour channel by itself",
    )
    return parser.parse_args()


def _choices(arguments: argparse.Namespace) -> Choices:
    white, black, sigma = arguments.white, arguments.black, arguments.unclip
    if sigma is not None and not 0 < sigma <= 10:
        raise InputError(f"--unclip {sigma}: should be over 0 and at most 10")
    if black is not None and not math.isfinite(black):
        raise InputError(f"--black {black}: should be finite")
    if white is not None and not (black or 0) < white < math.inf:
        raise InputError(f"--white {white}: should be over {black or 0:g} and finite")
    correct: Correct | None = None
    if sigma is not None:
        correct = Corrected({"name": "gaussian", "sigma": sigma, "clip": True})
    elif arguments.noise is not None:
        correct = correction(arguments.noise)
    form = CALLED[arguments.format] if arguments.format else None
    return Choices(black, white, arguments.grey, form, correct)


def correction(noise_file: PathLike) -> Corrected:
    """Of the means that the noise of a dataset moves, by its noise.json.

    Raises
    ------
    InputError
        If it is none, or the mean of such noise cannot be inverted.
    """
    from denoising.noise.base import Noise
    from denoising.sections import read_kind

    section = read_json(noise_file, "noise")["noise"]
    noise: Noise = read_kind("noise", section, f"{noise_file}: noise")
    if not noise.invertible:
        raise InputError(f"{noise_file}: noise {section['name']}: its mean cannot be inverted")
    return Corrected(section)


def main() -> NoReturn:
    """Run the command line.

    Exit codes: 0 done, 1 bad input or a file that failed, 2 wrong usage, 130 interrupted.
    """
    arguments = _arguments()
    try:
        choices = _choices(arguments)
        model_files.check(arguments.model)
        found = jobs.jobs(arguments.inputs, arguments.out, choices.format, _note)
        failed = run(arguments.model, found, choices)
    except InputError as error:
        sys.exit(f"error: {error}")
    except OSError as error:
        sys.exit(f"error: {_reason(error, arguments.model)}")
    except KeyboardInterrupt:
        print("interrupted; the same command continues", file=sys.stderr)
        sys.exit(130)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
