"""Writing tags: how quick it is, and what is left when the writer is killed.

    python -m benchmarks.tag_writing [FILES [KILLS [SEED]]]

Makes a library of 1,000 small files (MP3, FLAC, Ogg, Opus, M4A, WAV, AIFF, by synthesis, each with
other tags), writes all of them once, then kills the process that writes or takes back at 50 random
moments (SIGKILL). After each kill every file has to be the old or the new one, by a checksum of all
its bytes; every entry of the journals has to say which; sounds have to be what they were; mutagen
reads every file that changed, ffprobe three of them. In the end ffprobe reads all, and everything
is taken back: all files have to be, byte for byte, what they were.

Prints the figures and each sentence on what was wrong; ends with 1 if there was any.
"""

import os
import sys
import tempfile
import time
from pathlib import Path

from tests.library import tag_kills, tagged

FILES, KILLS = 1_000, 50


def main(words: list[str]) -> int:
    asked = [int(word) for word in words]
    n_files, n_kills, seed = asked + [FILES, KILLS, 0][len(asked) :]
    with tempfile.TemporaryDirectory() as room:
        os.environ["GENRE_ENGINE_WORKSPACE"] = str(Path(room, "workspace"))
        lib = tagged.made(Path(room))
        tag_kills.fill(lib, n_files, seed=seed)
        begun = time.monotonic()
        tagged.planned(lib, "replace", **tagged.EVERYTHING)
        plan_s = time.monotonic() - begun
        trial = tag_kills.Trial(lib, seed)
        trial.measure()
        for number in range(n_kills):
            trial.kill(number)
            sys.stderr.write(f"{number + 1} of {n_kills}\n")
        journals = tag_kills.size_of_journals(lib)
        report = trial.finish(ffprobe_all=True)
    print(f"{n_files:,} files, {n_kills} kills, seed {seed}")
    print(f"plan of all                   {plan_s:8.2f} s")
    print(f"plan and writing of all       {trial.longest_s:8.2f} s")
    print(f"entries written before a kill {report.written:8,}")
    print(f"entries dropped at a kill     {report.dropped:8,}")
    print(f"files found in between        {report.in_between:8,}")
    print(f"copies left beside files      {report.leftovers:8,}, all removed by the next run")
    print(f"journals                      {journals / 1e6:8.1f} MB")
    for sentence in report.wrong:
        print(sentence)
    print(f"wrong                         {len(report.wrong):8,}")
    return bool(report.wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
