"""Bytes that were replaced, described by what is there now.

Where an Ogg has a large picture among its comments, a longer genre moves the picture from page to
page, and what was there before is nearly all there still. So the old bytes are kept as copies out
of the new ones, and only what isn't among them as it is.
"""

from collections.abc import Sequence

# (from, up to before) in the new bytes, or bytes as they were.
Delta = list[tuple[int, int] | bytes]

_BLOCK = 64
# Shorter ones aren't worth the search.
_LEAST = 4096


def delta(old: bytes, new: bytes) -> Delta:
    """What `old` consists of, where `new` is known.

    >>> picture = bytes(range(256)) * 40
    >>> [type(part).__name__ for part in delta(b"head" + picture, b"another head" + picture)]
    ['bytes', 'tuple']
    """
    if len(old) < _LEAST:
        return [old]
    places = {new[at : at + _BLOCK]: at for at in range(len(new) - _BLOCK, -1, -_BLOCK)}
    found: Delta = []
    at = begun = 0
    while at + _BLOCK <= len(old):
        place = places.get(old[at : at + _BLOCK])
        if place is None:
            at += 1
            continue
        length = _common(old, at, new, place)
        if begun < at:
            found.append(old[begun:at])
        found.append((place, place + length))
        at = begun = at + length
    if begun < len(old):
        found.append(old[begun:])
    return found


def applied(parts: Sequence[tuple[int, int] | bytes], new: bytes) -> bytes:
    """The old bytes again."""
    return b"".join(part if isinstance(part, bytes) else new[part[0] : part[1]] for part in parts)


def _common(one: bytes, at: int, other: bytes, place: int) -> int:
    """How many bytes are the same from two places on."""
    length, step = 0, _BLOCK
    most = min(len(one) - at, len(other) - place)
    while step:
        end = min(length + step, most)
        if end > length and one[at + length : at + end] == other[place + length : place + end]:
            length, step = end, 2 * step
        else:
            step //= 2
        if length == most:
            break
    return length
