"""Maps of a library, on songs that lie in known groups."""

import numpy as np
import pytest

from genre_engine.errors import LibraryError
from genre_engine.library import song_map
from tests.library.filled import add, made

pytestmark = pytest.mark.usefixtures("workspace")


@pytest.fixture
def mine(tmp_path):
    """Thirty songs in three groups, whose sounds are near each other within a group."""
    lib = made(tmp_path)
    rng = np.random.default_rng(0)
    for group in range(3):
        for number in range(10):
            place = 5 * np.eye(4)[group] + 0.3 * rng.standard_normal(4)
            add(lib, f"/music/{group}/{number}.mp3", embedding=place)
    add(lib, "/music/3/waiting.mp3")
    return lib


def groups_apart(found):
    """Whether all songs of a group are nearer to its middle than to another's."""
    places = found.places.reshape(3, 10, 2)
    middles = places.mean(axis=1)
    distances = np.linalg.norm(places[:, :, None] - middles, axis=-1)
    return (distances.argmin(axis=-1) == np.arange(3)[:, None]).all()


def test_principal_components_keep_groups_apart(mine):
    found = song_map.by_pca(mine.snapshot())
    assert found.rows.tolist() == list(range(30))
    assert found.places.shape == (30, 2)
    assert groups_apart(found)
    first, second = found.explained
    assert 0.7 < first + second < 1  # of two directions with groups and one with noise
    np.testing.assert_allclose(found.places.mean(axis=0), 0, atol=1e-5)
    assert found.places[:, 0].var() > found.places[:, 1].var()


def test_components_are_those_of_the_covariance():
    values = np.random.default_rng(1).standard_normal((200, 6)).astype(np.float32) * range(1, 7)
    values = values.astype(np.float32)
    places, shares = song_map._principal(values, 2)
    variances = np.sort(np.linalg.eigvalsh(np.cov(values.T, bias=True)))[::-1]
    np.testing.assert_allclose(places.var(axis=0), variances[:2], rtol=1e-3)
    np.testing.assert_allclose(shares, (variances / variances.sum())[:2], rtol=1e-3)


def test_tsne_keeps_neighbours_together_and_is_the_same_again(mine):
    now = mine.snapshot()
    assert song_map.kept_tsne(mine, now) is None
    found = song_map.by_tsne(mine, now)
    assert found.method == "tsne"
    assert found.explained is None
    assert groups_apart(found)
    (mine.folder / song_map.FILE).unlink()
    np.testing.assert_array_equal(song_map.by_tsne(mine, now).places, found.places)


def test_a_map_is_made_once_for_the_same_songs(mine, monkeypatch):
    found = song_map.by_tsne(mine, mine.snapshot())
    monkeypatch.setattr(song_map, "_tsne", lambda units: pytest.fail("made again"))
    np.testing.assert_array_equal(song_map.by_tsne(mine, mine.snapshot()).places, found.places)
    # What doesn't touch the sounds leaves the map.
    mine.decide(["/music/0/1.mp3"], "accepted", ["rock"])
    with mine.connect() as connection:
        connection.execute("UPDATE songs SET missing = 1 WHERE path = '/music/0/0.mp3'")
    kept = song_map.kept_tsne(mine, mine.snapshot())
    np.testing.assert_array_equal(kept.places, found.places[1:])
    assert kept.rows.tolist() == list(range(1, 30))
    add(mine, "/music/0/new.mp3", embedding=[1, 2, 3, 4])
    assert song_map.kept_tsne(mine, mine.snapshot()) is None


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04nothing", b"\x93NUMPY"])
def test_a_damaged_map_is_made_again(mine, content):
    found = song_map.by_tsne(mine, mine.snapshot())
    (mine.folder / song_map.FILE).write_bytes(content)
    assert song_map.kept_tsne(mine, mine.snapshot()) is None
    np.testing.assert_array_equal(song_map.by_tsne(mine, mine.snapshot()).places, found.places)


def test_a_map_of_many_songs_is_made_by_components(mine, monkeypatch):
    assert song_map.method_for(song_map.MOST_TSNE) == "tsne"
    assert song_map.method_for(song_map.MOST_TSNE + 1) == "pca"
    monkeypatch.setattr(song_map, "MOST_TSNE", 29)
    with pytest.raises(LibraryError, match="up to 29 songs; there are 30"):
        song_map.by_tsne(mine, mine.snapshot())


def test_too_few_songs_make_no_map(tmp_path):
    lib = made(tmp_path, "few")
    for number in range(2):
        add(lib, f"/music/{number}.mp3", embedding=[number, 1.0])
    for make in (song_map.by_pca, lambda now: song_map.by_tsne(lib, now)):
        with pytest.raises(LibraryError, match="at least 3 songs"):
            make(lib.snapshot())


def test_songs_that_sound_the_same_do_not_break_a_map(tmp_path):
    lib = made(tmp_path, "same")
    for number in range(4):
        add(lib, f"/music/{number}.mp3", embedding=[1.0, 2.0])
    found = song_map.by_pca(lib.snapshot())
    assert np.isfinite(found.places).all()
    assert np.isfinite(song_map.by_tsne(lib, lib.snapshot()).places).all()
