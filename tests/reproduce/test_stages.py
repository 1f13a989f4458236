import json

import pytest

from genre_engine import reproduce
from genre_engine.errors import DatasetError, WrongUsage
from genre_engine.reproduce import tables, writing
from genre_engine.reproduce.published import COURSE_PROJECT
from genre_engine.reproduce.state import Reproduction

pytestmark = pytest.mark.usefixtures("workspace")


def test_what_a_stage_needs_stands_before_it():
    for place, stage in enumerate(reproduce.STAGES):
        assert set(stage.needs) <= {before.name for before in reproduce.STAGES[:place]}


def test_a_stage_brings_what_it_needs_and_nothing_else():
    names = [stage.name for stage in reproduce.chosen(["cnn"])]
    assert names == ["audio", "tracks", "patches", "cnn"]


def test_a_part_stands_for_its_stages():
    names = {stage.name for stage in reproduce.chosen(["honest"])}
    assert {"honest-fcn", "honest-xgboost"} <= names
    assert "forest" not in names


def test_a_stage_that_does_not_exist_is_refused_with_the_nearest_name():
    with pytest.raises(WrongUsage, match="Did you mean 'honest-fcn'"):
        reproduce.chosen(["honest-fnc"])


def test_an_entry_that_a_request_lacks_is_refused():
    with pytest.raises(WrongUsage, match="no 'trakcs'"):
        reproduce.Request.of({"dataset": "demo", "trakcs": 3})


def test_what_is_kept_is_read_again():
    kept = Reproduction("demo")
    kept.set("tracks", status="done", message="3 tracks", output={"tracks": 3}, runs={"run": "x"})
    found = reproduce.load("demo")
    assert found.output("tracks") == {"tracks": 3}
    assert found.outcomes["tracks"] == kept.outcomes["tracks"]
    assert found.output("splits") is None


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"format": 1, "stages": []}'])
def test_a_damaged_state_says_the_mend(text):
    kept = Reproduction("demo")
    kept.save()
    (kept.folder / "state.json").write_text(text)
    with pytest.raises(DatasetError, match="Remove it to begin again"):
        reproduce.load("demo")


def test_a_state_of_a_newer_version_is_refused():
    kept = Reproduction("demo")
    kept.save()
    path = kept.folder / "state.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 99}))
    with pytest.raises(DatasetError, match="newer version"):
        reproduce.load("demo")


def test_a_stage_whose_process_was_killed_waits_to_go_on():
    kept = Reproduction("demo")
    kept.set("summary", status="running")
    assert reproduce.load("demo").status("summary") == "waiting"


def test_published_figures_stand_beside_what_is_not_yet_run():
    shown = [row for table in tables.published(Reproduction("demo")) for row in table.rows]
    assert [float(row[1]) for row in shown] == [
        COURSE_PROJECT[key] for rows in tables.TABLES.values() for key in rows
    ]
    assert {cell for row in shown for cell in row[2:]} == {tables.NOT_YET}


def test_names_and_messages_of_users_stay_text_in_the_report():
    found = Reproduction("demo")
    found.set("tracks", status="failed", message="<script>alert(1)</script> | *x*")
    page = writing.page(found)
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "\\<script\\>alert(1)\\</script\\> \\| \\*x\\*" in writing.markdown(found)
