"""Every format from path and bytes, whatever its name; and what is no audio, or hostile."""

import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genre_engine import audio
from genre_engine.audio import decoders
from genre_engine.errors import (
    AudioError,
    DecoderMissing,
    FileMissing,
    FileUnreadable,
    NotAudio,
    StorageError,
    TooLong,
)
from tests import sounds

needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg isn't installed")


def loudest_hz(signal):
    spectrum = np.abs(np.fft.rfft(signal.samples))
    return np.argmax(spectrum) * signal.sample_rate / len(signal.samples)


def by_ffmpeg(tmp_path, name, *options, duration_s=2.0):
    """A tone as a file that only ffmpeg writes."""
    wav = tmp_path / "for-ffmpeg.wav"
    wav.write_bytes(sounds.example_of("WAV", duration_s))
    path = tmp_path / name
    command = ["ffmpeg", "-v", "error", "-y", "-i", wav, *options, path]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    wav.unlink()
    return path


@pytest.fixture
def without_ffmpeg(monkeypatch):
    monkeypatch.setenv("PATH", "")


@pytest.fixture(params=["path", "bytes"])
def as_source(request, tmp_path):
    """Hand the same content over as a path and as bytes."""

    def source(data, name="song"):
        if request.param == "bytes":
            return data
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return source


@pytest.mark.parametrize("form", sounds.FORMATS)
def test_every_format_is_read_from_path_and_from_bytes(form, as_source, without_ffmpeg):
    signal = audio.load(as_source(sounds.example_of(form)), 22050)
    assert signal.samples.dtype == np.float32
    assert signal.duration_s == pytest.approx(2.0, abs=0.2)
    assert loudest_hz(signal) == pytest.approx(440, abs=1)
    assert np.abs(signal.samples).max() == pytest.approx(0.3, abs=0.05)


@pytest.mark.parametrize("form", sounds.FORMATS)
@pytest.mark.parametrize("name", ["song.raw", "song.txt", "song.mp3", "song.wav", "song"])
def test_the_content_decides_and_not_the_name(form, name, tmp_path):
    path = tmp_path / name
    path.write_bytes(sounds.example_of(form, 1.0))
    assert loudest_hz(audio.load(path)) == pytest.approx(440, abs=2)


@pytest.mark.parametrize("form", sounds.FORMATS)
def test_the_first_bytes_tell_the_kind(form):
    assert decoders.sniff(sounds.example_of(form, 0.5)[:64]) == {"OGG": "Ogg", "OPUS": "Ogg"}.get(
        form, form
    )


@pytest.mark.parametrize("frequency", [1, 50, 8000, 11025, 96000, 192000, 768000])
def test_any_sample_rate_is_read(frequency):
    count = max(frequency // 2, 50)
    samples = np.random.default_rng(1).uniform(-0.5, 0.5, count).astype(np.float32)
    signal = audio.load(sounds.encoded(samples, frequency), 16000, excerpt_s=None)
    assert signal.duration_s == pytest.approx(count / frequency, abs=1e-3)
    assert np.isfinite(signal.samples).all()


@pytest.mark.parametrize("channels", [1, 2, 3, 6, 8, 64, 1024])
def test_any_number_of_channels_becomes_their_mean(channels):
    rng = np.random.default_rng(2)
    samples = rng.uniform(-0.9, 0.9, (20000, channels)).astype(np.float32)
    signal = audio.load(sounds.encoded(samples, 44100, "WAV", "FLOAT"), 44100)
    np.testing.assert_allclose(signal.samples, samples.mean(axis=1), atol=1e-6)


@needs_ffmpeg
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("song.m4a", []),
        ("song.mp4", ["-movflags", "+faststart"]),
        ("song.aac", []),
        ("song.mka", []),
        ("song.wma", []),
    ],
)
def test_what_libsndfile_lacks_is_read_by_ffmpeg(name, options, tmp_path, as_source):
    path = by_ffmpeg(tmp_path, name, *options)
    signal = audio.load(as_source(path.read_bytes(), "misnamed.wav"))
    assert signal.duration_s == pytest.approx(2.0, abs=0.1)
    assert loudest_hz(signal) == pytest.approx(440, abs=1)


M4A_HEAD = b"\x00\x00\x00\x20ftypM4A \x00\x00\x02\x00isomiso2" + b"\x00" * 100
AAC_HEAD = b"\xff\xf1\x50\x80\x0b\x3f\xfc" + b"\x00" * 100


@pytest.mark.parametrize(("head", "kind"), [(M4A_HEAD, "M4A"), (AAC_HEAD, "AAC")])
def test_without_ffmpeg_the_error_names_it(head, kind, as_source, without_ffmpeg):
    with pytest.raises(DecoderMissing, match=f"{kind} files need the program ffmpeg. Install"):
        audio.load(as_source(head, "song.mp3"))


@needs_ffmpeg
def test_what_ffmpeg_cannot_read_is_called_damaged(as_source):
    with pytest.raises(NotAudio, match="starts like M4A, but is damaged"):
        audio.load(as_source(M4A_HEAD))


@needs_ffmpeg
def test_the_limit_holds_for_what_ffmpeg_reads(tmp_path):
    path = by_ffmpeg(tmp_path, "song.m4a", duration_s=4.0)
    with pytest.raises(TooLong):
        audio.load(path, limit_s=2.0)


@needs_ffmpeg
def test_an_upload_that_finds_no_room_on_the_disk_says_so(tmp_path, monkeypatch):
    data = by_ffmpeg(tmp_path, "song.m4a").read_bytes()

    def full(path, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    with pytest.raises(StorageError, match="is full"):
        audio.load(data)


@pytest.mark.parametrize("content", [b"", b"\0", b"\0" * 5000, b"RIFF", b"ID3", b"OggS", b"fLaC"])
def test_what_is_empty_or_a_mere_beginning_is_no_audio(content, as_source):
    with pytest.raises(NotAudio):
        audio.load(as_source(content, "song.wav"))


def test_an_empty_file_is_called_empty(as_source):
    with pytest.raises(NotAudio, match="The file is empty"):
        audio.load(as_source(b"", "song.mp3"))


def test_text_named_mp3_is_no_audio(as_source):
    text = "Dear diary, today I bought no record.\n" * 1000
    with pytest.raises(NotAudio, match="no audio that can be read here, whatever its name says"):
        audio.load(as_source(text.encode(), "song.mp3"))


def test_a_picture_and_a_page_are_no_audio(as_source):
    png = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(500)
    for content in (png, b"<!DOCTYPE html><script>alert(1)</script>", b"%PDF-1.7\n" + bytes(300)):
        with pytest.raises(NotAudio):
            audio.load(as_source(content, "song.flac"))


@given(st.text(min_size=1, max_size=2000))
@settings(max_examples=100, deadline=None)
def test_no_text_is_taken_for_audio(text):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", "")
        with pytest.raises(AudioError):
            audio.load(text.encode())


@pytest.mark.parametrize("form", sounds.FORMATS)
def test_a_damaged_file_gives_sound_or_a_plain_error(form, without_ffmpeg):
    """Cut, overwritten and zeroed at random: never anything but a result or an AudioError."""
    whole = sounds.example_of(form, 1.0)
    rng = np.random.default_rng(7)
    for number in range(40):
        data = bytearray(whole)
        place = int(rng.integers(0, len(data)))
        if number % 4 == 0:
            data = data[:place]
        elif number % 4 == 1:
            for hit in rng.integers(0, len(data), 20):
                data[hit] = int(rng.integers(0, 256))
        elif number % 4 == 2:
            data[place : place + 500] = bytes(len(data[place : place + 500]))
        else:
            for hit in rng.integers(0, min(200, len(data)), 4):
                data[hit] = int(rng.integers(0, 256))
        try:
            signal = audio.load(bytes(data), 16000, limit_s=60)
        except AudioError:
            continue
        assert np.isfinite(signal.samples).all()


@needs_ffmpeg
def test_a_damaged_flac_that_neither_decoder_reads_is_a_plain_error():
    data = bytearray(sounds.example_of("FLAC", 1.0))
    data[60:] = bytes(len(data) - 60)
    with pytest.raises(AudioError):
        audio.load(bytes(data))


def test_a_path_that_does_not_exist_is_missing(tmp_path):
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "dangling.mp3").symlink_to(tmp_path / "gone.mp3")
    for path in ("no/such/song.mp3", tmp_path / "file" / "song.mp3", tmp_path / "dangling.mp3"):
        with pytest.raises(FileMissing, match="Check the path"):
            audio.load(path)


@pytest.mark.parametrize("path", ["a" * 300, "nul\0byte.mp3"])
def test_an_impossible_path_is_unreadable(path):
    with pytest.raises(FileUnreadable, match="can't be opened"):
        audio.load(path)


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(FileUnreadable, match="It is a folder"):
        audio.load(tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has neither")
def test_devices_and_pipes_are_refused_without_waiting(tmp_path):
    os.mkfifo(tmp_path / "pipe.wav")
    for path in (tmp_path / "pipe.wav", "/dev/zero"):
        with pytest.raises(FileUnreadable, match="a device or a pipe"):
            audio.load(path)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps permissions otherwise")
def test_a_file_without_permission_says_so(tmp_path, python):
    tmp_path.chmod(0o755)
    (tmp_path / "secret.wav").write_bytes(sounds.example_of("WAV"))
    (tmp_path / "secret.wav").chmod(0)
    code = (
        "import os, soundfile\n"
        "from genre_engine import audio, errors\n"
        "if os.geteuid() == 0: os.setuid(65534)\n"  # root may read everything
        "try: audio.load('secret.wav')\n"
        "except errors.AudioError as error: print(type(error).__name__, error)\n"
    )
    result = python(code, cwd=tmp_path)
    assert result.stdout.startswith("FileUnreadable You have no permission to read it."), (
        result.stderr
    )


@pytest.mark.parametrize(
    ("name", "playlist"),
    [
        ("list.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{path}\n#EXT-X-ENDLIST\n"),
        ("list.mp3", "ffconcat version 1.0\nfile '{path}'\n"),
        ("list.m4a", "#EXTM3U\n{path}\n"),
        ("list.wav", "[playlist]\nFile1={path}\nNumberOfEntries=1\n"),
        ("list.sdp", "v=0\nc=IN IP4 127.0.0.1\nm=audio 5004 RTP/AVP 0\n"),
    ],
)
def test_a_playlist_cannot_reach_other_files(name, playlist, tmp_path, as_source):
    (tmp_path / "secret.wav").write_bytes(sounds.example_of("WAV"))
    content = playlist.format(path=tmp_path / "secret.wav")
    with pytest.raises(NotAudio):
        audio.load(as_source(content.encode(), name))


def test_decoders_write_nothing_to_standard_error(capfd):
    mp3 = sounds.example_of("MP3", 5.0)
    middle = len(mp3) // 2
    holed = mp3[:middle] + bytes(3000) + mp3[middle + 3000 :]
    tagged = b"ID3\x04\x00\x00\x00\x00\x0f\x7f" + b"\xff\xfb" * 1000 + mp3
    for data in (holed, mp3[:middle], tagged, mp3[100:], mp3 + b"garbage" * 500, b"text" * 999):
        try:
            audio.load(data)
        except AudioError:
            continue
    assert capfd.readouterr().err == ""


def test_what_others_write_meanwhile_is_passed_on(capfd):
    from genre_engine.storage.native_stderr import native_noise_filtered

    with native_noise_filtered(), native_noise_filtered():
        os.write(2, b"Note: Trying to resync...\n\nsomebody's message\n")
    assert capfd.readouterr().err == "somebody's message\n"


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs /proc")  # noqa: PTH112
def test_no_file_stays_open(tmp_path):
    path = tmp_path / "song.mp3"
    path.write_bytes(sounds.example_of("MP3"))
    bad = tmp_path / "bad.mp3"
    bad.write_bytes(b"text" * 100)
    sources = [path, path.read_bytes(), bad, bad.read_bytes()]
    if shutil.which("ffmpeg"):
        m4a = by_ffmpeg(tmp_path, "song.m4a")
        sources += [m4a, m4a.read_bytes(), M4A_HEAD]

    def use_all():
        for source in sources:
            try:
                audio.load(source)
                next(iter(audio.Stream(source, 16000)))  # and not to the end
                audio.Stream(source, 16000).close()
                audio.load(source, limit_s=1.0)
            except AudioError:
                continue

    use_all()
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    use_all()
    use_all()
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


def test_a_walk_takes_files_by_name_or_by_content(tmp_path):
    for name in ("a.mp3", "b.OPUS", "c.txt"):
        (tmp_path / name).write_bytes(b"text")
    (tmp_path / "d.bin").write_bytes(sounds.example_of("FLAC", 0.2))
    (tmp_path / "e.wav").mkdir()
    assert [p.name for p in sorted(tmp_path.iterdir()) if decoders.is_audio(p)] == [
        "a.mp3",
        "b.OPUS",
        "d.bin",
    ]
