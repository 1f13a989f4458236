"""How quickly and how safely the downloader fetches, against curl, from a server on loopback.

    python benchmarks/download.py [--files 2000] [--pairs 3] [--kills 20] [--jobs 4]
                                  [--metadata FOLDER] [--json FILE]

The server runs in a process of its own and serves MP3s of 25 s in MTG-Jamendo's layout. Pairs of
runs, ours and `curl --parallel` with as many connections, alternate on the same files and write to
the same disk; ours compares checksums too. Then a download is killed at random moments and started
again. With FOLDER, which holds MTG-Jamendo's tables, planning the course project's 13,178 tracks is
timed too.
"""

import argparse
import importlib
import json
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

SHARE, PLAN_S = 0.8, 5.0
SONG_S = 25.0


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--files", type=int, default=2000)
    options.add_argument("--pairs", type=int, default=3)
    options.add_argument("--kills", type=int, default=20)
    options.add_argument("--jobs", type=int, default=4)
    options.add_argument("--metadata", type=Path, help="MTG-Jamendo's tables")
    options.add_argument("--json", type=Path, help="write the figures here too")
    options.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.serve:
        _serve(given.files)
        return
    found: dict[str, Any] = {"files": given.files, "jobs": given.jobs}
    if given.metadata:
        found["plan_s"] = _planning(given.metadata)
        print(f"plan of the real tables   {found['plan_s']:.1f} s of {PLAN_S:.0f} s")
    with tempfile.TemporaryDirectory() as room, _server(given.files) as server:
        os.environ["GENRE_ENGINE_WORKSPACE"] = f"{room}/workspace"
        os.environ["GENRE_ENGINE_JAMENDO_METADATA_URL"] = server.ask("metadata")
        os.environ["GENRE_ENGINE_JAMENDO_AUDIO_URL"] = server.ask("audio")
        found |= _speeds(server, Path(room), given.pairs, given.jobs)
        print(f"\n{'':<10}{'median files/s':>16}{'MB/s':>8}{'of curl':>9}")
        for name in ("curl", "ours"):
            rate = found[name]["files_per_s"]
            share = rate / found["curl"]["files_per_s"]
            print(f"{name:<10}{rate:>16.0f}{found[name]['mb_per_s']:>8.0f}{share:>9.0%}")
        print(f"median ratio of pairs {found['ratio']:.0%}, at least {SHARE:.0%} wanted")
        print(f"our processor time    {found['cpu_ms_per_file']:.2f} ms a file")
        found |= _killed(server, Path(room), given.kills, given.jobs)
        print(
            f"killed {found['kills']} times: {found['right']} of {given.files} files right, "
            f"{found['others']} others, {found['asked_again']} asked for again, "
            f"{found['sent_share']:.1%} of their bytes sent"
        )
    text = json.dumps(found, indent=2)
    print(text)
    if given.json:
        given.json.write_text(text + "\n", encoding="utf-8")


def _planning(metadata: Path) -> float:
    with tempfile.TemporaryDirectory() as room:
        command = [sys.executable, "-m", "genre_engine", "download", "jamendo-audio", "course"]
        command += ["--only", "--dry-run", "--metadata", str(metadata)]
        begun = time.monotonic()
        subprocess.run(
            command,
            check=True,
            capture_output=True,
            cwd=Path(__file__).parents[1],
            env={**os.environ, "GENRE_ENGINE_WORKSPACE": room},
        )
        return time.monotonic() - begun


class _Served:
    """The server's process, asked in lines."""

    def __init__(self, n_files: int) -> None:
        self.process = subprocess.Popen(
            [sys.executable, __file__, "--serve", "--files", str(n_files)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, what: str) -> Any:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(what + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


@contextmanager
def _server(n_files: int) -> Iterator[_Served]:
    served = _Served(n_files)
    try:
        yield served
    finally:
        served.process.stdin.close()  # type: ignore[union-attr]
        served.process.wait()


def _serve(n_files: int) -> None:
    jamendo_server: Any = importlib.import_module("tests.download.jamendo_server")
    songs = [jamendo_server.mp3(seed, SONG_S) for seed in range(8)]
    with jamendo_server.Server() as server:
        world = jamendo_server.World(server, n_files, songs=songs, seconds=SONG_S)
        for line in sys.stdin:
            what = line.strip()
            if what == "metadata":
                answer: Any = server.metadata_url
            elif what == "audio":
                answer = server.audio_url
            elif what == "names":
                answer = list(world.files)
            elif what == "sums":
                import hashlib

                answer = {n: hashlib.sha256(data).hexdigest() for n, data in world.files.items()}
            elif what == "bytes":
                answer = sum(map(len, world.files.values()))
            else:
                log = [e for e in server.log if "audio-low/" in e[1] and e[0] == "GET"]
                server.log.clear()
                answer = [(path.partition("audio-low/")[2], sent) for _, path, _, _, sent in log]
            print(json.dumps(answer), flush=True)


def _speeds(server: _Served, room: Path, n_pairs: int, jobs: int) -> dict[str, Any]:
    from genre_engine.download import jamendo_audio

    total = server.ask("bytes")
    names = server.ask("names")
    lists = room / "curl"
    audio = server.ask("audio")
    lists.write_text(
        "".join(f'url="{audio}audio-low/{n}"\noutput="{room}/by-curl/{n}"\n' for n in names)
    )
    times: dict[str, list[float]] = {"curl": [], "ours": []}
    cpu = []
    for pair in range(n_pairs):
        # Ours and curl take turns at being first.
        for name in ("curl", "ours") if pair % 2 else ("ours", "curl"):
            if name == "curl":
                for number in range(100):
                    (room / "by-curl" / f"{number:02d}").mkdir(parents=True)
                command = ["curl", "-sS", "--parallel", "--parallel-max", str(jobs), "-K"]
                begun = time.monotonic()
                subprocess.run([*command, str(lists)], check=True, stderr=subprocess.DEVNULL)
                times[name].append(time.monotonic() - begun)
                shutil.rmtree(room / "by-curl")
            else:
                plan = jamendo_audio.plan({"name": f"run-{pair}", "jobs": jobs, "genres": "all"})
                begun, worked = time.monotonic(), time.process_time()
                outcome = jamendo_audio.download(plan)
                times[name].append(time.monotonic() - begun)
                cpu.append((time.process_time() - worked) / len(names) * 1e3)
                assert outcome.fetched == len(names), outcome.failures
                shutil.rmtree(outcome.dataset.folder)
    server.ask("log")
    found: dict[str, Any] = {
        name: {
            "seconds": seconds,
            "files_per_s": len(names) / statistics.median(seconds),
            "mb_per_s": total / 1e6 / statistics.median(seconds),
        }
        for name, seconds in times.items()
    }
    ratios = [c / o for c, o in zip(times["curl"], times["ours"], strict=True)]
    return found | {"ratio": statistics.median(ratios), "cpu_ms_per_file": statistics.median(cpu)}


def _killed(server: _Served, room: Path, n_kills: int, jobs: int) -> dict[str, Any]:
    import hashlib

    from genre_engine.download import jamendo_audio, jamendo_plan

    request = {"name": "killed", "jobs": jobs, "genres": "all"}
    plan = jamendo_audio.plan(request)
    code = f"from genre_engine.download import jamendo_audio as a; a.download({request!r})"
    names, total = server.ask("sums"), server.ask("bytes")
    folder = room / "workspace" / "datasets" / "killed"
    draw = random.Random(0)
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    server.ask("log")
    asked_again = sent = done_kills = 0
    while done_kills < n_kills:
        there = set(jamendo_plan.sizes(folder / "audio"))
        if len(there) > 0.97 * len(plan.tracks):
            break
        process = subprocess.Popen([sys.executable, "-c", code], env=env)
        # Killed after so many more files, or at its very beginning.
        until = len(there) + draw.randrange(max(1, 2 * len(plan.tracks) // (2 * n_kills)))
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and process.poll() is None:
            if len(jamendo_plan.sizes(folder / "audio")) > until:
                break
            time.sleep(draw.uniform(0, 0.02))
        process.send_signal(signal.SIGKILL)
        process.wait()
        done_kills += 1
        log = server.ask("log")
        asked_again += sum(name in there for name, _ in log)
        sent += sum(n for _, n in log)
    there = set(jamendo_plan.sizes(folder / "audio"))
    jamendo_audio.download(request)
    log = server.ask("log")
    asked_again += sum(name in there for name, _ in log)
    sent += sum(n for _, n in log)
    found = {
        str(path.relative_to(folder / "audio")): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (folder / "audio").rglob("*")
        if path.is_file()
    }
    return {
        "kills": done_kills,
        "right": sum(names.get(name) == digest for name, digest in found.items()),
        "others": len(found.keys() - names.keys()),
        "asked_again": asked_again,
        "sent_share": sent / total,
    }


if __name__ == "__main__":
    main()
