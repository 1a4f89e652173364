"""Denoise image files, or folders of them, with a trained network:

    python -m denoising.cli results/article/models/cae.keras scans/ --out denoised/

Results are 8-bit grey PNG files. No input is ever overwritten, and a result that is there already is left as it is, so that
a stopped run goes on where it was.
"""

import argparse
import sys
from pathlib import Path

from tqdm import tqdm

from denoising.files import InputError, write_bytes
from denoising.inference import images as pictures

MAX_PIXELS = 100_000_000
SUFFIXES = {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".gif", ".webp"}


def jobs(inputs, out):
    """Which file becomes which: files by name, those of folders by their place in it.

    Returns
    -------
    dict of Path to Path
        Output by input.

    Raises
    ------
    InputError
        If an input is missing or has no images, or two inputs, or an input and an output, would be one file.
    """
    found = {}
    for given in map(Path, inputs):
        if given.is_dir():
            if out.resolve() == given.resolve():
                raise InputError(f"--out {out}: is the folder of the inputs; choose another")
            files = sorted(
                file
                for file in given.rglob("*")
                if file.suffix.lower() in SUFFIXES and file.is_file()
            )
            # results of an earlier run below the folder are no inputs
            files = [file for file in files if out.resolve() not in file.resolve().parents]
            if not files:
                raise InputError(
                    f"{given}: no image files there; taken are {', '.join(sorted(SUFFIXES))}"
                )
            found |= {file: out / file.relative_to(given).with_suffix(".png") for file in files}
        elif given.is_file():
            found[given] = out / f"{given.stem}.png"
        else:
            raise InputError(f"{given}: no such file or folder")
    by_output = {}
    sources = {file.resolve() for file in found}
    for file, target in found.items():
        other = by_output.setdefault(target.resolve(), file)
        if other != file:
            raise InputError(f"{file} and {other}: both would become {target}")
        if target.resolve() in sources:
            raise InputError(f"{target}: is an input; choose another folder by --out")
    return found


def run(model_file, found, sigma=None, white=None):
    """Denoise what is not there yet; return how many files failed."""
    waiting = {file: target for file, target in found.items() if not target.exists()}
    if len(waiting) < len(found):
        print(f"{len(found) - len(waiting)} of {len(found)} are there already")
    if not waiting:
        return 0
    from denoising.compute import backend, execution
    from denoising.inference.predict import (
        model_files as saving,
    )  # TensorFlow, which takes seconds, only when there is work
    from denoising.noise.models import unclipped_mean

    backend.prepare(0)
    model = execution.for_inference(saving.load(model_file), backend.resolve_precision("auto"))
    failed = 0
    bar = tqdm(waiting.items(), unit="image", disable=None)
    for file, target in bar:
        try:
            image = pictures.read(file.read_bytes(), MAX_PIXELS, white)
            result = pictures.denoise(
                model, image, lambda batch: model.predict_on_batch(batch[..., None])[..., 0]
            )
            write_bytes(
                target, pictures.png(result if sigma is None else unclipped_mean(result, sigma))
            )
        except (pictures.PictureError, OSError) as error:
            failed += 1
            bar.write(
                f"error: {file}: {getattr(error, 'strerror', None) or error}", file=sys.stderr
            )
    print(f"{len(waiting) - failed} of {len(waiting)} denoised")
    return failed


def main():
    parser = argparse.ArgumentParser(
        prog="python -m denoising.cli", description=__doc__.splitlines()[0].rstrip(":")
    )
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
        help="which value of the files means white: 4095 for 12 bits in 16; otherwise that of their format",
    )
    arguments = parser.parse_args()
    try:
        if arguments.unclip is not None and not 0 < arguments.unclip <= 10:
            raise InputError(f"--unclip {arguments.unclip}: should be over 0 and at most 10")
        if arguments.white is not None and not 0 < arguments.white < float("inf"):
            raise InputError(f"--white {arguments.white}: should be over 0")
        if not arguments.model.is_file():
            raise InputError(
                f"{arguments.model}: no such file; `make repro` trains networks into models/"
            )
        failed = run(
            arguments.model,
            jobs(arguments.inputs, arguments.out),
            arguments.unclip,
            arguments.white,
        )
    except (InputError, OSError) as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        print("interrupted; the same command goes on", file=sys.stderr)
        sys.exit(130)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
