"""Searching a model's settings: trials with settings from its declared ranges.

    search = Search(folder, SearchRequest(TrainingRequest("demo", model="fcn"), trials=20))
    search.run()
    search.make_run()            # the best trial as a run that can be trained

A trial's score is the macro average precision on the *early-stopping set*, the half of validation
that ends a training. The threshold set, the other half, and test play no part, so the best run's
report on them is not flattered by the search; its score on the early-stopping set is.

The first trial is the model's defaults, so the best is never worse than they are. Optuna's TPE
suggests the others. A trial whose validation AUC is below the median of the earlier ones at the
same epoch is given up.

On disk, in the search's folder:

    search.json      what is searched, as it was asked for, but for budget and name
    trials.jsonl     one line a trial that has ended

That is all its state: a suggestion depends only on the seed, the trial's number and the trials
before it, so a search that was stopped goes on as if it hadn't been, and the same seed finds the
same.
"""

import json
import logging
import math
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genre_engine import metrics, models, runs
from genre_engine.errors import FeaturesMissing, GenreEngineError, ModelError, RunError, WrongUsage
from genre_engine.models import Data, FeatureInfo, SettingInfo, Settings, Stop
from genre_engine.runs import Config, Run
from genre_engine.splits import EARLY_STOPPING_SET
from genre_engine.storage import workspace
from genre_engine.storage.progress import NotedProgress
from genre_engine.training import trials
from genre_engine.training.data import Material
from genre_engine.training.request import SearchRequest, config_of, open_material
from genre_engine.training.trials import Trial

if TYPE_CHECKING:
    import optuna

_log = logging.getLogger(__name__)

# Giving up a trial earlier would be guessing.
_PRUNING_AFTER_TRIALS = 5
_PRUNING_AFTER_EPOCHS = 8


def check(request: SearchRequest | Mapping[str, Any]) -> None:
    """Refuse what can't be searched; missing features are no reason.

    Raises:
        WrongUsage, DatasetError, SplitError: as `training.config_of`, or a budget that is none.
    """
    asked = SearchRequest.of(request).training
    if not searchable(asked.model):
        raise WrongUsage(f"The model {asked.model!r} declares nothing to search.")
    try:
        config_of(asked)
    except FeaturesMissing:
        return


def searchable(model_name: str) -> list[SettingInfo]:
    """The settings of a model that a search tries."""
    return [info for info in models.model(model_name).Settings.describe() if info.search]


class Search:
    """A search in a folder, begun or gone on with."""

    def __init__(self, folder: Path, request: SearchRequest | Mapping[str, Any]) -> None:
        """Raises what `check` raises, and FeaturesMissing; RunError: the folder holds the trials
        of another search, or can't be read."""
        self.folder = folder
        self.request = SearchRequest.of(request)
        self.config: Config = config_of(replace(self.request.training, name=None))
        self.infos = searchable(self.config.model)
        searched = _searched(self.request) | {"dataset_created": self.config.dataset_created}
        if self.trials():
            _refuse_other(folder, searched)
        workspace.make_folder(folder)
        with workspace.replacing(folder / "search.json") as temporary:
            temporary.write_text(json.dumps(searched, indent=1) + "\n", encoding="utf-8")

    def trials(self) -> list[Trial]:
        return trials.read(self.folder)

    def best(self) -> Trial | None:
        return trials.best(self.trials())

    def run(
        self,
        *,
        progress: NotedProgress | None = None,
        should_stop: Callable[[], bool] | None = None,
        ended: Callable[[Trial], None] | None = None,
    ) -> Trial | None:
        """Try until the budget is used up or a stop is asked for; the best trial so far.

        Args:
            progress: called with how much is done, of how much, and what is being done.
            should_stop: asked at every batch and epoch; the trial that is under way is dropped.
            ended: called with each trial as it ends.

        Raises:
            GenreEngineError: the data can't be read, or nothing can be learnt from it.
            StorageError: a trial can't be written down.
        """
        material = open_material(self.config)
        train, stopping = (self._data(material, part) for part in ("train", EARLY_STOPPING_SET))
        stop = should_stop or (lambda: False)
        began = time.monotonic()
        before = sum(trial.seconds for trial in self.trials())
        while True:
            so_far = self.trials()
            spent = before + time.monotonic() - began
            if stop() or self._over(len(so_far), spent):
                break
            watcher = _Watcher(self, len(so_far), spent, progress, stop)
            try:
                trial = self._try(so_far, train, stopping, watcher)
            except Stop:
                break
            trials.add(self.folder, trial)
            if ended:
                ended(trial)
            # Keras keeps what it built until its session is cleared.
            if "keras" in sys.modules:
                sys.modules["keras"].utils.clear_session()
            _refuse_hopeless([*so_far, trial])
        return self.best()

    def make_run(self, origin: str = "tuning") -> Run:
        """The best trial as a new run, queued: the same settings and seed give the same model.

        Raises:
            RunError: no trial has finished.
            RunExists: the name is taken.
        """
        found = self.best()
        if found is None:
            raise RunError("No trial has finished, so there is no best one. Search for longer.")
        settings = self._settings(found.settings).to_dict()
        return runs.create(config_of(replace(self.request.training, settings=settings)), origin)

    def _over(self, n_done: int, seconds: float) -> bool:
        n_trials, minutes = self.request.trials, self.request.minutes
        if n_trials is not None and n_done >= n_trials:
            return True
        return minutes is not None and seconds >= minutes * 60

    def _try(self, so_far: list[Trial], train: Data, stopping: Data, watcher: "_Watcher") -> Trial:
        import optuna

        study = self._study(so_far)
        asked = study.ask(self._distributions() if so_far else None)
        chosen = asked.params if so_far else {}
        values = {info.name: _value(info, chosen[info.name]) for info in self.infos if chosen}
        settings = self._settings(values)
        if not so_far:
            defaults = settings.to_dict()
            values = {info.name: defaults[info.name] for info in self.infos}
        watcher.trial = asked
        began = time.monotonic()
        said: dict[str, Any] = {"number": len(so_far), "settings": values}
        try:
            model = models.model(self.config.model)(settings, seed=self.config.seed)
            model.fit(train, stopping, watcher)
            score = metrics.average_precision_macro(stopping.y, model.predict_proba(stopping.x))
            said |= {"state": "finished", "score": score}
            if score is None:
                said |= {"state": "failed", "message": "It diverged: its scores aren't numbers."}
        except optuna.TrialPruned:
            said["state"] = "pruned"
        except ModelError as error:
            said |= {"state": "failed", "message": str(error)}
        seconds = round(time.monotonic() - began, 3)
        return Trial(**said, epochs=watcher.epochs, seconds=seconds, curve=watcher.curve)

    def _settings(self, values: Mapping[str, Any]) -> Settings:
        made: Settings = models.model(self.config.model).Settings.from_dict(dict(values))
        return made

    def _data(self, material: Material, part: str) -> Data:
        rows = material.rows(part)
        ids = [material.track_ids[row] for row in rows]
        store = material.store
        patches = models.model(self.config.model).input == "patches"
        x = store.patches(ids) if patches else store.vectors(ids)
        info = FeatureInfo(store.kind_name, store.fingerprint, store.columns, store.parameters)
        return Data(x, material.y[rows], material.genres, self.config.task, info)

    def _study(self, so_far: list[Trial]) -> "optuna.Study":
        """A study that knows the trials so far, with a suggestion that depends on nothing else."""
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        study = optuna.create_study(
            direction="maximize",
            sampler=optuna.samplers.TPESampler(seed=(self.config.seed + len(so_far)) % 2**32),
            pruner=optuna.pruners.MedianPruner(
                n_startup_trials=_PRUNING_AFTER_TRIALS, n_warmup_steps=_PRUNING_AFTER_EPOCHS
            ),
        )
        states = optuna.trial.TrialState
        known = {"finished": states.COMPLETE, "pruned": states.PRUNED, "failed": states.FAIL}
        distributions = self._distributions()
        for trial in so_far:
            params = {info.name: _suggested(info, trial.settings[info.name]) for info in self.infos}
            # The defaults may lie outside of what is searched: then the trial teaches nothing.
            inside = all(_is_searched(info, params[info.name]) for info in self.infos)
            study.add_trial(
                optuna.trial.create_trial(
                    params=params if inside else {},
                    distributions=distributions if inside else {},
                    state=known[trial.state],
                    value=trial.score if trial.state == "finished" else None,
                    intermediate_values={int(step): v for step, v in trial.curve.items()},
                )
            )
        return study

    def _distributions(self) -> dict[str, Any]:
        from optuna import distributions

        made: dict[str, Any] = {}
        for info in self.infos:
            tried = info.search or ()
            if info.type == "float":
                low, high = tried
                made[info.name] = distributions.FloatDistribution(low, high, log=info.log)
            elif info.type == "int":
                low, high = tried
                made[info.name] = distributions.IntDistribution(low, high, log=info.log)
            else:
                texts = [info.text(value) for value in tried]
                made[info.name] = distributions.CategoricalDistribution(texts)
        return made


class _Watcher:
    """The Progress of a trial's fit."""

    def __init__(
        self,
        search: Search,
        number: int,
        spent: float,
        progress: NotedProgress | None,
        stop: Callable[[], bool],
    ) -> None:
        self.trial: Any = None
        self.epochs = 0
        self.curve: dict[str, float] = {}
        self._search, self._number = search, number
        self._spent, self._began = spent, time.monotonic()
        self._progress, self._stop = progress, stop

    def batch(
        self, *, epoch: int, epochs: int, batch: int, batches: int, loss: float | None
    ) -> None:
        self._report(epoch - 1 + batch / max(1, batches), epochs)

    def epoch(self, values: dict[str, Any]) -> None:
        import optuna

        self.epochs = values["epoch"]
        auc = values.get("val_auc")
        if auc is not None and math.isfinite(auc):
            self.curve[str(self.epochs)] = round(float(auc), 6)
            self.trial.report(self.curve[str(self.epochs)], self.epochs)
            if self.trial.should_prune():
                raise optuna.TrialPruned
        self._report(self.epochs, values["epochs"])

    def log(self, text: str) -> None:
        _log.info("trial %d: %s", self._number, text)

    def _report(self, epochs_done: float, epochs: int) -> None:
        search, spent = self._search, self._spent + time.monotonic() - self._began
        n_trials, minutes = search.request.trials, search.request.minutes
        if self._stop() or (minutes is not None and spent >= minutes * 60):
            raise Stop
        if self._progress is None:
            return
        said = f"Trial {self._number + 1}"
        shares = []
        if n_trials is not None:
            said += f" of {n_trials}"
            shares.append((self._number + epochs_done / max(1, epochs)) / n_trials)
        if minutes is not None:
            shares.append(spent / (minutes * 60))
        found = search.best()
        said += f", the best so far {found.score:.3f}" if found and found.score else ""
        self._progress(round(1000 * min(1.0, max(shares))), 1000, said)


def _searched(request: SearchRequest) -> dict[str, Any]:
    """What is searched, as search.json has it: all but the budget, the name and who asked."""
    searched = request.to_dict()
    for name in ("trials", "minutes", "name", "origin"):
        del searched[name]
    return searched


def _refuse_other(folder: Path, searched: dict[str, Any]) -> None:
    """Trials of other settings, or on other data, would mislead a search."""
    try:
        before = json.loads((folder / "search.json").read_text(encoding="utf-8"))
        created = before.pop("dataset_created", None)
        # Earlier versions left out what was at its default.
        before = _searched(SearchRequest.from_dict(before)) | {"dataset_created": created}
    except (OSError, ValueError, AttributeError, GenreEngineError) as error:
        raise RunError(
            f"search.json of this search cannot be read ({error}), so its trials cannot be "
            "continued. Begin a new search."
        ) from error
    names = [name for name in searched if before[name] != searched[name]]
    if names:
        raise RunError(
            f"These trials are of a search with another {' and '.join(names)}. Begin a new search."
        )


def _suggested(info: SettingInfo, value: Any) -> Any:
    """A setting as Optuna has it: sizes, words and switches are categories by their text."""
    return value if info.type in ("int", "float") else info.text(value)


def _is_searched(info: SettingInfo, suggested: Any) -> bool:
    tried = info.search or ()
    if info.type in ("int", "float"):
        return bool(tried[0] <= suggested <= tried[1])
    return suggested in [info.text(value) for value in tried]


def _value(info: SettingInfo, suggested: Any) -> Any:
    return suggested if info.type in ("int", "float") else info.read(suggested)


def _refuse_hopeless(ended: list[Trial]) -> None:
    """What fails from the start would fail to the end."""
    if len(ended) == 3 and all(trial.state == "failed" for trial in ended):
        raise ModelError(f"The first trials all failed. {ended[-1].message}")
