"""Denoise image files, or folders of them, with a trained network.

    python -m denoising.cli results/article/models/cae.keras scans/ --out denoised/

Results are 8-bit grey PNG files. No input is ever overwritten, and a result that is there already
is left as it is, so that a stopped run goes on where it was.
"""

import argparse
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NoReturn

from denoising.files import InputError, PathLike, write_bytes
from denoising.inference import images, model_files

MAX_PIXELS = 100_000_000  # of an image
SUFFIXES = {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".gif", ".webp"}


class Parser(argparse.ArgumentParser):
    """Arguments of a command. A mistake in them is answered in one line, without the usage."""

    def error(self, message: str) -> NoReturn:
        """End the process with exit code 2."""
        self.exit(2, f"error: {message}; --help lists the arguments\n")


def jobs(inputs: Iterable[PathLike], out: Path) -> dict[Path, Path]:
    """The output file of every input file.

    A file that is given by itself goes into `out` under its name, a file of a folder that is given
    under its path in that folder.

    Raises
    ------
    InputError
        If `out` is no folder, an input is missing or has no images, or two inputs, or an input and
        an output, would be one file.
    """
    if out.exists() and not out.is_dir():
        raise InputError(f"--out {out}: is not a folder")
    found: dict[Path, Path] = {}
    for given in map(Path, inputs):
        if given.is_dir():
            found |= _of_folder(given, out)
        elif given.is_file():
            found[given] = out / f"{given.stem}.png"
        else:
            raise InputError(f"{given}: no such file or folder")
    by_output: dict[Path, Path] = {}
    sources = {file.resolve() for file in found}
    for file, target in found.items():
        other = by_output.setdefault(target.resolve(), file)
        if other != file:
            raise InputError(f"{file} and {other}: both would become {target}")
        if target.resolve() in sources:
            raise InputError(f"{target}: is an input; choose another folder by --out")
    return found


def _of_folder(folder: Path, out: Path) -> dict[Path, Path]:
    if out.resolve() == folder.resolve():
        raise InputError(f"--out {out}: is the folder of the inputs; choose another")
    files = sorted(
        file
        for file in folder.rglob("*")
        if file.suffix.lower() in SUFFIXES
        and file.is_file()
        and out.resolve() not in file.resolve().parents  # results of an earlier run are no inputs
    )
    if not files:
        allowed = ", ".join(sorted(SUFFIXES))
        raise InputError(f"{folder}: no image files there; their names should end in {allowed}")
    return {file: out / file.relative_to(folder).with_suffix(".png") for file in files}


def run(
    model_file: PathLike,
    found: Mapping[Path, Path],
    sigma: float | None = None,
    white: float | None = None,
) -> int:
    """Denoise the files whose results are not there yet.

    Parameters
    ----------
    found : mapping
        See `jobs`.
    sigma : float, optional
        Of the clipped Gaussian noise in the network's training targets, in pixel values: the
        network has learned their mean, whose inverse corrects its output. None: no correction.
    white : float, optional
        See `denoising.inference.images.read`.

    Returns
    -------
    int
        How many files failed; each was named in a line on stderr.

    Raises
    ------
    InputError
        If the model file is not one.
    """
    waiting = {file: target for file, target in found.items() if not target.exists()}
    if len(waiting) < len(found):
        print(f"{len(found) - len(waiting)} of {len(found)} are there already")
    if not waiting:
        return 0

    # TensorFlow takes seconds to import: only when there is work
    from tqdm import tqdm

    from denoising.compute import backend, execution
    from denoising.compute.plan import Plan
    from denoising.inference import tiles
    from denoising.noise.clipping import unclipped_mean

    backend.prepare(0)
    plan = Plan(backend.resolve_precision("auto"))
    model = execution.for_inference(model_files.load(model_file), plan)
    failed = 0
    bar = tqdm(waiting.items(), unit="image", disable=None)
    for file, target in bar:
        try:
            image = images.read(file.read_bytes(), MAX_PIXELS, white)
            result = tiles.denoise(model, image)
            if sigma is not None:
                result = unclipped_mean(result, sigma)
            write_bytes(target, images.png(result))
        except images.ImageError as error:
            failed += 1
            bar.write(f"error: {file}: {error}", file=sys.stderr)
        except OSError as error:
            failed += 1
            bar.write(f"error: {_reason(error, file)}", file=sys.stderr)
    print(f"{len(waiting) - failed} of {len(waiting)} denoised")
    return failed


def _reason(error: OSError, file: object) -> str:
    return f"{error.filename or file}: {error.strerror or error}"


def main() -> NoReturn:
    """Run the command line.

    Exit codes: 0 done, 1 bad input or a file that failed, 2 wrong usage, 130 interrupted.
    """
    parser = Parser(prog="python -m denoising.cli", description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, help="a .keras file that the pipeline trained")
    parser.add_argument(
        "inputs", nargs="+", help="image files, or folders that are searched for them"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for the results")
    parser.add_argument(
        "--unclip",
        type=float,
        metavar="SIGMA",
        help="the network learned from noisy targets of this sigma that were clipped to [0, 1]",
    )
    parser.add_argument(
        "--white",
        type=float,
        metavar="VALUE",
        help="the value that means white, such as 4095 for 12 bits stored in 16; without it 255 "
        "in files of 8 bits, 65535 of 16 and 32 bits, 1 of floating point",
    )
    arguments = parser.parse_args()
    try:
        if arguments.unclip is not None and not 0 < arguments.unclip <= 10:
            raise InputError(f"--unclip {arguments.unclip}: should be over 0 and at most 10")
        if arguments.white is not None and not 0 < arguments.white < float("inf"):
            raise InputError(f"--white {arguments.white}: should be over 0 and finite")
        model_files.check(arguments.model)
        found = jobs(arguments.inputs, arguments.out)
        failed = run(arguments.model, found, arguments.unclip, arguments.white)
    except InputError as error:
        sys.exit(f"error: {error}")
    except OSError as error:
        sys.exit(f"error: {_reason(error, arguments.model)}")
    except KeyboardInterrupt:
        print("interrupted; the same command goes on", file=sys.stderr)
        sys.exit(130)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
