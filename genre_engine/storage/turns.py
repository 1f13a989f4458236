"""Places in long work where something else may have its turn.

Whoever works for several at a time in one process has a function called there (`taking`), which may
wait until it is this work's turn again, or end it by raising. Elsewhere `pause` does nothing.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_here = threading.local()


def pause() -> None:
    """Let others have their turn, where there are any."""
    call: Callable[[], None] | None = getattr(_here, "call", None)
    if call is not None:
        call()


@contextmanager
def taking(call: Callable[[], None]) -> Iterator[None]:
    """Have `call` called at each pause of this thread."""
    _here.call = call
    try:
        yield
    finally:
        _here.call = None
