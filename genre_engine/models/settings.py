"""Hyper-parameters, each declared once.

A model's settings are a frozen dataclass whose fields are made by `setting`. From that one
declaration the app draws its sliders, the command line reads `--set name=value`, the search takes
its ranges, bad values are refused and a run's config is written.

    >>> @dataclass(frozen=True)
    ... class Example(Settings):
    ...     dropout: float = setting(0.5, low=0.0, high=0.9, step=0.05, label="Dropout")
    >>> Example.parse({"dropout": "0.3"})
    Example(dropout=0.3)

A setting is a bool, int, float, one of `choices` (str), or a tuple of ints (written `256,128,64`;
the bounds hold for each number).
"""

import dataclasses
import difflib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from genre_engine.errors import BadSetting

Bounds = tuple[float, float]

_TRUE, _FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


def setting(
    default: Any,
    *,
    low: float | None = None,
    high: float | None = None,
    step: float | None = None,
    choices: Sequence[str] | None = None,
    log: bool = False,
    label: str = "",
    help: str = "",  # noqa: A002, what command lines call it
    main: bool = False,
    search: Bounds | Sequence[Any] | None = None,
    zero: str = "",
) -> Any:
    """Declare a field of a `Settings` class.

    Args:
        low: the least that is allowed; `high` the most.
        step: of a slider.
        choices: the words that are allowed.
        log: whether a slider and the search go by ratios.
        label: what the app calls it; `help` says what it does.
        main: one of the few that are shown at first.
        search: what a search tries: a range for a number, else a list of values. None leaves the
            setting out of a search.
        zero: what 0 stands for, where it is allowed beside the bounds: a value that the model
            chooses, and how.

    >>> from dataclasses import dataclass, field, fields
    >>> @dataclass(frozen=True)
    ... class Example(Settings):
    ...     rate: float = setting(0.1, low=0.0, high=1.0, label="Learning rate")
    >>> Example().rate
    0.1
    """
    about = {
        "low": low,
        "high": high,
        "step": step,
        "choices": None if choices is None else tuple(choices),
        "log": log,
        "label": label,
        "help": help,
        "main": main,
        "search": None if search is None else tuple(search),
        "zero": zero,
    }
    return dataclasses.field(default=default, metadata=about)


def setting_like(base: "type[Settings]", name: str, default: Any, **changes: Any) -> Any:
    """Declare a field as another class has it, but for its default and what else is named."""
    declared = base.__dataclass_fields__[name]
    return dataclasses.field(default=default, metadata={**declared.metadata, **changes})


@dataclass(frozen=True)
class SettingInfo:
    """What is declared of one setting; `type` is "bool", "int", "float", "choice" or "sizes"."""

    name: str
    label: str
    type: str
    default: Any
    low: float | None
    high: float | None
    step: float | None
    choices: tuple[str, ...] | None
    log: bool
    help: str
    main: bool
    search: tuple[Any, ...] | None
    zero: str = ""

    def text(self, value: Any) -> str:
        """A value as `--set` takes it."""
        if self.type == "sizes":
            return ",".join(str(size) for size in value)
        if self.type == "bool":
            return "true" if value else "false"
        return f"{value:g}" if self.type == "float" else str(value)

    def checked(self, value: Any) -> Any:
        """The value in its own type.

        Raises:
            BadSetting: it is of another type or out of bounds.
        """
        if self.type == "choice":
            if value not in (self.choices or ()):
                near = difflib.get_close_matches(str(value), self.choices or (), 1)
                hint = f" Did you mean {near[0]!r}?" if near else ""
                raise BadSetting(
                    f"{self.name} can't be {value!r}.{hint} Choose one of: "
                    f"{', '.join(self.choices or ())}."
                )
            return value
        if self.type == "bool":
            if not isinstance(value, bool):
                raise BadSetting(f"{self.name} is true or false, not {value!r}.")
            return value
        if self.type == "sizes":
            if isinstance(value, str) or not isinstance(value, Sequence):
                raise BadSetting(
                    f"{self.name} is a list of whole numbers as in 256,128,64, not {value!r}."
                )
            sizes = tuple(self._number(size, whole=True) for size in value)
            if not 1 <= len(sizes) <= MAX_SIZES:
                raise BadSetting(f"{self.name} takes 1 to {MAX_SIZES} numbers, not {len(sizes)}.")
            return sizes
        return self._number(value, whole=self.type == "int")

    def _number(self, value: Any, *, whole: bool) -> int | float:
        kind = "a whole number" if whole else "a number"
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not math.isfinite(value)
        ):
            raise BadSetting(f"{self.name} is {kind}, not {value!r}.")
        if whole and value != int(value):
            raise BadSetting(f"{self.name} is {kind}, not {value!r}.")
        low = -math.inf if self.low is None else self.low
        high = math.inf if self.high is None else self.high
        if not low <= value <= high and not (self.zero and value == 0):
            also = f", or 0: {self.zero}" if self.zero else ""
            raise BadSetting(
                f"{self.name} can't be {value:g}; choose a value from {low:g} to {high:g}{also}."
            )
        return int(value) if whole else float(value)

    def read(self, text: str) -> Any:
        """Text as `--set` takes it → the value, checked.

        Raises:
            BadSetting: it is none.
        """
        text = text.strip()
        value: Any = text
        if self.type == "bool":
            if text.lower() not in _TRUE + _FALSE:
                raise BadSetting(f"{self.name} is true or false, not {text!r}.")
            value = text.lower() in _TRUE
        elif self.type == "sizes":
            value = [_numeric(part) for part in text.split(",")]
        elif self.type in ("int", "float"):
            value = _numeric(text)
        return self.checked(value)


MAX_SIZES = 8


def _numeric(text: str) -> Any:
    """The number in a text; the text itself where there is none, for the refusal to show."""
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        return text


@dataclass(frozen=True)
class Settings:
    """Base of every model's settings. Making one checks all its values.

    Raises:
        BadSetting: a value of another type or out of bounds.
    """

    def __post_init__(self) -> None:
        for info in self.describe():
            object.__setattr__(self, info.name, info.checked(getattr(self, info.name)))

    @classmethod
    def describe(cls) -> list[SettingInfo]:
        """What is declared, in the order of declaration."""
        return [
            SettingInfo(name=field.name, type=_type(field), default=field.default, **field.metadata)
            for field in dataclasses.fields(cls)
        ]

    @classmethod
    def info(cls, name: str) -> SettingInfo:
        """The declaration of one setting.

        Raises:
            BadSetting: there is none of that name; the nearest is offered.
        """
        known = {info.name: info for info in cls.describe()}
        if name in known:
            return known[name]
        near = difflib.get_close_matches(name, known, 1)
        hint = f"Did you mean {near[0]!r}? " if near else ""
        raise BadSetting(
            f"There is no setting {name!r} here. {hint}The settings are: {', '.join(known)}."
        )

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Values by name, the others at their defaults; the reverse of `to_dict`.

        Raises:
            BadSetting: an unknown name, or a value that isn't allowed.
        """
        return cls(**{cls.info(name).name: value for name, value in values.items()})

    @classmethod
    def parse(cls, texts: Mapping[str, str]) -> Self:
        """Values as they are typed after `--set`, the others at their defaults.

        Raises:
            BadSetting: an unknown name, or a value that isn't allowed.
        """
        return cls(**{name: cls.info(name).read(text) for name, text in texts.items()})

    def to_dict(self) -> dict[str, Any]:
        """All values by name, ready for JSON."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in dataclasses.asdict(self).items()
        }

    def changed(self) -> dict[str, Any]:
        """The values that differ from the defaults."""
        values = self.to_dict()
        defaults = type(self)().to_dict()
        return {name: value for name, value in values.items() if value != defaults[name]}


def _type(field: "dataclasses.Field[Any]") -> str:
    if field.metadata["choices"] is not None:
        return "choice"
    kinds = {bool: "bool", int: "int", float: "float", tuple: "sizes"}
    return kinds[type(field.default)]
