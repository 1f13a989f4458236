"""A run → its scores on a part of the data, its model card, and comparisons with other runs.

from genre_engine import evaluation, runs
evaluation.evaluate_run(runs.open("demo-fcn")).to_dict()          # the JSON of `evaluate`
evaluation.evaluate_run(runs.open("demo-fcn"), "test")            # counted: run.looks()

evaluate.py     predictions → Report, beside the baselines
out_of_fold.py  cross-validation: figures of every fold, their spread, nested thresholds
model_card.py   what a run is, in words and figures
comparison.py   several runs on the same tracks
"""

from genre_engine.evaluation.evaluate import THRESHOLDS, evaluate_run, verdict
from genre_engine.evaluation.model_card import card, chosen, number
from genre_engine.evaluation.model_card import rows as figure_rows
from genre_engine.evaluation.out_of_fold import folds, spread

__all__ = [
    "THRESHOLDS",
    "card",
    "chosen",
    "evaluate_run",
    "figure_rows",
    "folds",
    "number",
    "spread",
    "verdict",
]
