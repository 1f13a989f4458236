import json
import subprocess
import sys

import pytest
import soundfile
import typer
from typer.testing import CliRunner

from genre_engine import datasets as engine
from genre_engine.cli import datasets, download
from genre_engine.errors import DatasetError, DatasetExists, DatasetMissing, WrongUsage
from genre_engine.storage import workspace as workspace_module
from tests.datasets import fma_files

HEADER = "TRACK_ID\tARTIST_ID\tALBUM_ID\tPATH\tDURATION\tTAGS\r\n"


@pytest.fixture(autouse=True)
def workspace(tmp_path, monkeypatch):
    monkeypatch.setenv("GENRE_ENGINE_WORKSPACE", str(tmp_path / "workspace"))


@pytest.fixture
def run():
    main = typer.Typer()
    main.add_typer(datasets.app)
    main.add_typer(download.app)
    runner = CliRunner()
    return lambda *words, **options: runner.invoke(main, [str(word) for word in words], **options)


@pytest.fixture
def tsv(tmp_path):
    rows = [
        f"track_{n}\tartist_{n % 9}\talbum_1\t{n}.mp3\t1\tgenre---{('pop', 'rock')[n % 2]}\r\n"
        for n in range(40)
    ]
    path = tmp_path / "raw_30s.tsv"
    path.write_text(HEADER + "".join(rows) + "track_x\ta\tb\tx.mp3\t1\r\n", newline="")
    return path


def test_jamendo_is_imported_listed_shown_and_removed(run, tsv):
    made = run("dataset", "jamendo", "j", "--metadata", tsv, "--only")
    assert made.exit_code == 0
    assert made.stdout == "j: 40 tracks, 2 genres\n"
    assert "1 tracks without a genre dropped: raw_30s.tsv, row 42" in made.stderr
    assert "jamendo" in run("dataset", "list").stdout
    shown = run("dataset", "show", "j", "--format", "json")
    assert json.loads(shown.stdout) == engine.summary(engine.open("j"))
    assert shown.stderr == ""
    table = run("dataset", "show", "j").stdout
    assert "40 tracks" in table
    assert "artist overlap" in table
    assert json.loads(run("dataset", "list", "--format", "json").stdout)[0]["name"] == "j"
    assert run("dataset", "remove", "j").exit_code == 0
    assert engine.listing() == []


def test_removing_asks_at_a_terminal_and_no_means_no(run, tsv, monkeypatch):
    run("dataset", "jamendo", "j", "--metadata", tsv)
    monkeypatch.setattr(datasets, "_at_a_terminal", lambda: True)
    assert run("dataset", "remove", "j", input="n\n").exit_code == 1
    assert [entry["name"] for entry in engine.listing()] == ["j"]
    assert run("dataset", "remove", "j", input="y\n").exit_code == 0
    run("dataset", "jamendo", "j", "--metadata", tsv)
    assert run("dataset", "remove", "j", "--yes").exit_code == 0
    assert engine.listing() == []


def test_errors_rise_to_the_top_level(run, tsv):
    assert isinstance(run("dataset", "show", "none").exception, DatasetMissing)
    assert isinstance(run("dataset", "remove", "none").exception, DatasetMissing)
    run("dataset", "jamendo", "j", "--metadata", tsv)
    again = run("dataset", "jamendo", "j", "--metadata", tsv)
    assert isinstance(again.exception, DatasetExists)


def test_metadata_that_was_fetched_needs_no_name(run, tsv):
    nothing = run("dataset", "jamendo", "j")
    assert isinstance(nothing.exception, WrongUsage)
    assert "download jamendo-metadata" in str(nothing.exception)
    place = workspace_module.metadata_folder()
    place.mkdir(parents=True)
    tsv.rename(place / tsv.name)
    assert run("dataset", "jamendo", "j").exit_code == 0


def test_an_empty_workspace_says_how_to_begin(run):
    listed = run("dataset", "list")
    assert listed.exit_code == 0
    assert "dataset demo" in listed.stderr
    assert run("dataset", "list", "--format", "json").stdout == "[]\n"


def test_a_folder_with_an_unreadable_file_is_imported_and_ends_with_1(run, tmp_path):
    for genre in ("pop", "[red]rock"):
        folder = tmp_path / "music" / genre
        folder.mkdir(parents=True)
        soundfile.write(folder / "a.wav", [0.1, -0.1] * 400, 8000)
    good = run("dataset", "folder", "good", tmp_path / "music")
    assert good.exit_code == 0
    (tmp_path / "music" / "pop" / "bad.mp3").write_text("no music")
    some = run("dataset", "folder", "some", tmp_path / "music")
    assert some.exit_code == 1
    assert "kept out: pop/bad.mp3" in some.stderr
    assert some.stdout == "some: 2 tracks, 2 genres\n"
    shown = run("dataset", "show", "some").stdout
    assert "[red]rock" in shown
    assert "pop/bad.mp3" in shown


def test_gtzan_is_imported_and_its_filtered_split_needs_the_lists(run, tmp_path):
    for genre in ("pop", "rock"):
        folder = tmp_path / "genres" / genre
        folder.mkdir(parents=True)
        for number in range(2):
            soundfile.write(folder / f"{genre}.0000{number}.wav", [0.1, -0.1] * 400, 8000)
    made = run("dataset", "gtzan", "g", tmp_path)
    assert made.exit_code == 0
    assert made.stdout == "g: 4 tracks, 2 genres\n"
    assert "4 of GTZAN's 1,000 clips are here." in made.stderr
    lacking = run("dataset", "gtzan", "f", tmp_path / "genres", "--filtered")
    assert isinstance(lacking.exception, DatasetError)
    assert "train_filtered.txt" in str(lacking.exception)
    (tmp_path / "train_filtered.txt").write_text("pop/pop.00000.wav\n")
    (tmp_path / "valid_filtered.txt").write_text("rock/rock.00000.wav\n")
    (tmp_path / "test_filtered.txt").write_text("rock/rock.00001.wav\n")
    made = run("dataset", "gtzan", "f", tmp_path / "genres", "--filtered")
    assert made.stdout == "f: 3 tracks, 2 genres\n"
    shown = json.loads(run("dataset", "show", "f", "--format", "json").stdout)
    assert shown["splits"]["official"] == {"train": 1, "validation": 1, "test": 1}


def test_fma_is_imported_from_a_folder_or_from_where_it_was_fetched(run, tmp_path):
    nothing = run("dataset", "fma", "f")
    assert isinstance(nothing.exception, WrongUsage)
    assert "download fma-metadata" in str(nothing.exception)
    folder = tmp_path / "fma_metadata"
    folder.mkdir()
    rows = [fma_files.track(2), fma_files.track(5, set_subset="medium", track_genre_top="Rock")]
    (folder / "tracks.csv").write_text(fma_files.table(*rows))
    assert run("dataset", "fma", "f", tmp_path).stdout == "f: 1 tracks, 1 genres\n"
    workspace_module.fma_folder().mkdir(parents=True)
    folder.rename(workspace_module.fma_folder() / folder.name)
    made = run("dataset", "fma", "m", "--subset", "medium")
    assert made.stdout == "m: 2 tracks, 2 genres\n"
    assert "no folder fma_medium with audio" in made.stderr
    assert run("dataset", "fma", "x", "--subset", "tiny").exit_code == 2


def test_a_feature_table_is_imported_with_named_columns(run, tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("f,pop,rock,who,x\n1,1,0,a,?\n2,1,1,a,?\n3,0,1,b,?\n")
    words = ("--labels", "pop, rock", "--group", "who", "--drop", "x")
    made = run("dataset", "table", "t", path, *words)
    assert made.stdout == "t: 3 tracks, 2 genres\n"
    assert engine.open("t").genres == ("pop", "rock")


def test_help_imports_nothing_heavy():
    code = (
        "import sys, genre_engine.cli.datasets;"
        "heavy = {'pandas', 'numpy', 'pyarrow', 'requests', 'sklearn', 'mutagen'} & {*sys.modules};"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_metadata_is_downloaded_to_the_folder_that_is_named(run, tmp_path, monkeypatch):
    from genre_engine.download import jamendo_metadata

    seen = {}

    def fake(to, *, base_url, progress):
        seen.update(to=to, base_url=base_url)
        progress("raw_30s.tsv", 5, 10)
        return [to / "raw_30s.tsv"]

    monkeypatch.setattr(jamendo_metadata, "jamendo_metadata", fake)
    words = ("--to", tmp_path, "--base-url", "http://127.0.0.1:1/")
    done = run("download", "jamendo-metadata", *words)
    assert done.stdout.strip() == str(tmp_path / "raw_30s.tsv")
    assert seen == {"to": tmp_path, "base_url": "http://127.0.0.1:1/"}


def test_show_tells_which_genre_a_part_lacks_and_why(run):
    engine.make_demo("tiny", tracks=20, jobs=1)
    result = run("dataset", "show", "tiny")
    assert result.exit_code == 0
    assert "The official split has no track of 'alternative' in validation" in result.stderr
