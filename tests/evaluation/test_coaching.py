"""What is said of a training's curves, on curves whose trouble is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genre_engine import models
from genre_engine.evaluation import coaching
from tests.finished_runs import finished

NET = {"epochs": 40, "learning_rate": 0.001, "layers": [256, 128], "dropout": 0.3}


def history(loss, val_loss, *, most=None, auc=0.95, val_auc=0.9):
    """Epochs of two curves; by default they ran as long as they could."""
    auc, val_auc = (np.broadcast_to(values, len(loss)) for values in (auc, val_auc))
    return [
        {
            "epoch": number + 1,
            "epochs": most or len(loss),
            "loss": float(loss[number]),
            "val_loss": float(val_loss[number]),
            "auc": float(auc[number]),
            "val_auc": float(val_auc[number]),
        }
        for number in range(len(loss))
    ]


def falling(n, start=0.7, end=0.3, rate=4.0):
    """A curve that falls and flattens out."""
    at = np.linspace(0, 1, n)
    return end + (start - end) * (np.exp(-rate * at) - np.exp(-rate)) / (1 - np.exp(-rate))


def said(epochs, settings=NET, **known):
    return coaching.remarks(epochs, settings=settings, **known)


def kinds(*arguments, **options):
    return [remark.kind for remark in said(*arguments, **options)]


def overfit(n=30, best=12):
    """Validation is best at an epoch and rises from then on; train falls."""
    at = np.arange(1, n + 1)
    return falling(n, end=0.05), 0.3 + 0.004 * np.abs(at - best) * np.where(at < best, 3, 1)


def test_validation_that_got_worse_is_named_with_the_epoch_and_more_dropout():
    (remark,) = said(history(*overfit(), most=100))
    assert remark.kind == "overfits"
    assert "Validation got worse from epoch 13 on" in remark.text
    assert "more dropout, fewer units" in remark.text
    assert (remark.change, remark.action) == ({"dropout": 0.5}, "dropout 0.5")


def test_where_dropout_is_at_its_most_fewer_units_are_proposed():
    (remark,) = said(history(*overfit()), NET | {"dropout": 0.7})
    assert remark.change == {"layers": [128, 64]}
    (remark,) = said(history(*overfit()), {"learning_rate": 0.1, "depth": 4, "rounds": 300})
    assert remark.change == {"depth": 3}
    assert "shallower trees" in remark.text


def test_a_loss_that_still_falls_at_the_last_epoch_wants_more_epochs():
    line = np.linspace(0.7, 0.4, 40)
    (remark,) = said(history(line, line + 0.02))
    assert remark.kind == "too short"
    assert remark.text.endswith("still falling when the 40 epochs were over: train longer.")
    assert (remark.change, remark.action) == ({"epochs": 80}, "80 epochs")
    # The same curves, but it ended by itself: there were epochs left.
    assert kinds(history(line, line + 0.02, most=200)) == ["fine"]


def test_a_curve_that_has_flattened_out_does_not_want_more_epochs():
    curve = falling(40, rate=8)
    assert kinds(history(curve, curve + 0.02)) == ["fine"]


def test_close_and_low_curves_want_a_bigger_network_or_other_features():
    curve = falling(30, 0.65, 0.6, rate=8)
    (remark,) = said(history(curve, curve + 0.01, auc=0.66, val_auc=0.64))
    assert remark.kind == "underfits"
    assert "close and both low (AUC 0.66 and 0.64)" in remark.text
    assert "a bigger network or other features" in remark.text
    assert remark.change == {"layers": [512, 256]}
    (remark,) = said(history(curve, curve + 0.01, auc=0.52, val_auc=0.5))
    assert "hardly better than chance" in remark.text
    # A high AUC, or one that is high on train alone, is something else.
    assert kinds(history(curve, curve + 0.01, auc=0.85, val_auc=0.84)) == ["fine"]
    assert "underfits" not in kinds(history(curve, curve + 0.01, auc=0.74, val_auc=0.6))


def test_train_far_ahead_of_a_flat_validation_is_learnt_by_heart():
    epochs = history(
        falling(30, end=0.05, rate=8), falling(30, end=0.3, rate=8), auc=0.99, val_auc=0.8
    )
    (remark,) = said(epochs)
    assert remark.kind == "learns by heart"
    assert "AUC 0.99 and 0.80" in remark.text
    assert remark.change == {"dropout": 0.5}


def test_validation_that_was_best_at_once_wants_a_lower_learning_rate():
    rising = np.linspace(0.4, 0.9, 20)
    (remark,) = said(history(falling(20), rising))
    assert remark.kind == "never better"
    assert remark.change == {"learning_rate": 0.0003}


def test_a_loss_that_is_no_number_any_more_ran_away():
    epochs = history(falling(10), falling(10))
    for epoch in epochs[6:]:
        epoch["loss"] = epoch["val_loss"] = None
    (remark,) = said(epochs)
    assert (remark.kind, remark.action) == ("not a number", "learning rate 0.0003")


def test_a_curve_that_jumps_wants_smaller_steps():
    jumping = 0.4 + 0.1 * (np.arange(30) % 2)
    (remark,) = said(history(falling(30, rate=8), jumping, most=100))
    assert remark.kind == "jumps"
    assert remark.change == {"learning_rate": 0.0003}


def test_few_validation_tracks_or_artists_are_said_beside_the_curves():
    curves = history(*overfit())
    assert kinds(curves, tracks=99, artists=50) == ["overfits", "few tracks"]
    assert "only 99 validation tracks" in said(curves, tracks=99)[1].text
    assert "only 9 artists" in said(curves, tracks=500, artists=9)[1].text
    assert kinds(curves, tracks=100, artists=10) == ["overfits"]


@pytest.mark.parametrize("n", [0, 1, 4])
def test_a_few_epochs_are_no_curve(n):
    assert said(history(falling(max(1, n))[:n], falling(max(1, n))[:n])) == []


@pytest.mark.parametrize("model", ["forest", "linear", "svm", "ensemble"])
def test_models_that_do_not_learn_by_small_steps_have_no_curves_to_read(model):
    settings = models.model(model).Settings().to_dict()
    assert said(history(*overfit()), settings) == []
    assert kinds(history(*overfit()), settings, tracks=20) == ["few tracks"]


def test_curves_without_validation_say_nothing():
    epochs = history(*overfit())
    for epoch in epochs:
        epoch["val_loss"] = None
    assert said(epochs) == []


@given(
    st.lists(
        st.tuples(*[st.one_of(st.none(), st.floats(0, 5))] * 2, *[st.floats(0, 1)] * 2),
        max_size=25,
    ),
    st.sampled_from(["fcn", "cnn", "xgboost"]),
)
def test_whatever_the_curves_a_change_is_one_that_the_model_takes(values, model):
    kind = models.model(model).Settings
    usual = kind().to_dict()
    epochs = [
        dict(zip(("loss", "val_loss", "auc", "val_auc"), row, strict=True))
        | {"epoch": number, "epochs": len(values)}
        for number, row in enumerate(values, 1)
    ]
    for remark in coaching.remarks(epochs, settings=usual, tracks=50):
        assert remark.text[0].isupper()
        assert remark.text.endswith(".")
        assert bool(remark.change) == bool(remark.action)
        changed = kind.from_dict(usual | dict(remark.change))
        assert remark.change == {} or changed != kind()


def test_of_a_stored_run_it_knows_on_how_little_it_was_judged(workspace):
    run = finished("run", settings=NET)
    assert [remark.kind for remark in coaching.of_run(run)] == ["few tracks"]
    assert "90 validation tracks" in coaching.of_run(run)[0].text
