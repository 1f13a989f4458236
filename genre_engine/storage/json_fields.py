"""Frozen dataclasses from JSON objects: what was asked for, as it lies in a file.

A request is a dataclass whose fields are the entries of the object, with its defaults in the one
place where they are declared.
"""

import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from genre_engine.errors import WrongUsage

T = TypeVar("T")

_NAMES = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}


def read(cls: type[T], values: Mapping[str, Any], what: str) -> T:
    """A dataclass from the entries of a JSON object.

    JSON's lists become tuples where the field is a tuple, and whole numbers stand for floats.

    Args:
        what: what it is, with its article, for messages: "a training".

    Raises:
        WrongUsage: an entry is unknown, missing or of the wrong type, or `cls` refuses its value.
    """
    assert is_dataclass(cls)  # noqa: S101 - for the type checker
    hints = get_type_hints(cls)
    known = {entry.name: entry for entry in fields(cls) if entry.init}
    what_ = what[0].upper() + what[1:]
    if not isinstance(values, Mapping):
        raise WrongUsage(f"{what_} is described by names with values, not by {values!r}.")
    if unknown := sorted(set(values) - set(known)):
        raise WrongUsage(f"{what_} has no {unknown[0]!r}. It has: {', '.join(known)}.")
    for name, entry in known.items():
        needed = entry.default is MISSING and entry.default_factory is MISSING
        if needed and name not in values:
            raise WrongUsage(f"{what_} needs {name!r}. Name it.")
    made = {name: _typed(hints[name], value, name, what_) for name, value in values.items()}
    return cls(**made)


def _typed(hint: Any, value: Any, name: str, what: str) -> Any:
    """The value as the field holds it."""
    options = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    for option in options:
        matches, found = _as(option, value)
        if matches:
            return found
    names = [_name(option) for option in options]
    raise WrongUsage(f"{what} has {name!r} as {' or '.join(names)}, not {value!r}.")


def _as(option: Any, value: Any) -> tuple[bool, Any]:
    """Whether a value is of a type, and as what it is kept."""
    kind = get_origin(option) or option
    if kind is type(None):
        return value is None, None
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool), value
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool), value
    if kind is tuple:
        entries = list(value) if isinstance(value, list | tuple) else None
        inner = get_args(option)[0]
        if entries is None or not all(_as(inner, entry)[0] for entry in entries):
            return False, value
        return True, tuple(entries)
    if get_args(option):  # a mapping
        return isinstance(value, Mapping), dict(value) if isinstance(value, Mapping) else value
    return isinstance(value, kind), value


def _name(option: Any) -> str:
    if option is type(None):
        return "null"
    kind = get_origin(option) or option
    return _NAMES.get(kind, "a list" if kind is tuple else "names with values")
