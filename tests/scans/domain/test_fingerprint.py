from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from scans.domain.fingerprint import compute_fingerprint

PARTS = st.tuples(st.text(), st.text(), st.text(), st.text(max_size=3000))


@given(PARTS, PARTS)
def test_fingerprints_match_only_for_equal_identities(a: tuple[str, ...], b: tuple[str, ...]) -> None:
    assert (compute_fingerprint(*a) == compute_fingerprint(*b)) == (a == b)


def test_part_boundaries_change_the_fingerprint() -> None:
    assert compute_fingerprint("ab", "c", "", "") != compute_fingerprint("a", "bc", "", "")


def test_a_long_arn_counts_to_its_last_character() -> None:
    assert compute_fingerprint("c", "a", "r", "x" * 2048) != compute_fingerprint("c", "a", "r", "x" * 2047 + "y")
