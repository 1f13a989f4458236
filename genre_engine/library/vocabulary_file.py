"""A vocabulary of one's own as a file of TOML:

    view = "wide"       # the genres that the rules speak of: "wide" (43) or "ten"
    others = "keep"     # genres that no rule names: "keep" or "drop"
    most = 3            # words a song, 1 for the best alone
    least = 35          # the score, 0 to 100, below which a word is left out

    [[rule]]
    genres = ["trance", "techno", "house"]
    word = "Electronic"

    [[rule]]
    genres = ["experimental"]
    word = ""           # dropped

A genre may stand in several rules, and several rules may give the same word.
"""

import difflib
import json
import re
import tomllib
import unicodedata
from collections.abc import Mapping as Dictionary
from dataclasses import dataclass
from typing import Any, NoReturn

from genre_engine.errors import WrongUsage
from genre_engine.prediction import vocabulary

MOST_WORDS = 10
# From here on a result names a genre on the Classify page too.
LEAST = vocabulary.GenreScores.clear
OTHERS = ("keep", "drop")
_MAX_WORD = 100
# ID3 reads these as references to its list, or as "remix" and "cover", not as a genre's name.
_ID3_MEANS_ELSE = re.compile(r"\d+|\(.*|RX|CR")


@dataclass(frozen=True)
class Rule:
    """These genres are called this word; an empty word drops them.

    Raises:
        WrongUsage: there are no genres, or files' tags can't hold the word.
    """

    genres: tuple[str, ...]
    word: str

    def __post_init__(self) -> None:
        if not self.genres:
            raise WrongUsage(f"no genres stand for {self.word!r}: name at least one.")
        if problem := _problem(self.word):
            raise WrongUsage(problem)


def _problem(word: str) -> str:
    """Why a word can't be a genre in files' tags; empty where it can."""
    if word != " ".join(word.split()):
        return f"the word {word!r} has spaces at its ends or twice in a row: leave them out."
    if any(unicodedata.category(sign) in ("Cc", "Cs") for sign in word):
        return f"the word {word!r} has a sign that can't be printed: leave it out."
    if len(word) > _MAX_WORD:
        return f"the word {word[:20] + '…'!r} is longer than {_MAX_WORD} letters."
    if ";" in word:
        return f"players read {word!r} as several genres, parted at the semicolon: leave it out."
    if _ID3_MEANS_ELSE.fullmatch(word):
        return f"in an MP3's tags {word!r} means another genre: add a letter in front."
    return ""


@dataclass(frozen=True)
class Content:
    """What stands in a file; `mapping.Mapping` says what each means."""

    rules: tuple[Rule, ...] = ()
    keep_others: bool = True
    most: int = 3
    least: float = LEAST
    view: str = "wide"


def read(text: str, name: str) -> Content:
    """The content of a file called `name`.

    Raises:
        WrongUsage: it can't be read; the message names the line and what should stand there.
    """
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        last = f"at line {len(text.splitlines())}"
        problem = str(error).replace("at end of document", last)
        raise WrongUsage(
            f"{name} isn't TOML: {problem}. Write a rule as\n"
            '[[rule]]\ngenres = ["techno", "trance"]\nword = "Electronic"'
        ) from error
    return _Reader(text, name).content(values)


def write(content: Content) -> str:
    """The text of a file; `read` gives the content back."""
    others = OTHERS[0] if content.keep_others else OTHERS[1]
    lines = [
        "# The words that stand for the genres of your music.",
        f"view = {_quoted(content.view)}  # the genres that rules speak of: "
        f"{either(tuple(vocabulary.VIEWS))}",
        f"others = {_quoted(others)}  # genres that no rule names: {either(OTHERS)}",
        f"most = {content.most}  # words a song, 1 for the best alone",
        f"least = {100 * content.least:g}  # the score, 0 to 100, below which a word is left out",
    ]
    for rule in content.rules:
        genres = ", ".join(_quoted(genre) for genre in rule.genres)
        lines += ["", "[[rule]]", f"genres = [{genres}]", f"word = {_quoted(rule.word)}"]
    return "\n".join(lines) + "\n"


class _Reader:
    """What stands in a file, and on which line, for messages."""

    def __init__(self, text: str, name: str) -> None:
        self._lines = text.splitlines()
        self._name = name

    def content(self, values: Dictionary[str, Any]) -> Content:
        known = ("view", "others", "most", "least", "rule")
        for key in values:
            if key not in known:
                self._refuse(f"there is no {key!r}. There are: {', '.join(known)}.", key)
        view = values.get("view", "wide")
        if view not in tuple(vocabulary.VIEWS):
            self._refuse(f"view is {either(tuple(vocabulary.VIEWS))}, not {view!r}.", "view")
        others = values.get("others", "keep")
        if others not in OTHERS:
            self._refuse(f"others is {either(OTHERS)}, not {others!r}.", "others")
        most = self._number(values, "most", 3, f"a whole number from 1 to {MOST_WORDS}", int)
        if not 1 <= most <= MOST_WORDS:
            self._refuse(f"most is a whole number from 1 to {MOST_WORDS}, not {most}.", "most")
        least = self._number(values, "least", 100 * LEAST, "a score from 0 to 100", (int, float))
        if not 0 <= least <= 100:
            self._refuse(f"least is a score from 0 to 100, not {least:g}.", "least")
        rules = values.get("rule", [])
        if not isinstance(rules, list):
            self._refuse("a rule begins with [[rule]], in two pairs of brackets.", "rule")
        read = tuple(self._rule(rule, number, view) for number, rule in enumerate(rules))
        return Content(read, others == "keep", int(most), least / 100, view)

    def _rule(self, rule: Any, number: int, view: str) -> Rule:
        if not isinstance(rule, dict) or set(rule) != {"genres", "word"}:
            self._refuse(
                'a rule has genres, such as ["techno", "trance"], and a word, and nothing else.',
                rule=number,
            )
        genres, word = rule["genres"], rule["word"]
        if not isinstance(word, str):
            self._refuse(f'word is a text, such as "Electronic", not {word!r}.', "word", number)
        if not isinstance(genres, list) or not all(isinstance(genre, str) for genre in genres):
            self._refuse('genres is a list of texts, such as ["techno"].', "genres", number)
        found = tuple(dict.fromkeys(self._genre(genre, view, number) for genre in genres))
        try:
            return Rule(found, " ".join(word.split()))
        except WrongUsage as error:
            self._refuse(str(error), "word" if found else "genres", number)

    def _genre(self, name: str, view: str, number: int) -> str:
        genres = tuple(vocabulary.VIEWS[view])
        found = vocabulary.genre_called(name, genres)
        if found is None:
            close = difflib.get_close_matches(name.casefold(), genres, n=3, cutoff=0.5)
            meant = (
                f"Did you mean {either(tuple(close))}?"
                if close
                else (f"There are: {', '.join(genres)}.")
            )
            self._refuse(f"no genre is called {name!r}. {meant}", "genres", number)
        return found

    def _number(
        self, values: Dictionary[str, Any], key: str, default: float, what: str, kind: Any
    ) -> float:
        value = values.get(key, default)
        if isinstance(value, bool) or not isinstance(value, kind):
            self._refuse(f"{key} is {what}, not {value!r}.", key)
        return float(value)

    def _refuse(self, problem: str, key: str = "", rule: int | None = None) -> NoReturn:
        line = self._line(key, rule)
        place = f"{self._name}, line {line}" if line else self._name
        if rule is not None and not line:
            place += f", rule {rule + 1}"
        raise WrongUsage(f"{place}: {problem}")

    def _line(self, key: str, rule: int | None) -> int | None:
        """The line, from 1, on which an entry stands, of the whole or of a rule."""
        heads = [at for at, line in enumerate(self._lines) if re.match(r"\s*\[\[\s*rule", line)]
        if rule is None:
            span = range(heads[0] if heads and key != "rule" else len(self._lines))
        elif rule < len(heads):
            span = range(heads[rule], [*heads, len(self._lines)][rule + 1])
        else:  # rules written in another way
            return None
        entry = re.compile(rf"""\s*\[?\s*["']?{re.escape(key)}\b""")
        found = (at for at in span if key and entry.match(self._lines[at]))
        return next(found, span.start if rule is not None else -1) + 1 or None


def _quoted(text: str) -> str:
    """A text as TOML writes it; its basic strings know all of JSON's escapes."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")


def either(names: tuple[str, ...]) -> str:
    """Names as a sentence lists them.

    >>> print(either(("keep", "drop")))
    "keep" or "drop"
    """
    quoted = [f'"{name}"' for name in names]
    return " or ".join([", ".join(quoted[:-1]), quoted[-1]] if len(quoted) > 1 else quoted)
