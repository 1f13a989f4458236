"""The Classify page, through Streamlit's own test client: the example and the models of runs."""

import shutil
import time
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from genre_engine import pretrained, runs
from genre_engine.prediction import catalogue, example, recent
from genre_engine.prediction.recent import KeptSong
from pages.components.classify.queue import listener
from tests import trainings

ENTRY = str(Path(__file__).parents[2] / "streamlit_app.py")


@pytest.fixture
def trained(tmp_path_factory, monkeypatch):
    workspace = trainings.workspace_of(tmp_path_factory)
    monkeypatch.setenv("GENRE_ENGINE_WORKSPACE", str(workspace))
    return workspace


def page(*models, **query):
    at = AppTest.from_file(ENTRY, default_timeout=180)
    at.switch_page("pages/classify.py")
    if models:
        at.query_params["model"] = list(models)
    for name, value in query.items():
        at.query_params[name] = value
    at.run()
    assert not at.exception
    return at


def until_heard(at):
    """Run the page again until nothing is being listened to."""
    deadline = time.monotonic() + 180
    while any(h.busy for song in at.session_state["songs"] for h in song.hearings.values()):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    at.run()
    assert not at.exception
    return at


def text(at):
    return " ".join(element.value for element in [*at.markdown, *at.header, *at.warning])


def test_without_runs_all_pretrained_networks_and_the_quick_ones_are_offered(workspace):
    at = page()
    (choice,) = at.multiselect
    assert choice.options == ["All pretrained networks", "Quick pretrained networks"]
    assert choice.value == ["full"]
    assert example.analysis().sentence("wide") in text(at)
    assert "model" not in at.query_params


def test_finished_runs_are_offered_beside_the_pretrained_networks(trained):
    (choice,) = page().multiselect
    assert choice.label == "Models"
    assert choice.options[0] == "All pretrained networks"
    assert "tones (3 genres)" in choice.options
    assert not any("waiting" in option or "numbers" in option for option in choice.options)


def test_a_link_leads_to_a_run_s_model_and_says_what_it_was_trained_on(trained):
    at = until_heard(page("toy"))
    assert at.query_params["model"] in ("toy", ["toy"])
    shown = text(at)
    assert "Trained on **demo**" in shown
    assert "synthetic music only" in shown
    assert "This model knows synthetic music only" in shown
    assert at.multiselect[0].value == ["toy"]


def test_two_models_stand_side_by_side_and_both_are_exported(trained):
    at = until_heard(page("pretrained", "tones"))
    shown = text(at)
    assert "**All pretrained networks**" in shown
    assert "**tones**" in shown
    assert example.analysis().sentence("wide") in shown
    assert [tuple(row) for row in at.dataframe[0].value[["Song", "Model"]].to_numpy()] == [
        (example.TITLE, "full"),
        (example.TITLE, "tones"),
    ]
    at.session_state["as-command"] = True
    at.run()
    commands = at.code[0].value.splitlines()
    assert "--view wide" in commands[0]
    assert "--model tones" in commands[1]


def test_the_choice_is_reported_in_the_address(trained):
    at = page()
    at.multiselect[0].select("tones").run()
    assert at.query_params["model"] == ["full", "tones"]
    at.multiselect[0].unselect("tones").run()
    assert "model" not in at.query_params


def test_a_model_that_is_not_there_is_reported_and_the_pretrained_networks_stay(trained):
    at = page("gone")
    assert "There is no model **gone**" in text(at)
    assert at.multiselect[0].value == ["full"]
    assert example.analysis().sentence("wide") in text(at)


def test_a_run_that_was_removed_while_the_page_is_open_says_so(trained, tmp_path, monkeypatch):
    copy = shutil.copytree(trained, tmp_path / "copy")
    monkeypatch.setenv("GENRE_ENGINE_WORKSPACE", str(copy))
    there = catalogue.available()
    # What the page has listed before the removal.
    monkeypatch.setattr(catalogue, "available", lambda: there)
    runs.remove(runs.open("tones"))
    # A listening process of the tests before looks into their workspace.
    listener()._process.end()
    at = until_heard(page("tones"))
    assert "The run **tones** was removed" in at.error[0].value
    assert "This song could not be classified" in text(at)


def test_a_result_that_was_kept_opens_by_its_link_and_from_recent_songs(trained):
    song = KeptSong("ab" * 32, "tune.mp3", "Tune · Band", genres=("Jazz",))
    said = replace(example.analysis(), networks=tuple(pretrained.available("full")))
    recent.keep("anybody", song, "full", said)
    try:
        at = page(song="ab" * 8)
        assert [one.sha256 for one in at.session_state["songs"]] == ["ab" * 32]
        assert "Tune · Band" in text(at)
        assert "tag says Jazz, scored" in text(at)
        assert "drop its file in again" in text(at)
        assert said.sentence("wide") in text(at)

        at = page()
        at.session_state["recent-songs"] = True
        at.run()
        (button,) = [one for one in at.button if one.label == "Open"]
        button.click().run()
        assert not at.exception
        assert at.session_state["songs"][0].sha256 == "ab" * 32

        next(one for one in at.button if one.label == "Forget all recent songs").click().run()
        assert recent.listing("anybody") == []
    finally:
        recent.forget("anybody")
