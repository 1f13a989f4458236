"""What the commands share: where they write, and how."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress


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
