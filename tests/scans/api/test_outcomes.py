"""Outcomes in the API: pages and the stream give the same lines, of the accounts that one may see."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from django.test import Client

from scans.domain.evidence import Evidence
from scans.models import Scan, Target
from scans.pipeline import start
from scans.queries import exports
from scans.storage import blobs
from tests.scans.api.asking import ROOT, every, fields, get, items, refused
from tests.support.inventory import REGION, scan

pytestmark = pytest.mark.django_db

COLLECTED = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


@pytest.fixture
def judged(inventory):
    """The inventory's scan with evidence: EBS default encryption, on in shop and off elsewhere."""
    context = blobs.store_context(start.build_scan_context(inventory.organization))
    Scan.objects.filter(pk=inventory.scan.pk).update(context=context, asked={"controls": ["SSM-EB-001"]})
    for account in (inventory.shop, inventory.ledger, inventory.play):
        evidence = Evidence("ec2_account", REGION, types=("ec2.ebs_default",))
        arn = f"arn:aws:ec2:{REGION}:{account.account_id}:ebs-encryption-by-default"
        evidence.add("ec2.ebs_default", arn, enabled=account == inventory.shop, key="")
        manifest, _ = blobs.store_evidence({(REGION, "ec2_account"): evidence})
        Target.objects.filter(scan=inventory.scan, account=account).update(manifest=manifest, collected_at=COLLECTED)
    return inventory


def stream(client, **query):
    answer = client.get(ROOT + "outcomes/", query, headers={"accept": "application/x-ndjson"})
    assert answer.status_code == 200, answer.content
    assert answer["Content-Type"] == "application/x-ndjson"
    return [json.loads(line) for line in b"".join(answer).decode().splitlines()]


def test_a_line_has_exactly_the_nine_fields_of_the_export(auditor, judged):
    found = items(auditor, "outcomes/")
    assert found
    assert {tuple(item) for item in found} == {exports.OUTCOME_COLUMNS}
    assert [item["account"] for item in found] == sorted(item["account"] for item in found)
    assert {item["control"] for item in found} == {"SSM-EB-001"}


def test_pages_and_the_stream_give_the_same(auditor, judged):
    whole = items(auditor, "outcomes/")
    assert len(whole) >= 3
    assert every(auditor, "outcomes/", limit=1) == whole
    assert every(auditor, "outcomes/", limit=2) == whole
    assert stream(auditor) == whole


def test_next_page_stays_with_its_scan_after_newer_one(auditor, judged):
    following = get(auditor, "outcomes/", limit=1)["next"]
    assert f"scan={judged.scan.pk}" in following
    scan(judged.organization, judged.shop)
    assert items(auditor, "outcomes/") == [], "the latest has read nothing"
    assert auditor.get(following).json()["items"]


def test_an_owner_gets_their_own_account_and_not_a_foreign_scan(owner, judged):
    assert {item["account"] for item in items(owner, "outcomes/")} == {judged.shop.account_id}
    assert {item["account"] for item in stream(owner)} == {judged.shop.account_id}
    assert get(owner, "outcomes/", account=judged.shop.account_id)["items"]
    refused(owner.get(ROOT + "outcomes/", {"account": judged.ledger.account_id}), 404)
    other = scan(judged.organization, judged.ledger)
    refused(owner.get(ROOT + "outcomes/", {"scan": other.pk}), 404)


def test_a_scan_that_still_runs_has_no_whole_outcomes(auditor, judged):
    running = scan(judged.organization, judged.shop, state="running")
    assert "once it has ended" in refused(auditor.get(ROOT + "outcomes/", {"scan": running.pk}), 409)["detail"]
    assert items(auditor, "outcomes/"), "latest is the last that came to its end"


def test_invalid_parameters_are_refused(auditor, judged):
    assert fields(refused(auditor.get(ROOT + "outcomes/?verdict=fail"), 400)) == {"verdict"}
    refused(auditor.get(ROOT + "outcomes/?scan=newest"), 400)
    refused(auditor.get(ROOT + "outcomes/?scan=" + "9" * 40), 400)
    refused(auditor.get(ROOT + "outcomes/?scan=4711"), 404)
    refused(auditor.get(ROOT + "outcomes/?cursor=abc"), 400)
    answer = auditor.get(ROOT + "outcomes/?scan=newest", headers={"accept": "application/x-ndjson"})
    refused(answer, 400)
    refused(auditor.get(ROOT + "outcomes/", headers={"accept": "text/csv"}), 406)


def test_signed_out_and_not_permitted(operator, judged):
    refused(Client().get(ROOT + "outcomes/"), 401)
    refused(operator.get(ROOT + "outcomes/"), 403)


def test_exports_are_throttled(auditor, judged, monkeypatch):
    from rest_framework.throttling import ScopedRateThrottle

    monkeypatch.setattr(ScopedRateThrottle, "THROTTLE_RATES", {"export": "1/hour"})
    assert items(auditor, "outcomes/")
    refused(auditor.get(ROOT + "outcomes/"), 429)
