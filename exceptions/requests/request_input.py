"""Validates the input of a request and turns it into columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from accounts.models import Account, Organization, OrganizationalUnit
from accounts.queries import visible_accounts
from exceptions.common.input_checks import MAX_TEXT, validate_controls, validate_text
from exceptions.errors import InvalidRequestError
from exceptions.rules import ExceptionScopeKind
from governance.core.policy import Actor, Permission
from governance.identity.people.identifiers import PersonNotKnownError, find_person
from scans import registry
from scans.models import Finding

# The lengths of the columns. SQLite doesn't enforce them; PostgreSQL would answer with an error 500.
MAX_LENGTHS = {"business_owner": 200, "tag_key": 128, "tag_value": 256, "region": 30}


@dataclass(frozen=True, slots=True)
class RequestInput:
    """The input of a request. account, ou: AWS ids; findings: fingerprints; on_behalf_of: a user name or an email
    address; the times are aware."""

    scope_kind: str = ExceptionScopeKind.FINDINGS
    control: str = ""
    account: str = ""
    ou: str = ""
    tag_key: str = ""
    tag_value: str = ""
    resource: str = ""
    region: str = ""
    findings: Sequence[str] = ()
    justification: str = ""
    business_owner: str = ""
    compensation: str = ""
    compensating_controls: Sequence[str] = ()
    on_behalf_of: str = ""
    starts_at: datetime | None = None
    expires_at: datetime | None = None
    texts: tuple[str, ...] = field(default=("justification", "business_owner", "compensation"), repr=False)


def validate_request_input(
    actor: Actor, organization: Organization, wanted: RequestInput
) -> tuple[dict[str, Any], list[Finding]]:
    """The columns and the named findings. Raises InvalidRequestError with every invalid field."""
    faults: dict[str, str] = {}
    values: dict[str, Any] = {}
    for name in wanted.texts:
        values[name] = clean_text(name, getattr(wanted, name), faults)
    values |= resolve_on_behalf_of(wanted.on_behalf_of, faults)
    values["compensating_controls"] = validate_controls(wanted.compensating_controls, faults)
    values |= {"starts_at": wanted.starts_at, "expires_at": wanted.expires_at, "scope_kind": wanted.scope_kind}
    # What the actor can't see is refused like what doesn't exist: the message would tell who has which account.
    visible = visible_accounts(actor, Permission.FINDING_VIEW).filter(organization=organization)
    scope, findings = validate_request_scope(wanted, organization, visible, faults)
    raise_if_errors(faults)
    return values | scope, findings


def resolve_on_behalf_of(typed: str, faults: dict[str, str]) -> dict[str, Any]:
    """The person that the text names."""
    # Kept as a person, not as text: by another spelling of the name, that person could approve their own request.
    found = None
    if typed.strip():
        try:
            found = find_person(typed)
        except PersonNotKnownError as error:
            faults["on_behalf_of"] = str(error)
    return {"on_behalf_of": found, "on_behalf_of_unknown": ""}


def clean_text(name: str, text: str, faults: dict[str, str]) -> str:
    """The text if it is valid; else empty, with the problem added to faults."""
    try:
        return validate_text(name, text, most=MAX_LENGTHS.get(name, MAX_TEXT))
    except InvalidRequestError as error:
        faults |= error.fields
    return ""


def set_resource_region(scope: dict[str, Any], faults: dict[str, str]) -> None:
    """Take the region from the resource's ARN. Another region than the ARN's is refused."""
    parts = scope["resource"].split(":", 5)
    if len(parts) < 6 or parts[0] != "arn":
        faults["resource"] = (
            "Enter the full ARN of the resource, as its finding shows it: six parts separated by colons."
        )
        return
    named = parts[3]
    if named and scope["region"] not in {"", named}:
        faults["region"] = f"The resource's ARN names {named}; leave the region empty or enter that one."
    scope["region"] = named or scope["region"]


def validate_request_scope(
    wanted: RequestInput, organization: Organization, visible: Any, faults: dict[str, str]
) -> tuple[dict[str, Any], list[Finding]]:
    """The scope's columns. Those of the other kinds are empty, so that input left over in a form can't widen it."""
    scope: dict[str, Any] = {
        "control": "",
        "account": None,
        "ou": None,
        "tag_key": "",
        "tag_value": "",
        "resource": "",
        "region": "",
    }
    findings: list[Finding] = []
    kind = wanted.scope_kind
    if kind not in set(ExceptionScopeKind):
        faults["scope_kind"] = f"Choose one of: {', '.join(ExceptionScopeKind)}."
        return scope, findings
    if kind != ExceptionScopeKind.FINDINGS:
        scope["control"] = wanted.control.strip().upper()
        if scope["control"] and scope["control"] not in registry.controls():
            faults["control"] = f"There is no control {scope['control']}."
        if not scope["control"] and kind != ExceptionScopeKind.RESOURCE:
            faults["control"] = "Choose a control; an exception from all controls is not possible."
    typed = {name: clean_text(name, getattr(wanted, name), faults) for name in ("tag_key", "tag_value", "region")}
    match kind:
        case ExceptionScopeKind.FINDINGS:
            findings = list(Finding.objects.filter(fingerprint__in=wanted.findings, account__in=visible.values("pk")))
            if not wanted.findings:
                faults["findings"] = "Choose at least one finding."
            elif len(findings) != len(set(wanted.findings)):
                faults["findings"] = "At least one of these findings doesn't exist or is outside your access."
        case ExceptionScopeKind.RESOURCE | ExceptionScopeKind.ACCOUNT:
            scope["account"] = Account.objects.filter(pk__in=visible.values("pk"), account_id=wanted.account).first()
            if scope["account"] is None:
                faults["account"] = f"There is no account {wanted.account}." if wanted.account else "Choose an account."
            if kind == ExceptionScopeKind.RESOURCE:
                scope["resource"], scope["region"] = wanted.resource.strip(), typed["region"]
                set_resource_region(scope, faults)
        case ExceptionScopeKind.OU:
            scope["ou"] = OrganizationalUnit.objects.filter(organization=organization, ou_id=wanted.ou).first()
            if scope["ou"] is None:
                faults["ou"] = f"There is no OU {wanted.ou}." if wanted.ou else "Choose an OU."
        case ExceptionScopeKind.TAG:
            scope |= {"tag_key": typed["tag_key"], "tag_value": typed["tag_value"]}
            if not wanted.tag_key.strip() or not wanted.tag_value.strip():
                faults["tag_key"] = "Enter the tag's key and value."
    return scope, findings


def raise_if_errors(faults: dict[str, str]) -> None:
    if faults:
        raise InvalidRequestError(**faults)
