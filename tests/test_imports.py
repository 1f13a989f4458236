"""What may import what, and what is too heavy to be imported early."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import genre_engine

PACKAGE = Path(genre_engine.__file__).parent
REPOSITORY = PACKAGE.parent

# A package imports only from those before it.
LAYOUT = (
    *("errors", "storage", "web", "audio", "pretrained", "features", "synthesis"),
    *("labels", "splits", "leakage", "datasets", "download", "extraction"),
    *("metrics", "models", "runs", "evaluation", "training", "prediction"),
    *("sklearn", "library", "figures", "reproduce", "jobs", "cli", "__main__"),
)

HEAVY = {"tensorflow", "keras", "librosa", "sklearn", "numba", "scipy", "matplotlib"}


def modules():
    return {
        ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__"): path
        for path in PACKAGE.rglob("*.py")
        if path != PACKAGE / "__init__.py"
    }


def place(name):
    """A module's place in the layout: its own, or that of the package it is in."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        known = ".".join(parts[:length])
        if known in LAYOUT:
            return LAYOUT.index(known)
    return None


def imports(path):
    """Full names of all that a file imports, wherever it does so, as far as they are modules."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def own(imported):
    """`genre_engine.audio.load` → `audio`; None for what isn't ours."""
    if not imported.startswith("genre_engine."):
        return None
    parts = imported.split(".")[1:]
    known = modules()
    while parts and ".".join(parts) not in known:
        parts.pop()
    return ".".join(parts) or None


def test_every_module_has_its_place_in_the_layout():
    assert [name for name in modules() if place(name) is None] == []


@pytest.mark.parametrize("name", sorted(modules()))
def test_a_module_imports_only_from_those_before_it(name):
    after = {
        imported
        for imported in map(own, imports(modules()[name]))
        if imported not in (None, name) and place(imported) > place(name)
    }
    assert after == set()


def cycle(graph):
    """The modules of a circle of imports, or None."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return error.args[1]
    return None


def test_no_modules_of_the_engine_import_each_other():
    # A package's own `__init__` gathers what its modules offer: they may not ask it for anything.
    graph = {
        name: {other for other in map(own, imports(path)) if other not in (None, name)}
        for name, path in modules().items()
    }
    assert cycle(graph) is None


def test_no_parts_of_pages_import_each_other():
    paths = {
        ".".join(path.relative_to(REPOSITORY).with_suffix("").parts): path
        for path in (REPOSITORY / "pages" / "components").rglob("*.py")
    }
    graph = {
        name: {other for other in imports(path) if other in paths and other != name}
        | {other.rpartition(".")[0] for other in imports(path) if other.rpartition(".")[0] in paths}
        - {name}
        for name, path in paths.items()
    }
    assert graph["pages.components.train.watch"]
    assert cycle(graph) is None
    # What several pages share knows none of them.
    for name, others in graph.items():
        if name.startswith("pages.components.shared."):
            assert {other for other in others if ".shared" not in other} <= {"pages.components"}


def test_the_engine_has_few_loose_modules():
    loose = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__", "__main__"}
    assert loose == {"errors", "labels", "splits", "leakage", "extraction", "sklearn"}


def test_the_engine_never_imports_streamlit():
    for name, path in modules().items():
        assert "streamlit" not in {imported.split(".")[0] for imported in imports(path)}, name


def test_pages_use_the_engine_and_the_engine_knows_no_page():
    for name, path in modules().items():
        assert "pages" not in {imported.split(".")[0] for imported in imports(path)}, name


_IMPORTED = """
import importlib, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""


def imported_with(python, *names):
    result = python(_IMPORTED, *names)
    assert result.returncode == 0, result.stderr
    return set(result.stdout.split())


def test_the_command_line_imports_nothing_heavy(python):
    found = imported_with(python, "genre_engine.cli")
    assert not found & (HEAVY | {"pandas", "pyarrow", "soundfile", "soxr", "streamlit", "plotly"})


def test_processes_that_analyse_a_library_import_no_tables(python):
    found = imported_with(python, "genre_engine.library.analysing")
    assert not found & (HEAVY | {"pandas", "pyarrow", "plotly", "streamlit"})


def test_no_module_of_the_engine_imports_anything_heavy_by_itself(python):
    names = [f"genre_engine.{name}" for name in modules() if name != "__main__"]
    found = imported_with(python, *names)
    assert not found & {"tensorflow", "keras", "librosa", "numba", "streamlit"}


def test_the_first_page_imports_neither_tensorflow_nor_librosa(python):
    """The modules of the pages' parts, which do their work in functions."""
    components = [
        ".".join(path.relative_to(REPOSITORY).with_suffix("").parts)
        for path in (REPOSITORY / "pages" / "components").rglob("*.py")
        if path.stem != "__init__"
    ]
    assert components
    assert not imported_with(python, *components) & {"tensorflow", "keras", "librosa", "numba"}
    for page in (REPOSITORY / "pages").glob("*.py"):
        direct = {imported.split(".")[0] for imported in imports(page)}
        assert not direct & {"tensorflow", "keras", "librosa", "numba"}
