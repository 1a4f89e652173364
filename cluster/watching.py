"""Something to do again and again while something else is under way."""

import contextlib
import threading
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def repeatedly(work: Callable[[], object], seconds: float) -> Iterator[None]:
    """Do it in a thread, with a pause before each time."""
    ends = threading.Event()

    def run() -> None:
        while not ends.wait(seconds):
            work()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ends.set()
        thread.join()
