"""The links of a chained Ogg file: several songs in one, as stations and recorders write them.

Decoders here stop at the end of the first. A link begins with the first pages of its streams, which
carry a mark; the ones of streams that run side by side follow one another directly.

Source: RFC 3533.
"""

import re
from typing import BinaryIO

# A page's beginning: version 0 and the mark of a stream's first page, whatever else is set.
_FIRST = re.compile(rb"OggS\0[\x02\x03\x06\x07]")
_HEADER = 27
_READ = 1 << 20
# A page's header at its longest, with a table of 255 lengths.
_LONGEST = _HEADER + 255


def links(file: BinaryIO) -> list[tuple[int, int]]:
    """Where the links lie, from and up to before; one for a file that isn't chained."""
    starts: list[int] = []
    expected = base = 0
    data = b""
    while True:
        file.seek(base + len(data))
        came = file.read(_READ)
        data += came
        # A page whose header may not be here as a whole waits for the next round.
        safe = len(data) - (_LONGEST if came else 0)
        for hit in _FIRST.finditer(data):
            at = hit.start()
            if at >= safe:
                break
            if base + at != expected or not starts:
                starts.append(base + at)
            count = data[at + _HEADER - 1] if at + _HEADER <= len(data) else 0
            expected = base + at + _HEADER + count
            expected += sum(data[at + _HEADER : at + _HEADER + count])
        if not came:
            end = base + len(data)
            return list(zip(starts, [*starts[1:], end], strict=True))
        kept = max(0, safe)
        base, data = base + kept, data[kept:]
