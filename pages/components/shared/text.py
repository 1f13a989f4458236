"""Text on a page: users' own, and durations in words."""

import re

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~$:^&=])")


def plain(text: str) -> str:
    """Text that Markdown shows letter for letter, such as a file's name."""
    readable = text.encode("utf-8", "backslashreplace").decode()
    shown = "".join(c if c.isprintable() else " " for c in readable)
    return _MARKDOWN.sub(r"\\\1", shown)


def duration(seconds: float) -> str:
    """Seconds in words."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    if seconds < 90 * 60:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h"
