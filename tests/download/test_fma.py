"""FMA's zips from a server on loopback: resumed, checked, unpacked with care."""

import dataclasses
import hashlib
import random
import shutil
import stat
import struct
import zipfile

import pytest

from genre_engine import datasets
from genre_engine.download import fma, zip_members
from genre_engine.download.zip_members import DamagedZip, Limits
from genre_engine.errors import DownloadError, StorageError, WrongUsage
from genre_engine.storage import workspace as workspace_module
from genre_engine.web.fetch import Retry
from tests.download import fma_zips
from tests.download.fma_zips import CLIPS, METADATA, zipped
from tests.download.jamendo_server import Server


@pytest.fixture
def server():
    with Server() as made:
        fma_zips.put(made)
        yield made


@pytest.fixture
def retry():
    return Retry(attempts=3, first_wait_s=0, jitter=0, sleep=lambda _: None)


def there(folder):
    """Names and bytes below a folder, without what is hidden."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(".")
    }


def test_the_tables_are_unpacked_and_nothing_else(server, tmp_path, retry):
    seen = []
    fetched = fma.fma_metadata(
        tmp_path / "to",
        base_url=server.url,
        retry=retry,
        progress=lambda name, done, total: seen.append((name, done, total)),
    )
    assert [path.name for path in fetched] == ["tracks.csv", "genres.csv"]
    wanted = ("README.txt", "tracks.csv", "genres.csv")
    expected = {f"fma_metadata/{name}": METADATA[f"fma_metadata/{name}"] for name in wanted}
    assert there(tmp_path / "to") == expected
    total = sum(map(len, expected.values()))
    assert seen[-1] == ("unpacking fma_metadata.zip", total, total)


def test_what_was_fetched_is_a_data_set(server, retry):
    fma.fma_metadata(base_url=server.url, retry=retry)
    assert fma.fma_small(base_url=server.url, retry=retry).name == "fma_small"
    dataset = datasets.import_fma("f", workspace_module.fma_folder())
    assert len(dataset.tracks) == 3
    assert dataset.audio_path("000/000002.mp3").read_bytes() == CLIPS["fma_small/000/000002.mp3"]
    assert dataset.notes == ()


def test_what_is_there_is_not_fetched_again_unless_some_of_it_is_gone(server, tmp_path, retry):
    for _ in range(2):
        fma.fma_small(tmp_path, base_url=server.url, retry=retry)
    assert len(server.asked("/fma_small.zip")) == 1
    (tmp_path / "fma_small" / "000" / "000005.mp3").unlink()
    kept = (tmp_path / "fma_small" / "000" / "000002.mp3").stat()
    fma.fma_small(tmp_path, base_url=server.url, retry=retry)
    assert len(server.asked("/fma_small.zip")) == 2
    assert there(tmp_path) == CLIPS
    again = (tmp_path / "fma_small" / "000" / "000002.mp3").stat()
    assert again.st_ino == kept.st_ino
    (tmp_path / ".fma_small.json").write_text('{"sizes": {"../x": 1}}')
    fma.fma_small(tmp_path, base_url=server.url, retry=retry)
    assert len(server.asked("/fma_small.zip")) == 3


def test_a_cut_download_goes_on_where_it_stood(server, tmp_path):
    whole = server.files["/fma_small.zip"]
    server.faults["/fma_small.zip"] = [("cut", 100), *[("cut", 0)] * 5]
    once = Retry(attempts=1, sleep=lambda _: None)
    with pytest.raises(DownloadError, match="what has come is kept"):
        fma.fma_small(tmp_path, base_url=server.url, retry=once)
    server.faults.clear()
    fma.fma_small(tmp_path, base_url=server.url, retry=once)
    assert server.asked("/fma_small.zip")[-1][2:] == ["bytes=100-", 206, len(whole) - 100]
    assert there(tmp_path) == CLIPS


def test_unpacking_that_was_cut_off_goes_on_with_what_is_missing(server, tmp_path, monkeypatch):
    stopped = RuntimeError("killed")

    def stop(name, done, total):
        if name.startswith("unpacking") and done > 5000:
            raise stopped

    with pytest.raises(RuntimeError):
        fma.fma_small(tmp_path, base_url=server.url, progress=stop)
    assert set(there(tmp_path)) == {"fma_small.zip", "fma_small/000/000002.mp3"}
    fma.fma_small(tmp_path, base_url=server.url)
    assert len(server.asked("/fma_small.zip")) == 1
    assert there(tmp_path) == CLIPS
    assert not list((tmp_path / "fma_small" / "000").glob(".*"))


def test_the_published_sum_is_checked_at_the_usual_address(server, tmp_path, retry, monkeypatch):
    monkeypatch.setattr(fma, "FMA_URL", f"{server.url}/")
    with pytest.raises(DownloadError, match=r"its sha1 is .* instead of f0df49ffe5f2"):
        fma.fma_metadata(tmp_path, retry=retry)
    assert there(tmp_path) == {}
    digest = hashlib.sha1(server.files["/fma_metadata.zip"]).hexdigest()
    monkeypatch.setattr(fma, "METADATA", dataclasses.replace(fma.METADATA, sha1=digest))
    assert len(fma.fma_metadata(tmp_path, retry=retry)) == 2


def test_the_address_can_come_from_the_environment(server, retry, monkeypatch):
    monkeypatch.setenv(fma.FMA_VARIABLE, server.url)
    assert fma.fma_metadata(retry=retry)[0].is_file()
    with pytest.raises(WrongUsage, match="no address of the web"):
        fma.fma_metadata(base_url="file:///etc")


def test_a_disk_without_room_is_said_before_anything_is_fetched(server, tmp_path, monkeypatch):
    full = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: full)
    # At another address the size is known only when the zip is there.
    with pytest.raises(StorageError, match=r"the disk has 0\.0 GB left"):
        fma.fma_small(tmp_path, base_url=server.url)
    asked = len(server.answered())
    monkeypatch.setattr(fma, "FMA_URL", f"{server.url}/")
    with pytest.raises(StorageError, match=r"takes 15\.7 GB .* --to"):
        fma.fma_small(tmp_path)
    assert len(server.answered()) == asked
    assert set(there(tmp_path)) == {"fma_small.zip"}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"<html>not here</html>", "it isn't a zip"),
        (zipped(METADATA)[:-30], "it isn't a zip, or it was cut short"),
        (zipped({"fma_metadata/tracks.csv": b"x"}), r"holds no genres\.csv"),
        (zipped({}), r"holds no tracks\.csv"),
    ],
)
def test_another_file_is_refused_and_not_kept(server, tmp_path, retry, body, message):
    server.files["/fma_metadata.zip"] = body
    with pytest.raises(DownloadError, match=message):
        fma.fma_metadata(tmp_path, base_url=server.url, retry=retry)
    assert "fma_metadata.zip" not in there(tmp_path)


def link(name):
    info = zipfile.ZipInfo(name)
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


def locked(data):
    """A zip whose members say that they have a password."""
    data = bytearray(data)
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.find(mark)
        while at >= 0:
            data[at + place] |= 1
            at = data.find(mark, at + 4)
    return bytes(data)


TRACKS = "fma_metadata/tracks.csv"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (zipped({TRACKS: b"x", "../evil": b"x"}), "leads out"),
        (zipped({TRACKS: b"x", "/etc/evil": b"x"}), "leads out"),
        (zipped({TRACKS: b"x", "fma_metadata/..\\evil": b"x"}), "leads out"),
        (zipped({TRACKS: b"x", "C:/evil": b"x"}), "drive's letter"),
        (zipped({link(TRACKS): b"/etc/passwd"}), "is a link"),
        (locked(zipped({TRACKS: b"x"})), "locked with a password"),
        (zipped({TRACKS: b"x"}, zipfile.ZIP_LZMA), "compressed in a way unknown here"),
        (zipped({TRACKS: b"0" * 2000}), "unpacks to more than it should"),
        (zipped({f"fma_metadata/{n}": b"" for n in range(11)}), "11 members are more"),
        (zipped({TRACKS: b"0" * 800, "fma_metadata/genres.csv": b"0" * 800}), "it unpacks to more"),
    ],
)
def test_a_zip_that_holds_what_it_must_not_is_refused_as_a_whole(tmp_path, data, message):
    (tmp_path / "a.zip").write_bytes(data)
    limits = Limits(members=10, member_bytes=1000, total_bytes=1500)
    with pytest.raises(DamagedZip, match=message):
        zip_members.unpack(
            tmp_path / "a.zip", tmp_path / "to", wanted=fma.METADATA.wanted, limits=limits
        )
    assert not (tmp_path / "to").exists()
    assert not (tmp_path / "evil").exists()


def test_a_member_that_is_there_twice_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(TRACKS, b"x")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr(TRACKS, b"y")
    with pytest.raises(DamagedZip, match="is there twice"):
        unpacked(tmp_path)


def unpacked(folder):
    return zip_members.unpack(
        folder / "a.zip", folder, wanted=fma.METADATA.wanted, limits=fma.METADATA.limits
    )


def test_a_directory_that_would_fill_the_memory_is_not_read(tmp_path):
    data = bytearray(zipped({TRACKS: b"x"}))
    at = data.rindex(b"PK\x05\x06")
    size = 100 << 20
    struct.pack_into("<LL", data, at + 12, size, 0)
    with (tmp_path / "a.zip").open("wb") as file:
        file.truncate(size)  # a hole, which takes no room
        file.seek(size)
        file.write(data[at:])
    with pytest.raises(DamagedZip, match="isn't a zip, or it is damaged"):
        unpacked(tmp_path)


def test_content_that_differs_from_its_sum_is_not_kept(tmp_path):
    data = bytearray(zipped({TRACKS: b"0123456789" * 50}, zipfile.ZIP_STORED))
    data[data.index(b"0123456789") + 200] ^= 1
    (tmp_path / "a.zip").write_bytes(data)
    with pytest.raises(DamagedZip, match="damaged"):
        unpacked(tmp_path)
    assert not (tmp_path / TRACKS).exists()


@pytest.mark.parametrize(
    "method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2], ids=str
)
def test_changed_zips_are_unpacked_or_refused_in_words(tmp_path, method):
    whole = zipped({TRACKS: METADATA[TRACKS], "fma_metadata/README.txt": b"a" * 300}, method)
    rng = random.Random(0)
    outcomes = set()
    for _ in range(150):
        data = bytearray(whole)
        for _ in range(rng.choice((1, 2, 8))):
            at = rng.randrange(len(data))
            data[at : at + rng.choice((0, 1, 4))] = rng.randbytes(rng.choice((0, 1, 4)))
        (tmp_path / "a.zip").write_bytes(data)
        shutil.rmtree(tmp_path / "fma_metadata", ignore_errors=True)
        try:
            unpacked(tmp_path)
            outcomes.add("unpacked")
        except DamagedZip:
            outcomes.add("refused")
    assert outcomes == {"unpacked", "refused"}
