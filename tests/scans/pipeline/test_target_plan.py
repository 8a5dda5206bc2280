"""Which evidence of the last scan collectors are given."""

from __future__ import annotations

import pytest

from scans.domain.evidence import Evidence
from scans.models import Blob
from scans.pipeline.target_plan import load_remembered_evidence
from scans.storage import blobs
from scans.storage.latest import update_latest_evidence
from tests.scans.stored import MONDAY, REGION, account

pytestmark = pytest.mark.django_db


def keep(owner: object, *collectors: str) -> None:
    evidences = {(REGION, name): Evidence(name, REGION, types=("some.type",)) for name in collectors}
    manifest = blobs.store_evidence(evidences)[1]
    update_latest_evidence(owner, evidences, {place: manifest[REGION][place[1]] for place in evidences}, MONDAY)  # type: ignore[arg-type]


def test_collectors_of_texts_remember_without_a_value_role(settings: object) -> None:
    """A6: an execution that has ended is not read again."""
    settings.VALUE_ROLE = ""  # type: ignore[attr-defined]
    owner = account()
    keep(owner, "ssm_automations", "ssm_ops", "ssm_documents", "ssm_values", "ssm_parameters")
    asked = {"ssm_automations", "ssm_ops", "ssm_documents", "ssm_values"}
    found = load_remembered_evidence(owner, asked)
    assert set(found) == {(REGION, name) for name in ("ssm_automations", "ssm_ops", "ssm_documents")}
    settings.VALUE_ROLE = "TutelaValues"  # type: ignore[attr-defined]
    assert (REGION, "ssm_values") in load_remembered_evidence(owner, asked)


def test_evidence_that_is_no_longer_kept_is_read_again() -> None:
    owner = account()
    keep(owner, "ssm_automations")
    Blob.objects.all().delete()
    found = load_remembered_evidence(owner, {"ssm_automations"})
    assert found[REGION, "ssm_automations"].resources == []
