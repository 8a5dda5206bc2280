"""Resources of other accounts are looked up in their owners' evidence (C1, C8)."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.aws.gaps import ACCOUNTS_LIMITED, NOT_COLLECTED, OWNER_NOT_READ, OWNER_ONLY, OWNER_OUTSIDE, Gap, GapError
from accounts.aws.gaps import GapKind as Kind
from scans.domain.control import GAP
from scans.domain.evidence import GLOBAL, Context, Evidence, Resource, World
from scans.domain.other_accounts import (
    OtherReference,
    extract_referenced_evidence,
    find_in_other_account,
    find_other_references,
)

HERE, OWNER = "111122223333", "999900001111"
TRAIL, SESSION = "cloudtrail.trail", "macie2.session"
SHARED = f"arn:aws:cloudtrail:eu-west-1:{OWNER}:trail/organization"
BEFORE = {OWNER: "2026-03-01T12:00:00+00:00"}


def session(administrator: object) -> Resource:
    arn = f"arn:aws:macie2:eu-west-1:{HERE}:session"
    return Resource(SESSION, arn, "eu-west-1", {"administrator": administrator})


def test_trails_and_sessions_refer_to_their_owners() -> None:
    own = Resource(TRAIL, SHARED.replace(OWNER, HERE), GLOBAL, {})
    found = find_other_references([Resource(TRAIL, SHARED, GLOBAL, {}), own, session(OWNER)], HERE)
    theirs = f"arn:aws:macie2:eu-west-1:{OWNER}:session"
    assert found == {OtherReference(OWNER, TRAIL, GLOBAL, SHARED), OtherReference(OWNER, SESSION, "eu-west-1", theirs)}


@pytest.mark.parametrize("administrator", [None, GAP, HERE])
def test_no_administrator_is_no_reference(administrator: object) -> None:
    assert find_other_references([session(administrator)], HERE) == set()


def owner_evidence(*gaps: Gap, **facts: Any) -> tuple[Evidence, ...]:
    read = Evidence("cloudtrail", GLOBAL, types=(TRAIL,))
    for gap in gaps:
        read.record_gap(TRAIL, gap)
    if facts:
        read.add(TRAIL, SHARED, **facts)
    read.add(TRAIL, SHARED + "-2", logging=True)
    return extract_referenced_evidence(World([read]), [OtherReference(OWNER, TRAIL, GLOBAL, SHARED)])


def test_only_what_is_referred_to_is_taken() -> None:
    [part] = owner_evidence(logging=True)
    assert [each.arn for each in part.resources] == [SHARED]


def look(**context: Any) -> Any:
    known = {"accounts": frozenset({HERE, OWNER}), "others": {OWNER: owner_evidence(logging=True)}, **context}
    resource, _ = find_in_other_account(Context(account=HERE, **known), OWNER, TRAIL, SHARED, GLOBAL)
    return resource.facts["logging"]


def test_owner_tells() -> None:
    assert look() is True


@pytest.mark.parametrize(
    ("context", "code"),
    [
        ({"accounts": frozenset({HERE})}, OWNER_OUTSIDE),
        ({"not_read": BEFORE}, OWNER_NOT_READ),
        ({"left_out": BEFORE}, ACCOUNTS_LIMITED),
        ({"not_read": {OWNER: ""}}, NOT_COLLECTED),
        ({"others": {}}, NOT_COLLECTED),
        ({"others": {OWNER: owner_evidence()}}, NOT_COLLECTED),
        ({"others": {OWNER: owner_evidence(GAP)}}, GAP.code),
    ],
)
def test_unknown_owner_or_resource_is_never_gone(context: dict[str, Any], code: str) -> None:
    with pytest.raises(GapError) as told:
        look(**context)
    assert [gap.code for gap in told.value.gaps] == [code]


def test_owner_that_was_not_read_is_named_with_date() -> None:
    with pytest.raises(GapError, match=f"{OWNER} was not read in this scan; .* 2026-03-01 12:00 UTC"):
        look(not_read=BEFORE)


def test_gap_of_owner_only_answers_reads_as_sentence() -> None:
    gap = Gap(Kind.NOT_READ, "cloudtrail.GetTrailStatus", "", "us-east-1", OWNER_ONLY)
    assert "is answered to the account that owns the resource only (OwnerOnly)" in gap.sentence()
