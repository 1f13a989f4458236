"""Writers of tags that are killed; `benchmarks/tag_writing.py` goes on for longer."""

import sys

import pytest

from tests.library import tag_kills, tagged

pytestmark = [
    pytest.mark.usefixtures("workspace"),
    pytest.mark.skipif(sys.platform == "win32", reason="it forks"),
]


def test_whatever_moment_a_writer_is_killed_at_every_file_is_old_or_new(tmp_path):
    lib = tagged.made(tmp_path)
    tag_kills.fill(lib, 28)
    trial = tag_kills.Trial(lib)
    trial.measure()
    for number in range(12):
        trial.kill(number)
    report = trial.finish()
    assert report.wrong == []
    assert report.written
    assert report.kills == 12


@pytest.mark.parametrize("after", [False, True])
def test_no_step_of_a_writing_or_an_undoing_leaves_anything_half(tmp_path, after):
    lib = tagged.made(tmp_path)
    tag_kills.fill(lib, 2, ["MP3", "OGG"])
    trial = tag_kills.Trial(lib)
    for number in (1, 2):
        steps = 0
        while trial.kill_at(number, steps, after=after):
            steps += 1
        assert steps > 12
    report = trial.finish()
    assert report.wrong == []
    assert report.in_between
    assert report.leftovers
