"""A snapshot changes nothing until it is recorded, and a decision reads the scope once."""

from __future__ import annotations

import sys
from collections import Counter
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Account
from exceptions.common.request_scope import resolve_scope
from exceptions.models import Cover, ExceptionRequest, PolicyRule, Shown
from exceptions.requests import deciding, drafting
from exceptions.requests.decision_page import build_decision_page
from exceptions.requests.snapshots import record_snapshot, take_snapshot
from governance.core.policy import Role, ScopeKind
from tests.support.inventory import ORG
from tests.support.people import person
from tests.support.story import Cast, acting, show_snapshot

pytestmark = pytest.mark.django_db
TAG = {"tag_key": "team", "tag_value": "shop"}
SCOPES: dict[str, dict[str, Any]] = {
    "findings": {},
    "resource": {"region": "eu-west-1", "control": "SSM-PS-001"},
    "account": {"control": "SSM-PS-001"},
    "ou": {"control": "SSM-PS-001"},
    "tag": {"control": "SSM-PS-001", **TAG},
}
RESOLVING = ("accounts_in_scope", "findings_in_scope", "resolve_scope")


def test_taking_a_snapshot_writes_nothing_and_changes_nothing(people: Cast) -> None:
    request = people.submitted()
    PolicyRule.objects.create(severity="high", scope_kind="findings", quorum=2, max_days=90, max_renewals=1)
    before, fields = Shown.objects.count(), dict(vars(request))
    with CaptureQueriesContext(connection) as asked:
        snapshot = take_snapshot(request, resolve_scope(request))
        build_decision_page(
            request,
            resolve_scope(request),
            snapshot.body,
            acting(people.approver),
            people.approver,
            timezone.now(),
            since=snapshot.digest,
        )
    assert {query["sql"].split()[0] for query in asked} == {"SELECT"}
    assert (Shown.objects.count(), request.quorum, snapshot.quorum) == (before, 1, 2)
    assert {name: value for name, value in vars(request).items() if name in fields and name != "_state"} == {
        name: value for name, value in fields.items() if name != "_state"
    }


def test_what_is_recorded_is_what_is_shown_and_once(people: Cast) -> None:
    request = people.submitted()
    snapshot = take_snapshot(request, resolve_scope(request))
    for _ in range(2):
        record_snapshot(snapshot)
    assert Shown.objects.get(digest=snapshot.digest).body == snapshot.body
    assert snapshot.body["quorum"] == snapshot.quorum == 1


def test_the_quorum_that_was_shown_is_the_one_that_counts(people: Cast) -> None:
    """The policy became stricter after the submission: nothing but the snapshot says so."""
    request = people.submitted()
    PolicyRule.objects.create(severity="high", scope_kind="findings", quorum=2, max_days=90, max_renewals=1)
    request = people.decides(request, people.approver)
    assert (request.state, request.quorum) == ("submitted", 2)
    assert people.decides(request, people.second).state == "approved"


def ask(people: Cast, kind: str) -> ExceptionRequest:
    inventory = people.inventory
    for account in (inventory.shop, inventory.till):
        Account.objects.filter(pk=account.pk).update(tags={TAG["tag_key"]: TAG["tag_value"]})
    wanted: dict[str, Any] = {"scope_kind": kind, **SCOPES[kind]}
    if kind != "findings":
        wanted["findings"] = ()
    if kind in {"resource", "account"}:
        wanted["account"] = inventory.shop.account_id
    if kind == "resource":
        wanted["resource"] = inventory.secret.resource
    if kind == "ou":
        wanted["ou"] = inventory.retail.ou_id
    head = person("hana", (Role.SECURITY_ADMIN, ScopeKind.ORGANIZATION, ORG))
    request = (
        drafting.create_draft(actor=acting(head), organization=inventory.organization, wanted=people.wanted(**wanted))
        if kind in {"ou", "tag"}
        else people.drafted(**wanted)
    )
    drafting.submit(actor=acting(request.requested_by), request=request, version=request.version)
    return request


def count_calls(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Counts the calls of what resolves a scope, wherever it was imported."""
    calls: Counter[str] = Counter()
    source = sys.modules["exceptions.common.request_scope"]
    for name in RESOLVING:
        resolve = getattr(source, name)

        def counted(request: ExceptionRequest, *rest: Any, name: str = name, resolve: Any = resolve) -> Any:
            calls[name] += 1
            return resolve(request, *rest)

        for module in [each for each in sys.modules.values() if each.__name__.startswith("exceptions.")]:
            if getattr(module, name, None) is resolve:
                monkeypatch.setattr(module, name, counted)
    return calls


@pytest.mark.parametrize("kind", SCOPES)
@pytest.mark.parametrize("act", ["approve", "reject", "request_changes"])
def test_a_decision_resolves_the_scope_once(people: Cast, monkeypatch: pytest.MonkeyPatch, kind: str, act: str) -> None:
    """accounts_in_scope: once to know which accounts to lock, and once under the locks."""
    request = ask(people, kind)
    digest, _ = show_snapshot(request)
    calls = count_calls(monkeypatch)
    decided = deciding.decide_request(
        actor=acting(people.approver), request=request, act=act, version=request.version, digest=digest, comment="Why."
    )
    assert calls == {"accounts_in_scope": 2, "resolve_scope": 1}
    assert decided.decisions.count() == 1


def test_restarted_approval_resolves_the_scope_once(people: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    request = people.decides(ask(people, "ou"), people.approver)
    people.inventory.play.ou = people.inventory.retail
    people.inventory.play.save(update_fields=["ou"])
    digest, _ = show_snapshot(request)
    calls = count_calls(monkeypatch)
    request = deciding.decide_request(
        actor=acting(people.second), request=request, act="approve", version=request.version, digest=digest
    )
    assert (request.state, calls) == ("submitted", {"accounts_in_scope": 2, "resolve_scope": 1})


def test_revoking_resolves_the_scope_once(people: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    request = people.approved()
    digest, _ = show_snapshot(request)
    calls = count_calls(monkeypatch)
    deciding.revoke_request(
        actor=acting(people.admin), request=request, version=request.version, digest=digest, comment="Why."
    )
    assert calls == {"accounts_in_scope": 1, "resolve_scope": 1}


def test_submitting_resolves_the_scope_once(people: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    request = people.drafted()
    calls = count_calls(monkeypatch)
    drafting.submit(actor=acting(people.owner), request=request, version=request.version)
    assert calls == {"accounts_in_scope": 1, "resolve_scope": 1}
    assert Cover.objects.filter(request=request).exists()
