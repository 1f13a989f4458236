"""Filters in words: `genre = jazz and score >= 50 and not artist ~ davis`.

    expression   terms joined by `and` and `or`, turned round by `not`, grouped by parentheses
    term         FIELD OPERATOR VALUE, or one of the WORDS
    operator     =  !=  <  <=  >  >=, and ~ for "contains"
    value        a word, a number, or text in quotes; capitals don't matter

`genre` is any of a song's genres in the library's own words, `score` that of its first (0 to 100),
`tag` any genre that the file's tags name.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from genre_engine.errors import WrongUsage

Bools = NDArray[np.bool_]

TEXTS = ("path", "folder", "title", "artist", "album", "key")
LISTS = ("genre", "tag", "mood", "instrument")
NUMBERS = ("score", "bpm", "minutes")
# What a song can be, and what that means.
WORDS = {
    "analysed": "the networks have analysed it",
    "failed": "it couldn't be analysed",
    "missing": "it wasn't there at the last scan",
    "untagged": "its file names no genre",
    "disagrees": "its file names other genres than were found",
    "unsure": "its first genre has a low score, or the second is close",
    "accepted": "its genres were accepted",
    "corrected": "its genres were corrected",
    "rejected": "its genres were rejected",
    "undecided": "nothing was decided on its genres",
}
_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "=": np.equal,
    "!=": np.not_equal,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}
_TOKEN = re.compile(
    r"""\s*(?:(?P<text>"[^"]*"|'[^']*')|(?P<sign>[()]|!=|<=|>=|[=<>~])|(?P<word>[^\s()=<>~!"']+))"""
)
_MOST_TOKENS = 400


def matching(expression: str, table: pd.DataFrame) -> Bools:
    """Which rows of a table match: bool `[songs]`; all where the expression is empty.

    Args:
        table: with the columns that `fields` lists, as `labelled.table` makes it: texts, tuples of
            texts, numbers, and a column of bools for each of WORDS.

    Raises:
        WrongUsage: it can't be read; the message says where and what would do.

    >>> songs = pd.DataFrame({"artist": ["Davis", "Bach"], "score": [80.0, 40.0]})
    >>> matching("artist ~ dav and score >= 50", songs).tolist()
    [True, False]
    """
    tokens = _tokens(expression)
    if not tokens:
        return np.ones(len(table), bool)
    reader = _Reader(expression, tokens, table)
    found = reader.either()
    if reader.left():
        raise reader.error(f"{reader.left()!r} doesn't belong here")
    return found


def _tokens(expression: str) -> list[tuple[str, str]]:
    """Kind (text, sign or word) and content."""
    found: list[tuple[str, str]] = []
    at = 0
    text = expression.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or len(found) > _MOST_TOKENS:
            raise WrongUsage(
                f"The filter {expression!r} can't be read from {text[at:].strip()[:20]!r} on. "
                f"{_EXAMPLE}"
            )
        kind = str(match.lastgroup)
        found.append((kind, match[kind].strip("\"'") if kind == "text" else match[kind]))
        at = match.end()
    return found


_EXAMPLE = 'Write it like: genre = jazz and score >= 50 and not artist ~ "miles davis"'


class _Reader:
    """Reads tokens from left to right; `or` binds less than `and`, that less than `not`."""

    def __init__(self, expression: str, tokens: list[tuple[str, str]], table: pd.DataFrame) -> None:
        self._expression, self._tokens, self._table = expression, tokens, table
        self._at = 0
        self._depth = 0

    def left(self) -> str:
        return self._tokens[self._at][1] if self._at < len(self._tokens) else ""

    def error(self, why: str) -> WrongUsage:
        return WrongUsage(f"The filter {self._expression!r} can't be read: {why}. {_EXAMPLE}")

    def _take(self, *words: str) -> bool:
        """Whether the next token is one of some words or signs; it is passed then."""
        if self._at == len(self._tokens):
            return False
        kind, content = self._tokens[self._at]
        if kind == "text" or content.casefold() not in words:
            return False
        self._at += 1
        return True

    def _next(self, what: str) -> tuple[str, str]:
        if self._at == len(self._tokens):
            raise self.error(f"{what} is missing at its end")
        self._at += 1
        return self._tokens[self._at - 1]

    def either(self) -> Bools:
        found = self._both()
        while self._take("or"):
            found = found | self._both()
        return found

    def _both(self) -> Bools:
        found = self._turned()
        while self._take("and"):
            found = found & self._turned()
        return found

    def _turned(self) -> Bools:
        self._depth += 1
        if self._depth > _MOST_TOKENS // 4:  # Python's own stack ends somewhere too
            raise self.error("it is nested too deeply")
        try:
            if self._take("not"):
                return ~self._turned()
            if self._take("("):
                found = self.either()
                if not self._take(")"):
                    raise self.error("a parenthesis isn't closed")
                return found
            return self._term()
        finally:
            self._depth -= 1

    def _term(self) -> Bools:
        kind, content = self._next("a field")
        name = content.casefold()
        sign = self._tokens[self._at][1] if self._at < len(self._tokens) else ""
        if name in WORDS and sign not in (*_OPERATORS, "~"):
            flags: Bools = self._column(name).to_numpy(bool)
            return flags
        if kind != "word" or name not in (*TEXTS, *LISTS, *NUMBERS):
            known = ", ".join((*TEXTS, *LISTS, *NUMBERS))
            raise self.error(
                f"{content!r} is no field. The fields are {known}; the words {', '.join(WORDS)}"
            )
        kind, sign = self._next("an operator")
        if kind != "sign" or sign not in (*_OPERATORS, "~"):
            raise self.error(f"after {name} an operator belongs, such as = or ~, not {sign!r}")
        kind, value = self._next("a value")
        if kind == "sign":
            raise self.error(f"after {name} {sign} a value belongs, not {value!r}")
        if name in NUMBERS:
            return self._number(name, sign, value)
        return self._text(name, sign, value)

    def _column(self, name: str) -> "pd.Series[Any]":
        if name not in self._table:
            raise self.error(f"these songs have no {name}")
        return self._table[name]

    def _number(self, name: str, sign: str, value: str) -> Bools:
        try:
            wanted = float(value)
        except ValueError as error:
            raise self.error(f"{name} is a number, and {value!r} isn't") from error
        if sign == "~":
            raise self.error(f"{name} is a number, which = < <= > >= compare")
        numbers = self._column(name).to_numpy(float)
        found: Bools = np.asarray(_OPERATORS[sign](numbers, wanted)) & ~np.isnan(numbers)
        return found

    def _text(self, name: str, sign: str, value: str) -> Bools:
        if sign not in ("=", "!=", "~"):
            raise self.error(f"{name} is text, which = != ~ compare")
        wanted = value.casefold()
        column = self._column(name)
        if name in LISTS:
            found = _any(column, lambda text: _fits(text, sign, wanted))
        else:
            texts = column.fillna("").astype(str)
            known = {text: _fits(text.casefold(), sign, wanted) for text in texts.unique()}
            found = texts.map(known).to_numpy(bool)
        return np.logical_not(found) if sign == "!=" else found


def _fits(text: str, sign: str, wanted: str) -> bool:
    # What is unequal is what isn't equal: turned round by who asks.
    return wanted in text if sign == "~" else text == wanted


def _any(lists: "pd.Series[Any]", fits: Callable[[str], bool]) -> Bools:
    """Whether any text of a list fits; each list, and there are few, is looked at once."""
    known: dict[tuple[str, ...], bool] = {}
    found = np.zeros(len(lists), bool)
    for row, texts in enumerate(lists.tolist()):
        if texts not in known:
            known[texts] = any(fits(text.casefold()) for text in texts)
        found[row] = known[texts]
    return found


def fields() -> Mapping[str, str]:
    """What can be asked, with what it means; for help texts."""
    return {
        **dict.fromkeys(TEXTS, "text"),
        **dict.fromkeys(LISTS, "any of several"),
        **dict.fromkeys(NUMBERS, "number"),
        **WORDS,
    }
