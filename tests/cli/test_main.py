"""The command line as a whole: help, exit statuses, signals and pipes."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import genre_engine
from genre_engine.errors import WeightsError
from genre_engine.pretrained import published
from genre_engine.pretrained import weights as pretrained_weights

REPOSITORY = Path(genre_engine.__file__).parents[1]


def process(code, *words, **options):
    env = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    return subprocess.Popen(
        [sys.executable, "-c", code, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=env,
        **options,
    )


def test_help_names_the_commands_without_importing_anything_heavy(python):
    code = (
        "import sys; from genre_engine.cli import main; sys.argv = ['genre_engine', '--help']\n"
        "try: main()\n"
        "finally: print(sorted({'tensorflow', 'keras', 'librosa', 'numpy', 'pandas', 'soundfile'}"
        " & set(sys.modules)))\n"
    )
    result = python(code)
    assert result.returncode == 0
    assert "classify" in result.stdout
    assert "weights" in result.stdout
    assert result.stdout.splitlines()[-1] == "[]"
    assert result.stderr == ""


def test_the_package_is_a_command():
    result = subprocess.run(
        [sys.executable, "-m", "genre_engine", "no-such-command"],
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
    )
    assert result.returncode == 2
    assert "No such command 'no-such-command'" in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("words", [[], ["--no-such-option"], ["classify"]], ids=" ".join)
def test_wrong_usage_has_status_2(words, run):
    assert run(*words)[0] == 2


def test_weights_are_taken_from_a_folder_and_listed(run, published_weights, tmp_path, monkeypatch):
    monkeypatch.setenv("GENRE_ENGINE_WORKSPACE", str(tmp_path / "workspace"))
    names = [network.name for network in published.networks()]
    status, out, errors = run("weights", *names, "--from", published_weights)
    assert (status, errors) == (0, "")
    here = {line.split()[0]: line.split()[-1] for line in out.splitlines()[1:]}
    others = {"msd-musicnn": "no", "mtt-musicnn": "no", "discogs-effnet": "opt-in"}
    assert here == {**dict.fromkeys(names, "yes"), **others}


def test_weights_that_a_folder_lacks_are_named(run, tmp_path, monkeypatch):
    monkeypatch.setenv("GENRE_ENGINE_WORKSPACE", str(tmp_path / "workspace"))
    status, _, errors = run("weights", "msd-fcn", "msd-musicnn", "--from", tmp_path)
    assert status == 1
    assert errors.splitlines() == [
        f"msd-fcn: {tmp_path} doesn't hold its file.",
        f"msd-musicnn: {tmp_path} doesn't hold its file.",
    ]
    assert run("weights", "--from", tmp_path / "none")[0] == 2
    assert run("weights", "nothing")[0] == 2


def test_weights_that_cannot_be_fetched_have_status_1(run, tmp_path, monkeypatch):
    def fail(progress, base=""):
        raise WeightsError("What to do next.")

    monkeypatch.setenv("GENRE_ENGINE_WORKSPACE", str(tmp_path / "workspace"))
    monkeypatch.setattr(pretrained_weights, "fetch", fail)
    status, _, errors = run("weights", "msd-fcn", "msd-musicnn")
    assert status == 1
    reached, pair = errors.splitlines()
    assert reached.startswith("msd-fcn: ")
    assert "127.0.0.1:9" in reached
    assert pair == "What to do next."


_SLOW = (
    "import signal, sys, time; from genre_engine.pretrained import weights\n"
    # A shell's background jobs start with the interrupt ignored, and their children inherit that.
    "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    "def fetch(progress, base=''):\n"
    "    print('started', flush=True); time.sleep(600)\n"
    "weights.fetch = fetch\n"
    "from genre_engine.cli import main; sys.argv = ['x', 'weights']; main()\n"
)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT to send")
def test_control_c_stops_without_a_traceback_and_with_status_130():
    with process(_SLOW) as command:
        assert command.stdout.readline() == "started\n"
        command.send_signal(signal.SIGINT)
        _, errors = command.communicate(timeout=120)
    assert command.returncode == 130
    assert "Traceback" not in errors


@pytest.mark.skipif(sys.platform == "win32", reason="pipes break otherwise there")
def test_a_reader_that_has_seen_enough_is_no_error():
    code = (
        "import sys; from genre_engine import cli\n"
        "def command():\n"
        "    for _ in range(100_000): print('line', flush=True)\n"
        "cli.app.command('many')(command); sys.argv = ['x', 'many']; cli.main()\n"
    )
    with process(code) as command:
        command.stdout.readline()
        command.stdout.close()
        errors = command.stderr.read()
        command.wait(timeout=120)
    assert errors == ""


def test_without_an_encoding_of_ones_own_text_comes_out_as_utf_8(python):
    code = (
        "import sys; from genre_engine.cli.console import complain, use_utf8\n"
        "use_utf8(); print('\\u6708 \\udcff'); complain('F\\xfcr \\udcff\\x1b\\nElise')\n"
    )
    env = {**os.environ, "PYTHONPATH": str(REPOSITORY), "LC_ALL": "C", "PYTHONUTF8": "0"}
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, env=env)
    assert result.stdout.decode() == "月 \\udcff\n"
    assert result.stderr.decode() == "Für \\udcff\\x1b\nElise\n"


def test_importing_the_package_costs_next_to_nothing(python):
    """No module but those of the standard library and the package's own name."""
    result = python(
        "import sys; before = set(sys.modules); import genre_engine\n"
        "new = {name.partition('.')[0] for name in set(sys.modules) - before}\n"
        "print(*sorted(new - sys.stdlib_module_names))"
    )
    assert result.stdout.split() == ["genre_engine"], result.stderr
