"""`classify`: what it prints, what it does with bad input, and how a batch goes on."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from genre_engine.prediction import analysis
from genre_engine.storage import escape
from tests import sounds

pytestmark = pytest.mark.usefixtures("stub_networks")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder; names on the command line are relative to it."""
    made = tmp_path / "music"
    made.mkdir()
    monkeypatch.chdir(made)
    return made


def put(path, duration_s=3.5, form="FLAC"):
    path.parent.mkdir(parents=True, exist_ok=True)
    data = sounds.encoded(sounds.chords(duration_s, 44100), 44100, form)
    path.write_bytes(data)
    return data


def rows(text):
    return list(csv.DictReader(io.StringIO(text, newline="")))


BAD = {
    "empty.mp3": "NotAudio",
    "text.mp3": "NotAudio",
    "clip.wav": "TooShort",
    "silence.wav": "SilentAudio",
    "noise.wav": "SilentAudio",
    "nan.wav": "BadSamples",
    "inf.wav": "BadSamples",
    "gone.wav": "FileMissing",
    "endless.wav": "TooLong",
    "n" * 300: "FileUnreadable",
    "without-audio": "NotAudio",
}


@pytest.fixture
def bad(folder):
    """Every kind of bad input, by name."""
    sick = sounds.chords(4.0)
    sick[30000] = np.nan
    mad = sounds.chords(4.0)
    mad[30000] = -np.inf
    size = 7 * 3600 * 1000
    endless = bytearray(sounds.encoded(np.zeros(8), 1000, "WAV", "PCM_U8")[:44])
    endless[4:8], endless[40:44] = (size + 36).to_bytes(4, "little"), size.to_bytes(4, "little")
    content = {
        "empty.mp3": b"",
        "text.mp3": b"Dear diary, today I bought no record.\n" * 500,
        "clip.wav": sounds.encoded(sounds.tone(0.05)),
        "silence.wav": sounds.encoded(np.zeros(90000)),
        "noise.wav": sounds.encoded(sounds.noise(4.0, level=0.0002), 16000),
        "nan.wav": sounds.encoded(sick, 16000, "WAV", "FLOAT"),
        "inf.wav": sounds.encoded(mad, 16000, "WAV", "FLOAT"),
        "endless.wav": bytes(endless),
    }
    for name, data in content.items():
        (folder / name).write_bytes(data)
    with (folder / "endless.wav").open("r+b") as file:
        file.truncate(44 + size)
    (folder / "without-audio").mkdir()
    (folder / "without-audio" / "notes.txt").write_text("no music", encoding="utf-8")
    return list(BAD)


def assert_plain(errors):
    """No traceback, and nothing that a decoder or a library says."""
    for word in ("Traceback", "mpg123", "Note:", "Warning:", "Error:", "tensorflow", "0x"):
        assert word not in errors


def test_every_bad_input_gets_its_message_and_the_others_are_done(run, folder, bad):
    put(folder / "good.flac")
    status, out, errors = run("classify", *bad, "good.flac", "--format", "json")
    assert status == 1
    found = {element["file"]: element for element in json.loads(out)}
    assert {name: found[name]["error"]["type"] for name in bad} == BAD
    assert found["good.flac"]["error"] is None
    assert_plain(errors)
    lines = errors.splitlines()
    assert len(lines) == len(bad)
    for name, line in zip(bad, lines, strict=True):
        assert line == f"{name}: {found[name]['error']['message']}"
        assert line.endswith(".")


@pytest.mark.parametrize("form", ["table", "csv"])
def test_bad_input_fails_alike_in_other_formats(form, run, folder, bad):
    put(folder / "good.flac")
    status, out, errors = run("classify", *bad, "good.flac", "--format", form)
    assert status == 1
    assert "good.flac" in out
    named = [line for line in errors.splitlines() if line.split(":")[0] in map(str, bad)]
    assert len(named) == len(bad)
    if form == "csv":
        assert [bool(row["error"]) for row in rows(out)] == [True] * len(bad) + [False]


def test_a_result_with_a_warning_counts_as_done(run, folder):
    whole = put(folder / "whole.mp3", 8.0, "MP3")
    (folder / "cut.mp3").write_bytes(whole[: len(whole) // 2])
    put(folder / "short.wav", 1.0, "WAV")
    status, out, errors = run("classify", "cut.mp3", "short.wav", "--format", "json")
    assert status == 0
    cut, short = json.loads(out)
    assert "cut short" in cut["warnings"][0]
    assert "silence was added" in short["warnings"][0]
    assert_plain(errors)
    status, _, errors = run("classify", "cut.mp3")
    assert status == 0
    assert "cut.mp3: The file is cut short" in errors


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps permissions otherwise")
def test_without_permission_a_file_and_a_folder_are_named(folder, python, tmp_path):
    for place in (tmp_path, folder):
        place.chmod(0o755)
    put(folder / "secret.flac")
    put(folder / "locked" / "song.flac")
    put(folder / "walked" / "inner" / "song.flac")
    (folder / "secret.flac").chmod(0)
    (folder / "locked").chmod(0)
    (folder / "walked" / "inner").chmod(0)
    code = (
        "import os, sys\n"
        "from genre_engine.cli import main\n"
        "names = sys.argv[1:]; sys.argv[1:] = 'classify gone.flac --format csv'.split()\n"
        "try: main()\n"  # once before, so that all modules are there
        "except SystemExit: pass\n"
        "if os.geteuid() == 0: os.setuid(65534)\n"  # root may read everything
        "sys.argv[2:3] = names; main()\n"
    )
    names = ("secret.flac", "locked/song.flac", "walked", "--jobs", "1")
    result = python(code, *names, cwd=folder)
    for name in ("locked", "walked/inner"):
        (folder / name).chmod(0o755)
    assert result.returncode == 1
    assert_plain(result.stderr)
    assert result.stderr.splitlines()[1:] == [
        "secret.flac: You have no permission to read it. Change its permissions, or copy it.",
        "locked/song.flac: You have no permission to read it. Change its permissions, or copy it.",
        "walked/inner: The folder can't be read (Permission denied).",
    ]


def test_json_is_a_list_of_the_contracts_elements(run, folder):
    put(folder / "a.flac")
    status, out, _ = run("classify", "a.flac", "--format", "json", "--windows", "--view", "ten")
    assert status == 0
    (element,) = json.loads(out)
    assert set(element) == {
        *("file", "model", "view", "calibrated", "duration_s", "genres", "windows"),
        *("warnings", "error"),
    }
    assert element["genres"][0]["genre"] == "rock"
    assert len(element["genres"]) == 9
    assert set(element["windows"][0]) == {"start_s", "end_s", "genres"}
    _, out, _ = run("classify", "a.flac", "--format", "json", "--top", "2")
    assert len(json.loads(out)[0]["genres"]) == 2


def test_csv_has_a_row_a_song_with_five_genres(run, folder):
    put(folder / "a.flac")
    put(folder / "b.flac")
    status, out, _ = run("classify", ".", "--format", "csv")
    assert status == 0
    found = rows(out)
    assert list(found[0]) == analysis.csv_header(5)
    assert [row["file"] for row in found] == [f".{os.sep}a.flac", f".{os.sep}b.flac"]
    assert found[0]["genre_1"] == "rock"


def test_the_table_has_a_line_a_song(run, folder):
    put(folder / "a.flac", 61.0)
    status, out, _ = run("classify", "a.flac", "--windows")
    assert status == 0
    assert "Rock, clearly" in out
    assert "1:01" in out
    _, _, errors = run("classify", "a.flac", "--view", "ten")
    assert "Genres that these networks don't know: soundtrack." in errors


def test_a_folder_is_walked_in_order_without_what_is_hidden(run, folder):
    for name in ("b/2.flac", "b/1.flac", "a.flac", ".hidden.flac", ".git/x.flac", "b/c/3.wav"):
        put(folder / "music" / name, 0.5, "WAV" if name.endswith("wav") else "FLAC")
    put(folder / "music" / "no-suffix", 0.5)
    (folder / "music" / "cover.jpg").write_bytes(b"\xff\xd8\xff\xe0" + bytes(99))
    (folder / "music" / "broken.mp3").write_bytes(b"text")
    (folder / "music" / "loop").symlink_to(folder / "music", target_is_directory=True)
    status, out, _ = run("classify", "music", "--format", "csv")
    assert status == 1  # broken.mp3 only
    names = ["a.flac", "broken.mp3", "no-suffix", "b/1.flac", "b/2.flac", "b/c/3.wav"]
    assert [row["file"] for row in rows(out)] == [str(Path("music", name)) for name in names]


@pytest.mark.parametrize("given", ["./a.flac", "../music//a.flac", "{folder}/a.flac"])
def test_a_song_is_named_as_it_was_given(given, run, folder):
    put(folder / "a.flac", 0.5)
    given = given.format(folder=folder)
    _, out, _ = run("classify", given, "--format", "json")
    assert json.loads(out)[0]["file"] == given


NAMES = [
    "with space.flac",
    "quote'\"s.flac",
    "Für Élise – 月光 🎹.flac",
    "new\nline.flac",
    "carriage\rreturn.flac",
    "comma, semicolon; tab\t.flac",
    "<script>alert(1)</script>.flac".replace("/", "∕"),
    "[bold red]markup[/].flac".replace("/", "∕"),
    "escape \x1b[31m.flac",
    "100%.flac",
    os.fsdecode(b"not \xff utf-8.flac"),
    "-dash.flac",
]


@pytest.fixture
def odd(folder):
    if sys.platform != "linux":
        pytest.skip("other systems allow fewer names")
    for name in NAMES:
        put(folder / name, 0.5)
    return NAMES


@pytest.mark.parametrize("to_file", [False, True])
def test_odd_names_survive_in_json(to_file, run, folder, odd):
    options = ["--output", "out.json"] if to_file else []
    status, out, errors = run("classify", "--format", "json", *options, "--", *odd)
    assert status == 0
    assert_plain(errors)
    if to_file:
        assert out == ""
        out = (folder / "out.json").read_text(encoding="utf-8")
    assert [element["file"] for element in json.loads(out)] == odd


def test_odd_names_are_shown_as_text_in_the_table_and_in_messages(run, folder, odd):
    status, out, _ = run("classify", "--", *odd)
    assert status == 0
    for shown in ("<script>alert(1)<∕script>", "[bold red]markup[∕]", r"escape \x1b[31m", "Für"):
        assert shown in out.replace("\n", "")
    assert "\x1b" not in out
    for name in odd:
        (folder / name).write_bytes(b"text")
    status, _, errors = run("classify", "--", *odd)
    assert status == 1
    assert len(errors.splitlines()) == len(odd)
    assert "\x1b" not in errors
    assert r"new\nline.flac: Its content is no audio" in errors


def test_odd_names_survive_in_a_csv_and_are_known_when_it_is_continued(run, folder, odd):
    words = ("classify", "--format", "csv", "--output", "out.csv", "--", *odd)
    assert run(*words)[0] == 0
    before = (folder / "out.csv").read_bytes()
    found = rows(before.decode())
    assert [row["file"] for row in found] == [escape.cell(name) for name in odd]
    status, _, errors = run(*words)
    assert status == 0
    assert f"{len(odd)} of {len(odd)} songs are in out.csv already." in errors
    assert (folder / "out.csv").read_bytes() == before


def test_a_file_called_like_a_formula_is_no_formula_in_a_csv(run, folder):
    put(folder / "=HYPERLINK(1).flac", 0.5)
    status, out, _ = run("classify", "--format", "csv", "--", "=HYPERLINK(1).flac")
    assert status == 0
    assert rows(out)[0]["file"] == "'=HYPERLINK(1).flac"


@pytest.fixture
def three(folder):
    for name in ("ä.flac", 'new\nline, "ö".flac', "z.flac"):
        put(folder / "music" / name, 0.5)
    return ("classify", "music", "--format", "csv", "--output", "out.csv")


def test_a_csv_torn_at_any_byte_goes_on_to_the_same_whole(run, folder, three):
    if sys.platform == "win32":
        pytest.skip("no such names")
    assert run(*three)[0] == 0
    whole = (folder / "out.csv").read_bytes()
    first_row = whole.index(b"\n") + 1
    for length in [*range(first_row, len(whole), 19), len(whole) - 1, len(whole)]:
        (folder / "out.csv").write_bytes(whole[:length])
        status, out, _ = run(*three)
        assert (status, out) == (0, "")
        assert (folder / "out.csv").read_bytes() == whole, f"cut at {length}"


def test_songs_that_failed_are_tried_again_when_a_csv_is_continued(run, folder, three):
    good = (folder / "music" / "z.flac").read_bytes()
    (folder / "music" / "z.flac").write_bytes(b"text")
    assert run(*three)[0] == 1
    (folder / "music" / "z.flac").write_bytes(good)
    assert run(*three)[0] == 0
    found = rows((folder / "out.csv").read_text(encoding="utf-8"))
    assert [row["error"] for row in found] == ["", "", ""]


@pytest.mark.parametrize(
    "content",
    [b"a,b\n1,2\n", b"\x89PNG\n\xff\xff\n", b"x" * 200_000 + b"\n", b"\0\n", b"no line's end"],
    ids=["another table", "binary", "huge", "zero", "text"],
)
def test_a_file_that_holds_something_else_is_not_touched(content, run, folder, three):
    (folder / "out.csv").write_bytes(content)
    status, _, errors = run(*three)
    assert status == 2
    assert "out.csv already, and it isn't a CSV of results" in errors
    assert_plain(errors)
    assert (folder / "out.csv").read_bytes() == content


def test_a_csv_of_another_view_is_not_continued(run, folder, three):
    run(*three)
    status, _, errors = run(*three, "--view", "ten")
    assert status == 2
    assert "other columns, model or view" in errors


@pytest.mark.parametrize("form", ["table", "json", "csv"])
def test_an_output_that_cannot_be_written_says_so(form, run, folder):
    put(folder / "a.flac", 0.5)
    status, _, errors = run("classify", "a.flac", "--format", form, "--output", "a.flac/out")
    assert status == 1
    assert "Can't write" in errors
    assert_plain(errors)


def test_an_output_file_is_there_only_when_it_is_whole(run, folder, monkeypatch):
    put(folder / "a.flac", 0.5)
    (folder / "out.json").write_text("[]", encoding="utf-8")

    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("genre_engine.prediction.stream", interrupted)
    status, _, errors = run("classify", "a.flac", "--format", "json", "--output", "out.json")
    assert status == 130
    assert_plain(errors)
    assert (folder / "out.json").read_text(encoding="utf-8") == "[]"
    assert sorted(path.name for path in folder.iterdir()) == ["a.flac", "out.json"]


def test_json_is_closed_when_a_batch_is_interrupted(run, folder, monkeypatch):
    put(folder / "a.flac", 0.5)
    put(folder / "b.flac", 0.5)
    from genre_engine import prediction

    real = prediction.stream

    def stream(name, model):
        if name == "b.flac":
            raise KeyboardInterrupt
        return real(name, model)

    monkeypatch.setattr(prediction, "stream", stream)
    status, out, _ = run("classify", "a.flac", "b.flac", "--format", "json")
    assert status == 130
    assert [element["file"] for element in json.loads(out)] == ["a.flac"]


@pytest.mark.parametrize(
    "words",
    [
        ["a.flac", "--view", "eleven"],
        ["a.flac", "--model", "none"],
        ["a.flac", "--format", "xml"],
        ["a.flac", "--top", "0"],
        ["a.flac", "--format", "csv", "--windows"],
        ["--no-such-option"],
        [],
    ],
    ids=" ".join,
)
def test_wrong_usage_has_status_2_and_does_nothing(words, run, folder):
    status, out, errors = run("classify", *words)
    assert status == 2
    assert out == ""
    assert "Traceback" not in errors


def test_weights_that_cannot_be_had_end_the_batch_in_words(run, folder, monkeypatch):
    from genre_engine import pretrained
    from genre_engine.errors import WeightsError

    def none(progress=None):
        raise WeightsError("No network. Run: python -m genre_engine weights")

    monkeypatch.setattr(pretrained, "networks", none)
    put(folder / "a.flac")
    status, _, errors = run("classify", "a.flac")
    assert status == 1
    assert errors == "No network. Run: python -m genre_engine weights\n"


def real_command(weights, *words, **options):
    """The command in a process of its own, with the real networks."""
    env = {**os.environ, "GENRE_ENGINE_WORKSPACE": str(weights), "PYTHONPATH": str(REPOSITORY)}
    return subprocess.Popen(
        [sys.executable, "-m", "genre_engine", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=env,
        **options,
    )


REPOSITORY = Path(analysis.__file__).parents[2]


def test_a_real_batch_leaves_standard_error_clean(weights, folder, bad):
    """All in one process, since each pays seconds for tensorflow."""
    whole = put(folder / "whole.mp3", 8.0, "MP3")
    hole = len(whole) // 2
    (folder / "cut.mp3").write_bytes(whole[:hole])
    (folder / "holed.mp3").write_bytes(whole[:hole] + bytes(2000) + whole[hole + 2000 :])
    good = ["whole.mp3", "cut.mp3", "holed.mp3"]
    process = real_command(weights, "classify", *bad, *good, "--format", "json")
    out, errors = process.communicate(timeout=300)
    assert process.returncode == 1
    found = {element["file"]: element for element in json.loads(out)}
    assert {name: found[name]["error"]["type"] for name in bad} == BAD
    for name in good:
        assert found[name]["error"] is None
        assert len(found[name]["genres"]) == 31
    named = [line for line in errors.decode().splitlines() if line.split(":")[0] in map(str, bad)]
    assert len(named) == len(bad)
    assert_plain(errors.decode())


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_batch_that_was_killed_goes_on_where_it_stopped(run, folder, python):
    """Real processes, stubbed networks: kill -9 after two rows, then the rest."""
    for number in range(4):
        put(folder / "music" / f"{number}.flac", 0.5)
    code = (
        "import sys, time\n"
        "from genre_engine import prediction\n"
        "from genre_engine.prediction import example\n"
        "def stream(name, model):\n"
        "    time.sleep(600 * ('2.flac' in name)); yield example.analysis()\n"
        "prediction.stream = stream\n"
        "from genre_engine.cli import main\n"
        "sys.argv = 'x classify music --format csv --output out.csv --jobs 1'.split(); main()\n"
    )
    env = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    output = folder / "out.csv"
    with subprocess.Popen([sys.executable, "-c", code], env=env) as process:
        deadline = time.monotonic() + 120
        while not output.exists() or output.read_bytes().count(b"\n") < 3:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
    status, _, errors = run("classify", "music", "--format", "csv", "--output", "out.csv")
    assert status == 0
    assert "2 of 4 songs are in out.csv already." in errors
    found = rows(output.read_text(encoding="utf-8"))
    assert [row["file"] for row in found] == [str(Path("music", f"{n}.flac")) for n in range(4)]
