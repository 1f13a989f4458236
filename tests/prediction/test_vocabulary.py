"""From tags to genres: the vocabulary."""

import pytest

from genre_engine.prediction import vocabulary
from genre_engine.pretrained.tags import VOCABULARIES


@pytest.mark.parametrize("name", VOCABULARIES)
def test_each_vocabulary_has_fifty_tags(name):
    assert len(set(VOCABULARIES[name])) == len(VOCABULARIES[name]) == 50


def test_the_wide_view_is_the_union_of_all_genres_and_the_other_the_ten_of_jamendo():
    assert len(vocabulary.WIDE) == 43
    used = {tag for tags in vocabulary.WIDE.values() for tag in tags.get("MTG-Jamendo", ())}
    from genre_engine.pretrained.tags import MTG_JAMENDO_GENRES

    assert used == set(MTG_JAMENDO_GENRES)
    assert set(vocabulary.TEN) == {
        *("electronic", "soundtrack", "pop", "ambient", "rock", "classical", "easylistening"),
        *("experimental", "alternative", "chillout"),
    }


@pytest.mark.parametrize(
    "table",
    [vocabulary.WIDE, vocabulary.TEN, *vocabulary.DETECTED.values()],
    ids=["wide", "ten", *vocabulary.DETECTED],
)
def test_every_tag_exists(table):
    for tags in table.values():
        assert tags
        for name, names in tags.items():
            assert names
            assert set(names) <= set(VOCABULARIES[name])


def test_each_of_the_ten_has_its_own_tag_of_mtg_jamendo():
    for genre, tags in vocabulary.TEN.items():
        assert tags["MTG-Jamendo"] == (genre,)


def test_opera_choral_and_harpsichord_are_not_classical():
    tags = vocabulary.TEN["classical"]
    assert {tag for names in tags.values() for tag in names} == {"classical", "classic"}


def test_genres_that_networks_do_not_know_are_named():
    assert vocabulary.unknown_genres("ten", {"MSD", "MTT"}) == ("soundtrack",)
    assert vocabulary.unknown_genres("ten", {"MTG-Jamendo"}) == ()
    assert "reggae" in vocabulary.unknown_genres("wide", {"MSD", "MTT"})
    assert vocabulary.unknown_genres("wide", set(VOCABULARIES)) == ()


@pytest.mark.parametrize(
    ("genre", "shown"),
    [("hip hop", "Hip hop"), ("r&b", "R&B"), ("easylistening", "Easy listening")],
)
def test_genres_are_shown_as_a_sentence_begins(genre, shown):
    assert vocabulary.display_name(genre) == shown
