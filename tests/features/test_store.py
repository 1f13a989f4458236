"""Feature stores: what was put in comes out, whole, once, and under its own fingerprint."""

import multiprocessing
import shutil

import numpy as np
import pytest

from genre_engine import features
from genre_engine.datasets import feature_table
from genre_engine.errors import ExtractionRunning, FeaturesError, FeaturesMissing, StorageError
from genre_engine.features import store as stores
from genre_engine.features import writer as writing
from genre_engine.features.writer import Failure, Writer
from genre_engine.storage import workspace

SUMMARY = features.kind("summary")
PATCHES = features.kind("patches")


@pytest.fixture
def place(tmp_path):
    return tmp_path / "demo" / "features"


def vector(number):
    return np.full(498, number, np.float32)


def pictures(number, count):
    return np.full((count, 187, 96), number, np.float16)


def written(place, *groups, kind=SUMMARY):
    """A store with one part a group of (track, values)."""
    with Writer(place, kind) as writer:
        for group in groups:
            for track, values in group.items():
                writer.add(track, values)
            writer.flush()
    return stores.find(place, kind.name)


def test_vectors_come_back_in_the_order_that_is_asked_for(place):
    store = written(place, {"a": vector(1), "b": vector(2)}, {"c": vector(3)})
    assert store.track_ids == ["a", "b", "c"]
    assert store.columns == SUMMARY.columns
    assert store.parameters == SUMMARY.parameters
    assert (store.kind_name, store.fingerprint) == ("summary", SUMMARY.fingerprint)
    np.testing.assert_array_equal(store.vectors(["c", "a", "c"])[:, 0], [3, 1, 3])
    assert store.vectors([]).shape == (0, 498)
    assert store.has(["a", "z"]).tolist() == [True, False]


def test_patches_come_back_song_by_song_and_in_batches(place):
    store = written(
        place, {"a": pictures(1, 2), "b": pictures(2, 1)}, {"c": pictures(3, 4)}, kind=PATCHES
    )
    patches = store.patches(["c", "a"])
    assert patches.counts.tolist() == [4, 2]
    assert (patches.frames, patches.bands) == (187, 96)
    assert (patches.song(0) == 3).all()
    assert patches.song(1).shape == (2, 187, 96)
    batch = patches.batch([0, 1, 0], [3, 1, 0])
    assert batch.dtype == np.float16
    assert batch[:, 0, 0].tolist() == [3, 1, 3]
    assert patches.take([1]).counts.tolist() == [2]
    assert patches.take(patches.counts > 2).counts.tolist() == [4]
    with pytest.raises(IndexError):
        patches.batch([1], [2])
    with pytest.raises(FeaturesError, match="holds patches"):
        store.vectors(["a"])


def test_patches_are_mapped_and_not_loaded(place):
    store = written(place, {"a": pictures(1, 2)}, kind=PATCHES)
    assert isinstance(store.patches(["a"])._arrays[0], np.memmap)


def test_what_is_missing_is_counted_and_the_command_named(place):
    store = written(place, {"a": vector(1)})
    with pytest.raises(FeaturesMissing, match=r"2 of 3 tracks of 'demo'.*'b'.*extract demo"):
        store.vectors(["a", "b", "c"])
    full = features.kind("summary", excerpt_s=None)
    with Writer(place, full) as writer:
        writer.fail(Failure("a", "a.mp3", "NotAudio", "It is no audio.", ""))
        writer.flush()
    store = stores.find(place, "summary", full.fingerprint)
    with pytest.raises(FeaturesMissing, match=r"1 of them failed.*--excerpt full"):
        store.vectors(["a"])


def test_a_track_that_is_there_already_is_not_stored_twice(place):
    written(place, {"a": vector(1)})
    store = written(place, {"a": vector(2), "b": vector(3)})
    assert store.track_ids == ["a", "b"]
    np.testing.assert_array_equal(store.vectors(["a", "b"])[:, 0], [1, 3])


def test_other_parameters_are_another_store(place):
    written(place, {"a": vector(1)})
    other = features.kind("summary", excerpt_s=10)
    with Writer(place, other) as writer:
        assert writer.done == set()
        writer.add("b", vector(2))
        writer.flush()
    assert stores.find(place, "summary").track_ids == ["a"]
    assert stores.find(place, "summary", other.fingerprint).track_ids == ["b"]
    assert len(stores.listing(place)) == 2
    assert stores.find(place, "embedding") is None
    assert stores.find(place, "summary", "0" * 12) is None
    shutil.rmtree(stores.find(place, "summary").folder)
    assert stores.find(place, "summary") is None
    assert stores.newest(place, "summary").track_ids == ["b"]


def test_a_store_knows_whether_this_version_makes_such_features(place, monkeypatch):
    store = written(place, {"a": vector(1)})
    assert store.kind == SUMMARY
    made = type(SUMMARY).parameters.fget
    newer = property(lambda self: made(self) | {"version": 99})
    monkeypatch.setattr(type(SUMMARY), "parameters", newer)
    assert store.kind is None
    found = features.differences(store.parameters, features.kind("summary").parameters)
    assert found == "version 1 there, 99 here"


def test_features_of_clipped_samples_stay_and_are_not_mixed_with_others(place, monkeypatch):
    """Made before samples beyond full scale were kept, under the fingerprint of that time."""
    made = type(SUMMARY).parameters.fget
    without = property(lambda self: {k: v for k, v in made(self).items() if k != "samples"})
    with monkeypatch.context() as patch:
        patch.setattr(type(SUMMARY), "parameters", without)
        assert features.kind("summary").fingerprint == "0209c455c1c3"
        old = written(place, {"a": vector(1)})
    assert old.folder.name == "summary-0209c455c1c3"
    assert stores.find(place, "summary") is None
    (opened,) = stores.listing(place)
    assert opened.track_ids == ["a"]
    assert opened.kind is None
    said = features.differences(opened.parameters, SUMMARY.parameters)
    assert said == "samples not given there, as decoded here"


def test_parameters_that_nobody_wrote_down_are_said_to_be_unknown():
    assert "isn't written" in features.differences({}, SUMMARY.parameters)
    assert features.differences({"excerpt_s": None}, {"excerpt_s": 30.0, "hop": 2}) == (
        "excerpt_s full there, 30 here; hop not given there, 2 here"
    )


def test_small_parts_are_put_together_and_nothing_changes(place, monkeypatch):
    monkeypatch.setattr(writing, "ROWS_A_PART", 4)
    groups = [{f"{n}": vector(n)} for n in range(10)]
    store = written(place, *groups)
    ids = [f"{n}" for n in range(10)]
    before = store.vectors(ids)
    with Writer(place, SUMMARY) as writer:
        writer.compact()
        writer.add("new", vector(99))
        writer.flush()
    after = stores.find(place, "summary")
    assert len(stores.parts(store.folder)) == 4
    np.testing.assert_array_equal(after.vectors(ids), before)
    assert after.track_ids == [*ids, "new"]


def test_a_kill_while_parts_are_put_together_doubles_nothing(place, monkeypatch):
    store = written(place, {"a": vector(1)}, {"b": vector(2)})
    copies = [shutil.copy(part, place.parent) for part in stores.parts(store.folder)]
    with Writer(place, SUMMARY) as writer:
        writer.compact()
    for copy in copies:  # as if it had been killed before it could remove them
        shutil.copy(copy, store.folder)
    again = stores.find(place, "summary")
    assert again.track_ids == ["a", "b"]
    assert again.vectors(["a", "b"])[:, 0].tolist() == [1, 2]
    with Writer(place, SUMMARY):
        pass
    assert len(list(store.folder.glob("part-*"))) == 1


def test_what_a_killed_writer_left_half_done_is_not_read_and_is_cleared(place):
    store = written(place, {"a": pictures(1, 1)}, kind=PATCHES)
    np.save(store.folder / "part-000001.npy", pictures(9, 3))  # its index was never written
    (store.folder / ".part-000002.npy-abcd_123").mkdir()
    again = stores.find(place, "patches")
    assert again.track_ids == ["a"]
    store = written(place, {"b": pictures(2, 1)}, kind=PATCHES)
    assert store.track_ids == ["a", "b"]
    assert (store.patches(["b"]).song(0) == 2).all()
    assert not list(store.folder.glob(".part*"))


def test_a_full_disk_is_reported_in_words_and_leaves_the_store_as_it_was(place, monkeypatch):
    written(place, {"a": vector(1)})

    def full(source, target):
        raise OSError(28, "No space left on device")

    with Writer(place, SUMMARY) as writer:
        writer.add("b", vector(2))
        with monkeypatch.context() as patch:
            patch.setattr(workspace.os, "replace", full)
            with pytest.raises(StorageError, match="full"):
                writer.flush()
    assert stores.find(place, "summary").track_ids == ["a"]
    assert written(place, {"b": vector(2)}).track_ids == ["a", "b"]


def _hold(place, ready, done):
    with Writer(place, SUMMARY):
        ready.set()
        done.wait(600)


def test_two_writers_of_one_store_do_not_get_along(place):
    context = multiprocessing.get_context("spawn")
    ready, done = context.Event(), context.Event()
    process = context.Process(target=_hold, args=(place, ready, done))
    process.start()
    assert ready.wait(300)
    with pytest.raises(ExtractionRunning, match="'demo' is running"), Writer(place, SUMMARY):
        pass
    with Writer(place, features.kind("summary", excerpt_s=10)):
        pass  # another store, so no quarrel
    process.kill()  # frees the lock as well as an orderly end
    process.join()
    with Writer(place, SUMMARY):
        pass


def test_failures_are_kept_until_the_track_succeeds(place):
    failure = Failure("a", "x/a.mp3", "NotAudio", "It is no audio.", "12 3")
    with Writer(place, SUMMARY) as writer:
        writer.fail(failure)
        writer.add("b", vector(1))
        writer.flush()
    frame = stores.find(place, "summary").failures
    assert frame.to_dict("records") == [vars(failure)]
    with Writer(place, SUMMARY) as writer:
        assert writer.failures == {"a": failure}
        writer.add("a", vector(2))
        writer.flush()
    assert stores.find(place, "summary").failures.empty


@pytest.mark.parametrize("file", ["part-000000.parquet", "kind.json", "failures.parquet"])
def test_a_damaged_store_says_which_file_and_how_to_mend_it(place, file):
    store = written(place, {"a": vector(1)})
    (store.folder / file).write_bytes(b"{ not what it was")

    def read():
        again = stores.FeatureStore(store.folder)
        again.vectors(["a"])
        assert again.failures.empty

    with pytest.raises(FeaturesError, match=rf"{file} is damaged.*Remove.*extract demo"):
        read()


def test_a_table_of_ready_features_is_a_store_too(tmp_path):
    values = np.arange(6, dtype=np.float32).reshape(3, 2)
    feature_table.write_features(tmp_path / "t", ["x", "y", "z"], ["f", "g"], values)
    (store,) = stores.listing(tmp_path / "t" / "features")
    assert store.kind_name == "table"
    assert store.columns == ("f", "g")
    assert store.parameters == {}
    assert store.failures.empty
    np.testing.assert_array_equal(store.vectors(["z", "x"]), values[[2, 0]])
    assert stores.find(tmp_path / "t" / "features", "table").fingerprint == store.fingerprint
    with pytest.raises(FeaturesMissing, match="import the table again"):
        store.vectors(["q"])


def test_a_folder_that_is_no_store_is_left_alone(place):
    written(place, {"a": vector(1)})
    (place / "notes").mkdir()
    (place / "summary-xyz").mkdir()
    assert len(stores.listing(place)) == 1
    assert stores.listing(place / "nowhere") == []
    with pytest.raises(FeaturesError, match="no feature store"):
        stores.FeatureStore(place / "notes")
