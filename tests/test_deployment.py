"""What a shared server relies on: Streamlit's settings and the container."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def test_streamlit_is_set_for_a_shared_server():
    settings = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    assert settings["server"]["enableXsrfProtection"] is True
    assert settings["server"]["enableCORS"] is True
    assert settings["server"]["maxUploadSize"] <= 100
    assert settings["browser"]["gatherUsageStats"] is False
    assert settings["client"]["showErrorDetails"] == "none"


def test_the_container_runs_as_an_ordinary_user_from_what_is_pinned():
    lines = (ROOT / "Containerfile").read_text(encoding="utf-8").splitlines()
    users = [line.split()[1] for line in lines if line.startswith("USER ")]
    assert users
    assert users[-1] not in ("root", "0")
    installs = [line for line in lines if "pip install" in line]
    assert installs
    assert all("--require-hashes" in line for line in installs)


@pytest.mark.parametrize(
    "option",
    [
        "--read-only",
        "--cap-drop all",
        "--security-opt no-new-privileges",
        "--memory",
        "--pids-limit",
    ],
)
def test_the_documented_way_to_run_it_is_the_safe_one(option):
    text = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"podman run (?:.*\\\n)*.*", text)
    assert option in command
