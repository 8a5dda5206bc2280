"""Controls in the API."""

from __future__ import annotations

import pytest
from django.test import Client

from scans import registry
from tests.scans.api.asking import ROOT, get, items, refused

pytestmark = pytest.mark.django_db


def test_controls_are_listed_with_counts_in_reach(auditor, owner):
    found = {item["id"]: item for item in items(auditor, "controls/")}
    assert list(found) == list(registry.controls())
    assert found["SSM-PS-001"]["resources"] == {"pass": 7, "fail": 1, "unknown": 1, "not_applicable": 0}
    mine = {item["id"]: item for item in items(owner, "controls/")}
    assert mine["SSM-PS-001"]["resources"] == {"pass": 4, "fail": 1, "unknown": 0, "not_applicable": 0}


def test_filters_narrow_the_controls(auditor):
    assert {item["group"] for item in items(auditor, "controls/", group="ps")} == {"PS"}
    assert {item["severity"] for item in items(auditor, "controls/", severity="high")} == {"high"}
    refused(auditor.get(ROOT + "controls/?severity=worst"), 400)
    refused(auditor.get(ROOT + "controls/?limit=5"), 400)


def test_detail_carries_the_documentation_and_the_fix(auditor):
    said = get(auditor, "controls/SSM-PS-001/")
    loaded = registry.controls()["SSM-PS-001"]
    assert said["documentation"] == loaded.doc
    assert said["remediation"]["cli"] == loaded.control.remediation.cli
    assert said["facts"]


def test_bad_control_requests_get_401_403_or_404(auditor, outsider):
    refused(auditor.get(ROOT + "controls/SSM-ZZ-999/"), 404)
    refused(auditor.get(ROOT + "controls/%00/"), 404)
    for path in ("controls/", "controls/SSM-PS-001/"):
        refused(Client().get(ROOT + path), 401)
        refused(outsider.get(ROOT + path), 403)
