"""Controls by id, by the id that parts share, or by group."""

from __future__ import annotations

import pytest

from governance.core.policy import SYSTEM
from scans import registry
from scans.errors import ScanRequestError
from scans.pipeline.start import start_scan
from scans.registry import resolve_control_ids
from tests.scans.orders import company

PARTS = [f"SSM-DS-001.{n:02d}" for n in range(1, 15)]


@pytest.mark.parametrize(
    ("named", "ids"),
    [
        (["ssm-ps-001"], ["SSM-PS-001"]),
        (["SSM-DS-001"], PARTS),
        (["SSM-DS-001.03"], ["SSM-DS-001.03"]),
        (["ds"], PARTS),
        (["SSM-DS-001.02", "DS"], [PARTS[1], PARTS[0], *PARTS[2:]]),
        (["SSM-NO-001", "SSM"], ["SSM-NO-001", "SSM"]),
        ([], []),
    ],
)
def test_control_name_resolves_to_ids(named: list[str], ids: list[str]) -> None:
    assert resolve_control_ids(named) == ids
    assert set(PARTS) <= set(registry.controls())


@pytest.mark.django_db
def test_a_scan_takes_a_group() -> None:
    organization = company()
    assert start_scan(actor=SYSTEM, organization=organization, controls=["SSM-DS-001"]).asked["controls"] == PARTS
    with pytest.raises(ScanRequestError, match="Unknown control: SSM-XX"):
        start_scan(actor=SYSTEM, organization=organization, controls=["SSM-XX"])
