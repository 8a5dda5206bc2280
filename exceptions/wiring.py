"""Hangs the workflow onto the layers below, which don't know it: called once, when Django is ready."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from accounts import hooks as accounts_hooks
from accounts.models import Account, Organization
from scans import hooks as scans_hooks
from scans.models import Finding, Scan


def connect_workflow() -> None:
    scans_hooks.after_reconcile.append(handle_reconciliation)
    scans_hooks.after_completion.append(handle_completion)
    accounts_hooks.after_discovery.append(handle_discovery)
    connect_pages()


def connect_pages() -> None:
    from exceptions.common import finding_overlays
    from exceptions.overview import finding_panels

    scans_hooks.overlays.append(overlay_findings)
    scans_hooks.narrowings.update(
        excepted=finding_overlays.filter_excepted,
        requested=finding_overlays.filter_requested,
        bare=finding_overlays.filter_uncovered,
    )
    scans_hooks.panels.append(finding_panels.render_finding_panel)
    scans_hooks.bulk_acts.append(finding_panels.list_bulk_acts)


def overlay_findings(findings: Sequence[Finding], now: datetime) -> dict[int, scans_hooks.FindingOverlay]:
    from exceptions.common import finding_overlays

    return {
        id: scans_hooks.FindingOverlay(held.kind, held.reference, f"/exceptions/{held.request}/", held.until)
        for id, held in finding_overlays.find_exception_overlays(findings, now).items()
    }


def handle_reconciliation(
    account: Account, opened: Sequence[Finding], changed: Sequence[Finding], *, replayed: bool = False
) -> None:
    """opened: new or open again; changed: those and every other one that a scan touched."""
    from exceptions.requests import drift
    from exceptions.tickets import lifecycle, verification

    drift.suspend_after_scan(account, changed)
    if not replayed:  # judging old evidence again proves nothing fixed
        verification.verify_after_scan(changed)
    lifecycle.propose_by_rules(account, opened)


def handle_completion(scan: Scan) -> None:
    from exceptions.tickets import verification

    verification.finish_verification(scan)


def handle_discovery(organization: Organization) -> None:
    from exceptions.requests import drift

    drift.suspend_after_discovery(organization)
