"""Finds the principals outside the organization that a resource's policy lets in. Pure."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

from scans.controls.lib import fixes
from scans.controls.lib.iam_policies import (
    Perimeter,
    Policy,
    Statement,
    assess_denies,
    assess_perimeter,
    list_foreign_accounts,
    list_foreign_sources,
    list_named_networks,
    list_open_principals,
    list_unknown_principals,
    parse_policy,
)
from scans.controls.lib.own_networks import list_own_networks, list_unread_network_gaps
from scans.domain.control import Outcome, ResourceView, failed, unknown

ANYONE, SERVED = "every principal", "a service act for"
SERVICE_KEYS = frozenset({"aws:principalisawsservice", "aws:viaawsservice", "aws:principalservicename"})


@dataclass(frozen=True, slots=True)
class StrangerGrant:
    """An Allow for principals that may be outside the organization. sure: they certainly are, and nothing keeps them out."""

    statement: Statement
    who: str
    sure: bool

    @property
    def is_by_service(self) -> bool:
        """Whether a service acts for them. S3's restriction of public policies leaves services alone:
        https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html"""
        return self.who.startswith(SERVED)

    def describe(self, thing: str) -> str:
        return f"{label_statement(self.statement)} lets {self.who} use {thing}"


def find_strangers(
    statement: Statement, resource: ResourceView, trusted: AbstractSet[str] = frozenset()
) -> tuple[str, bool]:
    """The principals of an Allow that may be outside the organization, and whether that is certain.

    trusted: further accounts that count as inside."""
    context = resource.context
    fenced = assess_perimeter(statement, context, _list_networks(statement, resource))
    if fenced is Perimeter.CLOSED:
        return "", True
    if list_open_principals(statement):
        return ANYONE, fenced is Perimeter.OPEN
    foreign = list_foreign_accounts(statement, context.accounts | {context.account} | trusted)
    if foreign:
        # A foreign account may belong to the organization as long as its accounts are unknown.
        sure = bool(context.accounts) and fenced is Perimeter.OPEN
        return f"the account{'s' if len(foreign) > 1 else ''} {', '.join(foreign)}", sure
    hidden = list_unknown_principals(statement)
    if hidden or not any(kind == "Service" for kind, _ in statement.principals or ()):
        return ", ".join(hidden), False
    served = list_foreign_sources(statement, context, trusted)
    # What a member's account names may be outside as long as the members are unknown.
    return (f"{SERVED} {', '.join(served)} and", bool(context.accounts)) if served else ("", False)


def list_stranger_grants(
    policy: Policy, resource: ResourceView, trusted: AbstractSet[str] = frozenset()
) -> list[StrangerGrant]:
    """The Allows for principals that may be outside the organization and that no Deny of the policy keeps out.

    Raises PolicyError if there is too much to compare."""
    found = []
    denied = frozenset[str]().union(*(_list_networks(deny, resource) for deny in policy.deny_statements))
    for allow in policy.allow_statements:
        who, sure = find_strangers(allow, resource, trusted)
        denies = _drop_denies_sparing_services(policy) if who.startswith(SERVED) else policy
        left = assess_denies(denies, allow, resource.context, denied) if who else Perimeter.CLOSED
        if left is not Perimeter.CLOSED:
            found.append(StrangerGrant(allow, who, sure and left is Perimeter.OPEN))
    return found


def _drop_denies_sparing_services(policy: Policy) -> Policy:
    """The policy without the Denies that may leave a service alone, whichever account it acts for."""
    kept = (
        each
        for each in policy.statements
        if each.allow or not (each.not_principals or any(c.key in SERVICE_KEYS for c in each.conditions))
    )
    return Policy(tuple(kept), policy.partition)


def judge_grants(grants: list[StrangerGrant], resource: ResourceView, thing: str) -> Outcome | None:
    """FAIL or UNKNOWN for what list_stranger_grants found; None if it found nothing. thing: what the grants are about."""
    for grant in grants:
        if grant.sure:
            return failed(f"{grant.describe(thing)}, and no condition or Deny limits that to the organization.")
    if not grants:
        return None
    said = "; ".join(grant.describe(thing) for grant in grants)
    gaps = list_unread_network_gaps([grant.statement for grant in grants], resource)
    return unknown(f"{said}: whether that is inside the organization isn't known.", *gaps)


def replace_strangers(document: Any, resource: ResourceView, trusted: AbstractSet[str] = frozenset()) -> dict[str, Any]:
    """The policy with the resource's own account instead of principals that may be outside the organization."""
    own = {"AWS": fixes.build_arn(resource, "iam", "root", region="")}
    changed = []
    for raw, parsed in zip(fixes.list_raw_statements(document), parse_policy(document).statements, strict=True):
        outside = parsed.allow and find_strangers(parsed, resource, trusted)[0]
        kept = {name: value for name, value in raw.items() if name != "NotPrincipal"}
        changed.append({**kept, "Principal": own} if outside else raw)
    return {**document, "Statement": changed}


def label_statement(statement: Statement) -> str:
    return f"The statement {statement.sid}" if statement.sid else "A statement without a Sid"


def _list_networks(statement: Statement, resource: ResourceView) -> frozenset[str]:
    return list_own_networks(resource) if list_named_networks(statement) else frozenset()
