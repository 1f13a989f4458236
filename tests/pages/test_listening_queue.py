"""Who is listened to next: visitors take turns, whatever each has put in."""

from dataclasses import replace

import pytest

from genre_engine.prediction import example, questions
from genre_engine.prediction.process import ProcessEnded
from pages.components.classify import queue
from pages.components.classify.queue import Hearing, Listener, Song

MODEL = "full"
# Turns that a song takes, and at which of them its first ranking comes.
LONG, FIRST = 200, 2


class Process:
    """Counts turns instead of listening."""

    running = True

    def __init__(self, *, background=False):
        self.background = background
        self.turns, self.taken, self.closed, self.dies = [], {}, [], False

    def open(self, key, data, note, model):
        if questions.is_question(model):
            self.turns.append(key)
            return {"answer of": model}
        return self.step(key)

    def step(self, key):
        if self.dies:
            self.dies = False
            self.taken.clear()
            raise ProcessEnded("It ended.")
        self.turns.append(key)
        self.taken[key] = n = self.taken.get(key, 0) + 1
        if n < FIRST:
            return None
        return replace(example.analysis(), share_heard=min(1.0, n / LONG))

    def close(self, key):
        self.closed.append(key)

    def end(self):
        self.taken.clear()


@pytest.fixture
def listener(monkeypatch):
    monkeypatch.setattr(queue, "ListeningProcess", Process)
    monkeypatch.setattr(Listener, "_run", lambda self: None)
    clock = iter(range(10**6))
    # Each turn takes a second.
    monkeypatch.setattr(queue.time, "monotonic", lambda: float(next(clock)))
    return Listener()


def put(listener, visitor, name="song"):
    song = Song(name, b"", visitor, hearings={MODEL: Hearing(MODEL)})
    song.playable = (b"", "audio/wav")
    listener.submit(song, MODEL)
    return song


def turn(listener, times=1):
    for _ in range(times):
        if listener._waiting or listener._open:  # else it would wait for a song
            listener._turn()


def shares(listener, since):
    """Turns by song since so many turns."""
    keys = [key.split("/")[0] for key in listener._process.turns[since:]]
    return {key: keys.count(key) for key in dict.fromkeys(keys)}


def test_a_first_ranking_does_not_wait_for_others_long_songs(listener):
    waiting = [put(listener, visitor) for visitor in "abcde" for _ in range(3)]
    turn(listener, 100)
    song = put(listener, "f")
    turn(listener, FIRST)
    assert song.hearings[MODEL].analysis is not None
    assert all(one.visitor != "f" for one in waiting)


def test_visitors_get_the_same_time_whatever_they_put_in(listener):
    many = [put(listener, "a") for _ in range(5)]
    one = put(listener, "b")
    turn(listener, 40)
    counts = shares(listener, 0)
    assert abs(counts[one.key] - sum(counts.get(song.key, 0) for song in many)) <= 2


def test_who_comes_late_does_not_make_up_for_it(listener):
    early = put(listener, "a")
    turn(listener, 60)
    late = put(listener, "b")
    turn(listener, 40)
    counts = shares(listener, 60)
    assert abs(counts[early.key] - counts[late.key]) <= FIRST + 1


def test_a_song_that_gives_no_ranking_does_not_stay_first(listener, monkeypatch):
    monkeypatch.setattr("tests.pages.test_listening_queue.FIRST", 1000)
    silent, other = put(listener, "a"), put(listener, "b")
    turn(listener, 20)
    counts = shares(listener, 0)
    assert counts[silent.key] > 5
    assert counts[other.key] > 5


def test_a_visitor_has_few_songs_open_and_hears_how_many_are_ahead(listener):
    songs = [put(listener, "a") for _ in range(5)]
    turn(listener, 30)
    assert len(listener._open) == queue._OPEN
    notes = [song.hearings[MODEL].note for song in songs if song.hearings[MODEL].state == "waiting"]
    assert notes == [
        "Waiting for its turn, 2 ahead",
        *(f"Waiting for its turn, {n} ahead" for n in (3, 4)),
    ]


def test_a_song_that_was_taken_back_is_closed_at_the_next_turn(listener):
    first, second = put(listener, "a"), put(listener, "a")
    turn(listener, 6)
    first.cancelled = True
    turn(listener)
    assert listener._process.closed == [f"{first.key}/{MODEL}"]
    assert second.hearings[MODEL].busy


def test_what_was_open_when_the_process_ended_begins_again(listener):
    first, second = put(listener, "a"), put(listener, "b")
    turn(listener, 10)
    listener._process.dies = True
    turn(listener)
    failed = [song for song in (first, second) if song.hearings[MODEL].state == "failed"]
    assert len(failed) == 1
    turn(listener, 2 * LONG)
    (other,) = {first, second} - set(failed)
    assert other.hearings[MODEL].state == "done"


def test_what_nobody_waits_for_begins_when_the_other_listener_has_nothing_to_do(
    listener, monkeypatch
):
    monkeypatch.setattr(queue.time, "sleep", lambda seconds: None)
    background = Listener(after=listener)
    assert background._process.background
    assert not listener._process.background
    song = put(listener, "a")
    song.hearings[questions.TEMPO_KEY] = asked = Hearing(questions.TEMPO_KEY)
    background.submit(song, questions.TEMPO_KEY)
    turn(background, 5)
    assert not background._process.turns
    assert asked.busy
    turn(listener, LONG)
    assert song.hearings[MODEL].state == "done"
    turn(background)
    assert asked.answer == {"answer of": questions.TEMPO_KEY}
    assert asked.state == "done"
    assert not background.busy
