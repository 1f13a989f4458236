"""What a training's curves suggest, on Train when it has ended and among Results' curves."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from genre_engine import training
from tests.finished_runs import finished
from tests.training.conftest import import_table

ENTRY = str(Path(__file__).parents[2] / "streamlit_app.py")

pytestmark = pytest.mark.usefixtures("workspace")


@pytest.fixture
def overfit(workspace):
    """A finished run whose validation got worse from epoch 7 on."""
    import_table(workspace.parent)
    config = training.new_config("small", model="fcn", settings={"dropout": 0.1, "layers": [32]})
    run = finished("overfit", dataset="small", settings=dict(config.settings))
    with run.writing() as events:
        for number in range(1, 21):
            events.write(
                "epoch",
                epoch=number,
                epochs=150,
                loss=0.7 / number,
                val_loss=0.4 + 0.02 * abs(number - 6),
                auc=0.99,
                val_auc=0.8,
                best=number == 6,
            )
    return run


def page(name, **params):
    app = AppTest.from_file(ENTRY, default_timeout=180)
    app.switch_page(f"pages/{name}.py")
    for key, value in params.items():
        app.query_params[key] = value
    app.run()
    assert not app.exception
    return app


def said(app):
    return "\n".join(str(e.value) for e in (*app.markdown, *app.header, *app.title))


def press(app, label):
    next(button for button in app.button if button.label == label).click()
    app.run()
    assert not app.exception
    return app


@pytest.mark.parametrize("where", ["train", "metrics"])
def test_remarks_stand_by_the_curves_and_their_button_fills_the_form(where, overfit):
    more = {"shown": "History"} if where == "metrics" else {}
    app = page(where, run=overfit.id, **more)
    assert "What its curves suggest" in said(app)
    assert "Validation got worse from epoch 7 on" in said(app)
    assert "only 90 validation tracks" in said(app)
    press(app, "Train again with dropout 0.3")
    assert "Train a classifier" in said(app)
    assert app.slider(key="train-fcn-dropout").value == 0.3
    assert app.text_input(key="train-fcn-layers").value == "32"
    assert app.selectbox(key="train-data").value == "small"


def test_a_run_without_curves_is_only_said_to_be_judged_on_little(workspace):
    run = finished("quick")
    app = page("train", run=run.id)
    assert "To bear in mind" in said(app)
    assert not any(button.label.startswith("Train again with d") for button in app.button)


def test_a_run_of_another_version_s_model_has_remarks_but_no_button(overfit, monkeypatch):
    from pages.components.train import coaching

    monkeypatch.setattr(coaching.models, "NAMES", ())
    app = page("metrics", run=overfit.id, shown="History")
    assert "Validation got worse" in said(app)
    assert "Train again with dropout 0.3" not in [button.label for button in app.button]
