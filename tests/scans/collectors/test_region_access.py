"""C4: the collector that makes no calls and tells what became of those of the others."""

from __future__ import annotations

from accounts.aws.gaps import REGION_DENIED, Gap, GapKind
from scans.collectors import region_access
from scans.domain.collector import EarlierEvidence
from scans.domain.evidence import GLOBAL, Evidence, Resource
from tests.scans.collectors.fake_reader import FakeReader

REGION = "eu-west-1"


def refused(service: str, kind: GapKind = GapKind.DENIED_BY_SCP) -> Gap:
    return Gap(kind, f"{service}.List", f"{service}:List", REGION, "AccessDeniedException")


def earlier(*services: str) -> tuple[Evidence, ...]:
    """Gaps in a list, in a fact and in evidence of the whole account."""
    lists = Evidence("one", REGION, gaps={"one.thing": [refused(service) for service in services[:1]]})
    facts = Evidence("two", REGION)
    facts.add("two.thing", "arn", **{f"fact{n}": refused(service) for n, service in enumerate(services[1:2])})
    everywhere = Evidence("three", GLOBAL, gaps={"three.thing": [refused(service) for service in services[2:]]})
    return (lists, facts, everywhere)


def run(seen: EarlierEvidence) -> Resource:
    [found] = region_access.collect(FakeReader(region_access.COLLECTOR), seen).resources
    return found


def test_denied_region_names_the_refused_services() -> None:
    found = run(EarlierEvidence(earlier("ssm", "ec2", "logs"), answered=frozenset({"kms:ListAliases"})))
    access = found.facts["access"]
    assert isinstance(access, Gap)
    assert (access.code, found.facts["refused"]) == (REGION_DENIED, ["ec2", "logs", "ssm"])
    assert found.arn.endswith(f":region/{REGION}")


def test_answered_region_is_read_and_names_nothing() -> None:
    found = run(EarlierEvidence(earlier("ssm", "ec2", "logs"), answered=frozenset({"ssm:ListCommands"})))
    assert found.facts == {"access": "read", "refused": []}


def test_the_last_scan_is_remembered_while_calls_are_refused() -> None:
    before = Evidence("region_access", REGION)
    before.add("account.region", "arn", access=Gap(GapKind.DENIED_BY_SCP, "scan.Region", "", REGION, REGION_DENIED))
    found = run(EarlierEvidence(earlier("ssm"), before=(before,)))
    assert found.facts["access"].code == REGION_DENIED
    assert run(EarlierEvidence(earlier("ssm"))).facts["access"] == refused("ssm")


def test_evidence_without_any_call_is_not_known() -> None:
    assert isinstance(run(EarlierEvidence()).facts["access"], Gap)
