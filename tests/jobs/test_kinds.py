"""The registry of kinds of jobs: what holds for each of them."""

import json

import pytest

from genre_engine import jobs
from genre_engine.errors import JobError, WrongUsage
from genre_engine.jobs import kinds, record
from genre_engine.jobs.requests import DatasetRequest

# As earlier versions wrote them into job.json, with the data set and the title.
STORED = [
    ("training", {"dataset_name": "small", "model": "linear"}, "small", "Train linear on small"),
    (
        "training",
        {
            "dataset_name": "small",
            "model": "fcn",
            "features": None,
            "excerpt_s": 30.0,
            "task": "multilabel",
            "genres": None,
            "rule": "any",
            "split": "artist",
            "seed": 0,
            "settings": {"layers": [8], "epochs": 6},
            "name": "mine",
            "origin": "app",
        },
        "small",
        "Train mine",
    ),
    ("training", {"run": "20260101-000000-abcd"}, None, "Train 20260101-000000-abcd"),
    (
        "extraction",
        {"dataset": "small", "features": "patches", "jobs": 2},
        "small",
        "Extract patches of small",
    ),
    (
        "tuning",
        {"dataset_name": "small", "model": "forest", "features": None, "trials": 5},
        "small",
        "Tune forest on small",
    ),
    ("learning-curve", {"run": "mine", "shares": [20, 50, 100]}, None, "Learning curve of mine"),
    ("dataset", {"make": "demo", "name": "d", "tracks": 300}, "d", "Make d"),
    (
        "dataset",
        {
            "make": "table",
            "name": "t",
            "label": "genre",
            "label_separator": None,
            "group": None,
            "drop": [],
        },
        "t",
        "Make t",
    ),
    ("dataset", {"make": "folder", "name": "f", "path": "/music"}, "f", "Make f"),
    ("dataset", {"make": "gtzan", "name": "g", "path": "/g", "filtered": True}, "g", "Make g"),
    ("dataset", {"make": "fma", "name": "f", "path": "/fma", "subset": "large"}, "f", "Make f"),
    ("dataset", {"make": "jamendo", "name": "j", "genres": "all"}, "j", "Make j"),
    (
        "reference",
        {"run": "20260101-000000-abcd", "model": "fast"},
        None,
        "Judge the pretrained networks beside 20260101-000000-abcd",
    ),
    ("download", {"name": "j", "jobs": 2, "tars": ["00"]}, "j", "Download audio of j"),
    ("library", {"library": "mine", "folders": ["/music"], "tempo_key": True}, None, "Scan mine"),
    (
        "tags",
        {"library": "mine", "action": "undo", "everything": True},
        None,
        "Take back tags of mine",
    ),
    (
        "reproduction",
        {"dataset": "small", "stages": [], "quick": True},
        "small",
        "Reproduction for small",
    ),
]


@pytest.mark.parametrize(("kind", "stored", "dataset", "title"), STORED)
def test_a_stored_request_is_read_and_written_with_the_same_meaning(
    kind, stored, dataset, title, workspace
):
    found = kinds.kind(kind)
    request = found.request(stored)
    written = json.loads(json.dumps(request.to_dict()))
    assert found.request(written) == request
    given = {name: value for name, value in stored.items() if value is not None}
    assert {name: written[name] for name in given} == given
    assert found.title(request) == title
    assert found.dataset(request) == dataset
    with pytest.raises(WrongUsage, match="has no 'dance'"):
        found.request({**stored, "dance": 1})


def test_every_kind_has_an_example_here_and_is_whole():
    assert {kind for kind, *_ in STORED} == set(kinds.KINDS) == set(jobs.KINDS)
    for found in kinds.KINDS.values():
        assert callable(found.task)
        assert found.pool in kinds.POOLS
        assert found.working


@pytest.mark.parametrize(
    ("values", "match"),
    [
        ({"make": "soup", "name": "a"}, "no kind of data set 'soup' to make"),
        ({"make": "demo", "name": "../a"}, "can't be a name"),
        ({"make": "demo", "name": "a", "label": "genre"}, "'demo' takes no 'label'"),
        ({"make": "demo", "name": "a", "tracks": "many"}, "'tracks' as a whole number"),
    ],
)
def test_a_data_set_that_cannot_be_made_is_refused(values, match):
    with pytest.raises(WrongUsage, match=match):
        DatasetRequest.from_dict(values)


@pytest.mark.parametrize(
    ("kind", "values", "match"),
    [
        ("download", {"name": "j", "tracks": "many"}, "'tracks' as a whole number or null"),
        ("download", {}, "A download needs 'name'"),
        ("reproduction", {"dataset": "small", "quick": 1}, "'quick' as true or false"),
        ("reproduction", {"dataset": "small", "stages": ["dance"]}, "dance"),
        ("extraction", {"dataset": "small", "excerpt_s": "30"}, "'excerpt_s' as a number or null"),
        ("tuning", {"dataset_name": "small", "trials": 2.5}, "'trials' as a whole number or null"),
        ("training", {"run": 3}, "'run' as text"),
    ],
)
def test_a_request_of_the_wrong_type_is_refused_in_words(kind, values, match):
    with pytest.raises(WrongUsage, match=match):
        kinds.kind(kind).request(values)


def test_a_job_of_another_version_hides_no_other(data):
    jobs.submit("training", {"dataset_name": "small", "model": "linear"})
    folder = record.add("dance", "Dance", {})
    assert [job.kind for job in jobs.listing()] == ["training"]
    with pytest.raises(JobError, match="another version"):
        jobs.open(folder.name)
