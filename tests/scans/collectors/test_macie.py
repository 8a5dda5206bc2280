from __future__ import annotations

import pytest

from accounts.aws.gaps import GapKind
from scans.collectors.macie import COLLECTOR, collect
from scans.domain.collector import EarlierEvidence
from scans.domain.evidence import serialize_evidence
from tests.scans.collectors.fake_reader import FakeReader
from tests.scans.collectors.looking import all_of, one_of

TYPE = "macie2.session"


def region(status: str = "ENABLED") -> FakeReader:
    reader = FakeReader(COLLECTOR).answer("macie2", "GetMacieSession", {"status": status})
    return reader.answer("macie2", "GetAutomatedDiscoveryConfiguration", {"status": "DISABLED"})


def test_enabled_macie_takes_a_second_call() -> None:
    reader = region()
    evidence = collect(reader, EarlierEvidence())
    facts = {"status": "ENABLED", "supported": True, "discovery": "DISABLED"}
    assert all_of(evidence, TYPE) == {"arn:aws:macie2:eu-west-1:111122223333:session": facts}
    assert reader.count() == 2
    assert serialize_evidence(evidence) == serialize_evidence(collect(reader, EarlierEvidence()))


def test_paused_macie_takes_one_call() -> None:
    reader = region("PAUSED")
    assert one_of(collect(reader, EarlierEvidence()), TYPE) == {"status": "PAUSED", "supported": True}
    assert reader.count() == 1


@pytest.mark.parametrize("status", [401, 403])
def test_the_refusal_that_means_off(status: int) -> None:
    reader = region().refuse("macie2", "GetMacieSession", message="Macie is not enabled.", status=status)
    assert one_of(collect(reader, EarlierEvidence()), TYPE) == {"status": "DISABLED", "supported": True}


def test_real_refusal_is_a_gap() -> None:
    message = "User: x is not authorized to perform: macie2:GetMacieSession"
    reader = region().refuse("macie2", "GetMacieSession", message=message, status=403)
    gap = reader.gap("macie2", "GetMacieSession")
    evidence = collect(reader, EarlierEvidence())
    assert one_of(evidence, TYPE) == {"status": gap, "supported": gap}
    assert not evidence.gaps


def test_a_region_without_macie() -> None:
    reader = region().refuse("macie2", "GetMacieSession", "EndpointConnection", kind=GapKind.UNSUPPORTED)
    assert one_of(collect(reader, EarlierEvidence()), TYPE) == {"status": "DISABLED", "supported": False}


def test_region_missing_only_fips_endpoint_is_unknown() -> None:
    reader = region().refuse("macie2", "GetMacieSession", "NoFipsEndpoint", kind=GapKind.NO_FIPS)
    gap = one_of(collect(reader, EarlierEvidence()), TYPE)["supported"]
    assert gap.kind is GapKind.NO_FIPS


def test_denied_discovery_is_a_gap() -> None:
    reader = region().refuse("macie2", "GetAutomatedDiscoveryConfiguration", status=403)
    facts = one_of(collect(reader, EarlierEvidence()), TYPE)
    assert facts["status"] == "ENABLED"
    assert facts["discovery"] == reader.gap("macie2", "GetAutomatedDiscoveryConfiguration")


def test_malformed_answers_are_gaps() -> None:
    reader = region().answer("macie2", "GetMacieSession", {})
    assert one_of(collect(reader, EarlierEvidence()), TYPE)["status"].kind is GapKind.MALFORMED
    reader = region().answer("macie2", "GetAutomatedDiscoveryConfiguration", {"status": 1})
    assert one_of(collect(reader, EarlierEvidence()), TYPE)["discovery"].kind is GapKind.MALFORMED
