"""Who waits for a song waits for bytes, not for a server that gives none."""

import json
import threading
import time

import pytest

from genre_engine.pretrained import patience


@pytest.fixture
def refusals(tmp_path, monkeypatch):
    monkeypatch.setattr(patience, "LONGEST_S", 30.0)
    return tmp_path / "refusals.json"


def waited_s(work, refusals, **options):
    began = time.monotonic()
    patience.attempt(work, refusals=refusals, **options)
    return time.monotonic() - began


def test_it_waits_while_bytes_come_and_forgets_failures_of_before(refusals):
    refusals.write_text(json.dumps({"time": 0, "reasons": ["long ago"]}))

    def work(report):
        for done in range(1, 6):
            time.sleep(0.1)
            report(done, 5)
        return []

    seen = []
    took_s = waited_s(
        work, refusals, progress=lambda done, total: seen.append(done), patience_s=0.4
    )
    assert seen == [1, 2, 3, 4, 5]
    assert took_s > 0.45  # longer than its patience without a byte
    assert not refusals.exists()


@pytest.mark.parametrize("first", [[], [1]], ids=["no byte at all", "one byte, then nothing"])
def test_it_leaves_a_server_that_stalls(first, refusals):
    ended = threading.Event()

    def work(report):
        for done in first:
            report(done, 100)
        ended.wait(30)
        return []

    assert waited_s(work, refusals, patience_s=0.2) < 5
    assert "nothing came" in refusals.read_text()
    assert waited_s(work, refusals, patience_s=20) < 5  # remembered
    ended.set()


def test_repeating_what_has_come_is_no_progress(refusals):
    ended = threading.Event()

    def work(report):
        while not ended.wait(0.02):
            report(10, 100)
        return []

    assert waited_s(work, refusals, patience_s=0.2) < 5
    ended.set()


def test_it_leaves_a_trickle_after_a_while(refusals, monkeypatch):
    monkeypatch.setattr(patience, "LONGEST_S", 0.3)
    ended = threading.Event()

    def work(report):
        done = 0
        while not ended.wait(0.02):
            done += 1
            report(done, 10**9)
        return []

    assert waited_s(work, refusals, patience_s=20) < 5
    ended.set()


def test_what_comes_after_all_ends_the_refusal(refusals):
    ended = threading.Event()

    def work(report):
        ended.wait(30)
        return []

    patience.attempt(work, refusals=refusals, patience_s=0.1)
    assert patience.refused_lately(refusals, "")
    ended.set()
    deadline = time.monotonic() + 20
    while refusals.exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_failure_holds_for_its_address_and_for_some_minutes(refusals):
    def work(report):
        raise RuntimeError("whatever it is")

    patience.attempt(work, refusals=refusals, address="http://one")
    assert patience.refused_lately(refusals, "http://one")
    assert not patience.refused_lately(refusals, "http://two")
    said = json.loads(refusals.read_text())
    assert said["reasons"] == ["whatever it is"]
    for age_s in (patience.RETRY_S + 1, -60):  # over, or a clock that was set back
        refusals.write_text(json.dumps(said | {"time": time.time() - age_s}))
        assert not patience.refused_lately(refusals, "http://one")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"time": "x"}', '{"time": null}', "\x00"])
def test_a_refusal_that_cannot_be_read_is_none(text, refusals):
    refusals.write_text(text)
    assert not patience.refused_lately(refusals, "")
