"""Budgets: what is counted beforehand, and a process that takes too much."""

import json
import os
import signal
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genre_engine.errors import BundleError, OverBudget
from genre_engine.storage import budget
from genre_engine.storage.budget import Budget

SMALL = Budget(memory_mb=200, cpu_s=5, wall_s=20.0, file_mb=1)
HERE = "tests.storage.test_budget"


def answering(value):
    return {"value": value}


def failing():
    raise BundleError("It isn't ours.")


def hungry():
    return len(bytearray(1 << 30))


def busy():
    while True:
        pass


def crashing():
    os.kill(os.getpid(), signal.SIGSEGV)


def asleep():
    signal.pause()


def writing(path):
    Path(path).write_bytes(bytes(2 << 20))


def talkative():
    os.write(1, b"what libraries print")
    return 1


def test_what_a_function_returns_comes_back():
    assert budget.run(f"{HERE}:answering", {"value": "Für\n"}, SMALL, "It") == {"value": "Für\n"}
    assert budget.run(f"{HERE}:talkative", {}, SMALL, "It") == 1


def test_what_a_function_raises_comes_back():
    with pytest.raises(BundleError, match="It isn't ours"):
        budget.run(f"{HERE}:failing", {}, SMALL, "This zip")


@pytest.mark.skipif(sys.platform != "linux", reason="no such limits")
@pytest.mark.parametrize("function", ["hungry", "crashing"])
def test_who_takes_too_much_or_dies_is_refused_in_words(function):
    with pytest.raises(OverBudget, match=r"This zip takes more than 200 MB .* refused"):
        budget.run(f"{HERE}:{function}", {}, SMALL, "This zip")


@pytest.mark.skipif(sys.platform != "linux", reason="no such limits")
def test_processor_time_is_bounded():
    short = Budget(memory_mb=200, cpu_s=1, wall_s=60.0, file_mb=1)
    with pytest.raises(OverBudget, match="or 1 s"):
        budget.run(f"{HERE}:busy", {}, short, "This zip")


def test_time_by_the_clock_is_bounded():
    short = Budget(memory_mb=200, cpu_s=5, wall_s=2.0, file_mb=1)
    with pytest.raises(OverBudget, match="more than 2 s"):
        budget.run(f"{HERE}:asleep", {}, short, "This zip")


@pytest.mark.skipif(sys.platform != "linux", reason="no such limits")
def test_files_are_bounded(tmp_path):
    with pytest.raises(OverBudget):
        budget.run(f"{HERE}:writing", {"path": str(tmp_path / "large")}, SMALL, "This zip")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=50,
    )
)
def test_json_of_ours_is_read(value):
    assert budget.parse_json(json.dumps(value).encode()) == value


@pytest.mark.parametrize(
    "hostile",
    [
        b"[" * 1000 + b"]" * 1000,
        b'{"a":' * 100 + b"1" + b"}" * 100,
        b"[" + b"0," * 600_000 + b"0]",
        b'"' + b"x" * 9_000_000 + b'"',
        b"{",
    ],
)
def test_json_that_would_take_much_is_refused(hostile):
    with pytest.raises(ValueError):
        budget.parse_json(hostile)


def test_brackets_within_texts_do_not_count():
    assert budget.parse_json(json.dumps("[" * 1000 + '\\"{').encode()) == "[" * 1000 + '\\"{'
