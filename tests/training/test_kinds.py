"""Whole trainings with models other than the network of dense layers."""

import numpy as np
import pytest

from genre_engine import evaluation, runs, training
from tests.extracted import make_music, write_features

QUICK = {
    "forest": {"trees": 20},
    "xgboost": {"rounds": 40},
    "cnn": {"epochs": 2, "filters": [4, 4], "batch_size": 16, "learning_rate": 0.01},
}


class PauseAt:
    """A Progress that asks for a pause at an epoch."""

    def __init__(self, run, epoch):
        self.run, self.at = run, epoch

    def batch(self, **values): ...

    def epoch(self, values):
        if values["epoch"] == self.at:
            self.run.request("pause")

    def log(self, text): ...


@pytest.mark.parametrize("name", QUICK)
def test_a_run_is_trained_paused_resumed_and_evaluated_with_any_model(name, tmp_path):
    music = make_music(tmp_path)
    write_features(music, kind="patches" if name == "cnn" else "summary")
    config = training.new_config("music", model=name, settings=QUICK[name], split="random")
    whole = training.train(runs.create(config))
    assert whole.status == "finished"
    assert whole.message.startswith("Macro F1")
    tracks = evaluation.evaluate_run(whole, "test").to_dict()["tracks"]
    assert tracks == len(whole.predictions("test").track_ids) >= 8
    if name != "cnn":  # two small epochs are few for a network
        assert whole.report()["validation"]["roc_auc"]["macro"] > 0.75
    parted = runs.create(config)
    training.train(parted, progress=PauseAt(parted, 1))
    assert parted.message == "Paused after epoch 1."
    training.train(parted)
    assert parted.status == "finished"
    np.testing.assert_array_equal(parted.predictions("test").p, whole.predictions("test").p)
    np.testing.assert_allclose(
        whole.model().predict_proba(material_x(whole)), whole.predictions("test").p, atol=1e-6
    )


def material_x(run):
    """Features of the test tracks."""
    store = training.open_material(run.config).store
    ids = run.predictions("test").track_ids
    return store.patches(ids) if store.kind_name == "patches" else store.vectors(ids)
