"""Builds the choices of the request form: scopes, accounts, OUs, controls and limits, for this person."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from accounts.models import Account, Organization
from accounts.queries import visible_accounts
from exceptions.policy.policy_table import rule_for
from exceptions.rules import SEVERITY_ORDER, ExceptionScopeKind, Rule
from governance.core.policy import Actor, Permission, is_permitted
from scans import registry
from scans.models import Finding
from scans.queries import controls, unit_choices

Options = list[tuple[str, str]]
MAX_SUGGESTED = 300
SCOPE_KINDS = (
    ("findings", "Selected findings"),
    ("resource", "One resource"),
    ("account", "A control in an account"),
    ("ou", "A control in an OU"),
    ("tag", "A control in tagged accounts"),
)


@dataclass(frozen=True, slots=True)
class ExceptionFormChoices:
    """kind: the kind of scope whose fields are shown. kinds: the kinds on offer, with their labels. rules: the limits
    for each severity that may apply."""

    kind: str
    kinds: tuple[tuple[str, str], ...]
    organizations: list[str]
    accounts: Options
    ous: Options
    controls: list[tuple[str, str, Options]]
    findings: list[Finding]
    rules: list[tuple[str, Rule]]


def build_exception_choices(
    actor: Actor, now: datetime, wanted: str, control: str, fingerprints: Iterable[str]
) -> ExceptionFormChoices:
    """wanted: the kind of scope that was chosen; empty: the first kind that this person may request."""
    asks = Permission.EXCEPTION_REQUEST
    wide = Permission.EXCEPTION_REQUEST_OU
    narrow = is_permitted(actor, asks, now)
    kinds = SCOPE_KINDS if narrow else tuple(item for item in SCOPE_KINDS if item[0] in {"ou", "tag"})
    mine = visible_accounts(actor, asks if narrow else wide)
    kind = wanted if wanted in set(ExceptionScopeKind) else kinds[0][0]
    for_ous = visible_accounts(actor, wide) if is_permitted(actor, wide, now) else mine
    seen = visible_accounts(actor, Permission.FINDING_VIEW).order_by()
    named = Finding.objects.filter(fingerprint__in=list(fingerprints), account__in=seen.values("pk"))
    found = list(named.select_related("account__organization").order_by("account_id", "control", "id"))
    ids = (mine | for_ous).order_by().values("organization")
    return ExceptionFormChoices(
        kind=kind,
        kinds=kinds,
        organizations=list(Organization.objects.filter(pk__in=ids).values_list("org_id", flat=True)),
        accounts=suggest_accounts(mine),
        ous=[(unit.ou_id, unit.label) for unit in unit_choices.list_unit_choices(for_ous)]
        if kind == ExceptionScopeKind.OU
        else [],
        controls=controls.list_control_choices(),
        findings=found,
        rules=list_rules(kind, list_deciding_severities(kind, control, found)),
    )


def suggest_accounts(accounts: QuerySet[Account]) -> Options:
    # Suggestions only, the field takes any id: ten thousand options would make the page slow.
    rows = accounts.order_by("name").values_list("account_id", "name")
    return list(rows[:MAX_SUGGESTED])


def list_deciding_severities(kind: str, control: str, findings: list[Finding]) -> list[str]:
    """The severities that the chosen findings or control bring; all of them if nothing is chosen yet."""
    loaded = registry.controls().get(control.strip().upper())
    if kind == ExceptionScopeKind.FINDINGS and findings:
        return [max({f.severity for f in findings}, key=SEVERITY_ORDER.index)]
    if kind != ExceptionScopeKind.FINDINGS and loaded is not None:
        return [str(loaded.control.severity)]
    return list(reversed(SEVERITY_ORDER))


def list_rules(kind: str, wanted: Iterable[str]) -> list[tuple[str, Rule]]:
    return [(severity, rule_for([severity], kind)) for severity in wanted]


def find_scope_organization(
    actor: Actor, *, typed: str, account: str, ou: str, findings: list[Finding]
) -> Organization | None:
    """The organization of the scope: known from the findings, the account or the OU, or chosen among several."""
    if findings:
        return findings[0].account.organization
    visible = visible_accounts(actor, Permission.FINDING_VIEW)
    named = visible.filter(account_id=account).first() if account else None
    if isinstance(named, Account):
        return named.organization
    seen = Organization.objects.filter(pk__in=visible.order_by().values("organization"))
    by_ou = seen.filter(ous__ou_id=ou).first() if ou else None
    return by_ou or seen.filter(org_id=typed).first() or seen.first()
