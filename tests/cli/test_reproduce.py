"""`reproduce`, from the command line; the stages themselves are tested in tests/reproduce."""

import pytest

from genre_engine import reproduce
from genre_engine.reproduce import trainings
from tests.reproduce.conftest import import_table

pytestmark = pytest.mark.usefixtures("workspace")


@pytest.fixture
def small(tmp_path):
    return import_table(tmp_path)


def test_a_dry_run_says_what_is_left_and_does_nothing(small, run, workspace):
    status, out, err = run("reproduce", "small", "--stages", "linear", "--dry-run")
    assert (status, out) == (0, "")
    assert "300 tracks take part; 4 stages are left" in err
    assert not (workspace / "reproductions").exists()


def test_both_tables_stand_beside_the_published_figures_and_the_report_is_named(small, run):
    words = ("reproduce", "small", "--stages", "honest-fcn", "--quick")
    status, out, err = run(*words)
    assert status == 0
    assert "4 of 4 stages done" in err
    for word in ("Macro F1", "0.08", "not yet run", "honest-fcn"):
        assert word in out
    html, markdown = out.splitlines()[-2:]
    assert html.endswith("small/report.html")
    assert markdown.endswith("small/report.md")
    assert reproduce.load("small").outcomes["honest-fcn"].quick
    # The same once more has nothing left to do.
    assert "All stages are done." in run(*words)[2]


def test_a_stage_that_fails_is_named_and_the_exit_status_is_1(small, run, monkeypatch):
    monkeypatch.setattr(trainings, "judge", lambda *_: 1 / 0)
    status, out, err = run("reproduce", "small", "--stages", "linear", "--quick")
    assert status == 1
    assert "linear: A fault of this program: ZeroDivisionError" in err
    assert "report.html" in out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("nothing",), "no data set 'nothing'"),
        (("small", "--stages", "honest-fnc"), "Did you mean 'honest-fcn'"),
    ],
)
def test_wrong_usage_has_its_own_exit_status(small, run, words, message):
    status, out, err = run("reproduce", *words)
    assert (status, out) == (2, "")
    assert message in err.replace("\n", " ")
