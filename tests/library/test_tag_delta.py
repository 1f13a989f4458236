"""Replaced bytes are kept as copies of what is there now."""

import random

from hypothesis import given
from hypothesis import strategies as st

from genre_engine.library.tag_delta import applied, delta


@given(seed=st.integers(0, 2**32))
def test_the_old_bytes_come_back_whatever_happened_to_them(seed):
    rng = random.Random(seed)
    new = rng.randbytes(rng.randrange(20_000)) + bytes(rng.randrange(9_000))
    old = bytearray(new)
    for _ in range(rng.randrange(6)):
        at = rng.randrange(len(old) + 1)
        old[at : at + rng.randrange(3_000)] = rng.randbytes(rng.randrange(3_000))
    parts = delta(bytes(old), new)
    assert applied(parts, new) == old


def test_what_has_only_moved_takes_no_room():
    rng = random.Random(1)
    picture = rng.randbytes(1_000_000)
    old = b"".join(b"page" + picture[at : at + 65_025] for at in range(0, len(picture), 65_025))
    shifted = b"x" * 30 + picture
    new = b"".join(b"PAGE" + shifted[at : at + 65_025] for at in range(0, len(shifted), 65_025))
    parts = delta(old, new)
    assert applied(parts, new) == old
    assert sum(len(part) for part in parts if isinstance(part, bytes)) < 5_000
