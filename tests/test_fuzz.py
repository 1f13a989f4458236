"""A bounded run over changed files, the same each time; `make fuzz MINUTES=10` goes on."""

from tests import fuzz

N = 600


def test_changed_files_are_read_or_refused_in_words():
    found = fuzz.batch(0, N)
    assert len(found) == N
    assert fuzz.broken(found) == {}
    assert {kind for kind, _ in found.values()} == set(fuzz.KINDS)
    assert {said for _, said in found.values()} == {"read", "refused"}
