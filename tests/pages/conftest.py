"""Pages in Streamlit's test client, as a server has them: without what other tests loaded."""

import functools
import gc
import sys

import pytest
from streamlit.components.v2 import manifest_scanner
from streamlit.runtime.scriptrunner import script_runner


@pytest.fixture(scope="session", autouse=True)
def _as_in_a_server():
    """The server never imports Keras; where tests of models have, Streamlit would clear its session
    after every run of a page, which takes longer than the page. Nor does a server look through all
    installed packages again for each visitor."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(script_runner, "_clean_problem_modules", lambda: None)
        found = functools.cache(manifest_scanner.scan_component_manifests)
        patch.setattr(manifest_scanner, "scan_component_manifests", found)
        gc.collect()
        gc.freeze()  # what is there stays; pages are the ones that leave rubbish
        yield
        gc.unfreeze()


@pytest.fixture(autouse=True)
def _main_stays_main():
    """AppTest leaves its script as the main module, and a spawned process would run that first."""
    main = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = main
