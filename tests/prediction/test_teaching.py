"""Corrections: kept by content, one visitor's never another's, damaged lines left out and said."""

import json
from dataclasses import asdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genre_engine.errors import WrongUsage
from genre_engine.prediction import teaching
from tests.prediction.taught import FAST, correction


@pytest.fixture(params=["home", "shared"])
def place(request, workspace, monkeypatch):
    monkeypatch.setattr(teaching, "_in_memory", type(teaching._in_memory)())
    if request.param == "shared":
        monkeypatch.setenv("GENRE_ENGINE_HOSTED", "1")
    return request.param


def correct(number, genres, visitor="me", **changes):
    values = asdict(correction(number, genres)) | changes
    return teaching.correct(visitor, values.pop("sha256"), values.pop("genres"), **values)


def test_a_correction_is_found_by_the_file_s_content_and_replaced_by_a_later_one(place):
    correct(1, ["rock"])
    correct(2, ["folk"])
    made = correct(1, ["folk", "Sea shanty"])
    kept = teaching.listing("me")
    assert kept.of(made.sha256) == made
    assert [one.genres for one in kept.songs] == [("folk",), ("folk", "Sea shanty")]
    assert kept.words == ("folk", "Sea shanty")
    assert kept.of("f" * 64) is None
    assert kept.problem == ""


def test_a_correction_is_removed_and_brought_back(place):
    made = correct(1, ["rock"])
    assert teaching.remove("me", made.sha256) == made
    assert teaching.listing("me").songs == ()
    teaching.restore("me", made)
    assert teaching.listing("me").songs == (made,)
    assert teaching.remove("me", "f" * 64) is None


def test_no_more_songs_are_kept_than_the_limit_and_none_is_lost_by_it(place, monkeypatch):
    monkeypatch.setattr(teaching, "MOST", 2)
    correct(1, ["rock"])
    correct(2, ["rock"])
    with pytest.raises(WrongUsage, match="2 corrections are kept at most"):
        correct(3, ["rock"])
    correct(2, ["folk"])
    assert [one.genres for one in teaching.listing("me").songs] == [("rock",), ("folk",)]


def test_visitors_of_a_shared_server_have_their_own_and_nothing_is_written(workspace, monkeypatch):
    monkeypatch.setattr(teaching, "_in_memory", type(teaching._in_memory)())
    monkeypatch.setattr(teaching, "MOST_IN_ALL", 3)
    monkeypatch.setenv("GENRE_ENGINE_HOSTED", "1")
    correct(1, ["rock"], "a")
    assert teaching.listing("b").songs == ()
    assert not workspace.exists()
    for number in range(3):
        correct(number, ["rock"], "b")
    assert [len(teaching.listing(visitor).songs) for visitor in "ab"] == [0, 3]


@pytest.mark.parametrize(
    ("given_", "kept"),
    [
        (["HIP-HOP"], ["hip hop"]),
        ([" Sea  shanty ", "sea-shanty"], ["Sea shanty"]),
        (["", "rock"], ["rock"]),
    ],
)
def test_words_are_kept_once_in_the_spelling_that_is_known(given_, kept):
    assert teaching.words(given_, ["hip hop", "rock"]) == kept


@pytest.mark.parametrize("given_", [["x" * 41], ["a\x00b"], ["\ud800"], list("abcdef")])
def test_words_that_cannot_be_shown_or_are_too_many_are_refused(given_):
    with pytest.raises(WrongUsage):
        teaching.words(given_)


@pytest.mark.parametrize(
    "changes",
    [
        {"genres": ()},
        {"embedding": (0.0,) * 149},
        {"embedding": (float("nan"),) * 150},
        {"networks": ("another",) * 3},
        {"sha256": "../../x"},
        {"title": "x" * 301},
    ],
)
def test_what_is_no_correction_is_refused(changes):
    with pytest.raises(WrongUsage):
        teaching.Correction(**asdict(correction(1, ["rock"])) | changes)


def test_a_title_that_cannot_be_written_is_kept_as_far_as_it_can(workspace):
    made = correct(1, ["rock"], title="a\ud800\nb" + "c" * 400, artist=None)
    assert made.title.startswith("a? b")
    assert (len(made.title), made.artist) == (300, "")
    assert teaching.listing("me").songs == (made,)


def test_damaged_lines_are_left_out_and_said_and_the_old_file_is_kept_aside(workspace):
    first = correct(1, ["rock"])
    path = workspace / "corrections.jsonl"
    good = path.read_text()
    hostile = ["{", "[" * 100_000, "null", '{"sha256": 1}', good.replace('"rock"', "7"), "\ud7ff"]
    path.write_text(good + "\n".join(line.strip() for line in hostile) + "\n")
    kept = teaching.listing("me")
    assert kept.songs == (first,)
    assert kept.problem == "6 lines of corrections.jsonl can't be read: left out."
    second = correct(2, ["folk"])
    assert teaching.listing("me") == teaching.Corrections((first, second))
    assert (workspace / "corrections.damaged.jsonl").read_text().startswith(good + "{\n")


def test_a_file_that_is_far_too_large_is_not_read(workspace, monkeypatch):
    correct(1, ["rock"])
    monkeypatch.setattr(teaching, "_MOST_BYTES", 10)
    teaching._read.cache_clear()
    kept = teaching.listing("me")
    assert kept.songs == ()
    assert "larger than any of ours" in kept.problem
    teaching._read.cache_clear()


def test_only_as_many_lines_are_taken_as_could_have_been_written(workspace, monkeypatch):
    for number in range(4):
        correct(number, ["rock"])
    monkeypatch.setattr(teaching, "MOST", 3)
    teaching._read.cache_clear()
    kept = teaching.listing("me")
    assert [one.sha256[-1] for one in kept.songs] == ["1", "2", "3"]
    assert kept.problem.startswith("A line of")
    teaching._read.cache_clear()


@settings(max_examples=60, deadline=None)
@given(at=st.integers(0, 1600), put=st.binary(max_size=30))
def test_a_changed_file_is_read_as_far_as_it_can_be(at, put, tmp_path_factory):
    folder = tmp_path_factory.mktemp("kept")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENRE_ENGINE_WORKSPACE", str(folder))
        correct(1, ["rock"])
        path = folder / "corrections.jsonl"
        content = path.read_bytes()
        path.write_bytes(content[:at] + put + content[at + len(put) :])
        for one in teaching.listing("me").songs:
            json.dumps(asdict(one), allow_nan=False).encode()
            assert len(one.embedding) == 50 * len(one.networks)
        correct(2, ["folk"])
        assert teaching.listing("me").problem == ""


def test_networks_of_a_vector_are_kept_with_it(place):
    assert correct(1, ["rock"]).networks == FAST
