"""A song and the networks: snapshots, warnings, refusals, memory; real songs where they are."""

import json
import math
import sys

import numpy as np
import pytest

from genre_engine import prediction, pretrained
from genre_engine.audio.decoders import Decoder
from genre_engine.errors import BadSamples, FileMissing, SilentAudio, WeightsError, WrongUsage
from genre_engine.prediction import combining, pretrained_model, vocabulary
from genre_engine.pretrained import FAST, FULL, PAIR
from genre_engine.pretrained.spectrogram import PATCH_S
from tests import sounds, stub_networks


def jazz_or_new_age(network, patches):
    """Jazz in what is loud and new age in what is quiet, as far as a network knows these."""
    level = np.clip(patches.mean(axis=(1, 2)) / 4, 0.01, 0.9)
    if network.spectrogram == "htk":  # decibels
        level = np.clip(patches.mean(axis=(1, 2)) / 100 + 1, 0.01, 0.9)
    newage = "newage" if "newage" in network.tags else "new age"
    return {
        tag: values for tag, values in (("jazz", level), (newage, 1 - level)) if tag in network.tags
    }


@pytest.fixture(params=["pair", "fast", "full"])
def choice(request):
    return request.param


@pytest.fixture
def stubs(monkeypatch):
    """The pair alone, as where nothing else can be reached."""
    return stub_networks.install(monkeypatch, jazz_or_new_age)


@pytest.fixture
def sets(monkeypatch, choice):
    """One set of networks after the other."""
    names = {"pair": PAIR, "fast": FAST, "full": FULL}[choice]
    return stub_networks.install(monkeypatch, jazz_or_new_age, names)


def song(duration_s, sample_rate=16000, form="FLAC"):
    return sounds.encoded(sounds.chords(duration_s, sample_rate), sample_rate, form)


def as_float(samples, sample_rate=16000):
    return sounds.encoded(samples, sample_rate, "WAV", "FLOAT")


def best(analysis, view="wide", count=1):
    scores = analysis.views[view]
    return [scores.genres[i] for i in scores.ranking()[:count]]


@pytest.mark.parametrize("duration_s", [2.0, 24.0, 60.0, 200.0])
def test_a_first_look_is_refined_until_it_equals_the_whole(duration_s, sets, choice):
    snapshots = list(prediction.stream(song(duration_s)))
    shares = [snapshot.share_heard for snapshot in snapshots]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert all(share < 1.0 for share in shares[:-1])
    counts = [len(snapshot.starts_s) for snapshot in snapshots]
    first = 2 if choice == "fast" else 8
    assert min(first - 2, counts[-1]) <= counts[0] <= first
    assert counts == sorted(counts)
    whole = prediction.analyse(song(duration_s))
    for view in vocabulary.VIEWS:
        np.testing.assert_array_equal(whole.views[view].song, snapshots[-1].views[view].song)
    for snapshot in snapshots:
        assert (np.diff(snapshot.starts_s) > 0).all()
        assert len(snapshot.views["ten"].by_window) == len(snapshot.starts_s)


def test_the_first_look_is_spread_over_the_song(stubs):
    first = next(prediction.stream(song(120.0)))
    assert first.starts_s[0] < 20
    assert first.starts_s[-1] > 100
    assert np.diff(first.starts_s).max() < 20


def test_every_window_is_scored_once_by_each_network(stubs):
    whole = prediction.analyse(song(100.0))
    assert {stub.scored for stub in stubs.values()} == {len(whole.starts_s)}
    assert len(whole.starts_s) == math.ceil(100.0 / PATCH_S)


def test_silent_windows_are_not_scored(stubs):
    samples = sounds.chords(60.0)
    samples[16000 * 20 : 16000 * 40] = 0
    whole = prediction.analyse(as_float(samples))
    assert not ((whole.starts_s > 21) & (whole.ends_s < 39)).any()
    assert whole.duration_s == 60.0
    assert whole.share_heard == 1.0


@pytest.mark.parametrize("duration_s", [1.0, 3.0, 30.0])
@pytest.mark.parametrize("colour", ["digital silence", "white", "pink", "brown"])
def test_silence_and_noise_are_refused(colour, duration_s, stubs):
    if colour == "digital silence":
        sound = np.zeros(round(duration_s * 16000), np.float32)
    else:
        sound = sounds.noise(duration_s, colour=colour, level=0.05)
    with pytest.raises(SilentAudio, match="Nothing was found in it"):
        prediction.analyse(as_float(sound))
    assert not any(stub.scored for stub in stubs.values())


def test_a_cut_song_is_used_as_far_as_it_goes_with_a_warning(stubs):
    mp3 = song(30.0, 44100, "MP3")
    cut = prediction.analyse(mp3[: len(mp3) // 2])
    assert cut.duration_s == pytest.approx(15, abs=1)
    (warning,) = cut.warnings
    assert warning.startswith(f"The file is cut short or damaged: {cut.duration_s:.1f} of 30.")


def test_a_short_clip_is_padded_with_a_warning(stubs):
    (warning,) = prediction.analyse(song(1.5)).warnings
    assert warning.startswith("It lasts only 1.5 s, less than the 3 s")
    assert prediction.analyse(song(3.0)).warnings == ()


def test_a_clipped_song_has_a_warning(stubs):
    samples = 30 * sounds.chords(6.0)
    (warning,) = prediction.analyse(as_float(samples)).warnings
    assert "at full scale or beyond: it is clipped or far too loud" in warning


def test_what_may_be_speech_has_a_warning(stubs, monkeypatch):
    monkeypatch.setattr(combining, "sounds_like_speech", lambda songs: True)
    (warning,) = prediction.analyse(song(6.0)).warnings
    assert warning.startswith("It may be speech")


def test_a_number_that_is_none_late_in_a_song_refuses_it_all(stubs):
    samples = sounds.chords(30.0)
    samples[-5] = np.nan
    with pytest.raises(BadSamples):
        prediction.analyse(as_float(samples))


def test_a_longer_song_is_taken_in_stretches(stubs, monkeypatch):
    """With stretches of ten windows instead of 16 minutes."""
    from genre_engine.pretrained import windows

    whole = prediction.analyse(song(120.0))
    monkeypatch.setattr(
        pretrained_model, "stretches", lambda stream: windows.stretches(stream, windows=10)
    )
    snapshots = list(prediction.stream(song(120.0)))
    shares = [snapshot.share_heard for snapshot in snapshots]
    assert shares == sorted(shares)
    np.testing.assert_allclose(snapshots[-1].starts_s, whole.starts_s)
    np.testing.assert_allclose(
        snapshots[-1].views["wide"].song, whole.views["wide"].song, atol=1e-6
    )


@pytest.mark.parametrize(
    ("given", "message"),
    [({"view": "eleven"}, "no view 'eleven'. Choose one of: wide, ten"), ({"model": "x"}, "'x'")],
)
def test_a_view_or_model_that_does_not_exist_is_wrong_usage(given, message):
    with pytest.raises(WrongUsage, match=message):
        prediction.classify(b"", **given)


def test_a_bad_file_is_reported_before_weights_are_fetched(workspace):
    with pytest.raises(FileMissing):
        prediction.classify("no such song.mp3")
    assert not workspace.exists()


def test_without_weights_the_source_is_let_go(monkeypatch):
    closed = []
    monkeypatch.setattr(Decoder, "close", lambda decoder: closed.append(decoder))

    def none(choice="full", progress=None):
        raise WeightsError("none")

    monkeypatch.setattr(pretrained, "prepare", none)
    with pytest.raises(WeightsError):
        prediction.classify(song(1.0))
    assert closed


def test_classify_takes_a_path_or_bytes(tmp_path, networks):
    path = tmp_path / "a song.flac"
    path.write_bytes(song(7.0))
    by_path = prediction.classify(str(path), view="ten", windows=True)
    by_bytes = prediction.classify(path.read_bytes(), view="ten", windows=True)
    assert by_path.pop("file") == str(path)
    assert by_bytes.pop("file") is None
    assert by_path == by_bytes
    assert len(by_path["windows"]) == 3
    json.dumps(by_path, allow_nan=False)
    assert len(prediction.classify(path, top=3)["genres"]) == 3


@pytest.fixture
def analysed(all_networks):
    """Analyses by all networks."""
    return prediction.analyse


@pytest.fixture
def analysed_by_the_pair(networks, monkeypatch):
    """Analyses by the musicnn pair, as where the other networks can't be reached."""
    monkeypatch.setattr(pretrained, "prepare", lambda choice="full", progress=None: PAIR)
    monkeypatch.setattr(pretrained, "networks", lambda choice="full", names=None: networks)
    return prediction.analyse


@pytest.mark.parametrize("model", ["full", "fast"])
@pytest.mark.parametrize(
    ("part", "view", "expected"),
    [
        ("Hungarian_Dance", "ten", {"classical"}),
        ("Hungarian_Dance", "wide", {"classical"}),
        ("Sugar_Plum", "ten", {"classical", "soundtrack"}),
        ("Hobbs", "wide", {"folk", "pop", "country"}),
        ("Vibe_Ace", "wide", {"jazz", "electronic"}),
    ],
)
def test_real_songs_get_a_genre_of_theirs_among_the_first_three(
    part, view, expected, model, song_named, analysed
):
    found = analysed(song_named(part), model)
    assert set(best(found, view, 3)) & expected
    assert found.warnings == ()
    if expected == {"classical"}:
        assert best(found, view) == ["classical"]


def test_the_pair_alone_gives_what_it_gave_before(song_named, analysed_by_the_pair):
    brahms = analysed_by_the_pair(song_named("Hungarian_Dance"))
    assert best(brahms, "ten") == ["classical"]
    assert brahms.networks == PAIR
    assert "folk" in best(analysed_by_the_pair(song_named("Hobbs")), "wide", 3)
    assert best(analysed_by_the_pair(song_named("Vibe_Ace")))[0] in ("jazz", "electronic")


def test_the_first_look_at_real_songs_names_the_first_genre_already(song_named, analysed):
    for part in ("Hungarian_Dance", "Hobbs"):
        path = song_named(part)
        assert best(next(prediction.stream(path)), "ten") == best(analysed(path), "ten")


_MEMORY = """
import resource, sys
import numpy as np, soundfile
from genre_engine import prediction, pretrained

class Stub:
    def __call__(self, patches):
        return np.full((len(patches), 50), 0.1, np.float32)

pretrained.prepare = lambda choice="full", progress=None: pretrained.FULL
pretrained.networks = lambda choice="full", names=None: dict.fromkeys(pretrained.FULL, Stub())
for path in sys.argv[1:]:
    whole = prediction.analyse(path)
    print(whole.duration_s, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss has another unit elsewhere")
def test_an_hour_takes_hardly_more_memory_than_a_minute(tmp_path, python):
    import soundfile

    minute = sounds.chords(60.0, 22050)
    for name, minutes in (("minute.wav", 1), ("hour.wav", 60)):
        with soundfile.SoundFile(tmp_path / name, "w", 22050, 1, "PCM_16") as file:
            for _ in range(minutes):
                file.write(minute)
    result = python(_MEMORY, tmp_path / "minute.wav", tmp_path / "hour.wav")
    assert result.returncode == 0, result.stderr
    (short_s, short), (long_s, long) = (
        map(float, line.split()) for line in result.stdout.split("\n")[:2]
    )
    assert (short_s, long_s) == (60.0, 3600.0)
    assert (long - short) / 1024 < 150


def test_networks_of_29_s_score_windows_of_theirs_and_the_others_give_the_course(
    monkeypatch,
):
    stubs = stub_networks.install(monkeypatch, jazz_or_new_age, FULL)
    whole = prediction.analyse(song(100.0))
    # 100 s are three windows of 29 s, and one that ends with the song.
    assert {s.scored for s in stubs.values() if s.network.is_long} == {4}
    assert {s.scored for s in stubs.values() if not s.network.is_long} == {len(whole.starts_s)}
    assert len(whole.starts_s) == math.ceil(100.0 / PATCH_S)
    assert whole.networks == FULL
    assert len(whole.views["ten"].genres) == 10


def test_without_networks_of_3_s_the_course_is_that_of_29_s(monkeypatch):
    stub_networks.install(monkeypatch, jazz_or_new_age, FAST)
    whole = prediction.analyse(song(100.0), "fast")
    assert len(whole.starts_s) == 4
    assert whole.ends_s[-1] == pytest.approx(100.0, abs=0.1)
    assert whole.model == "fast"


def test_a_song_shorter_than_29_s_is_repeated_for_the_long_networks(monkeypatch):
    seen = []

    def watched(network, patches):
        seen.append(patches)
        return {}

    stub_networks.install(monkeypatch, watched, ("mtg-jamendo-fcn",))
    prediction.analyse(song(10.0), "fast")
    (patches,) = seen
    frames = 1 + 10 * 16000 // 256
    np.testing.assert_array_equal(patches[0, :frames], patches[0, frames : 2 * frames])


def test_a_glance_by_long_networks_takes_two_windows(monkeypatch):
    stubs = stub_networks.install(monkeypatch, jazz_or_new_age, FULL)
    glanced = prediction.glance(song(120.0))
    assert {s.scored for s in stubs.values() if s.network.is_long} == {2}
    assert {s.scored for s in stubs.values() if not s.network.is_long} == {0}
    assert glanced.share_heard < 1.0
    whole = prediction.analyse(song(120.0))
    np.testing.assert_allclose(glanced.views["ten"].song, whole.views["ten"].song, atol=0.05)


@pytest.mark.parametrize("form", ["FLAC", "WAV", "MP3"])
def test_a_glance_hears_eight_windows_spread_over_the_song_as_the_whole_has_them(form, stubs):
    glanced = prediction.glance(song(120.0, 44100, form))
    assert glanced.share_heard == pytest.approx(8 * PATCH_S / 120, rel=0.01)
    assert glanced.duration_s == pytest.approx(120, abs=0.1)
    np.testing.assert_allclose(np.diff(glanced.starts_s), 15, atol=0.02)
    whole = prediction.analyse(song(120.0, 44100, form))
    np.testing.assert_allclose(glanced.views["wide"].song, whole.views["wide"].song, atol=0.02)


def test_a_glance_decodes_eight_places_and_no_more(stubs, monkeypatch):
    decoded = []
    excerpt = Decoder.excerpt

    def counted(self, start_s, length_s):
        decoded.append(length_s)
        return excerpt(self, start_s, length_s)

    monkeypatch.setattr(Decoder, "excerpt", counted)
    monkeypatch.setattr(Decoder, "blocks", None)
    prediction.glance(song(120.0))
    assert sum(decoded) == pytest.approx(8 * (PATCH_S + 0.128), abs=0.01)


def test_there_is_no_glance_at_what_is_short_cut_or_silent(stubs):
    assert prediction.glance(song(50.0)) is None
    whole = song(120.0, 44100, "MP3")
    assert prediction.glance(whole[: len(whole) // 2]) is None
    silence = sounds.encoded(np.zeros(120 * 16000, np.float32), 16000, "FLAC")
    assert prediction.glance(silence) is None
