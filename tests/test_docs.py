"""Pages of the documentation that are run."""

import doctest
import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"


@pytest.mark.parametrize("name", ["scikit-learn.md"])
def test_what_a_page_shows_is_what_happens(name, workspace):
    found = doctest.testfile(str(DOCS / name), module_relative=False)
    assert found.attempted > 20
    assert not found.failed


def test_every_link_between_pages_leads_somewhere():
    for page in [*DOCS.glob("*.md"), DOCS.parent / "README.md"]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
