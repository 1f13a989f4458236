"""Words for genres, on scores whose words are known by hand."""

from contextlib import suppress
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mutagen._constants import GENRES as ID3_GENRES

from genre_engine.errors import WrongUsage
from genre_engine.library import mapping
from genre_engine.library.mapping import NAMES, PRESETS, Mapping, Rule
from genre_engine.library.vocabulary_file import MOST_WORDS
from genre_engine.prediction import vocabulary

GENRES = ("rock", "techno", "trance", "jazz")
SCORES = np.array(
    [
        [0.2, 0.7, 0.9, 0.1],
        [0.8, 0.1, 0.6, 0.95],
        [0.4, 0.3, 0.2, 0.1],
        [np.nan, np.nan, np.nan, np.nan],
    ],
    np.float32,
)
ELECTRONIC = Rule(("techno", "trance"), "Electronic")


def mapped(rules=(), **given):
    return Mapping(rules, **{"least": 0.5, **given})


def words(found):
    return [tuple(word for word, _ in song) for song in found]


def test_a_word_has_the_highest_score_of_its_genres():
    (song,) = mapped((ELECTRONIC,)).assign(GENRES, SCORES[:1])
    assert song == (("Electronic", pytest.approx(0.9)),)


def test_words_come_best_first_and_songs_without_scores_have_none():
    found = words(mapped((ELECTRONIC,)).assign(GENRES, SCORES))
    assert found == [("Electronic",), ("Jazz", "Rock", "Electronic"), (), ()]


def test_only_the_best_word_is_kept_where_one_is_wanted():
    assert words(mapped(most=1).assign(GENRES, SCORES)) == [("Trance",), ("Jazz",), (), ()]


def test_the_least_score_itself_is_enough():
    assert words(mapped(least=0.5).assign(["rock"], np.array([[0.5], [0.4999]]))) == [
        ("Rock",),
        (),
    ]


def test_genres_without_a_rule_can_be_dropped():
    found = mapped((ELECTRONIC,), keep_others=False).assign(GENRES, SCORES)
    assert words(found) == [("Electronic",), ("Electronic",), (), ()]


def test_a_rule_with_an_empty_word_drops_its_genres():
    found = mapped((Rule(("jazz", "trance"), ""),)).assign(GENRES, SCORES)
    assert words(found) == [("Techno",), ("Rock",), (), ()]


def test_a_genre_can_stand_for_two_words_and_two_rules_for_one():
    rules = (Rule(("techno",), "Club"), Rule(("techno",), "Electronic"), Rule(("jazz",), "club"))
    found = mapped(rules, keep_others=False).assign(GENRES, SCORES)
    assert words(found) == [("Club", "Electronic"), ("Club",), (), ()]
    assert found[1] == (("Club", pytest.approx(0.95)),)


def test_a_kept_genre_and_a_rule_of_the_same_name_are_one_word():
    (song,) = mapped((Rule(("techno",), "trance"),)).assign(GENRES, SCORES[:1])
    assert song == (("trance", pytest.approx(0.9)),)


def test_rules_on_genres_that_were_not_analysed_do_nothing():
    assert words(mapped((Rule(("opera",), "Opera"),)).assign(["rock"], SCORES[1:2, :1])) == [
        ("Rock",)
    ]
    assert mapped((Rule(("opera",), "Opera"),), keep_others=False).assign(["rock"], SCORES) == (
        [()] * 4
    )


def test_each_rule_counts_the_songs_that_it_touches():
    rules = (ELECTRONIC, Rule(("jazz",), ""), Rule(("opera",), "Opera"))
    assert mapped(rules).touches(GENRES, SCORES) == (2, 1, 0)
    assert mapped(rules, least=0.3).touches(GENRES, SCORES) == (3, 1, 0)


names = st.sampled_from(tuple(vocabulary.WIDE))
own_words = st.text(
    st.characters(exclude_categories=("Cc", "Cs", "Zs", "Zl", "Zp"), exclude_characters=";("),
    max_size=20,
).filter(lambda word: not word.isdecimal() and word not in ("RX", "CR"))
mappings = st.builds(
    Mapping,
    st.lists(st.builds(Rule, st.lists(names, min_size=1, unique=True).map(tuple), own_words)).map(
        tuple
    ),
    st.booleans(),
    st.integers(1, MOST_WORDS),
    st.integers(0, 10_000).map(lambda least: least / 10_000),
)


@settings(deadline=None)
@given(mappings)
def test_a_file_gives_back_the_mapping_that_was_written(chosen):
    assert Mapping.from_toml(chosen.to_toml()) == chosen


@settings(deadline=None)
@given(mappings, st.lists(st.lists(st.floats(0, 1), min_size=43, max_size=43), max_size=4))
def test_words_are_those_that_a_loop_over_the_rules_finds(chosen, rows):
    genres = tuple(vocabulary.WIDE)
    scores = np.array(rows, np.float32).reshape(len(rows), 43)
    for song, found in zip(scores.tolist(), chosen.assign(genres, scores), strict=True):
        best = {}
        named = {genre for rule in chosen.rules for genre in rule.genres}
        for rule in chosen.rules:
            for genre in rule.genres:
                word = rule.word.casefold()
                best[word] = max(best.get(word, 0), song[genres.index(genre)])
        for genre in genres:
            if chosen.keep_others and genre not in named:
                word = vocabulary.display_name(genre).casefold()
                best[word] = max(best.get(word, 0), song[genres.index(genre)])
        best.pop("", None)
        expected = sorted((s for s in best.values() if s >= np.float32(chosen.least)), reverse=True)
        assert [score for _, score in found] == expected[: chosen.most]
        assert all(best[word.casefold()] == score for word, score in found)
        assert len({word.casefold() for word, _ in found}) == len(found)


def test_genres_are_found_as_people_write_them():
    text = '[[rule]]\ngenres = ["Hip-Hop", "R&B", "rap"]\nword = " My\tmusic "\n'
    (rule,) = Mapping.from_toml(text).rules
    assert rule == Rule(("hip hop", "r&b"), "My music")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("least = 200", r"^v\.toml, line 1: least is a score from 0 to 100, not 200"),
        ('\nleast = "half"', "line 2: least is a score from 0 to 100, not 'half'"),
        ("most = true", "line 1: most is a whole number from 1 to 10, not True"),
        ("most = 1.5", "line 1: most is a whole number"),
        ("most = 0", "line 1: most is a whole number from 1 to 10, not 0"),
        ("least = nan", "line 1: least is a score"),
        ('view = "styles"', 'line 1: view is "wide" or "ten", not \'styles\''),
        ("view = []", "line 1: view is"),
        ("others = 'hide'", 'line 1: others is "keep" or "drop"'),
        ("most = 3\nmots = 3", "line 2: there is no 'mots'. There are: view, others"),
        ("[rule]\ngenres = ['rock']\nword='x'", r"line 1: a rule begins with \[\[rule\]\]"),
        ("[[rule]]\nword = 'x'", "line 1: a rule has genres"),
        ("[[rule]]\ngenres = ['rock']\nword = 3", "line 3: word is a text"),
        ("[[rule]]\nword = 'x'\ngenres = 'rock'", "line 3: genres is a list of texts"),
        ("[[rule]]\nword = 'x'\ngenres = []", "line 3: no genres stand for 'x'"),
        (
            "[[rule]]\ngenres=['rock']\nword='Rock'\n\n[[rule]]\ngenres = ['tecno']\nword = 'T'",
            "line 6: no genre is called 'tecno'. Did you mean \"techno\"",
        ),
        ("rule = [{genres = ['tecno'], word = 'T'}]", "v.toml, rule 1: no genre is called"),
        ("[[rule]]\ngenres = ['zydeco??']\nword = 'T'", "There are: rock, pop, country"),
        ("[[rule]]\ngenres = ['rock']\nword = 'Rock; Pop'", "line 3: players read 'Rock; Pop'"),
        ("[[rule]]\ngenres = ['rock']\nword = '17'", "line 3: in an MP3's tags '17' means another"),
        ("[[rule]]\ngenres = ['rock']\nword = \"a\\u0007b\"", "line 3: .* can't be printed"),
        ("least = ", r"v\.toml isn't TOML: .*line 1.*\n\[\[rule\]\]"),
        ("least = 1\nleast = 2", r"isn't TOML: .*line 2"),
    ],
)
def test_a_bad_file_names_the_line_and_what_should_stand_there(text, message):
    with pytest.raises(WrongUsage, match=message):
        Mapping.from_toml(text, name="v.toml")


@settings(deadline=None)
@given(st.text(max_size=60))
def test_no_text_does_worse_than_being_refused(text):
    with suppress(WrongUsage):
        assert Mapping.from_toml(text).to_toml()


def test_a_rule_that_no_tag_could_hold_is_refused():
    with pytest.raises(WrongUsage, match="longer than 100"):
        Rule(("rock",), "x" * 101)
    with pytest.raises(WrongUsage, match="spaces"):
        Rule(("rock",), " rock")
    for bad in ({"most": 0}, {"least": 1.1}, {"view": "styles"}):
        with pytest.raises(WrongUsage):
            Mapping(**bad)


@pytest.fixture
def lib(tmp_path):
    return SimpleNamespace(folder=tmp_path / "music")


def test_a_library_without_a_file_has_the_genres_as_analysed(lib):
    assert mapping.load(lib) == PRESETS["analysed"]


def test_a_saved_mapping_is_the_librarys(lib):
    chosen = Mapping((ELECTRONIC,), keep_others=False, most=2, least=0.35)
    mapping.save(lib, chosen)
    assert mapping.load(lib) == chosen
    mapping.save(lib, PRESETS["broad"])
    assert mapping.load(lib) == PRESETS["broad"]


def test_a_damaged_file_says_what_to_do(lib):
    mapping.save(lib, Mapping())
    mapping.path(lib).write_bytes(b"\xff\xfe")
    with pytest.raises(WrongUsage, match="UTF-8"):
        mapping.load(lib)
    mapping.path(lib).write_bytes(b"#" * 2_000_000)
    with pytest.raises(WrongUsage, match="too long"):
        mapping.load(lib)
    mapping.path(lib).write_text("least = 900\n")
    with pytest.raises(WrongUsage, match=r"vocabulary\.toml, line 1"):
        mapping.load(lib)


def test_presets_give_every_genre_a_word():
    assert NAMES.keys() == PRESETS.keys()
    for chosen in PRESETS.values():
        genres = tuple(vocabulary.VIEWS[chosen.view])
        found = chosen.assign(genres, np.eye(len(genres)))
        assert all(len(song) == 1 for song in found)
    genres = tuple(vocabulary.WIDE)
    assert PRESETS["analysed"].words(genres)[:3] == ("Rock", "Pop", "Country")
    assert len(PRESETS["jamendo"].words(tuple(vocabulary.TEN))) == 10


def test_the_classic_list_has_only_names_of_id3s_list():
    classic = set(ID3_GENRES[:148])
    assert set(PRESETS["id3"].words(tuple(vocabulary.WIDE))) <= classic
    # A genre that the list names keeps that name.
    letters = {"".join(s for s in name.casefold() if s.isalnum()): name for name in classic}
    for rule in PRESETS["id3"].rules:
        for genre in rule.genres:
            own = letters.get("".join(s for s in genre if s.isalnum()))
            assert own in (None, rule.word), genre


def test_a_preset_takes_over_the_numbers_of_what_it_replaces():
    found = mapping.with_settings(PRESETS["broad"], Mapping(most=1, least=0.7))
    assert (found.most, found.least, found.rules) == (1, 0.7, PRESETS["broad"].rules)
