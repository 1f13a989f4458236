"""A file put together from pieces reads like the same bytes in one."""

import io

from hypothesis import given
from hypothesis import strategies as st

from genre_engine.audio.virtual_file import VirtualFile, assembled

SOURCE = bytes(range(256)) * 3
pieces = st.lists(
    st.one_of(st.binary(max_size=30), st.tuples(st.integers(0, 700), st.integers(0, 768))),
    max_size=6,
)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("read"), st.integers(0, 400)),
        st.tuples(st.integers(0, 2), st.integers(-300, 900)),
    ),
    max_size=20,
)


def joined(parts):
    return b"".join(
        part if isinstance(part, bytes) else SOURCE[part[0] : part[1]] for part in parts
    )


@given(pieces, steps)
def test_it_reads_and_seeks_like_the_bytes_themselves(parts, asked):
    plain = io.BytesIO(joined(parts))
    with io.BufferedReader(VirtualFile(io.BytesIO(SOURCE), parts)) as file:
        for what, number in asked:
            if what == "read":
                assert file.read(number) == plain.read(number)
            else:
                base = (0, plain.tell(), len(plain.getvalue()))[what]
                if base + number >= 0:
                    assert file.seek(number, what) == plain.seek(base + number)
            assert file.tell() == plain.tell()


def test_a_place_before_the_beginning_is_not_gone_to():
    file = VirtualFile(io.BytesIO(SOURCE), [(0, 10)])
    file.seek(4)
    assert file.seek(-9) == file.seek(-9, io.SEEK_CUR) == file.tell() == 4


def test_a_path_is_read_and_closed(tmp_path):
    (tmp_path / "source").write_bytes(SOURCE)
    with assembled(tmp_path / "source", [b"head", (3, 9), (700, 10_000)]) as file:
        assert file.read() == b"head" + SOURCE[3:9] + SOURCE[700:]
    assert file.closed
