"""Builds the snapshot that a decision is bound to: everything that the deciding page shows, as plain values."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from accounts.models import Account
from exceptions.common.request_scope import ResolvedScope, controls_in_scope, describe_scope
from exceptions.models import ExceptionRequest, Shown
from exceptions.policy.policy_table import find_request_rule
from governance.identity.factors import step_up
from governance.identity.people.identifiers import list_unknown_names
from scans import registry
from scans.models import Finding, PostureCell

MAX_LISTED_FINDINGS = 200
MAX_LISTED_OWNERS = 50


@dataclass(frozen=True, slots=True)
class DecisionSnapshot:
    """What the decider sees, under the digest to which the decision refers. quorum: the number of approvals needed."""

    body: Mapping[str, Any]
    digest: str
    quorum: int


def take_snapshot(request: ExceptionRequest, scope: ResolvedScope) -> DecisionSnapshot:
    """Build what the decider sees as of now. Nothing is written: record_snapshot does that."""
    # The policy may have become stricter since the submission; it never gets laxer for a request under way.
    quorum = max(request.quorum, find_request_rule(request, scope).quorum)
    body = build_snapshot(request, scope, quorum=quorum)
    return DecisionSnapshot(body, step_up.digest_snapshot(body), quorum)


def record_snapshot(snapshot: DecisionSnapshot) -> None:
    """Store it under its digest, so that a decision can refer to it and a later refusal can show the difference."""
    Shown.objects.bulk_create([Shown(digest=snapshot.digest, body=snapshot.body)], ignore_conflicts=True)


def build_snapshot(request: ExceptionRequest, scope: ResolvedScope, *, quorum: int) -> dict[str, Any]:
    """JSON values only. Long lists are a count and a digest, so that a single changed finding makes a difference."""
    accounts = [account.account_id for account in scope.accounts]
    findings = scope.findings
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
        "unknown_owners": list_unknown_owners(scope.accounts),
        "compensation": request.compensation,
        "compensating_controls": assess_compensation(request.compensating_controls, scope.accounts),
        "starts_at": format_timestamp(request.starts_at),
        "expires_at": format_timestamp(request.expires_at),
        "attachments": [list(row) for row in request.attachments.values_list("pk", "name", "size", "digest")],
        "comments": [list(row) for row in request.comments.values_list("pk", "by", "text")],
        "quorum": quorum,
        "decisions": [[d.by_id, d.act] for d in request.decisions.filter(round=request.round)],
        "drift": request.drift,
    }


def list_unknown_owners(accounts: Iterable[Account]) -> list[str]:
    """The owners' names, from tags or set by hand, that no user has.

    No rule can tell whether an approver is one of them, so approvers are shown the names."""
    found = list_unknown_names(str(name) for account in accounts for name in account.owners)
    rest = len(found) - MAX_LISTED_OWNERS
    return found if rest <= 0 else [*found[:MAX_LISTED_OWNERS], f"and {rest:,} more, {digest_json(found)[:12]}"]


def control_facts(id: str) -> dict[str, Any]:
    """Version and severity; empty for a control that this release no longer has, which counts as a difference."""
    loaded = registry.controls().get(id)
    return {"version": loaded.control.version, "severity": str(loaded.control.severity)} if loaded else {}


def assess_compensation(controls: list[str], accounts: Iterable[Account]) -> dict[str, str]:
    """Control -> pass, fail, unknown or never judged, over the accounts in scope: pass needs every one."""
    wanted = {account.pk for account in accounts} if controls else set()
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
            # An account without a cell was never judged: not knowing is not a pass.
            found[control] = "pass" if wanted == {cell.account_id for cell in cells} else "unknown"
    return found


def summarize_finding(finding: Finding) -> list[str]:
    return [finding.fingerprint, digest_facts(finding), finding.severity]


def digest_facts(finding: Finding) -> str:
    """The digest of the facts that the control used, and of its verdict and version."""
    # Not of the whole evidence: it holds other resources too, whose changes must not suspend this exception.
    return digest_json([finding.facts, finding.verdict, finding.control_version])


def digest_json(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def format_timestamp(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
