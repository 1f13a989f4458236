"""Of each format's tags only what was asked for changes; all else stays byte for byte."""

import io
import random
import shutil
import struct
import subprocess
import tempfile
from pathlib import Path

import mutagen
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mutagen.flac import FLAC, Picture
from mutagen.id3 import APIC, COMM, GEOB, ID3, POPM, PRIV, TALB, TCON, TIT2, TPE1, TXXX
from mutagen.mp4 import MP4, MP4Cover
from mutagen.oggvorbis import OggVorbis

from genre_engine.audio import tags as audio_tags
from genre_engine.errors import TagsError
from genre_engine.library import tag_frames
from genre_engine.library.identity import sound_identity
from genre_engine.library.tag_formats.id3 import Id3Tag
from genre_engine.library.tag_formats.splices import Splice, pieces
from tests.library.songs import SUFFIXES, song
from tests.library.test_identity import damaged, id3v1

GENRES = ("Jazz", "Blues")


def changed(data, values, suffix=""):
    """The bytes of a file after a change of its tags; its sound must be the same."""
    with tempfile.TemporaryDirectory() as room:
        path = Path(room, f"song{suffix}")
        path.write_bytes(data)
        sound = sound_identity(path)
        with tag_frames.opened_tags(path) as tags:
            splices = tags.splices(tag_frames.encoded(tags, values))
        assert all(data[one.at : one.at + len(one.old)] == one.old for one in splices)
        new = spliced(data, splices)
        path.write_bytes(new)
        assert sound_identity(path) == sound
        found = tag_frames.read(path)
        for field, texts in values.items():
            assert tag_frames.names(found[field]) == tag_frames.names(texts)
        return new


def spliced(data, splices):
    return b"".join(
        one if isinstance(one, bytes) else data[one[0] : one[1]]
        for one in pieces(splices, len(data))
    )


def opened(data, suffix=""):
    file = io.BytesIO(data)
    file.name = f"song{suffix}"
    return mutagen.File(file)


# ID3


def frame(name, body, version=3, flags=b"\0\0", sevens=True):
    if version == 2:
        return name.encode() + len(body).to_bytes(3, "big") + body
    size = len(body)
    if version == 4 and sevens:
        coded = bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0))
    else:
        coded = size.to_bytes(4, "big")
    return name.encode() + coded + flags + body


def tag(version, content, flags=0, footer=b""):
    size = bytes(len(content) >> shift & 0x7F for shift in (21, 14, 7, 0))
    head = bytes([version, 0, flags]) + size
    return b"ID3" + head + content + (b"3DI" + head if flags & 0x10 else b"")


def frames_of(data):
    """Each frame's bytes, with what the tag itself knows of them."""
    found = Id3Tag(data[: 10 + sum((data[6 + i] & 0x7F) << 7 * (3 - i) for i in range(4))])
    return [found._data[start:end] for _, start, _, end in found._names]


OTHERS = {
    3: [
        frame("TIT2", b"\1\xff\xfet\0\xe9\0"),
        frame("TIT2", b"\0a second one, which is not allowed"),
        frame("POPM", b"me@here\0\xc4\0\0\0\7"),
        frame("XYZQ", b"who knows\0\xff\xe0"),
        frame("TYER", b"\x001999"),
        frame("PRIV", b"owner\0\0\1\2\3", flags=b"\x60\x20" + b""),
        frame("APIC", b"\0image/png\0\3\0" + bytes(range(256)) * 20),
    ],
    4: [
        frame("TIT2", b"\3t\xc3\xa9", 4),
        frame("POPM", b"me@here\0\xc4\0\0\0\7", 4),
        frame("XYZQ", bytes(200), 4),
        frame("TDRC", b"\x031999-05", 4),
        frame("TXXX", b"\3MOODY\0no mood", 4, flags=b"\0\1" + b""),
        frame("APIC", b"\0image/png\0\3\0" + bytes(range(256)) * 20, 4),
    ],
    2: [
        frame("TT2", b"\0title", 2),
        frame("PIC", b"\0PNG\3\0" + bytes(999), 2),
        frame("XYZ", b"what", 2),
    ],
}
TCON_NAMES = {2: "TCO", 3: "TCON", 4: "TCON"}


@pytest.mark.parametrize("version", OTHERS)
@given(data=st.data())
@settings(deadline=None, max_examples=40)
def test_all_other_frames_of_an_id3_tag_stay_byte_for_byte(version, data):
    others = data.draw(st.permutations(OTHERS[version]))
    at = data.draw(st.integers(0, len(others)))
    old = [frame(TCON_NAMES[version], b"\0(17)", version)] * data.draw(st.integers(0, 2))
    padding = bytes(data.draw(st.sampled_from([0, 3, 40, 2000])))
    whole = tag(version, b"".join([*others[:at], *old, *others[at:]]) + padding) + song("MP3")
    values = {"genre": GENRES, "mood": ("calm",), "bpm": ("99",), "key": ("Am",)}
    new = changed(whole, values, ".mp3")
    assert new[3] == version
    assert new.endswith(song("MP3"))
    assert [one for one in frames_of(new) if one in others] == list(others)
    with tempfile.TemporaryDirectory() as room:
        path = Path(room, "song.mp3")
        path.write_bytes(new)
        assert audio_tags.read(path).genres == GENRES
    if len(padding) == 2000:
        assert len(new) == len(whole)


def test_each_version_of_id3_parts_genres_in_its_own_way():
    for version, text in ((2, b"\0Jazz; Blues"), (3, b"\0Jazz; Blues"), (4, b"\3Jazz\0Blues")):
        new = changed(tag(version, OTHERS[version][0]) + song("MP3"), {"genre": GENRES})
        assert frame(TCON_NAMES[version], text, version) in new


def test_signs_beyond_ascii_are_written_as_each_version_of_id3_can():
    for version in (2, 3, 4):
        new = changed(tag(version, OTHERS[version][0]) + song("MP3"), {"genre": ("Müsik", "日本")})
        assert opened(new)["TCON"].text[0].startswith("Müsik")


def test_a_bracket_is_no_number_of_id3s_old_list():
    new = changed(tag(3, OTHERS[3][0]) + song("MP3"), {"genre": ("(17) bits",)})
    # mutagen's own translation to 2.4 would read the brackets twice.
    assert ID3(io.BytesIO(new), translate=False)["TCON"].genres == ["(17) bits"]


def test_a_mood_in_a_frame_of_ones_own_is_replaced_where_it_stands():
    mine = frame("TXXX", b"\0mood\0sad")
    new = changed(tag(3, mine + OTHERS[3][2]) + song("MP3"), {"mood": ("happy",)})
    assert opened(new)["TXXX:MOOD"].text == ["happy"]
    assert b"sad" not in new
    assert OTHERS[3][2] in new


@pytest.mark.parametrize("version", [2, 3])
def test_a_tag_with_zeros_against_false_syncs_keeps_them(version):
    content = b"".join(OTHERS[version]) + frame(
        "XYZQ"[: 3 + (version > 2)], b"\xff\xe0\xff\0", version
    )
    unsynced = content.replace(b"\xff\0", b"\xff\0\0").replace(b"\xff\xe0", b"\xff\0\xe0")
    if version == 3:
        unsynced = Id3Tag(tag(3, content))._data[10:]
        import re

        unsynced = re.sub(rb"\xff(?=[\xe0-\xff\0]|\Z)", b"\xff\0", unsynced)
    new = changed(tag(version, unsynced, 0x80) + song("MP3"), {"genre": ("Ünder", "Jazz")})
    assert new[5] == 0x80
    assert frames_of(new)[:-1] == frames_of(tag(version, unsynced, 0x80))
    assert audio_tags.read(new).genres == ("Ünder", "Jazz")


def test_an_extended_header_knows_the_padding_and_a_checksum_is_not_made_wrong():
    extended = struct.pack(">IHI", 6, 0, 50)
    new = changed(
        tag(3, extended + OTHERS[3][0] + bytes(50), 0x40) + song("MP3"), {"genre": ("Ab",)}
    )
    assert struct.unpack(">I", new[16:20])[0] == 50 - len(frame("TCON", b"\0Ab"))
    extended = struct.pack(">IHII", 10, 0x8000, 0, 1)
    with pytest.raises(TagsError, match="checksum"):
        changed(tag(3, extended + OTHERS[3][0], 0x40) + song("MP3"), {"genre": ("Ab",)})


def test_a_footer_says_what_the_header_says():
    new = changed(tag(4, OTHERS[4][0], 0x10) + song("MP3"), {"genre": GENRES})
    end = len(new) - len(song("MP3"))
    assert new[end - 10 : end - 7] == b"3DI"
    assert new[end - 7 : end] == new[3:10]


def test_frames_with_sizes_as_itunes_once_wrote_them_are_understood():
    big = frame("PRIV", b"x\0" + bytes(range(256)), 4, sevens=False)
    new = changed(tag(4, big + frame("TCON", b"\0Old", 4)) + song("MP3"), {"genre": GENRES})
    assert big in new


def test_id3v1_stays_and_what_it_says_goes_into_a_new_tag():
    old = b"TAG" + b"Song".ljust(30, b"\0") + b"Artist".ljust(30, b"\0") + bytes(64) + b"\x11"
    whole = song("MP3") + old
    with tempfile.TemporaryDirectory() as room:
        path = Path(room, "song.mp3")
        path.write_bytes(whole)
        assert tag_frames.read(path)["genre"] == ("Rock",)
    new = changed(whole, {"genre": GENRES})
    assert new.endswith(whole)
    found = ID3(io.BytesIO(new), load_v1=False)
    assert (str(found["TIT2"]), str(found["TPE1"])) == ("Song", "Artist")
    assert found.version == (2, 4, 0)
    assert found["TCON"].text == list(GENRES)


def test_what_mutagen_wrote_is_kept_when_mutagen_reads_it_again():
    made = io.BytesIO(song("MP3"))
    written = ID3()
    for one in (
        TIT2(encoding=3, text=["t"]),
        TPE1(encoding=1, text=["a", "b"]),
        TALB(encoding=0, text=["x"]),
        COMM(encoding=3, lang="eng", desc="d", text=["c"]),
        POPM(email="e", rating=7, count=9),
        PRIV(owner="o", data=b"\0\1"),
        GEOB(encoding=0, mime="m", filename="f", desc="d", data=b"123"),
        APIC(encoding=3, mime="image/png", type=3, desc="", data=bytes(9)),
        TXXX(encoding=3, desc="own", text=["v"]),
        TCON(encoding=3, text=["Old"]),
    ):
        written.add(one)
    written.save(made)
    new = changed(made.getvalue(), {"genre": GENRES})
    found = ID3(io.BytesIO(new))
    assert found.pop("TCON").text == list(GENRES)
    written.pop("TCON")
    assert {key: repr(one) for key, one in found.items()} == {
        key: repr(one) for key, one in written.items()
    }


# Vorbis comments


def flac_blocks(data):
    at, found, last = 4, [], False
    while not last:
        last = bool(data[at] & 0x80)
        length = int.from_bytes(data[at + 1 : at + 4], "big")
        found.append((data[at] & 0x7F, data[at + 4 : at + 4 + length]))
        at += 4 + length
    return found, data[at:]


def flac_of(blocks, sound):
    parts = [b"fLaC"]
    for number, (kind, content) in enumerate(blocks):
        last = 0x80 * (number == len(blocks) - 1)
        parts.append(bytes([kind | last]) + len(content).to_bytes(3, "big") + content)
    return b"".join([*parts, sound])


def comments(*pairs, vendor=b"some \xff program"):
    coded = [len(one).to_bytes(4, "little") + one for one in pairs]
    return (
        len(vendor).to_bytes(4, "little") + vendor + struct.pack("<I", len(pairs)) + b"".join(coded)
    )


KEPT = [b"title=caf\xe9 \xff", b"Artist=A", b"RATING=80", b"noequals", b"GENRES=not a genre"]


@given(data=st.data())
@settings(deadline=None, max_examples=40)
def test_all_other_blocks_and_comments_of_a_flac_stay_byte_for_byte(data):
    blocks, sound = flac_blocks(song("FLAC"))
    info = blocks[0]
    mine = data.draw(st.permutations([*KEPT, b"genre=Old", b"GENRE=Older"]))
    others = [(2, b"APPLapplication"), (6, bytes(300)), (4, comments(*mine)), (99, b"?")]
    padding = data.draw(st.sampled_from([[], [(1, bytes(10))], [(1, bytes(5000))]]))
    made = [info, *data.draw(st.permutations([*others, *padding]))]
    genres = tuple(data.draw(st.lists(st.text("abcé", min_size=1), min_size=1, max_size=3)))
    values = {"genre": genres, "bpm": ("90",)}
    whole = flac_of(made, sound)
    new = changed(whole, values, ".flac")
    found, new_sound = flac_blocks(new)
    assert new_sound == sound
    assert [kind for kind, _ in found] == [kind for kind, _ in made]
    for (kind, content), (_, old) in zip(found, made, strict=True):
        if kind not in (1, 4):
            assert content == old
    content = next(content for kind, content in found if kind == 4)
    old = [one for one in mine if not one.lower().startswith(b"genre=")]
    assert content.startswith(comments(vendor=b"some \xff program")[:-4])
    places = [content.index(len(one).to_bytes(4, "little") + one) for one in old]
    assert places == sorted(places)
    if padding and len(padding[0][1]) == 5000:
        assert len(new) == len(whole)


def test_a_flac_without_comments_gets_a_block_of_them():
    blocks, sound = flac_blocks(song("FLAC"))
    for made in ([blocks[0]], [blocks[0], (1, bytes(100))]):
        new = changed(flac_of(made, sound), {"genre": GENRES}, ".flac")
        assert FLAC(io.BytesIO(new))["genre"] == list(GENRES)


def test_a_flacs_pictures_stay():
    file = io.BytesIO(song("FLAC"))
    flac = FLAC(file)
    picture = Picture()
    picture.data, picture.mime = bytes(range(256)) * 100, "image/png"
    flac.add_picture(picture)
    file.seek(0)
    flac.save(file)
    new = changed(file.getvalue(), {"genre": GENRES})
    assert FLAC(io.BytesIO(new)).pictures[0].data == picture.data


@pytest.mark.parametrize("form", ["OGG", "OPUS"])
@pytest.mark.parametrize("picture", [0, 3_000, 70_000, 200_000])
def test_an_oggs_pages_are_as_many_as_before_or_numbered_again(form, picture):
    file = io.BytesIO(song(form))
    ogg = opened(song(form), SUFFIXES[form])
    if picture:
        ogg["metadata_block_picture"] = ["A" * picture]
    ogg["title"] = ["t"]
    ogg.save(file)
    data = file.getvalue()
    for length in (3, 250, 30_000, 250_000, 3):
        data = changed(data, {"genre": ("x" * length,)}, SUFFIXES[form])
        found = opened(data, SUFFIXES[form])
        assert found["genre"] == ["x" * length]
        assert found["title"] == ["t"]
        assert page_numbers(data) == list(range(len(page_numbers(data))))
        if picture:
            assert found["metadata_block_picture"] == ["A" * picture]
        if shutil.which("ffprobe"):
            assert ffprobe(data, SUFFIXES[form]) == ""


def page_numbers(data):
    """The number of each page; its checksum must be right."""
    from mutagen.ogg import OggPage

    file, found = io.BytesIO(data), []
    while file.tell() < len(data):
        start = file.tell()
        page = OggPage(file)
        assert page.write() == data[start : file.tell()]
        found.append(page.sequence)
    return found


def ffprobe(data, suffix):
    """What ffmpeg has to say against a file while it decodes all of it."""
    with tempfile.TemporaryDirectory() as room:
        path = Path(room, f"song{suffix}")
        path.write_bytes(data)
        done = subprocess.run(
            ["ffmpeg", "-v", "error", "-i", str(path), "-map", "0:a", "-f", "null", "-"],
            capture_output=True,
            text=True,
            timeout=60,
        )
        noise = ("attached picture", "Invalid PNG")
        return "\n".join(
            line for line in done.stderr.splitlines() if not any(one in line for one in noise)
        )


def test_only_the_first_link_of_a_chained_ogg_changes():
    new = changed(song("OGG") + song("OPUS"), {"genre": ("x" * 100_000,)})
    assert new.endswith(song("OPUS"))


def test_a_large_comment_in_an_ogg_goes_and_comes_back():
    file = io.BytesIO(song("OGG"))
    ogg = OggVorbis(file)
    ogg["genre"] = ["x" * 200_000]
    ogg.save(file)
    new = changed(file.getvalue(), {"genre": ("Jazz",)})
    assert OggVorbis(io.BytesIO(new))["genre"] == ["Jazz"]


# MP4


def mp4_with(**options):
    """An M4A with covers and more by mutagen; `first`: moov before the sound."""
    with tempfile.TemporaryDirectory() as room:
        path = Path(room, "song.m4a")
        path.write_bytes(song("M4A"))
        file = MP4(path)
        file["covr"] = [MP4Cover(bytes(range(256)) * 30)]
        file["----:own:thing"] = [b"kept"]
        file["rtng"] = [1]
        file["©gen"] = ["Old", "Older"]
        padding = options.get("padding", 0)
        file.save(padding=lambda info: padding)
        if options.get("first"):
            made = Path(room, "first.m4a")
            subprocess.run(
                [
                    *("ffmpeg", "-v", "error", "-i", str(path), "-map", "0:a", "-c", "copy"),
                    *("-movflags", "+faststart", str(made)),
                ],
                check=True,
                timeout=60,
            )
            path = made
            file = MP4(path)
            file["rtng"], file["----:own:thing"] = [1], [b"kept"]
            file.save(padding=lambda info: padding)
        return path.read_bytes()


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("padding", [0, 20, 2000])
@pytest.mark.parametrize("genre", ["", "x", "x" * 3000])
def test_an_m4as_other_atoms_and_its_sound_stay(first, padding, genre):
    song("M4A")
    whole = mp4_with(first=first, padding=padding)
    values = {
        "genre": (genre,) if genre else (),
        "mood": ("calm",),
        "bpm": ("120",),
        "key": ("Am",),
    }
    new = changed(whole, values, ".m4a")
    before, after = MP4(io.BytesIO(whole)), MP4(io.BytesIO(new))
    assert after.get("©gen", []) == ([genre] if genre else [])
    assert after["tmpo"] == [120]
    assert after["----:own:thing"] == [b"kept"]
    for key in set(before.tags) - {"©gen"}:
        assert after[key] == before[key]
    assert decoded(new) == decoded(whole)


def decoded(data):
    with tempfile.TemporaryDirectory() as room:
        path = Path(room, "song.m4a")
        path.write_bytes(data)
        done = subprocess.run(
            ["ffmpeg", "-v", "error", "-i", str(path), "-map", "0:a", "-f", "md5", "-"],
            capture_output=True,
            check=True,
            timeout=60,
        )
        return done.stdout


def atom(name, content):
    return (8 + len(content)).to_bytes(4, "big") + name + content


def test_an_m4a_without_tags_gets_the_atoms_that_hold_them():
    data = song("M4A")
    at = data.index(b"moov") - 4
    moov = data[at : at + int.from_bytes(data[at : at + 4], "big")]
    udta = moov.index(b"udta") - 4
    bare = atom(b"moov", moov[8:udta])
    for content in (bare[8:], bare[8:] + atom(b"udta", b""), bare[8:] + atom(b"udta", bytes(4))):
        whole = data[:at] + atom(b"moov", content) + data[at + len(moov) :]
        new = changed(whole, {"genre": GENRES}, ".m4a")
        assert decoded(new) == decoded(data)
        if not content.endswith(b"udta" + bytes(4)):  # which mutagen can't read
            assert MP4(io.BytesIO(new))["©gen"] == list(GENRES)


def test_an_old_number_of_a_genre_makes_room_for_its_name():
    data = song("M4A")
    value = atom(b"data", bytes(8) + b"\0\x12")
    whole = data.replace(*_list_with(data, atom(b"gnre", value)))
    with tempfile.TemporaryDirectory() as room:
        path = Path(room, "song.m4a")
        path.write_bytes(whole)
        assert tag_frames.read(path)["genre"] == ("Rock",)
    new = changed(whole, {"genre": GENRES}, ".m4a")
    assert b"gnre" not in new
    assert MP4(io.BytesIO(new))["©gen"] == list(GENRES)


def _list_with(data, item):
    """The index of an M4A, and the same with one more item in its list."""
    at = data.index(b"moov") - 4
    moov = data[at : at + int.from_bytes(data[at : at + 4], "big")]
    new = bytearray(moov)
    for name in (b"moov", b"udta", b"meta", b"ilst"):
        place = moov.index(name) - 4
        size = int.from_bytes(moov[place : place + 4], "big") + len(item)
        new[place : place + 4] = size.to_bytes(4, "big")
    place = moov.index(b"ilst") - 4
    end = place + int.from_bytes(moov[place : place + 4], "big")
    return moov, bytes(new[:end] + item + new[end:])


# WAV and AIFF


def chunk(name, content, order="<"):
    return name + struct.pack(f"{order}I", len(content)) + content + bytes(len(content) % 2)


def wav_with(*chunks):
    data = song("WAV")
    content = data[12:] + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", 4 + len(content)) + b"WAVE" + content


@pytest.mark.parametrize("genre", [b"Old", b"Odd.", b"Four five"])
@pytest.mark.parametrize("new", [("A",), ("Ab",), ("Jazz", "Ünder")])
def test_the_genre_in_a_wavs_own_list_changes_with_that_in_its_id3_tag(genre, new):
    info = chunk(b"LIST", b"INFO" + chunk(b"INAM", b"Name\0") + chunk(b"IGNR", genre + b"\0"))
    whole = wav_with(info, chunk(b"cue ", bytes(4)))
    with tempfile.TemporaryDirectory() as room:
        path = Path(room, "song.wav")
        path.write_bytes(whole)
        assert tag_frames.read(path)["genre"] == (genre.decode(),)
    data = changed(whole, {"genre": new}, ".wav")
    assert struct.unpack("<I", data[4:8])[0] == len(data) - 8
    assert chunk(b"cue ", bytes(4)) in data
    assert chunk(b"INAM", b"Name\0") in data
    listed = "; ".join(new).encode() + b"\0"
    assert chunk(b"IGNR", listed) in data
    assert opened(data, ".wav").tags["TCON"].text == list(new)


@pytest.mark.parametrize("length", range(1, 5))
def test_chunks_begin_at_even_places(length):
    mine = tag(3, frame("TCON", b"\0" + b"x" * length))
    for whole in (
        wav_with(chunk(b"id3 ", mine), chunk(b"cue ", bytes(4))),
        wav_with(chunk(b"id3 ", mine)),
    ):
        new = changed(whole, {"genre": ("Jazz Rock",)}, ".wav")
        assert struct.unpack("<I", new[4:8])[0] == len(new) - 8
        assert opened(new, ".wav").tags["TCON"].text == ["Jazz Rock"]


def test_a_chunk_of_an_odd_length_at_the_end_of_an_aiff_gets_its_zero():
    data = song("AIFF")
    content = data[12:] + b"NAME" + struct.pack(">I", 3) + b"abc"
    whole = b"FORM" + struct.pack(">I", 4 + len(content)) + b"AIFF" + content
    new = changed(whole, {"genre": GENRES}, ".aiff")
    assert opened(new, ".aiff").tags["TCON"].text == list(GENRES)


# All


@pytest.mark.parametrize("form", SUFFIXES)
def test_the_same_values_again_change_nothing(form):
    values = {"genre": GENRES, "mood": ("calm",), "bpm": ("99",), "key": ("Am",)}
    new = changed(song(form), values, SUFFIXES[form])
    assert changed(new, values, SUFFIXES[form]) == new


@pytest.mark.parametrize("form", SUFFIXES)
def test_fields_can_be_emptied(form):
    values = {"genre": GENRES, "mood": ("calm",), "bpm": ("99",), "key": ("Am",)}
    new = changed(song(form), values, SUFFIXES[form])
    changed(new, dict.fromkeys(values, ()), SUFFIXES[form])


@pytest.mark.parametrize(
    "data",
    [
        b"ID3\4\0\0\x7f\x7f\x7f\x7f" + bytes(100),
        tag(4, b"TCON\0\0\0\x7f\0\0") + song("MP3"),
        tag(5, b"") + song("MP3"),
        tag(3, frame("TIT2", b"\0x") + b"junk that is no frame") + song("MP3"),
        song("WAV")[:2000],
        song("FLAC")[:30],
        song("OGG")[:60],
        b"RF64" + song("WAV")[4:],
        b"\x1a\x45\xdf\xa3" + bytes(100),
        b"plain text, and no sound at all",
    ],
    ids=(
        "id3 length",
        "frame length",
        "id3 version",
        "junk",
        "wav",
        "flac",
        "ogg",
        "rf64",
        "mkv",
        "text",
    ),
)
def test_what_cannot_be_written_safely_is_refused_in_words(data, tmp_path):
    path = tmp_path / "song"
    path.write_bytes(data)
    with pytest.raises(TagsError, match=r"[a-z]+.*\."), tag_frames.opened_tags(path):
        pass


@given(seed=st.integers(0, 2**32))
@settings(deadline=None, max_examples=300)
def test_a_damaged_file_is_refused_or_stays_whole_but_for_the_items(seed):
    data = damaged(random.Random(seed))
    if not data:
        return
    with tempfile.TemporaryDirectory() as room:
        path = Path(room, "song")
        path.write_bytes(data)
        try:
            with tag_frames.opened_tags(path) as tags:
                splices = tags.splices(tag_frames.encoded(tags, {"genre": GENRES}))
            new = spliced(data, splices)
        except TagsError as error:
            new = str(error).encode()
        assert new


def test_splices_that_overlap_are_refused():
    with pytest.raises(TagsError, match="safely"):
        pieces([Splice(0, b"abc", b""), Splice(2, b"c", b"")], 10)
    with pytest.raises(TagsError, match="safely"):
        pieces([Splice(9, b"abc", b"")], 10)


def test_an_id3v1_tag_alone_says_its_genre(tmp_path):
    path = tmp_path / "song.mp3"
    path.write_bytes(song("MP3") + id3v1())
    assert tag_frames.read(path)["genre"] == ("Rock",)
