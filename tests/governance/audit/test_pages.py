from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from governance.audit import export
from governance.audit.queries import export_trail
from governance.core import audit
from governance.core.models import AuditEvent
from governance.core.policy import SYSTEM, NotPermittedError, Role, ScopeKind
from governance.core.verifier import check_export
from governance.identity.factors.step_up import StepUpRequiredError
from governance.templatetags.trails import told
from tests.governance.identity.acting import fresh
from tests.support.inventory import HOSTILE, ORG, Inventory
from tests.support.people import person, signed_in, stepped_up
from tests.support.trails import written

WHOLE = (ScopeKind.ORGANIZATION, ORG)


@pytest.fixture
def ada(inventory: Inventory) -> Client:
    return signed_in(person("ada", (Role.AUDITOR, *WHOLE)))


def test_the_trail_is_listed_newest_first_page_by_page(ada: Client) -> None:
    written(150)
    first = ada.get(reverse("audit"))
    assert len(first.context["rows"]) == 100
    assert first.context["rows"][0].subject == "thing:149"
    following = ada.get(reverse("audit"), {"page": first.context["page"]["next"]})
    assert following.context["rows"][0].subject == "thing:49"
    assert ada.get(reverse("audit"), {"page": "forged"}).status_code == 400


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"actor": "ada", "subject": "thing:3"}, ["thing:3"]),
        ({"action": "test.act", "subject": "thing:3"}, ["thing:3"]),
        ({"action": "test", "subject": "thing:3"}, ["thing:3"]),
        ({"action": "tes"}, []),
        ({"subject": "thin"}, []),
        ({"since": "2999-01-01"}, []),
        ({"until": "2001-01-01"}, []),
        ({"subject": "thing", "since": "2001-01-01", "until": "9999-12-31"}, [f"thing:{n}" for n in (4, 3, 2, 1, 0)]),
    ],
)
def test_filters_narrow_the_trail(ada: Client, filters: dict[str, str], found: list[str]) -> None:
    written(5)
    assert [event.subject for event in ada.get(reverse("audit"), filters).context["rows"]] == found


def test_invalid_filter_is_explained(ada: Client) -> None:
    answer = ada.get(reverse("audit"), {"since": "yesterday"})
    assert answer.status_code == 400
    assert b"enter a day such as 2026-01-31" in answer.content


def test_audit_text_is_escaped_and_links_to_subject(ada: Client, inventory: Inventory) -> None:
    with transaction.atomic():
        audit.record(actor=SYSTEM, action="scan.start", subject=f"scan:{inventory.scan.pk}", why=HOSTILE)
    page = ada.get(reverse("audit")).content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page
    assert f'href="{reverse("scan", args=[inventory.scan.pk])}"' in page


def test_act_details_are_shown_in_words(ada: Client) -> None:
    asked = {"accounts": [], "ous": [], "regions": ["eu-west-1", "us-east-1"], "controls": ["SSM-PS-001"]}
    with transaction.atomic():
        audit.record(actor=SYSTEM, action="test.act", subject="thing:1", asked=asked, service=True, accounts=0, none=[])
    event = AuditEvent.objects.latest("seq")
    assert told(event.body) == [
        ("accounts", "0"), ("asked", "regions eu-west-1, us-east-1; controls SSM-PS-001"), ("service", "yes"),
    ]  # fmt: skip
    page = ada.get(reverse("audit")).content.decode()
    assert "regions eu-west-1, us-east-1; controls SSM-PS-001" in page
    assert "[&#x27;" not in page


@pytest.mark.parametrize(
    "grant",
    [
        (Role.AUDITOR, ScopeKind.OU, "ou-1-prod"),  # the trail can't be cut down to an OU
        (Role.GOVERNANCE_APPROVER, *WHOLE),
        (Role.ACCOUNT_OWNER, *WHOLE),
        (Role.SCAN_OPERATOR, *WHOLE),
        (Role.INTEGRATION, *WHOLE),
    ],
)
def test_audit_needs_permission(inventory: Inventory, grant: tuple[Role, ScopeKind, str]) -> None:
    other = person("other", grant)
    client = stepped_up(signed_in(other))
    assert client.get(reverse("audit")).status_code == 403
    assert client.post(reverse("audit-export")).status_code == 403
    with pytest.raises(NotPermittedError):
        export_trail(actor=fresh(other), start=None, end=None)


def test_an_export_is_signed_whole_and_itself_recorded(ada: Client) -> None:
    written(5)
    assert export.public_key() in ada.get(reverse("audit-export")).content.decode()
    answer = stepped_up(ada).post(reverse("audit-export"), {"since": "", "until": ""})
    lines = b"".join(answer.streaming_content).splitlines(keepends=True)  # type: ignore[attr-defined]
    walk = check_export(lines, public_key=export.public_key())
    assert walk.problems == []
    assert AuditEvent.objects.latest("seq").action == "audit.export"
    assert walk.place == AuditEvent.objects.latest("seq").seq


def test_an_export_needs_a_fresh_second_factor(ada: Client, inventory: Inventory) -> None:
    assert ada.post(reverse("audit-export")).status_code == 403
    with pytest.raises(StepUpRequiredError):
        export_trail(actor=fresh(person("al", (Role.AUDITOR, *WHOLE)), timedelta(hours=1)),
                     start=None, end=None)  # fmt: skip
    assert not AuditEvent.objects.filter(action="audit.export").exists()


def test_downloaded_program_is_the_portals_checker(ada: Client) -> None:
    answer = ada.get(reverse("audit-program"))
    assert b"def check_export" in answer.content
    assert "verify_audit.py" in answer.headers["Content-Disposition"]
