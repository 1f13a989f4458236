"""A model's settings as widgets, made from the one declaration that the engine checks them by."""

import math
from collections.abc import Mapping
from typing import Any

import streamlit as st

from genre_engine import models
from genre_engine.errors import GenreEngineError
from genre_engine.models import SettingInfo
from pages.components.shared.text import plain


def key(model: str, name: str) -> str:
    """Of a setting's widget in the session's state."""
    return f"train-{model}-{name}"


def fill(model: str, settings: Mapping[str, Any]) -> None:
    """Set a model's widgets; before they are drawn, or in a callback."""
    about = models.model(model).Settings
    values = about.from_dict(settings).to_dict()
    for info in about.describe():
        st.session_state[key(model, info.name)] = _shown(info, values[info.name])


def presets(model: str, settings: Mapping[str, Any]) -> None:
    """Buttons of the model's presets; the one that is chosen now is marked."""
    kind = models.model(model)
    if not kind.PRESETS:
        return
    # Compared as the settings have them, for a preset may name a default.
    chosen = next((name for name in kind.PRESETS if _preset(model, name) == settings), None)
    for name in kind.PRESETS:
        st.button(
            name.capitalize(),
            key=f"train-preset-{model}-{name.replace(' ', '-')}",
            type="secondary",
            icon=":material/check_circle:"
            if name == chosen
            else ":material/radio_button_unchecked:",
            on_click=_apply,
            args=(model, name),
        )
    if settings:
        st.button(
            "Reset",
            key=f"train-reset-{model}",
            icon=":material/restart_alt:",
            type="tertiary",
            on_click=fill,
            args=(model, {}),
            help="All settings back to their defaults",
        )


def _preset(model: str, name: str) -> dict[str, Any]:
    kind = models.model(model)
    changed: dict[str, Any] = kind.Settings.from_dict(kind.PRESETS[name]).changed()
    return changed


def _apply(model: str, name: str) -> None:
    fill(model, _preset(model, name))
    if name == "course project":
        # That project took only tracks whose genres all lie among the chosen.
        st.session_state["train-rule"] = "only"


def sliders(model: str) -> dict[str, Any] | None:
    """Draw the settings; returns those that differ from the defaults, or None if one is refused."""
    about = models.model(model).Settings
    infos = about.describe()
    main = [info for info in infos if info.main]
    rest = [info for info in infos if not info.main]
    values: dict[str, Any] = {}
    with st.container(key="train-settings"):
        _grid(model, main, values)
        changed = sum(_is_changed(model, info) for info in rest)
        title = f"More settings · {changed} changed" if changed else "More settings"
        if rest:
            more = st.expander(title, icon=":material/tune:", key="train-more")
            with more:
                _grid(model, rest, values)
    if any(value is None for value in values.values()):
        return None
    found: dict[str, Any] = about.from_dict(values).changed()
    return found


def _grid(model: str, infos: list[SettingInfo], values: dict[str, Any]) -> None:
    # Five beside each other on a usual screen.
    with st.container(horizontal=True, gap="small"):
        for info in infos:
            with st.container(width=150):
                values[info.name] = _widget(model, info)


def _is_changed(model: str, info: SettingInfo) -> bool:
    shown = st.session_state.get(key(model, info.name), _shown(info, info.default))
    return bool(shown != _shown(info, info.default))


def _widget(model: str, info: SettingInfo) -> Any:
    name = key(model, info.name)
    changed = _is_changed(model, info)
    label = f":primary[**● {info.label}**]" if changed else info.label
    usual = info.text(info.default)
    about = f"{info.help} Default: {info.zero or usual}."
    st.session_state.setdefault(name, _shown(info, info.default))
    if info.type == "bool":
        return st.toggle(label, key=name, help=about, persist_state="session")
    if info.type == "choice":
        return st.selectbox(
            label, list(info.choices or ()), key=name, help=about, persist_state="session"
        )
    if info.type == "sizes":
        text = st.text_input(label, key=name, help=about, persist_state="session")
        return _sizes(info, str(text))
    if info.log:
        return st.select_slider(
            label,
            _steps(info, st.session_state[name]),
            key=name,
            format_func=lambda value: info.zero if info.zero and not value else info.text(value),
            help=about,
            persist_state="session",
        )
    return st.slider(
        label,
        min_value=_as(info, info.low),
        max_value=_as(info, info.high),
        step=_as(info, info.step),
        format=None if info.type == "int" else _format(info),
        key=name,
        help=about,
        persist_state="session",
    )


def _as(info: SettingInfo, value: float | None) -> Any:
    if value is None:
        return None
    return int(value) if info.type == "int" else float(value)


def _format(info: SettingInfo) -> str:
    """Enough decimals for the slider's step."""
    step = info.step or 0.01
    return f"%.{max(0, math.ceil(-math.log10(step)))}f"


def _steps(info: SettingInfo, value: Any) -> list[Any]:
    """1, 2, 5, 10, … between the bounds (powers of two for whole numbers), with what is chosen."""
    low, high = info.low or 1e-6, info.high or 1.0
    if info.type == "int":
        found = {2**power for power in range(31) if low <= 2**power <= high}
    else:
        found = {
            float(f"{mantissa}e{power}")
            for power in range(-9, 7)
            for mantissa in (1, 2, 3, 5)
            if low <= float(f"{mantissa}e{power}") <= high
        }
    return sorted(found | {_as(info, low), _as(info, high), info.default, value})


def _sizes(info: SettingInfo, text: str) -> Any:
    try:
        return info.read(text)
    except GenreEngineError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return None


def _shown(info: SettingInfo, value: Any) -> Any:
    """A value as its widget has it."""
    return info.text(value) if info.type == "sizes" else value
