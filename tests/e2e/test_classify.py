"""What a visitor does on the Classify page, in a real browser."""

import csv
import io
import json
import re

import pytest
from playwright.sync_api import expect

from genre_engine.prediction import example
from tests.e2e import server
from tests.e2e.accessibility import grave_faults
from tests.e2e.seen import PATIENCE_MS, resting_box, settled, wait_until

EXAMPLE_SENTENCE = example.analysis().sentence("wide")
EXAMPLE_TEN = example.analysis().sentence("ten")
# The example was analysed by all networks; the server of these tests has the musicnn pair alone.
PAIR_SENTENCE, PAIR_TEN = "Techno, clearly", "Electronic, clearly"


def upload(page, *files):
    drop_zone = page.get_by_test_id("stFileUploader").locator("input[type=file]")
    drop_zone.set_input_files(
        [{"name": name, "mimeType": "audio/ogg", "buffer": data} for name, data in files]
    )


def card(page, name):
    """The card of the song with this name."""
    return page.locator("[class*='st-key-song-']").filter(has_text=name).first


def all_heard(page):
    """Wait until no song is listened to any more and the downloads hold them all."""
    expect(page.get_by_test_id("stProgress")).to_have_count(0)
    settled(page)
    expect(page.get_by_role("button", name="JSON", exact=True)).to_have_count(1)


@pytest.fixture(scope="module")
def a_song():
    return example.PATH.read_bytes()


def test_a_cold_deep_link_shows_the_page_with_its_navigation(browse, tmp_path):
    with server.running(tmp_path / "workspace", tmp_path / "log") as (address, _):
        page = browse(f"{address}/classify?view=ten")
        expect(page.get_by_role("heading", name="What genre is this song?")).to_be_visible()
        expect(page.get_by_text(EXAMPLE_TEN).first).to_be_visible()
        assert page.url == f"{address}/classify?view=ten"
        assert page.get_by_text("streamlit app").count() == 0


def test_the_bare_address_leads_to_classify(visit, app):
    page = visit("/")
    expect(page.get_by_role("heading", name="What genre is this song?")).to_be_visible()
    expect(page).to_have_title("Classify · Genre Studio")
    assert page.url.startswith(f"{app[0]}/classify")


def test_a_first_visitor_sees_the_example_s_result_before_any_network_is_loaded(browse, tmp_path):
    with server.running(tmp_path / "workspace", tmp_path / "log") as (address, process):
        page = browse(address)
        shown = card(page, example.TITLE)
        expect(shown.get_by_role("heading", name=EXAMPLE_SENTENCE)).to_be_visible()
        expect(shown.locator(".lane")).to_have_count(6)
        expect(shown.locator("audio")).to_have_js_property("readyState", 4)
        assert server.children(process) == []


def test_a_song_is_classified_and_a_bad_file_spoils_nothing(visit, a_song):
    page = visit("/classify")
    name = "My <script>alert(1) *song* [x](y).ogg"
    upload(page, (name, a_song), ("notes.mp3", b"these are no sounds"))
    song = card(page, name)
    expect(song.get_by_role("heading", name=PAIR_SENTENCE)).to_be_visible()
    all_heard(page)
    bad = card(page, "notes.mp3")
    expect(bad.get_by_role("alert")).to_contain_text("Its content is no audio")
    expect(song.locator(".lane").first).to_contain_text("Techno")
    expect(song.get_by_text("synthesiser")).to_be_visible()
    assert page.get_by_text("Traceback").count() == 0

    with page.expect_download() as download:
        page.get_by_role("button", name="JSON", exact=True).click()
    found = json.loads(download.value.path().read_text())
    assert {element["file"] for element in found} == {
        name,
        "notes.mp3",
        example.TITLE,
    }
    done = next(element for element in found if element["file"] == name)
    assert done["genres"][0]["genre"] == "techno"
    assert len(done["windows"]) == 16
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV", exact=True).click()
    rows = list(csv.DictReader(io.StringIO(download.value.path().read_text())))
    assert [row["genre_1"] for row in rows if row["file"] == name] == ["techno"]


def test_a_click_on_the_strip_moves_the_player(visit):
    page = visit("/classify")
    shown = card(page, example.TITLE)
    strip = shown.get_by_role("slider", name="Genre over time")
    expect(strip).to_be_visible()
    expect(shown.locator("audio")).to_have_js_property("readyState", 4)
    settled(page)
    box = strip.bounding_box()
    strip.click(position={"x": box["width"] * 0.75, "y": box["height"] / 2})
    at = shown.locator("audio").evaluate("audio => audio.currentTime")
    assert at == pytest.approx(0.75 * example.DURATION_S, abs=1.0)
    expect(strip).to_have_attribute("aria-valuenow", str(round(at)))
    strip.press("Home")
    assert shown.locator("audio").evaluate("audio => audio.currentTime") == 0
    strip.press("ArrowRight")
    assert shown.locator("audio").evaluate("audio => audio.currentTime") == pytest.approx(5)


def test_the_strip_tells_what_is_under_the_pointer(visit):
    page = visit("/classify")
    strip = card(page, example.TITLE).get_by_role("slider", name="Genre over time")
    expect(page.locator(".genre-bars")).to_be_visible()
    settled(page)
    box = strip.bounding_box()
    strip.hover(position={"x": box["width"] * 0.4, "y": box["height"] * 0.05})
    tip = card(page, example.TITLE).locator(".tip")
    expect(tip).to_have_text(re.compile(r"^0:17 \w+: \d+$"))


def test_the_ten_genre_view_is_a_link_and_hatches_what_the_pair_does_not_know(visit, a_song):
    page = visit("/classify")
    upload(page, ("by the pair.ogg", a_song))
    page.get_by_text("Ten Jamendo genres").click()
    by_the_pair = card(page, "by the pair.ogg")
    expect(by_the_pair.get_by_role("heading", name=PAIR_TEN)).to_be_visible()
    page.wait_for_url("**/classify?view=ten")
    # One: until the page has run, the card that stood in this place shows below the new one's rows.
    expect(by_the_pair.locator(".genre-bars").get_by_text("Soundtrack")).to_have_count(1)
    page.reload()
    expect(page.get_by_role("heading", name=EXAMPLE_TEN)).to_be_visible()


def test_waveform_and_spectrogram_are_drawn_on_the_strip_s_axis_when_asked_for(visit):
    page = visit("/classify")
    pictures = page.locator(".lane.picture img")
    expect(pictures).to_have_count(0)
    page.get_by_text("Show waveform and mel spectrogram").click()
    expect(pictures).to_have_count(2)
    for picture in pictures.all():
        assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") > 400


def test_a_removed_song_comes_back_with_undo(visit):
    page = visit("/classify")
    page.get_by_role("button", name="Remove", exact=True).click()
    expect(page.get_by_text("No songs on this page.")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("heading", name=EXAMPLE_SENTENCE)).to_be_visible()
    page.get_by_role("button", name="Remove", exact=True).click()
    page.get_by_role("button", name="Try the example").click()
    expect(page.get_by_role("heading", name=EXAMPLE_SENTENCE)).to_be_visible()


def test_results_stay_while_the_visitor_looks_at_another_page(visit, a_song):
    page = visit("/classify?view=ten")
    upload(page, ("kept.ogg", a_song))
    expect(card(page, "kept.ogg").get_by_text("Waveform")).to_have_count(1)
    page.get_by_test_id("stSidebarNavLink").filter(has_text="Explore").click()
    expect(page.get_by_role("heading", name="What is in the music?")).to_be_visible()
    page.get_by_test_id("stSidebarNavLink").filter(has_text="Classify").click()
    kept = card(page, "kept.ogg")
    expect(kept.get_by_role("heading", name=PAIR_TEN)).to_be_visible()
    expect(kept.locator(".lane").first).to_be_visible()


def test_two_visitors_do_not_see_each_other_s_songs(visit, a_song):
    first, second = visit("/classify"), visit("/classify")
    upload(first, ("private.ogg", a_song))
    expect(card(first, "private.ogg").get_by_text("Also detected")).to_have_count(1)
    second.reload()
    expect(second.get_by_role("heading", name=EXAMPLE_SENTENCE)).to_be_visible()
    assert second.get_by_text("private.ogg").count() == 0


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_light_and_dark_differ_and_have_no_grave_accessibility_faults(visit, dark):
    page = visit("/classify", dark=dark)
    expect(page.get_by_role("heading", name=EXAMPLE_SENTENCE)).to_be_visible()
    expect(page.locator(".genre-bars")).to_be_visible()
    ground = page.get_by_test_id("stApp").evaluate("app => getComputedStyle(app).backgroundColor")
    assert ground == ("rgb(20, 17, 28)" if dark else "rgb(252, 251, 255)")
    assert grave_faults(page) == []


def test_a_phone_shows_one_column_and_three_rows(visit):
    page = visit("/classify", width=390, height=844)
    shown = card(page, example.TITLE)
    expect(shown.get_by_role("heading", name=EXAMPLE_SENTENCE)).to_be_visible()
    expect(shown.locator(".lane").nth(2)).to_be_visible()
    expect(shown.locator(".lane").nth(3)).to_be_hidden()
    settled(page)
    wait_until(lambda: page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


def test_a_killed_server_leaves_no_listening_process(browse, tmp_path, a_song):
    with server.running(tmp_path / "workspace", tmp_path / "log") as (address, process):
        page = browse(f"{address}/classify")
        upload(page, ("song.ogg", a_song))
        wait_until(lambda: server.children(process))
        (child,) = server.children(process)
        assert "genre_engine.prediction.process" in child
        pid = int(child.split()[0])
        process.kill()
        process.wait()
        wait_until(lambda: not _alive(pid))


def _alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:  # noqa: PTH123
            return stat.read().split()[2] != "Z"
    except FileNotFoundError:
        return False


def test_what_plays_in_the_room_is_recorded_and_classified(app, launched):
    """Chromium's own test microphone beeps once a second."""
    address, _ = app
    fake = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    browser = launched().browser_type.launch(
        executable_path="/usr/bin/chromium", args=["--no-sandbox", *fake], timeout=PATIENCE_MS
    )
    page = browser.new_context(permissions=["microphone"]).new_page()
    page.goto(f"{address}/classify")
    page.get_by_role("button", name="Record from the room").click()
    page.get_by_role("button", name="Record", exact=True).click()
    page.wait_for_timeout(4000)
    page.get_by_role("button", name="Stop recording").click()
    expect(page.get_by_text("Recording 1").first).to_be_visible()
    browser.close()


def test_a_player_whose_file_was_not_there_for_a_moment_plays_all_the_same(app, launched):
    address, _ = app
    page = launched().new_context().new_page()
    refused = []

    def serve(route):
        if len(refused) < 3:
            refused.append(route.request.url)
            route.fulfill(status=404, body="")
        else:
            route.continue_()

    page.route("**/media/*", serve)
    page.goto(f"{address}/classify")
    expect(page.locator("audio").first).to_have_js_property("readyState", 4)
    assert refused
    page.context.close()


def test_many_songs_are_a_list_whose_rows_open_their_cards(visit, a_song):
    page = visit("/classify")
    files = [(f"song {n}.ogg", a_song) for n in range(4)]
    upload(page, *files, ("empty.wav", b""))
    table = page.locator(".st-key-listed-songs").get_by_test_id("stDataFrame")
    expect(table).to_have_count(1)
    all_heard(page)
    # The newest is open; its row is the first. The list says what the upload widget's chips do.
    expect(page.get_by_role("alert").filter(has_text="The file is empty")).to_be_visible()
    expect(card(page, example.TITLE)).to_have_count(0)
    expect(page.get_by_test_id("stFileChip").first).to_be_attached()
    expect(page.get_by_test_id("stFileChip").first).to_be_hidden()
    box = resting_box(table)
    page.mouse.click(box["x"] + 120, box["y"] + 36 + 1.5 * 35)
    expect(page.get_by_role("heading", name=PAIR_SENTENCE)).to_be_visible()
    expect(page.locator("[class*='st-key-song-'] audio")).to_have_count(1)
    with page.expect_download() as download:
        page.get_by_role("button", name="JSON", exact=True).click()
    assert len(json.loads(download.value.path().read_text())) == 6


def test_a_row_plays_and_keys_go_on_to_the_next_song(visit, a_song):
    page = visit("/classify")
    upload(page, *[(f"song {n}.ogg", a_song) for n in range(3)])
    table = page.locator(".st-key-listed-songs").get_by_test_id("stDataFrame")
    expect(table).to_have_count(1)
    all_heard(page)
    player = page.locator("[class*='st-key-song-'] audio").first
    box = resting_box(table)
    # The second row's button, in the second column.
    page.mouse.click(box["x"] + 70, box["y"] + 36 + 1.5 * 35)
    expect(card(page, "song 1.ogg")).to_be_visible()
    expect(player).to_have_js_property("paused", False)
    # What plays goes on with the next song; where one types, a letter is a letter.
    page.keyboard.press("j")
    expect(card(page, "song 0.ogg")).to_be_visible()
    expect(player).to_have_js_property("paused", False)
    page.keyboard.press("Space")
    expect(player).to_have_js_property("paused", True)
    page.keyboard.press("k")
    expect(card(page, "song 1.ogg")).to_be_visible()
    page.keyboard.press("?")
    expect(page.get_by_text("next song, song before")).to_be_visible()
    page.keyboard.press("Escape")
    models = page.get_by_role("combobox").first
    models.press("j")
    settled(page)
    expect(card(page, "song 1.ogg")).to_be_visible()


def test_keys_lead_from_card_to_card(visit, a_song):
    page = visit("/classify")
    upload(page, ("mine.ogg", a_song))
    mine, theirs = card(page, "mine.ogg"), card(page, example.TITLE)
    expect(mine.get_by_role("heading", name=PAIR_SENTENCE)).to_be_visible()
    all_heard(page)
    page.keyboard.press("j")
    expect(theirs).to_be_focused()
    page.keyboard.press("Space")
    expect(theirs.locator("audio").first).to_have_js_property("paused", False)
    page.keyboard.press("k")
    expect(mine).to_be_focused()
    expect(mine.locator("audio").first).to_have_js_property("paused", False)
    expect(theirs.locator("audio").first).to_have_js_property("paused", True)
