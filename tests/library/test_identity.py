"""The identity of a sound: the same whatever is done to the tags, another for another sound."""

import io
import os
import random
import struct
import tempfile
import tracemalloc
from contextlib import suppress
from pathlib import Path

import mutagen
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mutagen.apev2 import APEv2
from mutagen.flac import FLAC, Picture
from mutagen.id3 import APIC, ID3, TCON, TIT2, TXXX
from mutagen.mp4 import MP4, MP4Cover
from mutagen.ogg import OggPage

from genre_engine.errors import AudioError, FileMissing, FileUnreadable, NotAudio
from genre_engine.library.identity import sound_identity
from tests import sounds
from tests.library.songs import SUFFIXES, song, write_song

texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=300)
tags = st.fixed_dictionaries(
    {},
    optional={
        "title": texts,
        "genres": st.lists(texts, min_size=1, max_size=4),
        "picture": st.integers(1, 200_000),
    },
)


def set_tags(path, form, wanted):
    """Replace the tags through mutagen."""
    file = mutagen.File(path)
    if file.tags is not None:
        file.tags.clear()
    else:
        file.add_tags()
    picture = bytes(wanted.get("picture", 0))
    if form in ("MP3", "WAV", "AIFF"):
        if "title" in wanted:
            file.tags.add(TIT2(encoding=3, text=[wanted["title"]]))
        if "genres" in wanted:
            file.tags.add(TCON(encoding=3, text=wanted["genres"]))
        if picture:
            file.tags.add(APIC(encoding=3, mime="image/png", type=3, desc="", data=picture))
    elif form == "M4A":
        if "title" in wanted:
            file.tags["©nam"] = [wanted["title"]]
        if "genres" in wanted:
            file.tags["©gen"] = wanted["genres"]
        if picture:
            file.tags["covr"] = [MP4Cover(picture)]
    else:
        if "title" in wanted:
            file.tags["TITLE"] = [wanted["title"]]
        if "genres" in wanted:
            file.tags["GENRE"] = wanted["genres"]
        if picture:
            file.tags["METADATA_BLOCK_PICTURE"] = ["A" * len(picture)]
    if form == "FLAC":
        file.clear_pictures()
        if picture:
            image = Picture()
            image.data = picture
            file.add_picture(image)
    file.save()


@pytest.mark.parametrize("form", SUFFIXES)
@given(changes=st.lists(tags, min_size=1, max_size=3))
@settings(deadline=None, max_examples=15)
def test_no_change_of_tags_changes_the_identity(form, changes):
    with tempfile.TemporaryDirectory() as room:
        path = write_song(Path(room, f"song{SUFFIXES[form]}"), form)
        before = sound_identity(path)
        for wanted in changes:
            set_tags(path, form, wanted)
            assert sound_identity(path) == before
        mutagen.File(path).delete()
        assert sound_identity(path) == before


@pytest.mark.parametrize("form", SUFFIXES)
def test_it_is_no_checksum_of_the_whole_and_stays_when_the_file_moves(form, tmp_path):
    one, other = (write_song(tmp_path / name, form) for name in ("a", "b"))
    assert sound_identity(one) == sound_identity(other)
    set_tags(other, form, {"title": "Other"})
    assert one.read_bytes() != other.read_bytes()
    assert sound_identity(one) == sound_identity(other)


@pytest.mark.parametrize("form", SUFFIXES)
def test_another_sound_has_another_identity(form, tmp_path):
    one = write_song(tmp_path / "a", form, 440.0)
    other = write_song(tmp_path / "b", form, 441.0)
    assert sound_identity(one) != sound_identity(other)


@pytest.mark.parametrize("form", SUFFIXES)
def test_a_single_changed_byte_of_sound_changes_it(form, tmp_path):
    data = song(form)
    path = tmp_path / "song"
    path.write_bytes(data)
    before = sound_identity(path)
    at = len(data) * 3 // 4
    if form in ("OGG", "OPUS"):  # of a page's content: behind its table of lengths
        at = data.rindex(b"OggS") + 27 + data[data.rindex(b"OggS") + 26] + 5
    if form == "M4A":
        at = data.index(b"mdat") + 500
    path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
    assert sound_identity(path) != before


def id3v1(title=b"Title"):
    return b"TAG" + title.ljust(124, b"\0") + b"\x11"


def ape(**items):
    file = io.BytesIO()
    tag = APEv2()
    for name, text in items.items():
        tag[name] = text
    tag.save(file)
    return file.getvalue()


def id3v2(version, *frames, padding=0, footer=False):
    data = io.BytesIO()
    tag = ID3()
    for frame in frames:
        tag.add(frame)
    tag.save(data, v2_version=version, padding=lambda info: padding)
    whole = data.getvalue()
    if footer:
        head = whole[:5] + bytes([whole[5] | 0x10]) + whole[6:10]
        return head + whole[10:] + b"3DI" + head[3:]
    return whole


LYRICS1 = b"LYRICSBEGIN" + b"la la la" * 20 + b"LYRICSEND"
LYRICS2 = b"LYRICSBEGIN" + b"LYR00005la la" + b"000024LYRICS200"
FRONT = [
    id3v2(3, TIT2(encoding=1, text=["é"])),
    id3v2(4, TCON(encoding=3, text=["Rock"]), padding=3000),
    id3v2(4, TIT2(encoding=3, text=["x"]), footer=True),
]
BACK = [id3v1(), b"TAG+" + bytes(223) + id3v1(), ape(Title="x"), LYRICS1 + id3v1()]
BACK += [LYRICS2 + id3v1(), id3v2(4, TIT2(encoding=3, text=["end"]), footer=True)]


@given(
    front=st.lists(st.sampled_from(FRONT), max_size=3),
    zeros=st.integers(0, 2000),
    back=st.lists(st.sampled_from(BACK), max_size=3),
)
@settings(deadline=None, max_examples=60)
def test_an_mp3_may_have_any_tags_in_front_and_behind(front, zeros, back):
    with tempfile.TemporaryDirectory() as room:
        path = write_song(Path(room, "song.mp3"), "MP3")
        bare = sound_identity(path)
        path.write_bytes(b"".join([*front, bytes(zeros), song("MP3"), *back]))
        assert sound_identity(path) == bare


def test_an_id3_tag_in_front_of_a_flac_or_behind_it_is_no_sound(tmp_path):
    path = write_song(tmp_path / "song.flac", "FLAC")
    bare = sound_identity(path)
    path.write_bytes(FRONT[1] + song("FLAC") + id3v1())
    assert sound_identity(path) == bare


def test_two_flacs_that_differ_in_their_sample_rate_alone_are_two_sounds(tmp_path):
    path = write_song(tmp_path / "song.flac", "FLAC")
    bare = sound_identity(path)
    data = bytearray(song("FLAC"))
    data[8 + 10] ^= 1
    path.write_bytes(data)
    assert sound_identity(path) != bare


@pytest.mark.parametrize("form", ["OGG", "OPUS"])
def test_the_pages_of_an_ogg_may_be_laid_out_anew(form, tmp_path):
    """As vorbiscomment does, which numbers and fills all pages again."""
    path = write_song(tmp_path / "song", form)
    before = sound_identity(path)
    pages = []
    with path.open("rb") as file:
        while True:
            try:
                pages.append(OggPage(file))
            except EOFError:
                break
    heads = {"OGG": 3, "OPUS": 2}[form]
    packets = OggPage.to_packets(pages)
    first = OggPage.from_packets(packets[:1])
    rest = [*OggPage.from_packets(packets[1:heads]), *OggPage.from_packets(packets[heads:], 0, 999)]
    laid = first + rest
    laid[0].first, laid[-1].last = True, True
    for number, page in enumerate(laid):
        page.sequence, page.serial = number, 77
        page.position = pages[-1].position if page is laid[-1] else page.position
    path.write_bytes(b"".join(page.write() for page in laid))
    assert len(laid) != len(pages)
    assert sound_identity(path) == before


def test_each_link_of_a_chained_ogg_counts(tmp_path):
    path = tmp_path / "song.ogg"
    found = set()
    for parts in (("OGG",), ("OGG", "OGG"), ("OGG", "OPUS")):
        path.write_bytes(b"".join(song(part) for part in parts))
        found.add(sound_identity(path))
    assert len(found) == 3


def test_zeros_behind_an_ogg_are_no_sound(tmp_path):
    path = write_song(tmp_path / "song.ogg", "OGG")
    before = sound_identity(path)
    path.write_bytes(song("OGG") + bytes(5000))
    assert sound_identity(path) == before


def test_flac_in_ogg_has_any_number_of_metadata_packets(tmp_path):
    def page(number, packets, flags=0):
        made = OggPage()
        made.packets, made.sequence, made.serial = packets, number, 5
        made.first = bool(flags)
        return made.write()

    head = b"\x7fFLAC\x01\0\0\x02fLaC" + b"\0\0\0\x22" + bytes(34)
    path, found = tmp_path / "song.oga", []
    for comments in ([b"\x84abc"], [b"\x04abcdef", b"\x86picture"]):
        frames = [b"\xff\xf8frame" * 30, b"\xff\xf8other"]
        path.write_bytes(page(0, [head], 1) + page(1, comments) + page(2, frames))
        found.append(sound_identity(path))
    path.write_bytes(page(0, [head], 1) + page(1, [b"\x84abc"]) + page(2, frames[:1]))
    assert found[0] == found[1] != sound_identity(path)


def test_an_mp4_whose_index_comes_first_is_the_same_sound(tmp_path):
    data = song("M4A")
    path = tmp_path / "song.m4a"
    path.write_bytes(data)
    before = sound_identity(path)
    at = data.index(b"mdat") - 4
    length = struct.unpack(">I", data[at : at + 4])[0]
    wide = struct.pack(">I4sQ", 1, b"mdat", length + 8) + data[at + 8 : at + length]
    path.write_bytes(data[:at] + struct.pack(">I4s", 108, b"free") + bytes(100) + wide)
    assert sound_identity(path) == before


def test_other_content_counts_as_a_whole(tmp_path):
    path = tmp_path / "song.rf64"
    path.write_bytes(sounds.encoded(sounds.tone(0.2), 44100, "RF64", "PCM_16"))
    one = sound_identity(path)
    path.write_bytes(path.read_bytes() + b"x")
    assert sound_identity(path) != one


def test_what_cannot_be_read_is_refused_in_words(tmp_path):
    with pytest.raises(FileMissing, match="no such file"):
        sound_identity(tmp_path / "none.mp3")
    with pytest.raises(FileUnreadable, match="folder"):
        sound_identity(tmp_path)
    (tmp_path / "empty.mp3").touch()
    with pytest.raises(NotAudio, match="empty"):
        sound_identity(tmp_path / "empty.mp3")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.mp3")
        with pytest.raises(FileUnreadable, match="pipe"):
            sound_identity(tmp_path / "pipe.mp3")


def damaged(rng):
    """A file of some format with a few bytes changed, cut, repeated or absurd."""
    data = bytearray(song(rng.choice(list(SUFFIXES))))
    if rng.random() < 0.3:
        data[:0] = rng.choice(FRONT)
    if rng.random() < 0.3:
        data += rng.choice(BACK)
    for _ in range(rng.choice((1, 2, 8, 40))):
        at = rng.choice((rng.randrange(len(data)), rng.randrange(min(200, len(data)))))
        change = rng.randrange(4)
        if change == 0:
            data[at] = rng.choice((0, 255, 127, 128, rng.randrange(256)))
        elif change == 1:
            del data[at : at + rng.choice((1, 4, 100, len(data) // 2))]
        elif change == 2:
            data[at:at] = data[at : at + rng.choice((4, 100, 5000))]
        else:
            data[at : at + 4] = rng.choice(
                (b"\xff" * 4, bytes(4), b"\x7f\xff\xff\xff", b"\0\0\0\1")
            )
        if not data:
            break
    return bytes(data)


@given(seed=st.integers(0, 2**32))
@settings(deadline=None, max_examples=300)
def test_a_damaged_file_has_an_identity_or_is_refused(seed):
    with tempfile.TemporaryDirectory() as room:
        path = Path(room, "song")
        path.write_bytes(damaged(random.Random(seed)))
        found = None
        with suppress(AudioError):
            found = sound_identity(path)
        assert found is None or len(bytes.fromhex(found)) == 16
        assert (found is None) == (path.stat().st_size == 0)


HOSTILE = {
    "chunks of no length": b"RIFF\xff\xff\xff\x7fWAVE" + b"abcd\0\0\0\0" * 1_000_000,
    "blocks of no length": b"fLaC" + bytes(8_000_000),
    "atoms of no content": b"\0\0\0\x08ftyp" + b"\0\0\0\x08free" * 1_000_000,
    "tags after tags": b"ID3\4\0\0\0\0\0\0" * 800_000,
    "tags before tags": bytes(100) + (b"TAG" + bytes(125)) * 60_000,
    "zeros": bytes(8_000_000),
    "streams": b"".join(
        b"OggS\0\2" + bytes(8) + struct.pack("<I", n) + bytes(8) + b"\0" for n in range(300_000)
    ),
    "a page of empty packets": (b"OggS\0\2" + bytes(20) + b"\xff" + bytes(255)) * 28_000,
    "a tag that claims all": b"ID3\4\0\0\x7f\x7f\x7f\x7f" + bytes(8_000_000),
    "lyrics that claim all": bytes(8_000_000) + b"999999LYRICS200",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_content_takes_little_memory_and_few_steps(name, tmp_path):
    path = tmp_path / "song"
    path.write_bytes(HOSTILE[name])
    sound_identity(path)  # what is imported once isn't counted
    tracemalloc.start()
    try:
        found = sound_identity(path)
        assert tracemalloc.get_traced_memory()[1] < 3_000_000
    finally:
        tracemalloc.stop()
    assert len(found) == 32


def test_a_tag_by_mutagen_keeps_the_identity_of_a_flac_with_an_id3_tag(tmp_path):
    path = write_song(tmp_path / "song.flac", "FLAC")
    before = sound_identity(path)
    path.write_bytes(FRONT[0] + song("FLAC"))
    file = FLAC(path)
    file["GENRE"] = ["Rock", "Pop"]
    file.save(deleteid3=True)
    assert sound_identity(path) == before


def test_an_mp4_with_much_in_its_tags_keeps_its_identity(tmp_path):
    path = write_song(tmp_path / "song.m4a", "M4A")
    before = sound_identity(path)
    file = MP4(path)
    file["----:com.apple.iTunes:MOOD"] = [b"x" * 70_000]
    file.save()
    assert sound_identity(path) == before


def test_text_of_ones_own_in_a_wav_keeps_its_identity(tmp_path):
    path = write_song(tmp_path / "song.wav", "WAV")
    before = sound_identity(path)
    file = mutagen.File(path)
    file.add_tags()
    file.tags.add(TXXX(encoding=3, desc="MOOD", text=["odd"]))
    file.save()
    assert sound_identity(path) == before
