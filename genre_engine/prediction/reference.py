"""The pretrained networks as a reference for a run: on the same tracks, for the same genres.

    reference.score(run, "full", progress=…, should_stop=…)     # analyses the audio, once a track
    reference.judge(run, "full")                                # a report, from what is kept

What the networks say of a track is kept beside the data set, in `reference/<model>-<excerpt>.npz`
(`track_scores`), so other runs, splits and genres on that data set need no further analysis. The
networks are given the part of each track that the run's features were made from. Their threshold is
chosen as the run's own is: on the threshold set of validation, out of the fold after
cross-validation.
"""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from genre_engine import datasets, metrics
from genre_engine.datasets import Dataset
from genre_engine.errors import AudioError, DatasetError, DatasetMissing, ModelError, WrongUsage
from genre_engine.evaluation.evaluate import in_threshold_set
from genre_engine.features import excerpt_text
from genre_engine.prediction import catalogue, track_scores, vocabulary
from genre_engine.prediction.analysis import Analysis
from genre_engine.prediction.pretrained_model import PretrainedModel
from genre_engine.pretrained.spectrogram import SAMPLE_RATE
from genre_engine.runs import Run
from genre_engine.storage import lock, workspace

MODELS = (catalogue.FULL, catalogue.FAST)
# Written so often, so that little is lost where it is stopped.
_TRACKS_BETWEEN = 25
_LEAST_GENRES = 2

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Known:
    """Which of a run's genres the networks know.

    Attributes:
        view: of the networks' views the one that knows most of them.
        names: by the run's genre, what the view calls it.
        unknown: the others.
    """

    view: str
    names: dict[str, str]
    unknown: tuple[str, ...]


def known(genres: Sequence[str]) -> Known:
    """Find genres among those of the networks; `ten` where it knows as many as `wide`.

    >>> known(["rock", "hiphop", "polka"])
    Known(view='wide', names={'rock': 'rock', 'hiphop': 'hip hop'}, unknown=('polka',))
    >>> known(["rock", "soundtrack"]).view
    'ten'
    """
    best: Known | None = None
    for view in ("ten", "wide"):
        names: dict[str, str] = {}
        for genre in genres:
            found = vocabulary.genre_called(genre, vocabulary.VIEWS[view])
            if found is not None and found not in names.values():
                names[genre] = found
        unknown = tuple(genre for genre in genres if genre not in names)
        if best is None or len(names) > len(best.names):
            best = Known(view, names, unknown)
    assert best is not None  # noqa: S101 - there are two views
    return best


def obstacle(run: Run) -> str:
    """Why the networks can't be judged on a run's tracks, in a sentence; "" where they can."""
    try:
        _check(run)
    except (DatasetError, WrongUsage) as error:
        return str(error)
    return ""


def _check(run: Run) -> tuple[Dataset, Known]:
    found = known(run.config.genres)
    if len(found.names) < _LEAST_GENRES:
        raise WrongUsage(
            f"The pretrained networks know {len(found.names) or 'none'} of these "
            f"{len(run.config.genres)} genres, so they can't be judged beside these runs."
        )
    try:
        dataset = datasets.open(run.config.dataset)
    except (DatasetError, DatasetMissing) as error:
        raise DatasetError(
            f"The data set {run.config.dataset!r} isn't here any more, and the pretrained networks "
            "need its audio."
        ) from error
    made = run.config.dataset_created
    if made is not None and dataset.info.get("created") != made:
        raise DatasetError(
            f"The data set {dataset.name!r} was imported again since, so its tracks may be others."
        )
    if dataset.kind == "feature_table" or not dataset.audio_folder.is_dir():
        raise DatasetError(
            f"The data set {dataset.name!r} has no audio here, and the pretrained networks need it."
        )
    return dataset, found


def overlap(run: Run) -> str:
    """What is to be said of the tracks that the networks may have learnt from."""
    kind = str(run.config.dataset_source.get("kind", ""))
    if run.config.synthetic:
        return (
            "The networks learnt from recordings and these tracks are synthetic, so none of them "
            "was in their training, and the task is harder for them."
        )
    if kind == "jamendo":
        return (
            "Two of the networks learnt from MTG-Jamendo, most likely from these very tracks: "
            "their row is flattered."
        )
    return (
        "The networks learnt from MTG-Jamendo, the Million Song Dataset and MagnaTagATune. Where "
        "these tracks are among those, their row is flattered."
    )


def kept_at(run: Run, model: str) -> float:
    """When what the networks said of a run's data set was last written; 0.0 before there is any."""
    folder = workspace.dataset_folder(run.config.dataset)
    try:
        return _path(folder, run, model).stat().st_mtime
    except OSError:
        return 0.0


def missing(run: Run, model: str) -> int:
    """How many of the run's validation tracks the networks haven't analysed yet.

    Raises:
        DatasetError, WrongUsage: as `score`.
        RunError: the run hasn't finished, or is damaged.
    """
    dataset, _ = _check(run)
    kept = track_scores.read(_path(dataset.folder, run, model))
    return sum(track not in kept.rows for track in run.predictions("validation").track_ids)


def score(
    run: Run,
    model: str,
    *,
    progress: Callable[[int, int], None] = lambda done, total: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> None:
    """Have the networks analyse a run's validation tracks, as far as they haven't.

    Args:
        model: `full` or `fast`.
        progress: called with the number of tracks that are done, and of all.

    Raises:
        WrongUsage: there is no such model, or it knows fewer than two of the genres.
        DatasetError: the data set or its audio is gone.
        ModelError: another process is at it.
        WeightsError: the networks can't be fetched.
        RunError: the run hasn't finished, or is damaged.
        StorageError: the data set's folder can't be written.
    """
    if model not in MODELS:
        raise WrongUsage(f"There are no pretrained networks {model!r}. Choose full or fast.")
    dataset, _ = _check(run)
    ids = run.predictions("validation").track_ids
    path = _path(dataset.folder, run, model)
    workspace.make_folder(path.parent)
    refusal = ModelError(
        f"The pretrained networks are being judged on {dataset.name!r} already. Wait for it."
    )
    with lock.exclusively(path.with_suffix(".lock"), refusal):
        networks = PretrainedModel(catalogue.find(model))
        networks.prepare()
        kept = track_scores.read(path)
        places = dict(zip(dataset.tracks["track_id"], dataset.tracks["path"], strict=True))
        left = [track for track in ids if track not in kept.rows]
        progress(len(ids) - len(left), len(ids))
        for number, track in enumerate(left, 1):
            if should_stop():
                break
            file = dataset.audio_path(places.get(track))
            kept = track_scores.added(kept, track, _views(networks, file, _excerpt_s(run)))
            progress(len(ids) - len(left) + number, len(ids))
            if number % _TRACKS_BETWEEN == 0:
                track_scores.write(path, kept)
        track_scores.write(path, kept)


def _views(
    networks: PretrainedModel, file: Path | None, excerpt_s: float | None
) -> Analysis | None:
    """The analysis of a track's middle, or None where its audio can't be read or is silent."""
    import soundfile

    from genre_engine import audio

    if file is None:
        return None
    try:
        signal = audio.load(file, sample_rate=SAMPLE_RATE, excerpt_s=excerpt_s)
        room = io.BytesIO()
        soundfile.write(room, signal.samples, SAMPLE_RATE, format="WAV", subtype="FLOAT")
        *_, complete = networks.stream(room.getvalue())
        return complete
    except AudioError:
        return None


def _excerpt_s(run: Run) -> float | None:
    seconds = run.config.features.get("parameters", {}).get("excerpt_s")
    return None if seconds is None else float(seconds)


def _path(folder: Path, run: Run, model: str) -> Path:
    return folder / "reference" / f"{model}-{excerpt_text(_excerpt_s(run))}.npz"


@dataclass(frozen=True, eq=False)
class Judged:
    """The pretrained networks and a run on the same tracks, for the genres that both know.

    Attributes:
        genres: the run's names of these.
        unknown: those that the networks don't know.
        networks: the names of those that took part.
        unread: of how many tracks the audio couldn't be analysed; they count as without a genre.
        report: of the networks; `own` is the run's on these genres alone.
    """

    genres: tuple[str, ...]
    unknown: tuple[str, ...]
    networks: tuple[str, ...]
    unread: int
    report: metrics.Report
    own: metrics.Report


def judge(run: Run, model: str) -> Judged | None:
    """Judge the networks on a run's validation; None before all of its tracks are analysed.

    Raises:
        DatasetError, WrongUsage, RunError: as `score`.
    """
    dataset, found = _check(run)
    kept = track_scores.read(_path(dataset.folder, run, model))
    predicted = run.predictions("validation")
    if any(track not in kept.rows for track in predicted.track_ids):
        return None
    there = kept.wide if found.view == "wide" else kept.ten
    names = {genre: name for genre, name in found.names.items() if name in there}
    if len(names) < _LEAST_GENRES:
        return None
    place = 0 if found.view == "wide" else 1
    p = np.stack([kept.rows[track][place] for track in predicted.track_ids])
    p = p[:, [there.index(name) for name in names.values()]]
    unread = np.isnan(p).any(axis=1)
    p[unread] = 0.0
    columns = [run.config.genres.index(genre) for genre in names]
    y, own = predicted.y[:, columns], predicted.p[:, columns]
    single = run.config.task != "multilabel"
    # With one genre a track, only those of the known genres can be right.
    rows = y.any(axis=1) if single else np.ones(len(y), bool)
    if not rows.any():
        return None
    if single:
        p, own = _shares(p), _shares(own)
    groups = None if predicted.groups is None else predicted.groups[rows]
    chosen_on = in_threshold_set(run, predicted)[rows]
    fold = _folds(run, predicted.track_ids)
    fold = None if fold is None else fold[rows]
    reports = [
        _report(run, name, y[rows], scores[rows], tuple(names), chosen_on, fold, groups)
        for name, scores in ((model, p), (run.name, own))
    ]
    unknown = tuple(genre for genre in run.config.genres if genre not in names)
    return Judged(tuple(names), unknown, kept.networks, int(unread.sum()), *reports)


def _shares(p: Floats) -> Floats:
    """Scores that add up to 1 for each track, as where it has one genre."""
    total = p.sum(axis=1, keepdims=True)
    shares: Floats = np.where(total > 0, p / np.maximum(total, 1e-9), 1 / p.shape[1])
    return shares.astype(np.float32)


def _folds(run: Run, ids: Sequence[str]) -> npt.NDArray[np.intp] | None:
    if "folds" not in run.config.split:
        return None
    parts = run.parts().set_index("track_id")
    return parts["fold_1"].loc[list(ids)].to_numpy(np.intp) if "fold_1" in parts else None


def _report(
    run: Run,
    name: str,
    y: npt.NDArray[np.uint8],
    p: Floats,
    genres: tuple[str, ...],
    chosen_on: npt.NDArray[np.bool_],
    fold: npt.NDArray[np.intp] | None,
    groups: npt.NDArray[np.int64] | None,
) -> metrics.Report:
    """With thresholds that are chosen alike for both."""
    task, threshold, nested = run.config.task, 0.5, None
    if task == "multilabel":
        threshold = _threshold(y, p, genres, chosen_on, groups)
        if fold is not None:
            nested = np.empty(y.shape)
            for number in np.unique(fold):
                nested[fold == number] = _threshold(y, p, genres, fold != number, groups)
    return metrics.evaluate(
        y,
        p,
        genres=genres,
        thresholds=threshold,
        nested=nested,
        task=task,
        groups=None if groups is None else groups.tolist(),
        draws=0,
        run=name,
        part="validation",
    )


def _threshold(
    y: npt.NDArray[np.uint8],
    p: Floats,
    genres: tuple[str, ...],
    rows: npt.NDArray[np.bool_],
    groups: npt.NDArray[np.int64] | None,
) -> float:
    artists = [None] * int(rows.sum()) if groups is None else groups[rows].tolist()
    return metrics.choose_global(y[rows], p[rows], genres, groups=artists)
