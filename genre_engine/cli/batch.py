"""The songs of one `classify`, analysed one after the other or several at a time."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genre_engine.cli.console import complain, printable, progress_bar
from genre_engine.cli.songs import Song
from genre_engine.errors import AudioError, GenreEngineError, ModelError, RunError

if TYPE_CHECKING:
    from rich.progress import Progress

    from genre_engine.prediction import ModelInfo
    from genre_engine.prediction.analysis import Analysis


class Batch:
    """What is asked of every song, and what came of it.

    Attributes:
        done, failed: songs so far.
        interrupted: whether Control-C ended it before all were done.
    """

    def __init__(
        self,
        model: "ModelInfo",
        view: str,
        top: int | None,
        *,
        windows: bool = False,
        jobs: int = 1,
    ) -> None:
        self.model = model
        self.view = str(view)
        self.top = top
        self.windows = windows
        self.jobs = jobs
        self.done = self.failed = 0
        self.interrupted = False

    def run(self, songs: list[Song]) -> Iterator[tuple[dict[str, Any], "Analysis | None"]]:
        """(the song's JSON element, its analysis if it has one) for each song, as it is done.

        Failures are named on standard error at once, and counted. Control-C ends it.
        """
        from genre_engine.prediction.analysis import element, failure

        with progress_bar() as progress:
            task = progress.add_task("", total=len(songs))
            try:
                for name, found in self._analysed(songs, progress, task):
                    self.done += 1
                    if isinstance(found, AudioError | ModelError | RunError):
                        self.failed += 1
                        complain(f"{printable(name)}: {found}")
                        yield failure(name, found, self.view, self.model.name), None
                    elif isinstance(found, GenreEngineError):
                        raise found
                    else:
                        shown = element(found, name, self.view, top=self.top, windows=self.windows)
                        yield shown, found
            except KeyboardInterrupt:
                if not self.done:  # then what stood at the output's place stays
                    raise
                self.interrupted = True

    def _analysed(
        self, songs: list[Song], progress: "Progress", task: Any
    ) -> Iterator[tuple[str, "Analysis | GenreEngineError"]]:
        """Each song with what came of it, in order."""
        from genre_engine import prediction
        from genre_engine.prediction.batch import analyse_many

        paths = [name for name, error in songs if error is None]
        jobs = min(self.jobs, len(paths))
        together = None
        if jobs > 1:
            # Before the processes: they would all fetch what is missing, and wait for each other.
            # What is wrong is said with each song, after what is wrong with the song itself.
            if any(os.path.isfile(path) for path in paths):  # noqa: PTH113
                with suppress(GenreEngineError):
                    prediction.open_model(self.model).prepare()
            together = analyse_many(paths, self.model.id, jobs)
        for number, (name, error) in enumerate(songs):
            short = printable(Path(name).name)[:40]
            progress.update(task, completed=number, description=short)
            if error is not None:
                yield name, error
            elif together is not None:
                yield name, next(together)
            else:
                try:
                    for analysis in prediction.stream(name, self.model.id):
                        progress.update(task, completed=number + analysis.share_heard)
                except GenreEngineError as refusal:
                    yield name, refusal
                else:
                    yield name, analysis
