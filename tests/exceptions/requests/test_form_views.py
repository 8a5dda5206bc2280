"""Asking for an exception: every scope, errors beside the fields, nothing typed is lost."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from exceptions.models import ExceptionRequest
from governance.core.policy import SYSTEM, Role, ScopeKind
from governance.identity.people.creation import grant_role
from tests.support.browsing import browser, shown, text
from tests.support.inventory import HOSTILE
from tests.support.story import WHY, Cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(people: Cast) -> Client:
    return browser(people.owner)


def day(days: int) -> str:
    return f"{timezone.now() + timedelta(days=days):%Y-%m-%d}"


def typed(people: Cast, **more: Any) -> dict[str, Any]:
    return {
        "save": "1", "scope_kind": "findings", "findings": [people.inventory.secret.fingerprint],
        "justification": WHY, "business_owner": "Head of Shop", "expires_at": day(20), **more,
    }  # fmt: skip


def test_findings_that_were_ticked_on_the_list_are_in_the_form(people: Cast, client: Client) -> None:
    marks = [people.inventory.secret.fingerprint, people.inventory.bucket.fingerprint]
    page = text(client.post("/exceptions/new/", {"findings": marks}, follow=True))
    assert people.inventory.secret.resource in page
    assert people.inventory.bucket.resource in page
    assert not ExceptionRequest.objects.exists()


def test_foreign_finding_is_not_shown_in_the_form(people: Cast, client: Client) -> None:
    page = text(client.post("/exceptions/new/", {"findings": [people.inventory.unread.fingerprint]}, follow=True))
    assert people.inventory.unread.resource not in page
    assert "No findings are selected" in page


def test_saving_previews_coverage_before_submission(people: Cast, client: Client) -> None:
    answer = client.post("/exceptions/new/", typed(people), follow=True)
    page = text(answer)
    made = ExceptionRequest.objects.get()
    assert (made.state, made.expires_at and f"{made.expires_at:%Y-%m-%d %H:%M}") == ("draft", f"{day(20)} 00:00")
    assert "Ready to submit" in page
    assert people.inventory.secret.resource in page
    done = client.post(f"/exceptions/{made.pk}/submit/", {"version": made.version}, follow=True)
    assert "is submitted" in text(done)
    made.refresh_from_db()
    assert made.state == "submitted"


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("resource", {"account": "100000000001", "region": "eu-west-1", "resource": "arn:aws:s3:::shop-logs"}),
        ("account", {"account": "100000000001", "control": "SSM-PS-001"}),
        ("ou", {"ou": "ou-1-retail", "control": "SSM-PS-001"}),
        ("tag", {"tag_key": "team", "tag_value": "retail", "control": "SSM-PS-001"}),
    ],
)
def test_every_scope_kind_can_be_requested(people: Cast, kind: str, fields: dict[str, str]) -> None:
    client = browser(people.owner if kind in {"resource", "account"} else people.admin)
    assert f'value="{kind}"' in shown(client, f"/exceptions/new/?scope_kind={kind}")
    answer = client.post("/exceptions/new/", typed(people, scope_kind=kind, findings=[], **fields), follow=True)
    assert "Findings that it would cover now" in text(answer)
    assert ExceptionRequest.objects.get().scope_kind == kind


def test_switching_scope_kind_keeps_input(people: Cast, client: Client) -> None:
    first = {**typed(people, justification=HOSTILE, compensating_controls=["SSM-SM-002"]), "switch": "ou"}
    del first["save"]
    page = client.post("/exceptions/new/", first)
    form = page.context["form"]
    assert page.context["kind"] == "ou"
    assert form["justification"].value() == HOSTILE
    assert form["findings"].value() == first["findings"]
    assert "<script>alert" not in text(page)
    assert 'id="e-SSM-SM-002" checked' in text(page)


@pytest.mark.parametrize(
    ("wrong", "where", "said"),
    [
        ({"expires_at": "soon"}, "expires_at", "valid date"),
        ({"compensating_controls": ["SSM-XX-999"]}, "compensating_controls", "There is no control"),
        ({"findings": []}, "findings", "at least one finding"),
        ({"scope_kind": "account", "account": "100000000003", "control": "SSM-PS-001"}, "account", "no account"),
        ({"scope_kind": "account", "account": "100000000001", "control": ""}, "control", "Choose a control"),
        ({"scope_kind": "ou", "ou": "ou-nowhere", "control": "SSM-PS-001"}, "ou", "There is no OU"),
        ({"scope_kind": "tag", "control": "SSM-PS-001"}, "tag_key", "key and value"),
        ({"scope_kind": "resource", "account": "100000000001"}, "resource", "ARN"),
        ({"justification": "The password = hunter2secret99 is still needed."}, "justification", "Remove it"),
        ({"business_owner": "x" * 201}, "business_owner", "200"),
    ],
)
def test_refused_form_shows_field_error_and_keeps_input(
    people: Cast, client: Client, wrong: dict[str, Any], where: str, said: str
) -> None:
    given = typed(people, compensation="A fence stands around it.", **wrong)
    answer = client.post("/exceptions/new/", given)
    page = text(answer, 422)
    assert f'id="{where}-error"' in page
    assert said in page
    assert "A fence stands around it." in page
    assert not ExceptionRequest.objects.exists()


def test_early_submit_returns_to_form_with_missing_fields(people: Cast, client: Client) -> None:
    client.post("/exceptions/new/", typed(people, justification="short", business_owner="", expires_at=day(200)))
    made = ExceptionRequest.objects.get()
    page = shown(client, f"/exceptions/{made.pk}/")
    assert "at least 20 characters" in page
    assert ">Submit</button>" not in page
    answer = client.post(f"/exceptions/{made.pk}/submit/", {"version": made.version})
    page = text(answer, 422)
    for name in ("justification", "business_owner"):
        assert f'id="{name}-fault"' in page


def test_an_end_beyond_the_maximum_names_the_last_day(people: Cast, client: Client) -> None:
    made = people.drafted(expires_at=timezone.now() + timedelta(days=400))
    page = text(client.post(f"/exceptions/{made.pk}/submit/", {"version": made.version}), 422)
    assert 'id="expires_at-fault"' in page
    assert "At most 90 days" in page


def test_editing_a_draft_keeps_its_hour(people: Cast, client: Client) -> None:
    draft = people.drafted()
    was = draft.expires_at
    given = typed(people, justification=f"{WHY} And more.", expires_at=f"{was:%Y-%m-%d}", version=draft.version)
    client.post(f"/exceptions/{draft.pk}/edit/", given)
    draft.refresh_from_db()
    assert draft.justification.endswith("And more.")
    assert draft.expires_at == was


def test_a_change_of_an_older_version_is_refused_and_kept(people: Cast, client: Client) -> None:
    draft = people.drafted()
    answer = client.post(f"/exceptions/{draft.pk}/edit/", typed(people, compensation="kept words", version=7))
    page = text(answer, 409)
    assert "changed by another person" in page
    assert "kept words" in page


def test_submitted_or_foreign_request_can_not_be_edited(people: Cast, client: Client) -> None:
    asked = people.submitted()
    assert client.get(f"/exceptions/{asked.pk}/edit/").status_code == 403
    assert browser(people.admin).get(f"/exceptions/{asked.pk}/edit/").status_code == 403


def test_owner_can_not_request_ou_with_others_accounts(people: Cast, client: Client) -> None:
    given = typed(people, scope_kind="ou", findings=[], ou="ou-1-prod", control="SSM-PS-001")
    page = text(client.post("/exceptions/new/", {**given, "justification": HOSTILE, "business_owner": "Nan"}), 422)
    assert 'id="scope_kind-error"' in page
    assert "needs the owner of every account in the scope" in page
    assert "<script>alert" not in page
    assert 'value="Nan"' in page
    assert not ExceptionRequest.objects.exists()


def test_too_wide_draft_edit_keeps_form_and_draft_unchanged(people: Cast, client: Client) -> None:
    draft = people.drafted()
    given = typed(people, scope_kind="ou", findings=[], ou="ou-1-prod", control="SSM-PS-001", compensation="A fence.")
    page = text(client.post(f"/exceptions/{draft.pk}/edit/", {**given, "version": draft.version}), 422)
    assert 'id="scope_kind-error"' in page
    assert "A fence." in page
    draft.refresh_from_db()
    assert (draft.scope_kind, draft.version) == ("findings", 1)


def test_submit_without_grant_is_refused_beside_scope(people: Cast, client: Client) -> None:
    draft = people.drafted()
    people.owner.grants.all().delete()
    grant_role(
        actor=SYSTEM, user=people.owner, role=Role.ACCOUNT_OWNER, scope=ScopeKind.ACCOUNT, scope_id="100000000002"
    )
    page = text(client.post(f"/exceptions/{draft.pk}/submit/", {"version": draft.version}), 422)
    assert 'id="scope_kind-fault"' in page


def test_form_starts_with_a_permitted_scope(people: Cast, client: Client) -> None:
    assert 'name="scope_kind" value="findings"' in shown(client, "/exceptions/new/")
    page = shown(browser(people.admin), "/exceptions/new/")
    assert 'name="scope_kind" value="ou"' in page
    assert page.count('aria-pressed="true"') == 1
    assert 'id="e-ou"' in page


def test_files_are_attached_and_refused_file_keeps_draft(people: Cast, client: Client) -> None:
    files = [SimpleUploadedFile("plan.pdf", b"%PDF-1.4"), SimpleUploadedFile("page.html", b"<script>")]
    answer = client.post("/exceptions/new/", {**typed(people), "files": files}, follow=True)
    page = text(answer)
    assert "A file was not attached. page.html has an unsupported type" in page
    assert [f.name for f in ExceptionRequest.objects.get().attachments.all()] == ["plan.pdf"]


def test_the_longest_time_allowed_is_shown(people: Cast, client: Client) -> None:
    page = text(client.post("/exceptions/new/", {"findings": [people.inventory.secret.fingerprint]}, follow=True))
    assert "At most 90 days" in " ".join(page.split())
    assert f'max="{day(90)}"' in page


@pytest.mark.parametrize("query", ["scope_kind=nonsense", "scope_kind=ou&ou=%00", "findings=%00", "ids=", "ids=,,"])
def test_form_opens_with_unknown_query(people: Cast, client: Client, query: str) -> None:
    assert '<legend class="h2">Scope</legend>' in shown(client, f"/exceptions/new/?{query}")


def test_on_behalf_of_is_kept_and_unknown_person_is_named(people: Cast, client: Client) -> None:
    draft = people.drafted(on_behalf_of="owen")
    where = f"/exceptions/{draft.pk}/edit/"
    assert 'name="on_behalf_of" value="owen"' in shown(client, where)
    client.post(where, {**typed(people), "version": draft.version})
    draft.refresh_from_db()
    assert draft.on_behalf_of == people.owner
    ExceptionRequest.objects.filter(pk=draft.pk).update(on_behalf_of=None, on_behalf_of_unknown="Shop team")
    assert 'name="on_behalf_of" value="Shop team"' in shown(client, where)
    for left in ("", "Shop team"):
        page = text(client.post(where, {**typed(people, on_behalf_of=left), "version": draft.version}), 422)
        assert 'id="on_behalf_of-error"' in page
    client.post(where, {**typed(people, on_behalf_of="Owen"), "version": draft.version})
    draft.refresh_from_db()
    assert (draft.on_behalf_of, draft.on_behalf_of_unknown) == (people.owner, "")
