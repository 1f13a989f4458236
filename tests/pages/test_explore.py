"""The Explore page, through Streamlit's own test client."""

import time
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from genre_engine import datasets, jobs
from tests import sounds
from tests.datasets import fma_files
from tests.extracted import make_music, write_features

ENTRY = str(Path(__file__).parents[2] / "streamlit_app.py")


@pytest.fixture(autouse=True)
def _fresh(workspace, monkeypatch):
    """Every test has a workspace of its own, and sits at the computer that the app runs on."""
    monkeypatch.setenv("GENRE_ENGINE_LOCAL_PATHS", "1")


@pytest.fixture
def features(tmp_path):
    rng = np.random.default_rng(0)
    path = tmp_path / "features.csv"
    lines = ["track_id,artist,a,b,c,genre"]
    for n in range(60):
        values = rng.normal(n % 3, 1, 3)
        genres = ("rock", "jazz", "pop;rock")[n % 3]
        lines.append(f"song {n:02},artist {n % 12},{','.join(f'{v:.3f}' for v in values)},{genres}")
    path.write_text("\n".join(lines))
    return path


@pytest.fixture
def mine(features):
    return datasets.import_table(
        "mine", features, label="genre", label_separator=";", group="artist"
    )


def explore(**choices):
    app = AppTest.from_file(ENTRY, default_timeout=180)
    app.switch_page("pages/explore.py").run()
    for name, value in choices.items():
        app.session_state[name] = value
    if choices:
        app.run()
    assert not app.exception
    return app


def said(app):
    kinds = ("markdown", "header", "info", "error", "title", "success", "warning")
    return "\n".join(str(e.value) for kind in kinds for e in getattr(app, kind))


def charts(app):
    return app.get("plotly_chart")


def test_without_a_data_set_there_are_three_ways_to_begin_and_the_real_counts():
    app = explore()
    text = said(app)
    for title in ("Make the demo set", "Import your own", "Get MTG-Jamendo"):
        assert title in text
    assert "CC BY-NC-SA 4.0" in text
    assert "What the real MTG-Jamendo holds: electronic" in text
    (chart,) = charts(app)
    assert "10,034 tracks" in chart.proto.spec


def test_size_licence_distribution_and_leaks_stand_at_the_top(mine):
    app = explore()
    text = said(app)
    assert "**60** tracks" in text
    assert "licence: not stated" in text
    assert "Rock leads with" in text
    assert "By artist split: no artist is in both train and test" in text
    assert len(charts(app)) == 2


def test_another_split_leaks_and_says_how_much(mine):
    app = explore()
    app.segmented_control(key="split").set_value("random").run()
    assert not app.exception
    assert "Random split leaks:" in said(app)
    assert "is by artists met in training" in said(app)


def test_shares_turn_into_counts(mine):
    app = explore()
    assert "Share of tracks" in charts(app)[0].proto.spec
    app.segmented_control(key="values").set_value("tracks").run()
    assert "Share of tracks in" not in charts(app)[0].proto.spec


def test_a_filter_keeps_only_the_named_genres(mine):
    app = explore()
    app.multiselect(key="genres").set_value(["jazz"]).run()
    assert not app.exception
    assert "Rock" not in charts(app)[0].proto.spec
    app.segmented_control(key="rule").set_value("only").run()
    assert not app.exception


def test_the_search_finds_tracks_on_the_server(mine):
    app = explore()
    assert len(app.dataframe[0].value) == 60
    app.text_input(key="q").set_value("SONG 07").run()
    assert list(app.dataframe[0].value["Title"]) == ["song 07"]
    app.text_input(key="q").set_value("nothing like it").run()
    assert not app.dataframe
    assert "No track holds all of these words" in said(app)


def test_the_table_has_pages_and_only_one_is_sent(tmp_path):
    path = tmp_path / "many.csv"
    rows = [f"t{n:03},{n}.5,{n % 7}.25,{'rock' if n % 2 else 'pop'}" for n in range(250)]
    path.write_text("\n".join(["track_id,a,b,genre", *rows]))
    datasets.import_table("many", path, label="genre")
    app = explore()
    assert len(app.dataframe[0].value) == 100
    assert "**250** tracks" in said(app)


def test_what_is_closed_is_not_computed(mine, monkeypatch):
    from genre_engine.datasets import statistics

    def never(*args):
        raise AssertionError("computed without having been opened")

    monkeypatch.setattr(statistics, "cooccurrence", never)
    explore()


@pytest.mark.parametrize(
    ("tab", "expected"),
    [
        ("Genres together", "of tracks carry several genres"),
        ("Lengths and artists", "of the artists made"),
        ("Map", "features lie near each other"),
    ],
)
def test_the_rest_is_there_when_it_is_opened(mine, tab, expected):
    app = explore(look=tab)
    assert expected in said(app)
    assert len(charts(app)) >= 3


def test_without_features_the_map_says_what_to_do(tmp_path):
    path = tmp_path / "raw_30s.tsv"
    rows = [
        f"track_{n:07}\tartist_{n % 9:06}\talbum_{n % 9:06}\t{n % 100:02}/{n}.mp3\t200.5\t"
        f"genre---{'rock' if n % 2 else 'pop'}\r\n"
        for n in range(1, 41)
    ]
    head = "TRACK_ID\tARTIST_ID\tALBUM_ID\tPATH\tDURATION\tTAGS\r\n"
    path.write_text(head + "".join(rows), newline="")
    datasets.import_jamendo("tsv", path)
    app = explore(look="Map")
    assert "The map needs features" in said(app)


def test_two_stores_of_one_kind_are_distinguished_by_their_excerpts(tmp_path):
    music = make_music(tmp_path)
    for excerpt_s in (30.0, None):
        write_features(music, excerpt_s=excerpt_s)
    options = explore(look="Map").selectbox(key="store").options
    assert sorted(options) == ["498 features of 30 s", "498 features of whole tracks"]


def test_a_damaged_data_set_is_named_and_the_others_stay(mine, workspace):
    broken = workspace / "datasets" / "broken"
    broken.mkdir()
    (broken / "dataset.json").write_text("{")
    app = explore()
    assert "can't be read" in "".join(e.value for e in app.error).replace("\\", "")
    app.selectbox(key="data").set_value("mine").run()
    assert "**60** tracks" in said(app)


def test_removing_asks_first(mine):
    app = explore()
    next(b for b in app.button if b.label == "Remove").click().run()
    assert [b.label for b in app.button if b.label.endswith(" it")] == ["Remove it", "Keep it"]
    assert datasets.listing()


def wait_for(app, done, seconds=180):
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end
        time.sleep(0.2)
    app.run()
    assert not app.exception


def choose_table(app, features):
    control = next(c for c in app.pills if c.label == "Where from")
    control.set_value("Table of features").run()
    app.file_uploader(key="table-upload").upload("features.csv", features.read_bytes(), "text/csv")
    app.run()
    assert not app.exception
    return app


def test_an_uploaded_table_becomes_a_data_set(features):
    app = choose_table(explore(), features)
    assert app.selectbox(key="table-label").value == "genre"
    assert app.selectbox(key="table-group").value == "artist"
    app.button(key="start-table").click().run()
    wait_for(app, datasets.listing)
    assert "**60** tracks" in said(app)


def test_an_artist_column_that_stands_first_is_proposed(features):
    lines = [line.split(",") for line in features.read_text().splitlines()]
    at = lines[0].index("artist")
    moved = [[line[at], *line[:at], *line[at + 1 :]] for line in lines]
    features.write_text("\n".join(map(",".join, moved)) + "\n")
    app = choose_table(explore(), features)
    assert app.selectbox(key="table-group").options[1] == "artist"
    assert app.selectbox(key="table-group").value == "artist"


def test_a_bad_table_is_refused_in_place_and_leaves_nothing(features, workspace):
    features.write_text(features.read_text().replace("song 05,artist 5,", "song 05,artist 5,loud"))
    app = choose_table(explore(), features)
    app.button(key="start-table").click().run()

    def shown():
        app.run()
        return app.error

    wait_for(app, shown)
    message = app.error[0].value.replace("\\", "")
    assert "features.csv, row 7" in message
    assert datasets.listing() == []
    assert not [place for place in (workspace / "datasets").iterdir() if place.is_dir()]


def test_a_taken_name_leaves_the_data_set_as_it_is(mine):
    app = explore()
    app.segmented_control(key="new-kind").set_value("Demo").run()
    name = next(t for t in app.text_input if t.label == "Name of the data set")
    name.set_value("mine").run()
    app.button(key="start-demo").click().run()
    assert "already" in app.error[0].value
    assert len(datasets.open("mine").tracks) == 60


def test_paths_on_the_servers_disk_are_only_for_those_who_sit_at_it(monkeypatch):
    monkeypatch.setenv("GENRE_ENGINE_LOCAL_PATHS", "0")
    app = explore()
    labels = [field.label for field in app.text_input]
    assert "Folder on this computer" not in labels
    assert "Folder that holds the tables already" not in labels
    monkeypatch.setenv("GENRE_ENGINE_LOCAL_PATHS", "1")
    assert "Folder on this computer" in [field.label for field in explore().text_input]


def choose_source(app, source):
    control = next(c for c in app.pills if c.label == "Where from")
    control.set_value(source).run()
    assert not app.exception
    return app


def test_gtzan_is_imported_from_its_folder(tmp_path):
    for genre in ("pop", "rock"):
        place = tmp_path / "genres" / genre
        place.mkdir(parents=True)
        tone = sounds.tone(1.0, 8000, hz=200 + len(genre))
        (place / f"{genre}.00000.wav").write_bytes(sounds.encoded(tone, 8000))
    app = choose_source(explore(), "GTZAN")
    assert app.button(key="start-gtzan").disabled
    app.text_input(key="gtzan-path").set_value(str(tmp_path)).run()
    app.button(key="start-gtzan").click().run()
    wait_for(app, datasets.listing)
    assert "GTZAN · **2** tracks" in said(app)
    assert "2 of GTZAN's 1,000 clips are here" in said(app)


def test_a_split_without_its_lists_is_refused_in_place(tmp_path):
    (tmp_path / "genres").mkdir()
    app = choose_source(explore(), "GTZAN")
    app.checkbox(key="gtzan-filtered").check()
    app.text_input(key="gtzan-path").set_value(str(tmp_path / "genres")).run()
    app.button(key="start-gtzan").click().run()

    def shown():
        app.run()
        return app.error

    wait_for(app, shown)
    assert "train" in app.error[0].value
    assert datasets.listing() == []


def test_fma_is_imported_with_its_commands_beside_it(workspace):
    place = workspace / "fma" / "fma_metadata"
    place.mkdir(parents=True)
    (place / "tracks.csv").write_text(fma_files.table(fma_files.track(2), fma_files.track(5)))
    app = choose_source(explore(), "FMA")
    assert "download fma-metadata" in app.code[0].value
    assert app.text_input(key="fma-path").value == str(workspace / "fma")
    app.button(key="start-fma").click().run()
    wait_for(app, datasets.listing)
    assert "FMA · **2** tracks" in said(app)
    assert datasets.listing()[0]["name"] == "fma-small"


def test_from_elsewhere_the_commands_for_gtzan_and_fma_are_shown(monkeypatch):
    monkeypatch.setenv("GENRE_ENGINE_LOCAL_PATHS", "0")
    app = explore()
    (code,) = app.code
    assert "dataset gtzan" in code.value
    assert "dataset fma" in code.value
    assert "computer that this app runs on" in said(app)


def test_the_map_offers_to_extract_the_features_that_it_lacks(tmp_path, monkeypatch):
    make_music(tmp_path)
    monkeypatch.setattr(jobs, "supervisor", lambda: None)
    app = explore(look="Map")
    next(one for one in app.button if one.label == "Extract features").click().run()
    assert not app.exception
    (job,) = jobs.listing()
    assert (job.kind, job.dataset) == ("extraction", "music")
    assert not [one for one in app.button if one.label == "Extract features"]
