"""A server, its workers and its listening process, killed at random while they work.

    python -m tests.kills KILLS [SEED [SERVERS]]

reports what was lost, doubled, left behind or wrong.

The server is a process with the app's supervisor and listening process, which classifies one song
again and again. Beside it a job is submitted (a training, an extraction, a download, a search or an
import), one of the three processes is killed at a random moment, a killed server is started again,
and the job goes on, or is submitted once more where nothing of it is kept. Then everything must be
there once: epochs, features, tracks, trials, rows. A seed always makes the same choices; how far
the work has come when it is killed depends on the machine.
"""

import itertools
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from genre_engine import datasets, extraction, features, jobs, runs, training
from genre_engine.download import jamendo_metadata
from genre_engine.errors import GenreEngineError
from genre_engine.features import store as stores
from genre_engine.prediction.analysis import dump
from genre_engine.prediction.process import ListeningProcess
from genre_engine.storage import workspace
from tests import sounds, trainings
from tests.download import jamendo_server

VICTIMS = ("server", "worker", "listening process")
# Of the environment, beside the workspace.
VARIABLES = (
    jamendo_metadata.JAMENDO_METADATA_VARIABLE,
    jamendo_metadata.JAMENDO_AUDIO_VARIABLE,
)
# A process whose server was killed ends within this time.
ORPHAN_S = 10.0
_PATIENCE_S = 240.0
_CLIPS = 100
_REPOSITORY = Path(__file__).parents[1]


def serve(model):
    """A server's processes: work on what is submitted, classify a song again and again."""
    jobs.supervisor()
    song = sounds.encoded(sounds.chords(8.0, 22050), 22050, "WAV")
    process = ListeningProcess()
    for _ in itertools.count():
        try:
            found = process.open("song", song, lambda note: None, model)
            while found is None or found.share_heard < 1.0:
                found = process.step("song")
            line = {"result": dump(found)}
        except GenreEngineError as error:
            line = {"error": str(error)}
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()
        time.sleep(0.1)


class Server:
    """The process of `serve`, and what it says of the song."""

    def __init__(self, model):
        self.model = model
        self.start()

    def start(self):
        self.results, self.errors = [], []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.kills", "--serve", self.model],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=_REPOSITORY,
        )
        self.reader = threading.Thread(target=self._read, args=(self.process,), daemon=True)
        self.reader.start()

    def _read(self, process):
        for line in process.stdout:
            with suppress(ValueError):  # it was killed while it wrote this
                said = json.loads(line)
                self.errors.append(said["error"]) if "error" in said else self.results.append(
                    said["result"]
                )

    def children(self, words):
        with suppress(psutil.Error):
            return [
                child
                for child in psutil.Process(self.process.pid).children(recursive=True)
                if words in " ".join(_command(child))
            ]
        return []

    def all_processes(self):
        with suppress(psutil.Error):
            return psutil.Process(self.process.pid).children(recursive=True)
        return []

    def hears_again(self):
        """Whether the song is classified from now on."""
        known = len(self.results)
        return _until(lambda: len(self.results) > known)

    def end(self):
        left = self.all_processes()
        self.process.kill()
        self.process.wait()
        self.reader.join()
        self.process.stdout.close()
        return _until(lambda: not _alive(left), ORPHAN_S)


def _command(process):
    with suppress(psutil.Error):
        return process.cmdline()
    return []


def _alive(processes):
    found = []
    for process in processes:
        with suppress(psutil.Error):
            if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def _until(check, seconds=_PATIENCE_S):
    end = time.monotonic() + seconds
    while not check():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


# Work: what is submitted under a name of its own, and what must be there in the end.


def _train(name):
    settings = {"epochs": 12, "patience": 11}
    return "training", {"dataset_name": "demo", "model": "fcn", "name": name, "settings": settings}


def _trained(name, job):
    found = [run for run in runs.listing() if run.name == name]
    epochs = [epoch["epoch"] for run in found for epoch in run.epochs()]
    yield "runs", len(found), 1
    yield "epochs", epochs, list(range(1, len(epochs) + 1))
    yield "reports", sum(run.report() is not None for run in found), 1


def _train_linear(name):
    return "training", {"dataset_name": "demo", "model": "linear", "name": name}


def _trained_linear(name, job):
    found = [run for run in runs.listing() if run.name == name]
    yield "runs", len(found), 1
    yield "reports", sum(run.report() is not None for run in found), 1


def _excerpt_s(name):
    return 2.0 + int(name.rpartition("-")[2]) / 1000


def _extract(name):
    return "extraction", {"dataset": "demo", "excerpt_s": _excerpt_s(name), "jobs": 2}


def _extracted(name, job):
    dataset = datasets.open("demo")
    kind = features.kind("summary", excerpt_s=_excerpt_s(name))
    store = next(
        one
        for one in stores.listing(dataset.features_folder)
        if one.fingerprint == kind.fingerprint
    )
    written = [
        track
        for part in stores.parts(store.folder)
        for track in stores.pq.read_table(part, columns=["track_id"])["track_id"].to_pylist()
    ]
    yield "features", sorted(written), sorted(dataset.tracks["track_id"])
    shutil.rmtree(store.folder)


def _tune(name):
    asked = {"dataset_name": "demo", "model": "linear", "name": name}
    return "tuning", {**asked, "trials": 6}


def _tuned(name, job):
    lines = (job.folder / "trials.jsonl").read_text().splitlines()
    yield "trials", [json.loads(line)["number"] for line in lines], list(range(len(lines)))
    yield "number of trials", len(lines), 6
    (made,) = [run for run in runs.listing() if run.id == job.result["run"]]
    _until(lambda: made.recorded().status in ("finished", "failed"))
    if made.recorded().status == "failed":  # its own training was killed with the server
        jobs.resume_run(made.id)
        _until(lambda: made.recorded().status == "finished")
    yield "training of the best", made.recorded().status, "finished"
    yield "runs of the best", sum(run.name == name for run in runs.listing()), 1


def _import_table(name):
    return "dataset", {
        "make": "table",
        "name": name,
        "file": str(workspace.root().parent / "table.csv"),
        "label": "genre",
    }


def _imported_table(name, job):
    dataset = datasets.open(name)
    yield "rows", len(dataset.tracks), 4000
    yield "tracks", dataset.tracks["track_id"].nunique(), 4000
    datasets.remove(name)


def _import_folder(name):
    music = str(workspace.root().parent / "music")
    return "dataset", {"make": "folder", "name": name, "path": music, "jobs": 2}


def _imported_folder(name, job):
    yield "tracks", datasets.open(name).tracks["track_id"].nunique(), 3 * _CLIPS
    yield "rows", len(datasets.open(name).tracks), 3 * _CLIPS
    datasets.remove(name)


def _download(name):
    return "download", {"name": name, "jobs": 3}


def _downloaded(name, job):
    folder = datasets.open(name).audio_folder
    found = {str(p.relative_to(folder)): p.stat().st_size for p in folder.rglob("*.mp3")}
    sent = {name: len(data) for name, data in _world().files.items()}
    yield "tracks", found, sent
    datasets.remove(name)


# What is done: (the request, what must be there in the end, seconds that it may take until killed).
WORK = {
    "train": (_train, _trained, 10.0),
    "train linear": (_train_linear, _trained_linear, 4.0),
    "extract": (_extract, _extracted, 5.0),
    "tune": (_tune, _tuned, 8.0),
    "import a table": (_import_table, _imported_table, 2.0),
    "import a folder": (_import_folder, _imported_folder, 2.5),
    "download": (_download, _downloaded, 3.0),
}

_worlds = []


def _world():
    return _worlds[-1]


@contextmanager
def prepared(folder):
    """A workspace with a small data set, a run to classify with, a table, and a music server."""
    os.environ["GENRE_ENGINE_WORKSPACE"] = str(folder / "workspace")
    dataset = datasets.make_demo("demo", tracks=24, jobs=2)
    extraction.extract(dataset, features.kind("summary"), jobs=2)
    run = training.train(
        runs.create(training.new_config("demo", model="linear", name="first", split="random"))
    )
    trainings.make_clips(folder / "music", _CLIPS)
    rows = [f"t{n},{n % 7},{n % 11},{('pop', 'rock')[n % 2]}" for n in range(4000)]
    (folder / "table.csv").write_text("track_id,a,b,genre\n" + "\n".join(rows))
    with jamendo_server.Server() as server:
        os.environ[jamendo_metadata.JAMENDO_METADATA_VARIABLE] = server.metadata_url
        os.environ[jamendo_metadata.JAMENDO_AUDIO_VARIABLE] = server.audio_url
        _worlds.append(
            jamendo_server.World(server, 24, songs=[jamendo_server.mp3(0, 6.0)], seconds=6.0)
        )
        for path in list(server.files):
            if path.endswith(".mp3"):  # so that there is time to kill it
                server.faults[path] = [("slow", 5000, 0.02)] * 1000
        yield run


def _victim(server, kind):
    if kind == "server":
        return server.process.pid
    words = "genre_engine.jobs" if kind == "worker" else "genre_engine.prediction.process"
    found = server.children(words)
    return found[0].pid if found else None


def _wait_for_end(job):
    over = ("paused", "cancelled", "failed", "finished")
    return _until(lambda: jobs.open(job.id).status in over)


def one_kill(server, number, seed, reference):
    """Kill once; gives (work, victim, what is wrong: a list of sentences)."""
    rng = random.Random(f"{seed} {number}")
    work = list(WORK)[number % len(WORK)]
    victim = rng.choice(VICTIMS)
    make, check, longest_s = WORK[work]
    name, wrong = f"kill-{number}", []
    kind, request = make(name)
    job = jobs.submit(kind, request)
    if victim == "worker":
        _until(lambda: jobs.open(job.id).status != "queued")
    time.sleep(rng.uniform(0.0, longest_s))
    pid = _victim(server, victim)
    if pid is None:  # it has done its work
        victim, pid = "server", server.process.pid
    if victim == "server":
        if not server.end():
            wrong.append("an orphan after 10 s")
        server.start()
    else:
        mine = psutil.Process(pid)
        below = mine.children(recursive=True)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        if not _until(lambda: not _alive(below), ORPHAN_S):
            wrong.append("an orphan after 10 s")
    said = []
    for _ in range(4):
        if not _wait_for_end(job):
            wrong.append(f"still {jobs.open(job.id).status}: {jobs.open(job.id).note}")
            break
        found = jobs.open(job.id)
        if found.status == "finished":
            break
        said.append(found.message)
        job = found.resume() if found.resumable else jobs.submit(kind, request)
    found = jobs.open(job.id)
    if found.status != "finished":
        wrong.append(f"it ended as {found.status}, having said: {said}")
    else:
        if "" in said:
            wrong.append("failed without a word")
        wrong += [
            f"{what}: {there} instead of {right}"
            for what, there, right in check(name, found)
            if there != right
        ]
    if not server.hears_again():
        wrong.append("the song isn't classified any more")
    elif any(result != reference for result in server.results):
        wrong.append("the song has another result")
    wrong += [f"{one['name']}: {one['error']}" for one in datasets.listing() if one["error"]]
    wrong += [f"{run.id}: {run.error}" for run in runs.listing() if run.error]
    return work, victim, wrong


def left_behind():
    """Files and folders of the workspace that are half written."""
    return sorted(
        str(path.relative_to(workspace.root()))
        for path in workspace.root().rglob(".*")
        if not path.name.endswith(".lock") and path.name != ".lock"
    )


def killed(n_kills, seed=0, n_servers=1):
    """Kill processes of the first of some servers on one workspace.

    Yields (number, work, victim, what is wrong) of each kill, then of what was left behind."""
    with tempfile.TemporaryDirectory() as room, prepared(Path(room)) as run:
        server, *others = [Server(run.id) for _ in range(n_servers)]
        try:
            if not _until(lambda: server.results):
                raise RuntimeError(f"The song isn't classified: {server.errors}")
            reference = server.results[0]
            for number in range(n_kills):
                yield number, *one_kill(server, number, seed, reference)
        finally:
            ended = [one.end() for one in (server, *others)]
        left = left_behind()
        wrong = [f"left behind: {name}" for name in left]
        yield None, "end", "server", wrong + ["an orphan after 10 s"] * ended.count(False)


def main(words):
    if words[0] == "--serve":
        serve(words[1])
    asked = [int(word) for word in words]
    n_kills, seed, n_servers = asked + [100, 0, 1][len(asked) :]
    counts, n_wrong = Counter(), 0
    for number, work, victim, wrong in killed(n_kills, seed, n_servers):
        sys.stderr.write(f"{number}: {work}, {victim}\n")
        counts[work, victim] += 1
        n_wrong += bool(wrong)
        for sentence in wrong:
            sys.stdout.write(f"kill {number}, {work}, {victim}: {sentence}\n")
            sys.stdout.flush()
    for (work, victim), count in sorted(counts.items()):
        sys.stdout.write(f"{work:16} {victim:24} {count:4}\n")
    sys.stdout.write(f"{n_kills:,} kills, {n_wrong:,} with something wrong\n")
    return bool(n_wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
