"""Tables and disks that ask for more than there is."""

import resource
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from genre_engine.datasets import tables
from genre_engine.errors import GenreEngineError
from genre_engine.storage import budget

PREVIEW = f"{tables.__name__}:{tables.preview_file.__name__}"


def test_a_table_that_unpacks_to_gigabytes_costs_its_reader_only(tmp_path):
    n = 1_000_000
    text = pa.DictionaryArray.from_arrays(pa.array(np.zeros(n, np.int32)), ["x" * 10_000])
    path = tmp_path / "bomb.parquet"
    pq.write_table(pa.table({"label": text, "a": np.zeros(n)}), path)
    assert path.stat().st_size < 10_000_000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(GenreEngineError):
        budget.run(PREVIEW, {"path": str(path), "n": 3}, budget.TABLE, "This table")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000


def test_a_wide_table_is_read(tmp_path):
    path = tmp_path / "wide.csv"
    names = [f"c{n}" for n in range(498)]
    row = ",".join(["pop", *(f"{n / 7:.5f}" for n in range(498))])
    path.write_text("\n".join([",".join(["label", *names]), *[row] * 2000]), encoding="utf-8")
    rows = budget.run(PREVIEW, {"path": str(path), "n": 1}, budget.TABLE, "This table")
    assert rows[0]["label"] == "pop"


def test_what_is_wrong_with_a_table_is_said_as_ever(tmp_path):
    path = tmp_path / "odd.csv"
    path.write_text("label,a\npop,1\nrock,2,3\n", encoding="utf-8")
    with pytest.raises(GenreEngineError, match=r"odd\.csv, row 3: 3 columns where 2 belong"):
        budget.run(PREVIEW, {"path": str(path), "n": 3}, budget.TABLE, "This table")
    path.write_text("label,a\npop,1\n", encoding="utf-8")
    rows = budget.run(PREVIEW, {"path": str(path), "n": 3}, budget.TABLE, "This table")
    assert rows == [{"label": "pop", "a": "1"}]


_NO_ROOM = """
import sys
from genre_engine.storage import budget
budget.apply(budget.Budget(memory_mb=4000, cpu_s=600, wall_s=600.0, file_mb=0))
from genre_engine.cli import main
main()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no such limits")
def test_a_demo_set_for_which_there_is_no_room_is_refused_in_words(workspace):
    command = [sys.executable, "-c", _NO_ROOM, "dataset", "demo", "--tracks", "40", "--jobs", "1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "Can't write" in done.stderr
    assert not list((workspace / "datasets").glob("[!.]*"))


@pytest.mark.skipif(sys.platform != "linux", reason="no such limits")
def test_a_program_of_others_is_held_to_its_budget():
    small = budget.Budget(memory_mb=100, cpu_s=7, wall_s=60.0, file_mb=0)
    code = "import sys; sys.stdin.read(); bytearray(1 << 29)"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        budget.hold(process, small)
        assert resource.prlimit(process.pid, resource.RLIMIT_CPU) == (7, 7)
        assert resource.prlimit(process.pid, resource.RLIMIT_FSIZE) == (0, 0)
        _, said = process.communicate(b"")
    assert b"MemoryError" in said
