"""The policy table, changed by two security admins, and the metrics page."""

from __future__ import annotations

import pytest

from exceptions.models import PolicyChange, PolicyRule
from exceptions.policy.policy_table import rule_for_severity, sla_days
from governance.core.policy import Role, ScopeKind
from tests.support.browsing import browser, shown, text
from tests.support.inventory import HOSTILE, ORG
from tests.support.people import person
from tests.support.story import Cast

pytestmark = pytest.mark.django_db
PROPOSE = "/exceptions/policy/propose/"
CHANGED = {"high-findings-max_days": "60", "sla-high": "20", "reason": "Ninety days is a quarter."}


def test_policy_change_needs_a_second_person(people: Cast) -> None:
    browser(people.admin).post(PROPOSE, CHANGED)
    change = PolicyChange.objects.get()
    assert change.rules == [
        {"severity": "high", "scope_kind": "findings", "quorum": 1, "max_days": 60, "max_renewals": 2}
    ]
    assert rule_for_severity("high", "findings").max_days == 90
    url = f"/exceptions/policy/{change.pk}/decide/"
    own = browser(people.admin).post(url, {"act": "confirm"})
    assert "another security admin" in text(own, 409)
    other = person("gus", (Role.SECURITY_ADMIN, ScopeKind.ORGANIZATION, ORG))
    assert "Ninety days is a quarter." in shown(browser(other), "/exceptions/policy/")
    browser(other).post(url, {"act": "confirm"})
    assert (rule_for_severity("high", "findings").max_days, sla_days("high")) == (60, 20)


def test_informational_has_limits_but_no_due_date(people: Cast) -> None:
    """C14."""
    assert (rule_for_severity("informational", "findings").quorum, sla_days("informational")) == (1, None)
    page = shown(browser(people.admin), "/exceptions/policy/")
    assert "informational-findings-max_days" in page
    assert "sla-informational" not in page


def test_a_proposal_can_be_dropped(people: Cast) -> None:
    client = browser(people.admin)
    client.post(PROPOSE, CHANGED)
    client.post(f"/exceptions/policy/{PolicyChange.objects.get().pk}/decide/", {"act": "drop"})
    assert PolicyChange.objects.get().confirmed is False
    assert not PolicyRule.objects.exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"high-findings-max_days": "soon"}, {"high-findings-quorum": "0"}, {"high-findings-max_days": "-3"},
        {"sla-high": "0"}, {"sla-high": "\u00b2"}, {"reason": ""},
    ],
)  # fmt: skip
def test_invalid_policy_change_is_refused_and_kept(people: Cast, wrong: dict[str, str]) -> None:
    given = {**CHANGED, **wrong}
    page = text(browser(people.admin).post(PROPOSE, given), 422)
    assert 'role="alert"' in page
    for value in given.values():
        assert value in page
    assert not PolicyChange.objects.exists()


def test_unchanged_policy_can_not_be_proposed(people: Cast) -> None:
    page = text(browser(people.admin).post(PROPOSE, {"reason": "No reason."}), 422)
    assert "Nothing would change." in page


def test_a_change_asks_for_a_fresh_second_factor(people: Cast) -> None:
    assert browser(people.admin, fresh=False).post(PROPOSE, CHANGED).status_code == 403
    assert not PolicyChange.objects.exists()


@pytest.mark.parametrize("who", ["approver", "owner"])
def test_policy_change_needs_permission(people: Cast, who: str) -> None:
    client = browser(getattr(people, who))
    assert client.post(PROPOSE, CHANGED).status_code == 403
    assert client.get("/exceptions/policy/").status_code == (200 if who == "approver" else 403)


def test_a_hostile_reason_is_shown_escaped(people: Cast) -> None:
    client = browser(people.admin)
    client.post(PROPOSE, {**CHANGED, "reason": HOSTILE})
    assert "<script>alert" not in shown(client, "/exceptions/policy/")


def test_metrics_show_waiting_and_excepted_by_place(people: Cast) -> None:
    people.approved()
    people.submitted(findings=[people.inventory.bucket.fingerprint])
    answer = browser(people.approver).get("/exceptions/metrics/")
    metrics = answer.context["metrics"]
    assert (metrics.waiting, metrics.active, metrics.decided) == (1, 1, 1)
    [retail] = [line for line in metrics.by_ou if line.unit == people.inventory.retail]
    assert (retail.failing, retail.excepted, retail.percent) == (2, 1, 50)
    assert "Retail" in text(answer)


def test_metrics_leave_out_foreign_requests(people: Cast) -> None:
    people.approved()
    metrics = browser(people.outsider).get("/exceptions/metrics/").context["metrics"]
    assert (metrics.waiting, metrics.active, metrics.by_ou) == (0, 0, [])


@pytest.mark.parametrize("who", ["admin", "approver"])
def test_scopes_are_named_as_elsewhere(people: Cast, who: str) -> None:
    page = shown(browser(getattr(people, who)), "/exceptions/policy/")
    assert 'data-label="Scope">OU</td>' in page
    assert 'data-label="Scope">ou</td>' not in page
    assert ", ou: " not in page
