"""`learning-curve`, and `evaluate --importance`."""

import json
import shutil

import pytest

from genre_engine import models, runs, training
from genre_engine.errors import ModelError
from genre_engine.evaluation import learning_curve as stored
from tests.training.conftest import import_table


@pytest.fixture(scope="module")
def trained_workspace(tmp_path_factory):
    """A workspace with a table and two quick runs of it, trained once."""
    folder = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENRE_ENGINE_WORKSPACE", str(folder / "workspace"))
        import_table(folder)
        for name, split in (("first", "artist"), ("folds", "kfold:3")):
            config = training.new_config(
                "small", model="linear", name=name, split=split, settings={"strength": 0.1}
            )
            training.train(runs.create(config))
    return folder / "workspace"


@pytest.fixture(autouse=True)
def small(trained_workspace, workspace):
    shutil.copytree(trained_workspace, workspace)


def test_the_table_has_a_row_a_share_and_the_advice_in_words(run):
    status, out, err = run("learning-curve", "first", "--shares", "20,35,50%,75")
    assert status == 0
    assert err == ""
    found = stored.read(runs.open("first"))
    assert found["shares"] == [20, 35, 50, 75, 100]
    for point in found["points"]:
        value = point["average_precision"]["value"]
        assert f"│ {point['share']} % " in out
        assert f"{value:.3f} [" in out
    assert "95 % intervals over artists" in out
    assert found["advice"]["text"] in " ".join(out.split())
    assert "Top-1" not in out


def test_json_is_what_lies_beside_the_run_and_is_not_measured_twice(run, monkeypatch):
    status, out, _ = run("learning-curve", "first", "--shares", "50", "--format", "json")
    assert status == 0
    assert json.loads(out) == stored.read(runs.open("first"))

    def never(*_, **__):
        raise AssertionError("trained again")

    monkeypatch.setattr(models.model("linear"), "fit", never)
    again = run("learning-curve", "first", "--shares", "50", "--format", "json")
    assert again == (0, out, "")


@pytest.mark.parametrize(
    ("words", "match"),
    [
        (("nobody",), "no run 'nobody'"),
        (("first", "--shares", "some"), "'some' are no shares"),
        (("first", "--shares", "0,50"), "from 1 to 100, not 0"),
        (("first", "--shares", "150"), "not 150"),
        ((), "Missing argument"),
    ],
)
def test_wrong_words_are_refused_with_what_to_do(run, words, match):
    status, out, err = run("learning-curve", *words)
    assert status == 2
    assert match in err
    assert out == ""


def test_a_share_that_failed_is_named_and_the_status_says_so(run, monkeypatch):
    fit = models.model("linear").fit

    def fussy(self, train, *more, **options):
        if len(train) < 40:
            raise ModelError("There are too few of them.")
        return fit(self, train, *more, **options)

    monkeypatch.setattr(models.model("linear"), "fit", fussy)
    status, out, err = run("learning-curve", "first", "--shares", "20,50")
    assert status == 1
    assert "20 %, choice 1: There are too few of them." in err
    assert "│ 50 %" in out


def test_an_interrupted_curve_says_that_it_can_go_on(run, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(models.model("linear"), "fit", interrupted)
    status, out, err = run("learning-curve", "first", "--shares", "50")
    assert status == 130
    assert "the same command goes on" in err
    assert out == ""


def test_what_the_features_carry_is_added_to_a_judgement(run):
    status, out, _ = run("evaluate", "first", "--importance", "--format", "json")
    assert status == 0
    found = json.loads(out)["importance"]
    assert found["part"] == "validation"
    assert {row["title"] for row in found["groups"]} == {f"x{n}" for n in range(8)}
    assert found["groups"][0]["title"] in ("x0", "x1", "x2")
    status, table, _ = run("evaluate", "first", "--importance")
    assert status == 0
    assert "mean and extremes of 10 shuffles" in " ".join(table.split())
    _, plain, _ = run("evaluate", "first", "--format", "json")
    assert "importance" not in json.loads(plain)


@pytest.mark.parametrize(
    ("words", "status", "match"),
    [
        (("first", "--part", "test"), 2, "measured on validation"),
        (("first", "--format", "csv"), 2, "printed as table or json"),
        (("folds",), 1, "folds' models aren't kept"),
    ],
)
def test_importance_is_refused_where_there_is_none(run, words, status, match):
    found, out, err = run("evaluate", *words, "--importance")
    assert found == status
    assert match in " ".join(err.split())
    assert out == ""
    assert runs.open("first").looks() == []
