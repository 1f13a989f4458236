"""`extract NAME` from the command line."""

import pytest
import soundfile

from genre_engine import datasets, features
from genre_engine.features import store as stores
from tests import sounds

pytestmark = pytest.mark.usefixtures("workspace")


@pytest.fixture
def dataset(tmp_path):
    for number, genre in enumerate(["low", "low", "high", "high"]):
        folder = tmp_path / "music" / genre
        folder.mkdir(parents=True, exist_ok=True)
        soundfile.write(folder / f"{number}.wav", sounds.tone(1.0, 22050, hz=300 + number), 22050)
    return datasets.import_folder("music", tmp_path / "music")


def test_features_are_extracted_and_summed_up(run, dataset):
    status, out, err = run("extract", "music", "--jobs", 1)
    assert (status, err) == (0, "")
    store = stores.find(dataset.features_folder, "summary")
    assert out == f"summary: 4 tracks, 498 numbers a track, in {store.folder}\n"
    assert run("extract", "music")[:2] == (0, out)


def test_each_kind_and_excerpt_has_a_store_of_its_own(run, dataset):
    assert run("extract", "music", "--features", "patches", "--jobs", 1)[0] == 0
    assert run("extract", "music", "--excerpt", "5", "--jobs", 1)[0] == 0
    assert run("extract", "music", "--excerpt", "full", "--jobs", 1)[0] == 0
    found = {(s.kind_name, s.fingerprint) for s in stores.listing(dataset.features_folder)}
    kinds = [
        features.kind("patches"),
        features.kind("summary", excerpt_s=5),
        features.kind("summary", excerpt_s=None),
    ]
    assert found == {(kind.name, kind.fingerprint) for kind in kinds}


def test_tracks_that_fail_are_named_and_the_rest_is_done(run, dataset, tmp_path):
    (tmp_path / "music" / "high" / "2.wav").write_text("no audio")
    status, out, err = run("extract", "music", "--jobs", 1)
    assert status == 1
    assert "summary: 3 tracks" in out
    assert "high/2.wav: " in err
    assert "1 tracks failed." in err


def test_wrong_usage_ends_with_2(run, dataset):
    assert run("extract", "nobody")[0] == 2
    status, _, err = run("extract", "music", "--excerpt", "long")
    assert status == 2
    assert "--excerpt takes a number of seconds or full" in err
    assert run("extract", "music", "--excerpt", "0")[0] == 2
    assert run("extract", "music", "--features", "patches", "--excerpt", "full")[0] == 2
    assert run("extract", "music", "--features", "nothing")[0] == 2
    assert run("extract", "music", "--jobs", "0")[0] == 2


def test_a_second_extraction_of_the_same_features_says_so(run, dataset):
    with stores_writer(dataset):
        status, _, err = run("extract", "music")
    assert status == 1
    assert "is running at this moment" in err


def stores_writer(dataset):
    from genre_engine.features.writer import Writer

    return Writer(dataset.features_folder, features.kind("summary"))
