"""What is on the screen when a request is decided: everything that the decision rests on, as plain values."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from accounts.models import Account
from exceptions.common.request_scope import accounts_of, controls_of, findings_of, scope_text
from exceptions.models import ExceptionRequest
from governance.identity.people.identifiers import strangers
from scans import registry
from scans.models import Finding, PostureCell

NAMED_FINDINGS = 200
NAMED_OWNERS = 50


def shown(request: ExceptionRequest) -> dict[str, Any]:
    """JSON values only. Long lists are a count and a digest, so that one changed finding still shows."""
    accounts = [account.account_id for account in accounts_of(request)]
    findings = list(findings_of(request))
    return {
        "request": request.reference,
        "version": request.version,
        "state": request.state,
        "scope": scope_text(request),
        "controls": {id: control_facts(id) for id in controls_of(request)},
        "accounts": {"count": len(accounts), "digest": digest(accounts)},
        "findings": {"count": len(findings), "digest": digest([mark(f) for f in findings])},
        "listed": {f.fingerprint: mark(f)[1] for f in findings[:NAMED_FINDINGS]},
        "justification": request.justification,
        "business_owner": request.business_owner,
        "on_behalf_of": request.behalf,
        "unknown_owners": unknown_owners(accounts_of(request)),
        "compensation": request.compensation,
        "compensating_controls": compensation(request.compensating_controls, accounts_of(request)),
        "starts_at": iso(request.starts_at),
        "expires_at": iso(request.expires_at),
        "attachments": [list(row) for row in request.attachments.values_list("pk", "name", "size", "digest")],
        "comments": [list(row) for row in request.comments.values_list("pk", "by", "text")],
        "quorum": request.quorum,
        "decisions": [[d.by_id, d.act] for d in request.decisions.filter(round=request.round)],
        "drift": request.drift,
    }


def unknown_owners(accounts: QuerySet[Account]) -> list[str]:
    """The owners' names, in these accounts' tags or set by hand, that nobody in the portal has. No rule can say
    whether an approver is one of them."""
    found = strangers(str(name) for owners in accounts.values_list("owners", flat=True) for name in owners)
    rest = len(found) - NAMED_OWNERS
    return found if rest <= 0 else [*found[:NAMED_OWNERS], f"and {rest:,} more, {digest(found)[:12]}"]


def control_facts(id: str) -> dict[str, Any]:
    """Empty for a control that this version no longer has: that is a difference too."""
    loaded = registry.controls().get(id)
    return {"version": loaded.control.version, "severity": str(loaded.control.severity)} if loaded else {}


def compensation(controls: list[str], accounts: QuerySet[Account]) -> dict[str, str]:
    """Control -> pass, fail, unknown or never judged, over the accounts in scope: pass needs every one."""
    wanted = set(accounts.order_by().values_list("pk", flat=True)) if controls else set()
    found: dict[str, str] = {}
    for control in controls:
        cells = list(PostureCell.objects.filter(account__in=wanted, control=control))
        if any(cell.failed for cell in cells):
            found[control] = "fail"
        elif any(cell.unknown for cell in cells):
            found[control] = "unknown"
        elif not any(cell.passed for cell in cells):
            found[control] = "never judged"
        else:
            found[control] = "pass" if wanted == {cell.account_id for cell in cells} else "unknown"
    return found


def mark(finding: Finding) -> list[str]:
    return [finding.fingerprint, facts_digest(finding), finding.severity]


def facts_digest(finding: Finding) -> str:
    """Of what the control read, and of what it said. Not of the whole evidence: another resource may change in it."""
    return digest([finding.facts, finding.verdict, finding.control_version])


def digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
