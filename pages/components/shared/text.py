"""Users' text on a page."""

import re

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~$:^&=])")


def plain(text: str) -> str:
    """Text that Markdown shows letter for letter, such as a file's name."""
    readable = text.encode("utf-8", "backslashreplace").decode()
    shown = "".join(c if c.isprintable() else " " for c in readable)
    return _MARKDOWN.sub(r"\\\1", shown)
