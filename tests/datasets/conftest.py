"""Small inputs of the tests' own, and the real metadata where it lies beside the repository."""

from pathlib import Path

import pytest

HEADER = "TRACK_ID\tARTIST_ID\tALBUM_ID\tPATH\tDURATION\tTAGS\r\n"
REAL = Path(__file__).parents[2].parent / "shared" / "jamendo"


@pytest.fixture(autouse=True)
def workspace(tmp_path, monkeypatch):
    """Every test has a workspace of its own."""
    folder = tmp_path / "workspace"
    monkeypatch.setenv("GENRE_ENGINE_WORKSPACE", str(folder))
    return folder


@pytest.fixture(scope="session")
def real_metadata():
    if not (REAL / "raw_30s.tsv").is_file():
        pytest.skip("the real metadata isn't beside the repository")
    return REAL


@pytest.fixture
def tsv(tmp_path):
    """Write a table in MTG's way from rows of (number, artist, genres…), and return its path."""

    def write(*rows, name="raw_30s.tsv", header=HEADER):
        lines = [
            "\t".join(
                [
                    f"track_{number:07d}",
                    f"artist_{artist:06d}",
                    f"album_{artist:06d}",
                    f"{number % 100:02d}/{number}.mp3",
                    "30.5",
                    *(f"genre---{genre}" for genre in genres),
                ]
            )
            + "\r\n"
            for number, artist, *genres in rows
        ]
        path = tmp_path / "metadata" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes((header + "".join(lines)).encode())
        return path

    return write
