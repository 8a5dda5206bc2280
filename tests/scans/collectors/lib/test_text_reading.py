"""How many single resources a scan asks for, and what ends it."""

from __future__ import annotations

import pytest

from accounts.aws.gaps import DENIAL_KINDS, Gap, GapKind
from scans.collectors.lib.ssm_calls import ssm_call
from scans.collectors.lib.text_reading import MOST_REFUSALS, BoundedReads, is_left_out, join_hits
from tests.scans.collectors.fake_reader import FakeReader

GET = ssm_call("GetOpsItem")
GAP = Gap(GapKind.DENIED, GET.api, GET.action, "eu-west-1", "AccessDeniedException")


def ask(reads: BoundedReads, *ids: str) -> list[str]:
    answers = [reads.read(GET, ("Gone",), OpsItemId=f"oi-{id}") for id in ids]
    return [str(each.kind) if isinstance(each, Gap) else "gone" if each is None else "read" for each in answers]


def ops_items() -> FakeReader:
    reader = FakeReader([GET]).answer("ssm", "GetOpsItem", {"OpsItem": {}})
    reader.refuse("ssm", "GetOpsItem", when={"OpsItemId": "oi-denied"})
    reader.refuse("ssm", "GetOpsItem", "Gone", kind=GapKind.REJECTED, when={"OpsItemId": "oi-gone"})
    late = {"OpsItemId": "oi-late"}
    return reader.refuse("ssm", "GetOpsItem", "NotReadIn60Seconds", kind=GapKind.OUT_OF_TIME, when=late)


def test_reads_end_at_their_number() -> None:
    reader = ops_items()
    assert ask(BoundedReads(reader, 2), "1", "gone", "2") == ["read", "gone", "not_read"]
    assert reader.count() == 2


def test_reads_end_with_the_time() -> None:
    reader = ops_items()
    assert ask(BoundedReads(reader), "late", "1") == ["out_of_time", "out_of_time"]
    assert reader.count() == 1


def test_single_refusals_end_nothing_but_many_in_a_row_do() -> None:
    reader = ops_items()
    reads = BoundedReads(reader)
    assert ask(reads, "denied", "denied", "1", "denied") == ["denied", "denied", "read", "denied"]
    assert ask(reads, *["denied"] * (MOST_REFUSALS - 1), "1") == ["denied"] * MOST_REFUSALS
    assert reader.count() == 4 + MOST_REFUSALS - 1


def test_refusals_by_any_policy_end_the_reads() -> None:
    reader = FakeReader([GET])
    reader.refuse("ssm", "GetOpsItem", kind=GapKind.DENIED_BY_BOUNDARY)
    ask(BoundedReads(reader), "1", "2", "3", "4")
    assert reader.count() == MOST_REFUSALS


def test_a_refused_resource_was_not_left_out() -> None:
    assert not is_left_out(GAP)
    assert not is_left_out({})
    assert not is_left_out(None)


def test_a_hit_outweighs_a_gap_and_a_gap_outweighs_nothing() -> None:
    assert join_hits([[], GAP, ["hit"]]) == ["hit"]
    assert join_hits([[], GAP]) == GAP
    assert join_hits([[], []]) == []


@pytest.mark.parametrize("kind", sorted(DENIAL_KINDS))
def test_reads_end_where_a_role_is_denied_each(kind: GapKind) -> None:
    """By its own policies, or by others such as a permissions boundary."""
    reader = FakeReader([GET]).refuse("ssm", "GetOpsItem", kind=kind)
    assert ask(BoundedReads(reader), *"12345") == [str(kind)] * 5
    assert reader.count() == MOST_REFUSALS
