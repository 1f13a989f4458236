"""What a training or a search was asked for, and from that a run's config: all that can be refused
before a training is refused here.

`TrainingRequest` and `SearchRequest` are the one declaration of what can be asked for and of its
defaults. The page, the command line, the queue, a shared server's checks and the worker all use
them; `job.json` holds what their `to_dict` gives.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from genre_engine import datasets, models, splits
from genre_engine.datasets import Dataset
from genre_engine.errors import DatasetError, DatasetMissing, RunExists, WrongUsage
from genre_engine.features import EXCERPT_S
from genre_engine.features.store import FeatureStore
from genre_engine.labels import Labels
from genre_engine.models.settings import Settings
from genre_engine.runs import store
from genre_engine.runs.config import Config
from genre_engine.runs.run import Run
from genre_engine.storage import json_fields, workspace
from genre_engine.training import data
from genre_engine.training.data import Material

_MOST_SEED = 2**32 - 1  # what every library here takes

TRIALS = 20
MOST_TRIALS = 1000
MOST_MINUTES = 7 * 24 * 60.0


@dataclass(frozen=True)
class TrainingRequest:
    """What is to be trained, as plain values, which JSON can carry.

    Attributes:
        features: a kind; by default what fits the model and the data set.
        genres: as `labels.choose` takes them; by default all that the data set was imported for.
        split: as `splits.parse` reads it.
        settings: those that differ from the model's defaults.
        name: the run's; made up by default.
        excerpt_s: how much of each track the features are to be made from; None for all of it.
        origin: who asks, one of `runs.config.ORIGINS`.
    """

    dataset_name: str
    model: str = "fcn"
    features: str | None = None
    task: str = "multilabel"
    genres: str | tuple[str, ...] | None = None
    rule: str = "any"
    split: str = "artist"
    seed: int = 0
    settings: Mapping[str, Any] = field(default_factory=dict)
    name: str | None = None
    excerpt_s: float | None = EXCERPT_S
    origin: str = "app"

    def __post_init__(self) -> None:
        if self.genres is not None and not isinstance(self.genres, str):
            object.__setattr__(self, "genres", tuple(self.genres))
        settings = self.settings
        plain = settings.to_dict() if isinstance(settings, Settings) else dict(settings or {})
        object.__setattr__(self, "settings", plain)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "TrainingRequest":
        """Read what `to_dict` gave, now or before; what is left out is at its default.

        Raises:
            WrongUsage: an entry is unknown, missing or of the wrong type.
        """
        return json_fields.read(cls, values, "a training")

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        listed = list(self.genres) if isinstance(self.genres, tuple) else self.genres
        return asdict(self) | {"genres": listed}


@dataclass(frozen=True)
class SearchRequest:
    """A search over a model's settings, as plain values, which JSON can carry.

    Attributes:
        training: what every trial trains; its settings are what is searched, and its name is for
            the run of the best trial.
        trials: how many to try; TRIALS unless `minutes` are given.
        minutes: how long to search.
    """

    training: TrainingRequest
    trials: int | None = None
    minutes: float | None = None

    def __post_init__(self) -> None:
        if self.trials is None and self.minutes is None:
            object.__setattr__(self, "trials", TRIALS)
        if self.trials is not None and not 1 <= self.trials <= MOST_TRIALS:
            raise WrongUsage(f"A search has 1 to {MOST_TRIALS} trials, not {self.trials}.")
        if self.minutes is not None and not 0 < self.minutes <= MOST_MINUTES:
            raise WrongUsage(f"A search lasts up to {MOST_MINUTES:g} minutes, not {self.minutes}.")
        if splits.parse(self.training.split)[0] in splits.FOLD_KINDS:
            raise WrongUsage(
                "A search chooses by one validation part. Choose the split artist, random or "
                "official, then train the best settings with folds."
            )
        if self.training.settings:
            raise WrongUsage("A search finds the settings itself. Leave them out.")

    @property
    def dataset_name(self) -> str:
        return self.training.dataset_name

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "SearchRequest":
        """Read what `to_dict` gave, now or before: a training's entries and the budget's.

        Raises:
            WrongUsage: an entry is unknown, missing or of the wrong type, or the budget is none.
        """
        inner = {name: value for name, value in values.items() if name not in _BUDGET}
        budget = json_fields.read(
            _Budget, {name: values[name] for name in _BUDGET if name in values}, "a search"
        )
        training = json_fields.read(TrainingRequest, inner, "a search")
        return cls(training, budget.trials, budget.minutes)

    @classmethod
    def of(cls, request: "SearchRequest | Mapping[str, Any]") -> "SearchRequest":
        """A request as it is, or from what JSON gave."""
        return request if isinstance(request, SearchRequest) else cls.from_dict(request)

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it: one level."""
        values = self.training.to_dict()
        del values["settings"]
        return values | {"trials": self.trials, "minutes": self.minutes}


@dataclass(frozen=True)
class _Budget:
    """A search's entries beside a training's."""

    trials: int | None = None
    minutes: float | None = None


_BUDGET = tuple(entry.name for entry in fields(_Budget))


def new_config(dataset_name: str, **options: Any) -> Config:
    """`config_of` for a data set and any other fields of `TrainingRequest` as keywords."""
    return config_of(TrainingRequest(dataset_name, **options))


def config_of(request: TrainingRequest) -> Config:
    """A config that can be trained.

    Raises:
        WrongUsage: a name that doesn't exist (model, features, genre, task, rule, split), a task
            that doesn't fit, features that the model can't take; BadSetting, RunExists.
        DatasetMissing, DatasetError: no such data set, or none of its tracks is left.
        FeaturesMissing: they must be extracted first; all else is sound then. FeaturesDiffer:
            those that are there were made with other parameters.
        SplitError: the tracks can't be split so, or train lacks a genre.
    """
    model, split, seed, name = request.model, request.split, request.seed, request.name
    made = models.model(model)
    all_settings = made.Settings.from_dict(request.settings).to_dict()
    if not 0 <= seed <= _MOST_SEED:
        raise WrongUsage(f"A seed is a whole number from 0 to {_MOST_SEED}, not {seed}.")
    split_kind, fractions = splits.parse(split)
    notes: list[str] = []
    if name is not None:
        _check_name(name)
    dataset = datasets.open(request.dataset_name)
    kind = fitting_features(dataset, model, request.features)
    takes_patches = made.input == "patches"
    if takes_patches != (kind == "patches"):
        fit = "patches" if takes_patches else "one vector a track (summary, embedding, table)"
        raise WrongUsage(
            f"The model {model} takes {fit}, not {kind}. Choose other features or another model."
        )
    chosen = _choose(dataset, request.genres, request.rule, request.task)
    if said := splits.describe(split):
        notes.append(said)
    if split_kind == "official" and dataset.tracks["split"].isna().all():
        dataset.split(chosen, split_kind)  # refuses, before anything is extracted in vain
    found = data.find_store(dataset, kind, request.excerpt_s)
    gathered = data.gather(dataset, chosen, found, split=split_kind, fractions=fractions, seed=seed)
    return Config(
        dataset=dataset.name,
        model=model,
        settings=all_settings,
        genres=chosen.genres,
        task=request.task,
        rule=request.rule,
        split={"kind": split_kind, "fractions": _fractions(gathered.split), **_folds(fractions)},
        features=_features(found),
        seed=seed,
        dataset_created=dataset.info.get("created"),
        dataset_source={"kind": dataset.kind, **dataset.info.get("source", {})},
        synthetic=bool(dataset.info.get("synthetic")),
        licence=dataset.info.get("licence"),
        warnings=(*notes, *_dropped(chosen), *gathered.warnings),
        name=name or "",
    )


def fitting_features(dataset: Dataset, model: str, wanted: str | None = None) -> str:
    """The kind of features that is meant where none was named."""
    if wanted is not None:
        return wanted
    if models.model(model).input == "patches":
        return "patches"
    return "table" if dataset.kind == "feature_table" else "summary"


def open_material(config: Config) -> Material:
    """What a run that begins learns from.

    Raises:
        DatasetMissing, DatasetError: its data set was removed, or imported again since.
        FeaturesError: its features are gone.
        SplitError: as `config_of`.
    """
    dataset, chosen, found = _reopen(config)
    return data.gather(
        dataset,
        chosen,
        found,
        split=config.split["kind"],
        fractions=_shares_of(config.split),
        seed=config.seed,
    )


def reopen_material(run: Run) -> Material:
    """What a run that began before has learnt from: its parts stay what they were.

    Raises:
        as `open_material`; RunError: its parts are damaged.
    """
    dataset, chosen, found = _reopen(run.config)
    return data.regather(dataset, chosen, found, run.parts(), run.config.split["kind"])


def _reopen(config: Config) -> tuple[Dataset, Labels, FeatureStore]:
    try:
        dataset = datasets.open(config.dataset)
    except DatasetMissing as error:
        raise DatasetMissing(
            f"The data set {config.dataset!r} of this run has been removed. Import it again and "
            "train a new run; what this one has found stays."
        ) from error
    if config.dataset_created is not None and dataset.info.get("created") != config.dataset_created:
        raise DatasetError(
            f"The data set {config.dataset!r} has been imported again since this run was made, so "
            "its tracks may be others. Train a new run; what this one has found stays."
        )
    chosen = dataset.select(config.genres, rule=config.rule, task=config.task)
    return dataset, chosen, data.refind_store(dataset, config.features)


def _check_name(name: str) -> None:
    workspace.check_name(name)
    if name in store.taken_names():
        raise RunExists(
            f"There is a run {name!r} already, and it stays as it is. Choose another name, or "
            f"remove it first with `remove {name}`."
        )


def _choose(dataset: Dataset, genres: str | Sequence[str] | None, rule: str, task: str) -> Labels:
    chosen = dataset.select(genres, rule=rule, task=task)
    if len(chosen.genres) < 2:
        raise WrongUsage(
            f"With {chosen.genres[0]!r} alone there is nothing to choose between. Choose at least "
            "two genres, or another data set."
        )
    return chosen


def _features(found: FeatureStore) -> dict[str, Any]:
    features: dict[str, Any] = {
        "kind": found.kind_name,
        "fingerprint": found.fingerprint,
        "parameters": found.parameters,
    }
    # A table's columns are its only description.
    return features | ({"columns": list(found.columns)} if found.kind_name == "table" else {})


def _fractions(split: splits.Split) -> dict[str, float] | None:
    shares = split.fractions
    return {part: getattr(shares, part) for part in splits.PARTS} if shares else None


def _folds(shares: splits.Fractions | splits.Folds | None) -> dict[str, int]:
    return asdict(shares) if isinstance(shares, splits.Folds) else {}


def _shares_of(split: Mapping[str, Any]) -> splits.Fractions | splits.Folds | None:
    """A config's entry `split` as `splits.make` takes it."""
    if "folds" in split:
        return splits.Folds(int(split["folds"]), int(split.get("repeats", 1)))
    shares = split.get("fractions")
    return splits.Fractions(**shares) if shares else None


def _dropped(chosen: Labels) -> list[str]:
    """METHOD asks a multi-class task to say how many tracks it drops."""
    n = chosen.dropped.get("several_of_the_genres", 0)
    if not n:
        return []
    share = n / (n + len(chosen.rows))
    return [f"{n} tracks ({share:.0%}) carry several of the genres and are left out."]
