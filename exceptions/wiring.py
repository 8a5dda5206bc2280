"""Installs the workflow in the extension points of accounts and scans. Called once, when Django is ready.

Those apps are layers below and can't import this one, so they offer extension points and this module fills them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from types import MappingProxyType

from accounts.hooks import DiscoveryExtensions, discovery_extensions
from accounts.models import Account, Organization
from scans.hooks import Extensions, FindingOverlay, extensions
from scans.models import Finding, Scan


def connect_workflow() -> None:
    discovery_extensions.install(DiscoveryExtensions(after_discovery=(handle_discovery,)))
    extensions.install(build_scan_extensions())


def build_scan_extensions() -> Extensions:
    from exceptions.common import finding_overlays
    from exceptions.overview import finding_panels

    return Extensions(
        after_reconcile=(handle_reconciliation,),
        after_completion=(handle_completion,),
        overlays=(overlay_findings,),
        narrowings=MappingProxyType(
            {
                "excepted": finding_overlays.filter_excepted,
                "requested": finding_overlays.filter_requested,
                "bare": finding_overlays.filter_uncovered,
            }
        ),
        panels=(finding_panels.render_finding_panel,),
        bulk_acts=(finding_panels.list_bulk_acts,),
    )


def overlay_findings(findings: Sequence[Finding], now: datetime) -> dict[int, FindingOverlay]:
    from exceptions.common import finding_overlays

    return {
        id: FindingOverlay(held.kind, held.reference, f"/exceptions/{held.request}/", held.until)
        for id, held in finding_overlays.find_exception_overlays(findings, now).items()
    }


def handle_reconciliation(
    account: Account, opened: Sequence[Finding], changed: Sequence[Finding], *, replayed: bool = False
) -> None:
    """opened: findings that are new or reopened; changed: these and every other finding that the scan touched."""
    from exceptions.requests import drift
    from exceptions.requests import supersession as replaced_requests
    from exceptions.tickets import lifecycle, supersession, verification

    # Drift first: it takes the account's lock, and the others then follow the order of exceptions.common.locking.
    drift.suspend_after_scan(account, changed)
    # A replay judges stored evidence again. It reads nothing new, so it can't prove a fix.
    if not replayed:
        verification.verify_after_scan(changed)
    supersession.release_superseded(changed)
    replaced_requests.notify_after_scan(account, changed)
    lifecycle.propose_by_rules(account, opened)


def handle_completion(scan: Scan) -> None:
    from exceptions.tickets import verification

    verification.finish_verification(scan)


def handle_discovery(organization: Organization) -> None:
    from exceptions.requests import drift

    drift.suspend_after_discovery(organization)
