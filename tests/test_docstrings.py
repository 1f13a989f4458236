"""The examples in docstrings run, and what the project exists for has them."""

import doctest
import importlib
import inspect
from pathlib import Path

import pytest

import genre_engine

ROOT = Path(genre_engine.__file__).parent
PUBLIC = ("audio", "features", "metrics", "models", "prediction", "splits")


def modules_with_examples():
    for path in sorted(ROOT.rglob("*.py")):
        if ">>> " in path.read_text(encoding="utf-8"):
            parts = path.relative_to(ROOT.parent).with_suffix("").parts
            yield ".".join(parts).removesuffix(".__init__")


def public_functions():
    for package in PUBLIC:
        module = importlib.import_module(f"genre_engine.{package}")
        own = [name for name, value in vars(module).items() if _is_own(module, value)]
        for name in getattr(module, "__all__", own):
            value = getattr(module, name)
            if inspect.isfunction(value) and not name.startswith("_"):
                yield pytest.param(value, id=f"{package}.{name}")


def _is_own(module, value):
    return getattr(value, "__module__", None) == module.__name__


@pytest.mark.parametrize("name", list(modules_with_examples()))
def test_examples_give_what_they_say(name, networks, workspace):
    module = importlib.import_module(name)
    found = doctest.testmod(module, optionflags=doctest.ELLIPSIS)
    assert found.attempted
    assert not found.failed


@pytest.mark.parametrize("function", list(public_functions()))
def test_public_functions_show_an_example(function):
    assert ">>> " in inspect.getdoc(function)
