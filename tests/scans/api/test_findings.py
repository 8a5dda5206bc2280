"""Findings in the API."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.aws.gaps import Gap
from scans.models import Finding
from scans.queries import exports
from tests.scans.api.asking import ROOT, every, fields, get, items, refused
from tests.support.inventory import GAP, HOSTILE, REGION, finding

pytestmark = pytest.mark.django_db


def resources(found):
    return {item["resource"].rsplit(":", 1)[-1] for item in found}


def test_open_findings_are_newest_first_with_export_columns(auditor, inventory):
    found = items(auditor, "findings/")
    assert [item["fingerprint"] for item in found] == [
        f.fingerprint for f in (inventory.unread, inventory.bucket, inventory.secret)
    ]
    assert tuple(found[0]) == exports.EXPORTED_FINDING_COLUMNS
    assert found[0]["gaps"] == [Gap.from_dict(GAP).as_public_dict()]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"control": "SSM-PS-001"}, {"parameter/db/password", "parameter/*"}),
        ({"control": "S3", "state": "all"}, {"shop-logs", "shop-old"}),
        ({"state": "resolved"}, {"shop-old"}),
        ({"verdict": "unknown"}, {"parameter/*"}),
        ({"account": "100000000001"}, {"parameter/db/password", "shop-logs"}),
        ({"ou": "ou-1-sandbox"}, set()),
        ({"region": "us-east-1"}, set()),
        ({"q": "password"}, {"parameter/db/password"}),
        ({"state": "", "severity": ""}, {"parameter/db/password", "parameter/*", "shop-logs"}),
    ],
)
def test_filters_narrow_the_findings(auditor, query, expected):
    assert resources(items(auditor, "findings/", **query)) == expected


def test_filters_that_are_not_understood(auditor):
    assert fields(refused(auditor.get(ROOT + "findings/?severty=high"), 400)) == {"severty"}
    assert fields(refused(auditor.get(ROOT + "findings/?severity=urgent"), 400)) == {"severity"}
    said = refused(auditor.get(ROOT + "findings/?control=%27%3B"), 400)
    assert "public id" in said["errors"][0]["detail"]


def test_an_owner_sees_their_own_and_a_foreign_one_is_404(owner, inventory):
    assert resources(items(owner, "findings/")) == {"parameter/db/password", "shop-logs"}
    assert get(owner, f"findings/{inventory.secret.fingerprint}/")["account"] == inventory.shop.account_id
    refused(owner.get(f"{ROOT}findings/{inventory.unread.fingerprint}/"), 404)
    refused(owner.get(f"{ROOT}findings/{'0' * 64}/"), 404)


def test_signed_out_and_not_permitted(operator, inventory):
    for path in ("findings/", f"findings/{inventory.secret.fingerprint}/"):
        refused(Client().get(ROOT + path), 401)
        refused(operator.get(ROOT + path), 403)


def test_detail_has_history_and_fix_with_resource_ids(auditor, inventory):
    said = get(auditor, f"findings/{inventory.secret.fingerprint}/")
    assert said["title"]
    assert [event["kind"] for event in said["events"]] == ["open"]
    assert all(at.endswith("Z") for at in (said["first_seen"], said["changed_at"], said["events"][0]["at"]))
    assert said["events"][0]["scan"] == inventory.scan.pk
    assert "/db/password" in said["fix"]["cli"]
    assert {"name": "name", "value": "/db/password", "gap": None} in said["facts"]


def test_a_finding_of_a_control_that_is_gone_has_no_fix(auditor, inventory):
    Finding.objects.filter(pk=inventory.secret.pk).update(control="SSM-XX-999")
    said = get(auditor, f"findings/{inventory.secret.fingerprint}/")
    assert (said["title"], said["fix"]) == (None, None)


def test_hostile_text_comes_whole(auditor, inventory):
    made = finding(inventory.shop, "SSM-PS-001", HOSTILE + "x" * 2048, reason=HOSTILE)
    said = get(auditor, f"findings/{made.fingerprint}/")
    assert (said["resource"], said["reason"]) == (made.resource, HOSTILE)


def test_pages_hold_every_finding_once_and_carry_the_filters(auditor, inventory):
    for number in range(7):
        finding(inventory.play, "SSM-PS-001", f"arn:x:{number}")
    found = every(auditor, "findings/", limit=2, account=inventory.play.account_id)
    assert [item["resource"] for item in found] == [f"arn:x:{n}" for n in reversed(range(7))]


def test_a_cursor_belongs_to_one_list_with_its_filters(auditor, inventory):
    following = get(auditor, "findings/", limit=1)["next"]
    cursor = following.split("cursor=")[1]
    assert auditor.get(f"{ROOT}findings/?limit=3&cursor={cursor}").status_code == 200, "limit may change"
    for other in ("findings/?state=all&", "accounts/?", "scans/?"):
        assert "page" in refused(auditor.get(f"{ROOT}{other}cursor={cursor}"), 400)["detail"]
    refused(auditor.get(f"{ROOT}findings/?cursor={cursor[:-3]}abc"), 400)
    refused(auditor.get(f"{ROOT}findings/?cursor=17"), 400)


def test_more_findings_cost_no_more_queries(auditor, inventory, django_assert_max_num_queries):
    for number in range(30):
        finding(inventory.play, "SSM-PS-001", f"arn:x:{number}", region=REGION)
    with django_assert_max_num_queries(10):
        assert len(items(auditor, "findings/")) == 33


def test_superseded_finding_names_its_successor(auditor, inventory, django_assert_max_num_queries):
    olds = [finding(inventory.shop, "SSM-PS-001", f"arn:aws:ssm:old:{n}", state="resolved") for n in range(5)]
    Finding.objects.filter(pk__in=[f.pk for f in olds]).update(
        resolution="superseded", superseded_by=inventory.secret.pk
    )
    mark = inventory.secret.fingerprint
    with django_assert_max_num_queries(25):
        found = items(auditor, "findings/", state="resolved")
    assert [item["superseded_by"] for item in found] == [mark] * 5 + [None]
    assert get(auditor, f"findings/{olds[0].fingerprint}/")["superseded_by"] == mark
    detail = get(auditor, f"findings/{mark}/")
    assert detail["superseded_by"] is None
    assert set(detail["supersedes"]) == {f.fingerprint for f in olds}
