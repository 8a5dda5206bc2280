"""Evidence of an account that this scan did not read counts for nothing."""

from __future__ import annotations

from scans.domain.control import Verdict
from scans.domain.evidence import Context
from scans.domain.owner_evidence import LEFT_OUT_GAP, NEVER_READ_GAP, NOT_READ_GAP, unknown_unless_read

READ = {"444455556666": "2026-03-01T12:34:56+00:00"}


def test_an_account_that_was_read_is_not_doubted() -> None:
    assert unknown_unless_read(Context(not_read=READ, left_out=READ), "111122223333", "It is ours.") is None


def test_unread_account_is_doubted_with_evidence_date() -> None:
    said = unknown_unless_read(Context(not_read=READ), "444455556666", "It was ours.")
    assert said is not None
    assert said.verdict is Verdict.UNKNOWN
    assert said.reason.startswith("It was ours. The account 444455556666 was not read in this scan")
    assert "2026-03-01 12:34 UTC" in said.reason
    assert said.gaps == (NOT_READ_GAP,)


def test_omitted_account_is_doubted_as_left_out() -> None:
    said = unknown_unless_read(Context(left_out=READ), "444455556666", "It was ours.")
    assert said is not None
    assert (said.verdict, said.gaps) == (Verdict.UNKNOWN, (LEFT_OUT_GAP,))
    assert "was not part of this scan" in said.reason


def test_never_read_account_is_named_as_such() -> None:
    said = unknown_unless_read(Context(not_read={"444455556666": ""}), "444455556666", "It is perhaps ours.")
    assert said is not None
    assert said.gaps == (NEVER_READ_GAP,)
    assert "no scan has ever read it" in said.reason
