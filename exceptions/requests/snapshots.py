"""What is on the screen when a request is decided: everything that the decision rests on, as plain values."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from accounts.models import Account
from exceptions.common.request_scope import accounts_in_scope, controls_in_scope, describe_scope, findings_in_scope
from exceptions.models import ExceptionRequest
from governance.identity.people.identifiers import list_unknown_names
from scans import registry
from scans.models import Finding, PostureCell

MAX_LISTED_FINDINGS = 200
MAX_LISTED_OWNERS = 50


def build_snapshot(request: ExceptionRequest) -> dict[str, Any]:
    """JSON values only. Long lists are a count and a digest, so that one changed finding still shows."""
    accounts = [account.account_id for account in accounts_in_scope(request)]
    findings = list(findings_in_scope(request))
    return {
        "request": request.reference,
        "version": request.version,
        "state": request.state,
        "scope": describe_scope(request),
        "controls": {id: control_facts(id) for id in controls_in_scope(request)},
        "accounts": {"count": len(accounts), "digest": digest_json(accounts)},
        "findings": {"count": len(findings), "digest": digest_json([summarize_finding(f) for f in findings])},
        "listed": {f.fingerprint: summarize_finding(f)[1] for f in findings[:MAX_LISTED_FINDINGS]},
        "justification": request.justification,
        "business_owner": request.business_owner,
        "on_behalf_of": request.behalf,
        "unknown_owners": list_unknown_owners(accounts_in_scope(request)),
        "compensation": request.compensation,
        "compensating_controls": assess_compensation(request.compensating_controls, accounts_in_scope(request)),
        "starts_at": format_timestamp(request.starts_at),
        "expires_at": format_timestamp(request.expires_at),
        "attachments": [list(row) for row in request.attachments.values_list("pk", "name", "size", "digest")],
        "comments": [list(row) for row in request.comments.values_list("pk", "by", "text")],
        "quorum": request.quorum,
        "decisions": [[d.by_id, d.act] for d in request.decisions.filter(round=request.round)],
        "drift": request.drift,
    }


def list_unknown_owners(accounts: QuerySet[Account]) -> list[str]:
    """The owners' names, in these accounts' tags or set by hand, that nobody in the portal has. No rule can say
    whether an approver is one of them."""
    found = list_unknown_names(str(name) for owners in accounts.values_list("owners", flat=True) for name in owners)
    rest = len(found) - MAX_LISTED_OWNERS
    return found if rest <= 0 else [*found[:MAX_LISTED_OWNERS], f"and {rest:,} more, {digest_json(found)[:12]}"]


def control_facts(id: str) -> dict[str, Any]:
    """Empty for a control that this version no longer has: that is a difference too."""
    loaded = registry.controls().get(id)
    return {"version": loaded.control.version, "severity": str(loaded.control.severity)} if loaded else {}


def assess_compensation(controls: list[str], accounts: QuerySet[Account]) -> dict[str, str]:
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


def summarize_finding(finding: Finding) -> list[str]:
    return [finding.fingerprint, digest_facts(finding), finding.severity]


def digest_facts(finding: Finding) -> str:
    """Of what the control read, and of what it said. Not of the whole evidence: another resource may change in it."""
    return digest_json([finding.facts, finding.verdict, finding.control_version])


def digest_json(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def format_timestamp(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
