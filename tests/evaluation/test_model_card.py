"""What a model card says beside the figures."""

import pytest

from genre_engine import evaluation
from tests.finished_runs import finished


def chosen(run, values):
    run.write_json("report.json", run.report() | {"fit": {"chosen": values}})
    return evaluation.chosen(run)


def test_what_the_model_chose_for_itself_is_on_the_card(workspace):
    run = finished("one", model="svm", settings={"strength": 0.0, "gamma": 0.5})
    assert chosen(run, {"strength": 3.0}) == "C 3"
    card = evaluation.card(run, evaluation.evaluate_run(run))
    assert "- Chosen by the model: C 3\n" in card


def test_a_run_that_left_nothing_to_its_model_says_nothing_of_it(workspace):
    run = finished("one", model="linear", settings={"strength": 0.1})
    assert chosen(run, {}) == ""
    card = evaluation.card(run, evaluation.evaluate_run(run))
    assert "Chosen by the model" not in card


@pytest.mark.parametrize("values", [None, 3, ["gamma"], {"strength": "x"}, {"other": 1}])
def test_what_no_model_chooses_is_passed_over(values, workspace):
    assert chosen(finished("one", model="svm", settings={}), values) == ""
