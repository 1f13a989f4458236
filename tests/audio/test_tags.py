"""What files say of themselves: every format's tags and covers, damaged ones, hostile pictures."""

import base64
import io

import mutagen.apev2
import mutagen.asf
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mutagen.flac import FLAC, Picture
from mutagen.id3 import APIC, TALB, TCON, TIT2, TPE1
from mutagen.mp3 import MP3
from mutagen.oggvorbis import OggVorbis
from PIL import Image

from genre_engine.audio import tags
from tests import sounds


def picture(size=(300, 200), form="PNG", colour=(200, 30, 30)):
    drawn = io.BytesIO()
    Image.new("RGB", size, colour).save(drawn, form)
    return drawn.getvalue()


def tagged(form):
    """A file's bytes with title, artist, album, two genres and a cover."""
    cover = picture()
    file = io.BytesIO(sounds.encoded(sounds.tone(0.5), form=form))
    if form == "MP3":
        opened = MP3(file)
        opened.add_tags()
        for frame in (TIT2, TPE1, TALB):
            opened.tags.add(frame(encoding=3, text=[f"{frame.__name__} ü"]))
        opened.tags.add(TCON(encoding=3, text=["Folk", "17"]))
        opened.tags.add(APIC(encoding=0, mime="image/png", type=0, desc="other", data=b"other"))
        opened.tags.add(APIC(encoding=0, mime="image/png", type=3, desc="", data=cover))
    else:
        opened = FLAC(file) if form == "FLAC" else OggVorbis(file)
        opened["title"], opened["artist"], opened["album"] = "TIT2 ü", "TPE1 ü", "TALB ü"
        opened["genre"] = ["Folk", "Rock"]
        drawn = Picture()
        drawn.type, drawn.mime, drawn.data = 3, "image/png", cover
        if form == "FLAC":
            opened.add_picture(drawn)
        else:
            opened["metadata_block_picture"] = [base64.b64encode(drawn.write()).decode()]
    file.seek(0)
    opened.save(file)
    return file.getvalue()


@pytest.mark.parametrize("form", ["MP3", "FLAC", "OGG"])
@pytest.mark.parametrize("as_path", [False, True])
def test_title_artist_genres_and_cover_of_a_file_and_of_its_bytes(form, as_path, tmp_path):
    source = tagged(form)
    if as_path:
        (tmp_path / "song").write_bytes(source)
        source = tmp_path / "song"
    found = tags.read(source)
    assert (found.title, found.artist, found.album) == ("TIT2 ü", "TPE1 ü", "TALB ü")
    assert found.genres == ("Folk", "Rock")
    assert found.cover == picture()


def test_ape_and_asf_tags_are_read_by_the_same_names():
    ape = mutagen.apev2.APEv2()
    ape["Genre"] = ["Rock", "Pop"]
    ape["Artist"] = "x"
    assert tags._plain(ape) == {"genre": ["Rock", "Pop"], "artist": ["x"]}
    asf = mutagen.asf.ASFTags()
    asf["WM/Genre"] = ["Ska"]
    asf["Author"] = ["y"]
    assert tags._plain(asf) == {"genre": ["Ska"], "artist": ["y"]}


def test_a_file_without_tags_says_nothing_of_itself():
    assert tags.read(sounds.encoded(sounds.tone(0.5))) == tags.FileTags()


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "GIF"])
def test_a_cover_is_drawn_again_small_with_its_sides_as_they_were(form):
    drawn = Image.open(io.BytesIO(tags.thumbnail(picture(form=form))))
    assert (drawn.format, drawn.size) == ("JPEG", (96, 64))
    assert np.abs(np.asarray(drawn)[32, 48].astype(int) - [200, 30, 30]).max() < 12


@pytest.mark.parametrize(
    "hostile",
    [b"", b"no picture", picture()[:60], b"<svg xmlns='http://www.w3.org/2000/svg'/>"],
)
def test_a_cover_that_is_no_picture_is_left_out(hostile):
    assert tags.thumbnail(hostile) is None


def test_a_picture_of_more_pixels_than_memory_should_hold_is_not_decoded():
    head = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(head, "PNG")
    assert len(head.getvalue()) < 1_000_000
    assert tags.thumbnail(head.getvalue()) is None


MP3_BYTES, FLAC_BYTES = tagged("MP3"), tagged("FLAC")


@given(
    source=st.sampled_from([MP3_BYTES, FLAC_BYTES]),
    at=st.integers(0, 1500),
    put=st.binary(min_size=1, max_size=40),
)
def test_damaged_tags_raise_nothing_and_give_text_or_nothing(source, at, put):
    found = tags.read(source[:at] + put + source[at + len(put) :])
    for text in (found.title, found.artist, found.album, *found.genres):
        assert text is None or text.encode("utf-8")
    if found.cover is not None:
        tags.thumbnail(found.cover)


def test_a_tag_that_ends_too_early_is_no_tag_in_a_file_either(tmp_path):
    path = tmp_path / "song.mp3"
    path.write_bytes(b"ID3\4\0\0\0\0\x7f\x7f" + bytes(100))
    assert tags.read(path) == tags.read(path.read_bytes()) == tags.FileTags()
    with pytest.raises(FileNotFoundError):
        tags.read(tmp_path / "none.mp3")
