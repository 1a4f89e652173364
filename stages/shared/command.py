"""What every stage has in common: arguments, errors of one line, and a lock."""

import argparse
import contextlib
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from denoising.files import InputError, lock
from denoising.sections import shortened
from stages.shared import layout, params

Check = Callable[[params.Content], object]


def run(
    stage: str,
    work: Callable[..., object],
    argument: str | None = None,
    path: Any = layout.PARAMS,
    check: Check | None = None,
) -> None:
    """Run a stage's `work(content)`, or `work(content, value)` with an argument's name, and exit.

    `content` is that of params.yaml, which was refused as a whole if anything is wrong in it; a
    stage takes its own sections from it and no other.

    Exit codes: 0 done, 1 bad input or a failing disk, 2 wrong usage, 130 interrupted.
    """
    main: Any = sys.modules["__main__"]
    parser = argparse.ArgumentParser(
        prog=f"python -m {main.__spec__.name}", description=main.__doc__
    )
    if argument:
        parser.add_argument(argument, help=f"a {argument} that params.yaml names")
    arguments = list(vars(parser.parse_args()).values())
    with errors_of_one_line(stage):
        content = params.read(path)
        (check or _whole_file)(content)
        for value in arguments:  # becomes part of file names
            if not re.fullmatch("[a-z0-9_]{1,64}", value):
                raise InputError(
                    f"{argument} = {shortened(value)}: a name should have only the characters a-z, "
                    "0-9 and _, at most 64"
                )
        # a stage whose dvc was killed may still be at work: two must not write the same files
        with lock(layout.lock_file(stage, *arguments), _say_waiting):
            work(content, *arguments)


def _whole_file(content: params.Content) -> None:
    # No stage depends on the composition of the whole file: it can refuse, and alters nothing.
    from stages import schema

    schema.validate(content)


@contextlib.contextmanager
def errors_of_one_line(name: str) -> Iterator[None]:
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


def say(line: str) -> None:
    """Print one line at once, also where the output is a pipe."""
    print(line, flush=True)


def progress(items: Iterable[Any], label: str) -> Iterable[Any]:
    """`items` with a progress bar, where there is a terminal to show it."""
    from tqdm import tqdm

    return tqdm(items, desc=label, disable=None)


def _say_waiting(holder: str) -> None:
    say(
        f"process {holder} is still at work on this stage; waiting until it ends "
        f"(or stop it: kill {holder})"
    )
