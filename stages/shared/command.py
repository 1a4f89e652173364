"""What every stage has in common: arguments, errors of one line, and a lock."""

import argparse
import contextlib
import re
import sys

from tqdm import tqdm

from denoising.files import InputError, lock
from stages import schema as params
from stages.shared import layout


def run(stage, work, argument=None, load=params.load):
    """Run a stage's `work(params)` or, with an argument's name, `work(params, value)`, and exit. `load` gives its `params`.

    Exit codes: 0 done, 1 bad input or a failing disk, 2 wrong usage, 130 interrupted.
    """
    parser = argparse.ArgumentParser(
        prog=f"python -m {sys.modules['__main__'].__spec__.name}",
        description=sys.modules["__main__"].__doc__,
    )
    if argument:
        parser.add_argument(argument, help=f"a {argument} that params.yaml names")
    arguments = vars(parser.parse_args()).values()
    with errors_of_one_line(stage):
        settings = load()
        for value in arguments:  # becomes part of file names
            if not re.fullmatch("[a-z0-9_]+", value):
                raise InputError(
                    f"{argument} = {value!r}: a name should have only the characters a-z, 0-9 and _"
                )
        # a stage whose dvc was killed may still be at work: two must not write the same files
        with lock(layout.lock_file(stage, *arguments), _say_waiting):
            work(settings, *arguments)


@contextlib.contextmanager
def errors_of_one_line(name):
    """End the process with one line, not a traceback, for what a user can do something about."""
    try:
        yield
    except InputError as error:
        sys.exit(f"error: {error}")
    except OSError as error:
        sys.exit(f"error: {error.filename or name}: {error.strerror or error}")
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)


def say(line):
    """Print one line at once, also where the output is a pipe."""
    print(line, flush=True)


def progress(items, label):
    """`items` with a progress bar, where there is a terminal to show it."""
    return tqdm(items, desc=label, disable=None)


def _say_waiting(holder):
    say(
        f"process {holder} is still at work on this stage; waiting until it ends (or stop it: kill {holder})"
    )
