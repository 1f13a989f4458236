"""A bounded run of `tests.kills`; `python -m tests.kills 100` goes on."""

import os

import pytest

from tests import kills

pytestmark = pytest.mark.skipif(not hasattr(os, "killpg"), reason="needs process groups")


def test_whatever_is_killed_nothing_is_lost_doubled_or_left_behind(monkeypatch):
    for name in ("GENRE_ENGINE_WORKSPACE", *kills.VARIABLES):
        monkeypatch.setenv(name, "")  # so that they are as before afterwards
    found = list(kills.killed(len(kills.WORK), seed=3, n_servers=2))
    assert [one for one in found if one[-1]] == []
    assert {work for _, work, _, _ in found} == {*kills.WORK, "end"}
    assert len({victim for _, _, victim, _ in found}) > 1
