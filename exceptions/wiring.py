"""Hangs the workflow onto the layers below, which don't know it: called once, when Django is ready."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from accounts import hooks as accounts_hooks
from accounts.models import Account, Organization
from scans import hooks as scans_hooks
from scans.models import Finding, Scan


def connect() -> None:
    scans_hooks.after_reconcile.append(reconciled)
    scans_hooks.after_completion.append(completed)
    accounts_hooks.after_discovery.append(discovered)
    connect_pages()


def connect_pages() -> None:
    from exceptions.common import finding_overlays
    from exceptions.overview import finding_panels

    scans_hooks.overlays.append(overlays)
    scans_hooks.narrowings.update(
        excepted=finding_overlays.excepted, requested=finding_overlays.requested, bare=finding_overlays.bare
    )
    scans_hooks.panels.append(finding_panels.of_finding)
    scans_hooks.bulk_acts.append(finding_panels.bulk_acts)


def overlays(findings: Sequence[Finding], now: datetime) -> dict[int, scans_hooks.Overlay]:
    from exceptions.common import finding_overlays

    return {
        id: scans_hooks.Overlay(held.kind, held.reference, f"/exceptions/{held.request}/", held.until)
        for id, held in finding_overlays.overlays(findings, now).items()
    }


def reconciled(
    account: Account, opened: Sequence[Finding], changed: Sequence[Finding], *, replayed: bool = False
) -> None:
    """opened: new or open again; changed: those and every other one that a scan touched."""
    from exceptions.requests import drift
    from exceptions.tickets import lifecycle, verification

    drift.after_scan(account, changed)
    if not replayed:  # judging old evidence again proves nothing fixed
        verification.after_scan(changed)
    lifecycle.propose_by_rules(account, opened)


def completed(scan: Scan) -> None:
    from exceptions.tickets import verification

    verification.after_completion(scan)


def discovered(organization: Organization) -> None:
    from exceptions.requests import drift

    drift.after_discovery(organization)
