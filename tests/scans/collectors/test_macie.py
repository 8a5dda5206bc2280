"""Macie's automated discovery: standalone accounts, administrators and members (C8), regions without Macie (C7)."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.aws.gaps import OWNER_ONLY, GapKind
from scans.collectors.macie import COLLECTOR, collect
from scans.domain.collector import EarlierEvidence
from scans.domain.evidence import serialize_evidence
from tests.scans.collectors.fake_reader import ACCOUNT, FakeReader
from tests.scans.collectors.looking import all_of, one_of

TYPE = "macie2.session"
ADMINISTRATOR, SISTER = "999900001111", "444455556666"
NOT_FOR_MEMBERS = "you must be the Macie administrator for an organization or have a standalone Macie account"


def region(status: str = "ENABLED", discovery: str = "DISABLED", **accounts: str) -> FakeReader:
    """accounts: the statuses by account, that an administrator is told."""
    reader = FakeReader(COLLECTOR).answer("macie2", "GetMacieSession", {"status": status})
    items = [{"accountId": id, "status": told} for id, told in accounts.items()]
    reader.answer("macie2", "ListAutomatedDiscoveryAccounts", {"items": items})
    reader.answer("macie2", "GetAdministratorAccount", {})
    return reader.answer("macie2", "GetAutomatedDiscoveryConfiguration", {"status": discovery})


def member(**accounts: str) -> FakeReader:
    reader = region(**accounts).refuse(
        "macie2", "GetAutomatedDiscoveryConfiguration", message=NOT_FOR_MEMBERS, status=403
    )
    named = {"administrator": {"accountId": ADMINISTRATOR, "relationshipStatus": "Enabled"}}
    return reader.answer("macie2", "GetAdministratorAccount", named)


def facts_of(reader: FakeReader) -> dict[str, Any]:
    return one_of(collect(reader, EarlierEvidence()), TYPE)


def test_discovery_that_is_off_takes_a_second_call() -> None:
    reader = region()
    evidence = collect(reader, EarlierEvidence())
    off: dict[str, Any] = dict.fromkeys(("discovery", "configuration"), "DISABLED")
    facts = {"status": "ENABLED", "supported": True, **off, "administrator": None, "accounts": {}}
    assert all_of(evidence, TYPE) == {"arn:aws:macie2:eu-west-1:111122223333:session": facts}
    assert reader.count() == 2
    assert serialize_evidence(evidence) == serialize_evidence(collect(reader, EarlierEvidence()))


def test_paused_macie_takes_one_call() -> None:
    reader = region("PAUSED")
    assert facts_of(reader) == {"status": "PAUSED", "supported": True}
    assert reader.count() == 1


@pytest.mark.parametrize("status", [401, 403])
def test_the_refusal_that_means_off(status: int) -> None:
    reader = region().refuse("macie2", "GetMacieSession", message="Macie is not enabled.", status=status)
    assert facts_of(reader) == {"status": "DISABLED", "supported": True}


def test_real_refusal_is_a_gap() -> None:
    message = "User: x is not authorized to perform: macie2:GetMacieSession"
    reader = region().refuse("macie2", "GetMacieSession", message=message, status=403)
    gap = reader.gap("macie2", "GetMacieSession")
    evidence = collect(reader, EarlierEvidence())
    assert one_of(evidence, TYPE) == {"status": gap, "supported": gap}
    assert not evidence.gaps


def test_a_region_without_macie() -> None:
    reader = region().refuse("macie2", "GetMacieSession", "EndpointConnection", kind=GapKind.UNSUPPORTED)
    assert facts_of(reader) == {"status": "DISABLED", "supported": False}


def test_region_missing_only_fips_endpoint_is_unknown() -> None:
    reader = region().refuse("macie2", "GetMacieSession", "NoFipsEndpoint", kind=GapKind.NO_FIPS)
    assert facts_of(reader)["supported"].kind is GapKind.NO_FIPS


def test_unreachable_region_with_macie_is_unknown() -> None:
    reader = region().refuse("macie2", "GetMacieSession", "EndpointConnection", kind=GapKind.UNREACHABLE)
    assert facts_of(reader)["supported"].kind is GapKind.UNREACHABLE


@pytest.mark.parametrize("own", ["ENABLED", "DISABLED"])
def test_administrator_has_a_status_of_its_own(own: str) -> None:
    facts = facts_of(region(discovery="ENABLED", **{SISTER: "ENABLED", ACCOUNT: own}))
    assert (facts["discovery"], facts["configuration"]) == (own, "ENABLED")
    assert facts["accounts"] == {SISTER: "ENABLED", ACCOUNT: own}


def test_administrator_left_out_of_its_list_is_unknown() -> None:
    facts = facts_of(region(discovery="ENABLED", **{SISTER: "ENABLED"}))
    assert facts["discovery"].kind is GapKind.MALFORMED
    assert facts["accounts"] == {SISTER: "ENABLED"}


def test_standalone_account_has_the_configured_status() -> None:
    assert facts_of(region(discovery="ENABLED"))["discovery"] == "ENABLED"


def test_denied_list_hides_the_administrators_own_status() -> None:
    reader = region(discovery="ENABLED").refuse("macie2", "ListAutomatedDiscoveryAccounts")
    facts = facts_of(reader)
    gap = reader.gap("macie2", "ListAutomatedDiscoveryAccounts")
    assert (facts["discovery"], facts["configuration"], facts["accounts"]) == (gap, "ENABLED", gap)


def test_member_is_told_its_own_status() -> None:
    reader = member(**{ACCOUNT: "ENABLED"})
    facts = facts_of(reader)
    assert (facts["discovery"], facts["administrator"], facts["accounts"]) == ("ENABLED", ADMINISTRATOR, {})
    [asked] = reader.asked("macie2", "ListAutomatedDiscoveryAccounts")
    assert asked.params == {"accountIds": [ACCOUNT]}


@pytest.mark.parametrize("reader", [member(), member().refuse("macie2", "ListAutomatedDiscoveryAccounts", status=403)])
def test_member_that_is_told_nothing_names_its_administrator(reader: FakeReader) -> None:
    facts = facts_of(reader)
    assert facts["administrator"] == ADMINISTRATOR
    assert facts["discovery"].code == OWNER_ONLY


def test_denied_discovery_without_administrator_is_a_gap() -> None:
    reader = region().refuse("macie2", "GetAutomatedDiscoveryConfiguration", status=403)
    facts = facts_of(reader)
    assert (facts["status"], facts["administrator"]) == ("ENABLED", None)
    assert facts["discovery"] == reader.gap("macie2", "GetAutomatedDiscoveryConfiguration")


def test_denied_administrator_is_a_gap() -> None:
    reader = member(**{ACCOUNT: "ENABLED"}).refuse("macie2", "GetAdministratorAccount")
    facts = facts_of(reader)
    assert facts["administrator"] == reader.gap("macie2", "GetAdministratorAccount")
    assert facts["discovery"] == reader.gap("macie2", "GetAutomatedDiscoveryConfiguration")


def test_malformed_answers_are_gaps() -> None:
    assert facts_of(region().answer("macie2", "GetMacieSession", {}))["status"].kind is GapKind.MALFORMED
    wrong = region().answer("macie2", "GetAutomatedDiscoveryConfiguration", {"status": 1})
    assert facts_of(wrong)["discovery"].kind is GapKind.MALFORMED
    wrong = member().answer("macie2", "GetAdministratorAccount", {"administrator": {"relationshipStatus": "Enabled"}})
    assert facts_of(wrong)["administrator"].kind is GapKind.MALFORMED
    wrong = region(discovery="ENABLED").answer("macie2", "ListAutomatedDiscoveryAccounts", {"items": [{}]})
    assert facts_of(wrong)["accounts"].kind is GapKind.MALFORMED
