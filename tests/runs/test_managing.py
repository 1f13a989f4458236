"""Runs are renamed, noted, tagged, thrown away and taken back."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from genre_engine import runs
from genre_engine.errors import Refused, RunError, RunExists, RunMissing, WrongUsage
from genre_engine.runs import notes
from genre_engine.storage import owners


def named(config, name):
    return runs.create(replace(config, name=name))


def test_a_renamed_run_is_found_by_its_new_name_and_by_its_id(run):
    made = runs.rename(run, "baseline")
    assert made.name == "baseline"
    assert runs.open("baseline").id == run.id == runs.open(run.id).id
    with pytest.raises(RunMissing):
        runs.open(run.name)
    assert made.config == replace(run.config, name="baseline")


def test_a_name_or_id_that_another_run_has_is_refused(config):
    one, other = named(config, "one"), named(config, "other")
    for taken in ("other", other.id):
        with pytest.raises(RunExists, match="Choose another name"):
            runs.rename(one, taken)
    assert runs.rename(one, "one").name == "one"


@pytest.mark.parametrize("name", ["", "a/b", ".hidden", "-x", "x" * 65])
def test_what_cannot_be_a_folders_name_cannot_be_a_runs(run, name):
    with pytest.raises(WrongUsage, match="can't be a name"):
        runs.rename(run, name)
    assert runs.open(run.id).name == run.name


def test_a_run_may_be_renamed_and_noted_while_it_is_trained(run):
    with run.writing() as events:
        runs.rename(run, "mine")
        runs.annotate(run, note="on the way")
        events.write("status", status="running", message="")
    assert runs.open("mine").notes().note == "on the way"


def test_two_who_rename_at_the_same_time_never_get_one_name(config):
    made = [named(config, f"run{number}") for number in range(6)]

    def try_it(run):
        try:
            return runs.rename(run, "best").name
        except RunExists:
            return None

    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(try_it, made))
    assert found.count("best") == 1
    assert [run.name for run in runs.listing()].count("best") == 1


def test_a_note_and_tags_are_kept_apart_and_change_one_by_one(run):
    assert run.notes() == runs.Notes()
    runs.annotate(run, note=" first try\n")
    runs.tag(run, ["thesis", "Baseline"])
    assert runs.open(run.id).notes() == runs.Notes("first try", ("Baseline", "thesis"))
    runs.tag(run, ["baseline", "third"], removed=["THESIS"])
    assert run.notes().tags == ("Baseline", "third")
    runs.annotate(run, note="")
    assert run.notes() == runs.Notes("", ("Baseline", "third"))


def test_nobodys_tag_is_lost_where_many_add_one_at_a_time(run):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: runs.tag(run, [f"tag{n}"]), range(16)))
    assert len(run.notes().tags) == 16


@pytest.mark.parametrize("word", ["", "  ", "a,b", "x" * 33, "a\x00b"])
def test_what_cannot_be_a_tag_is_refused(run, word):
    with pytest.raises(WrongUsage, match="can't be a tag"):
        runs.tag(run, [word])
    assert run.notes().tags == ()


def test_too_much_is_refused_in_words(run):
    with pytest.raises(WrongUsage, match="up to 2,000 characters"):
        runs.annotate(run, note="x" * 2001)
    with pytest.raises(WrongUsage, match="up to 20 tags"):
        runs.tag(run, [f"t{n}" for n in range(21)])


@pytest.mark.parametrize("text", ["", "{", "[]", '{"note": 1}', '{"note": "x", "tags": ["a,b"]}'])
def test_damaged_notes_are_none(run, text):
    (run.folder / notes.FILE).write_text(text)
    assert run.notes() == runs.Notes()
    assert runs.tag(run, ["new"]).tags == ("new",)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(note=st.text(max_size=80), tags=st.lists(st.text("aBc d", min_size=1, max_size=6)))
def test_what_is_noted_reads_back_as_it_was_kept(run, note, tags):
    tags = [word for word in tags if word.strip()][:10]
    kept = runs.annotate(run, note=note, tags=tags)
    assert run.notes() == kept
    assert len({word.casefold() for word in kept.tags}) == len(kept.tags)


def test_a_discarded_run_is_gone_from_sight_and_comes_back_whole(run):
    runs.tag(run, ["keep"])
    runs.discard(run)
    assert runs.listing() == []
    assert [thrown.name for thrown in runs.trash()] == [run.name]
    back = runs.restore(run.name)
    assert (back.id, back.name, back.status) == (run.id, run.name, "queued")
    assert back.notes().tags == ("keep",)
    assert runs.trash() == []


def test_a_name_in_the_trash_is_free_and_who_comes_back_gets_a_number(config):
    old = named(config, "mine")
    runs.discard(old)
    new = named(config, "mine")
    back = runs.restore("mine")
    assert (back.id, back.name) == (old.id, "mine-2")
    assert runs.open("mine").id == new.id


def test_what_is_not_in_the_trash_cannot_be_taken_back(run):
    with pytest.raises(RunMissing, match="It is empty"):
        runs.restore("nobody")
    runs.discard(run)
    with pytest.raises(RunMissing, match=f"There are: {run.name}"):
        runs.restore("nobody")


def test_a_run_in_training_is_not_discarded(run):
    with run.writing(), pytest.raises(RunError, match="Cancel it first"):
        runs.discard(run)
    assert runs.open(run.id)


def test_a_damaged_run_can_be_discarded_and_taken_back(run):
    (run.folder / "config.json").write_text("{")
    runs.discard(runs.open(run.id, damaged=True))
    assert runs.listing() == []
    assert runs.restore(run.id).error is not None


def test_the_trash_keeps_a_week_and_no_longer(config):
    old, new = named(config, "old"), named(config, "new")
    runs.discard(old)
    (thrown,) = runs.trash()
    week_ago = time.time() - 7 * 86_400 - 60
    os.utime(thrown.folder, (week_ago, week_ago))
    runs.discard(new)
    assert [run.name for run in runs.trash()] == ["new"]
    assert runs.empty_trash(0) == [new.id]
    assert runs.trash() == []


def test_what_was_removed_meanwhile_is_said_so(run):
    runs.remove(run)
    for change in (
        lambda: runs.rename(run, "x"),
        lambda: runs.annotate(run, note="x"),
        lambda: runs.tag(run, ["x"]),
        lambda: runs.discard(run),
    ):
        with pytest.raises(RunMissing, match="removed meanwhile"):
            change()


def test_on_a_shared_server_only_ones_own_runs_are_changed(config, monkeypatch):
    monkeypatch.setenv(owners.VARIABLE, "1")
    with owners.acting_for("ann"):
        mine = named(config, "anns")
    nobodys = named(config, "nobodys")
    visitor = {"asks": "bob"}
    monkeypatch.setattr(owners, "_asking", [lambda: visitor["asks"]])
    for run in (mine, nobodys):
        for change in (
            lambda run=run: runs.rename(run, "x"),
            lambda run=run: runs.annotate(run, note="x"),
            lambda run=run: runs.tag(run, ["x"]),
            lambda run=run: runs.discard(run),
        ):
            with pytest.raises(Refused, match="isn't yours"):
                change()
    visitor["asks"] = "ann"
    runs.discard(runs.rename(mine, "renamed"))
    visitor["asks"] = "bob"
    assert runs.trash() == []
    with pytest.raises(RunMissing):
        runs.restore("renamed")
    visitor["asks"] = "ann"
    assert runs.restore("renamed").id == mine.id
