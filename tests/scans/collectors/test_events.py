"""The sample holds the company's own clients only, and is read on while it doesn't (C6)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from accounts.aws.gaps import GapKind
from scans.collectors.events import COLLECTOR, PAGES_IF_REQUIRED, collect
from scans.domain.collector import EarlierEvidence
from scans.domain.evidence import Context, serialize_evidence
from tests.scans.collectors.fake_reader import ACCOUNT, FakeReader
from tests.scans.collectors.looking import all_of, one_of

LOOKUP = ("cloudtrail", "LookupEvents")
TYPE = "cloudtrail.ssm_events"
HOST = "ssm.eu-west-1.amazonaws.com"
NEW = {"tlsVersion": "TLSv1.3", "clientProvidedHostHeader": HOST}
REQUIRED = EarlierEvidence(context=Context(policy={"fips_regions": ["eu-west-1"]}), own_roles=("ops/TutelaScan",))
UNASKED = EarlierEvidence(context=Context(policy={"fips_regions": ["us-east-1"]}), own_roles=("ops/TutelaScan",))


def region(*pages: list[Any]) -> FakeReader:
    """The pages of events, newest first."""
    answers = [{"Events": page, "NextToken": f"{number}"} for number, page in enumerate(pages, 1)]
    answers[-1].pop("NextToken")
    return FakeReader(COLLECTOR).answer(*LOOKUP, *answers)


def event(**record: Any) -> dict[str, Any]:
    return {"CloudTrailEvent": json.dumps(record)}


def own(**record: Any) -> dict[str, Any]:
    """A call of a scan of this portal, or what differs from it."""
    issuer = {"type": "Role", "arn": f"arn:aws:iam::{ACCOUNT}:role/ops/TutelaScan"}
    identity = {
        "type": "AssumedRole",
        "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/TutelaScan/tutela-scan-7-9",
        "sessionContext": {"sessionIssuer": issuer},
        **record.pop("identity", {}),
    }
    return event(
        **{"eventName": "ListDocuments", "userAgent": "tutela", "userIdentity": identity, "tlsDetails": NEW, **record}
    )


def test_an_empty_region_takes_one_call() -> None:
    reader = region([])
    evidence = collect(reader, REQUIRED)
    assert reader.count() == 1
    arn = "arn:aws:cloudtrail:eu-west-1:111122223333:lookup/ssm.amazonaws.com"
    assert all_of(evidence, TYPE) == {arn: {"sampled": 0, "tls_versions": {}, "hosts": [], "complete": True}}


def test_versions_and_hosts_are_summed_up() -> None:
    old = {**NEW, "tlsVersion": "TLSv1.1"}
    reader = region([event(tlsDetails=NEW), event(tlsDetails=old), event(tlsDetails=NEW), event(eventName="x")], [])
    evidence = collect(reader, UNASKED)
    assert one_of(evidence, TYPE) == {
        "sampled": 4,
        "tls_versions": {"TLSv1.1": 1, "TLSv1.3": 2},
        "hosts": [HOST],
        "complete": False,
    }
    assert reader.count() == 1
    assert serialize_evidence(evidence) == serialize_evidence(
        collect(
            region([event(tlsDetails=NEW), event(tlsDetails=old), event(tlsDetails=NEW), event(eventName="x")], []),
            UNASKED,
        )
    )


def node(name: str, session: str = "i-0123456789abcdef0") -> dict[str, Any]:
    identity = {"type": "AssumedRole", "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/Node/{session}"}
    return event(eventName=name, userIdentity=identity, tlsDetails=NEW)


BACKGROUND = [
    own(),
    own(userAgent="[tutela]"),
    event(eventName="UpdateInstanceInformation", tlsDetails=NEW),
    node("PutInventory"),
    node("GetDocument", "mi-0123456789abcdef0"),
]


def test_background_events_are_left_out() -> None:
    assert one_of(collect(region(BACKGROUND), REQUIRED), TYPE) == {
        "sampled": 0,
        "tls_versions": {},
        "hosts": [],
        "complete": True,
    }


@pytest.mark.parametrize(
    "other",
    [
        own(userAgent="aws-cli/2.15"),
        own(userAgent=None),
        own(identity={"arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/TutelaScan/deploy"}),
        own(identity={"arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/App/tutela-scan-7-9"}),
        own(identity={"arn": "arn:aws:sts::999900001111:assumed-role/TutelaScan/tutela-scan-7-9"}),
        own(identity={"type": "IAMUser"}),
        own(identity={"sessionContext": {"sessionIssuer": {"arn": f"arn:aws:iam::{ACCOUNT}:role/TutelaScan"}}}),
        own(identity={"sessionContext": {}}),
        own(userIdentity="tutela"),
        node("GetParameter"),
        node("GetDocument", "deploy"),
        node("PutInventory", "i-like-this-name"),
        event(eventName="GetDocument", userAgent="amazon-ssm-agent/3.3", tlsDetails=NEW),
    ],
)
def test_other_clients_count(other: dict[str, Any]) -> None:
    """Another tool in the same role, a session of that name in another role, an agent's call that others make, too."""
    assert one_of(collect(region([other, *BACKGROUND]), REQUIRED), TYPE)["sampled"] == 1


def test_pages_of_own_events_are_read_on_where_it_matters() -> None:
    pages = [BACKGROUND, BACKGROUND, [event(tlsDetails=NEW)]]
    reader = region(*pages)
    found = one_of(collect(reader, REQUIRED), TYPE)
    assert (found["sampled"], found["complete"], reader.count()) == (1, True, 3)
    assert [made.params.get("NextToken") for made in reader.made] == [None, "1", "2"]
    unasked = region(*pages)
    assert one_of(collect(unasked, UNASKED), TYPE)["complete"] is False
    assert unasked.count() == 1


def test_reading_on_has_a_bound() -> None:
    reader = region(*[BACKGROUND] * (PAGES_IF_REQUIRED + 5))
    found = one_of(collect(reader, REQUIRED), TYPE)
    assert (found["sampled"], found["complete"], reader.count()) == (0, False, PAGES_IF_REQUIRED)


def test_full_sample_is_not_read_on() -> None:
    reader = region([event(tlsDetails=NEW)] * 50, [event(tlsDetails=NEW)] * 50)
    assert one_of(collect(reader, REQUIRED), TYPE)["sampled"] == 50
    assert reader.count() == 1


@pytest.mark.parametrize("pages", [[], [BACKGROUND]])
def test_denied_lookup_is_a_gap(pages: list[Any]) -> None:
    reader = FakeReader(COLLECTOR).refuse(*LOOKUP)
    if pages:
        reader.answer(*LOOKUP, {"Events": pages[0], "NextToken": "1"}).refuse(*LOOKUP, when={"NextToken": "1"})
    gap = reader.gap(*LOOKUP)
    evidence = collect(reader, REQUIRED)
    assert one_of(evidence, TYPE) == dict.fromkeys(("sampled", "tls_versions", "hosts", "complete"), gap)
    assert not evidence.gaps


@pytest.mark.parametrize(
    "wrong", ["x", {}, {"CloudTrailEvent": "{"}, {"CloudTrailEvent": "[]"}, event(tlsDetails="TLSv1.2")]
)
def test_malformed_lookup_is_a_gap(wrong: Any) -> None:
    assert one_of(collect(region([wrong]), REQUIRED), TYPE)["sampled"].kind is GapKind.MALFORMED


def test_answer_without_events_is_a_gap() -> None:
    reader = FakeReader(COLLECTOR).answer(*LOOKUP, {})
    assert one_of(collect(reader, REQUIRED), TYPE)["sampled"].kind is GapKind.MALFORMED
