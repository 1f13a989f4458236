"""What the commands share: where they write, and how."""

import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress


class _Closed(io.TextIOBase):
    """Standard output that was closed before this program began."""

    def write(self, text: str) -> int:
        raise OSError(errno.EBADF, "it is closed")


def guard_output() -> None:
    """Give the standard streams a place where they were closed.

    Else the next file that is opened would get their number, and be written to in their stead.
    """
    for number, mode in ((0, os.O_RDONLY), (1, os.O_WRONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            opened = os.open(os.devnull, mode)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
    if sys.stdout is None:
        sys.stdout = _Closed()
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115


def discard_output() -> None:
    """Keep the interpreter from writing what is left to a standard output that fails."""
    with suppress(OSError, ValueError):
        sys.stdout.flush()
        return
    sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115


def use_utf8() -> None:
    """Text in every language, whatever the locale; file names that aren't text come out escaped."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def printable(text: str) -> str:
    """User's text for a terminal: no control characters, and what isn't text escaped."""
    readable = text.encode("utf-8", "backslashreplace").decode()
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in readable)


def complain(message: str) -> None:
    """A message for the user on standard error."""
    lines = [printable(line) for line in message.splitlines()]
    sys.stderr.write("\n".join(lines) + "\n")


def messages() -> "Console":
    from rich.console import Console

    return Console(stderr=True)


@contextmanager
def progress_bar() -> Iterator["Progress"]:
    """A bar on standard error while work is done; nothing where that is no terminal."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    console = messages()
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeRemainingColumn(),
    )
    with Progress(
        *columns,
        console=console,
        transient=True,
        disable=not console.is_terminal,
        redirect_stdout=False,
        redirect_stderr=False,
    ) as progress:
        yield progress
