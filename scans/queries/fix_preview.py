"""Simulates a finding's fix on the Account's newest evidence, for the page and the API."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from accounts.models import Account
from scans import registry
from scans.domain.evidence import GLOBAL, Evidence
from scans.models import Finding, Target
from scans.storage import blobs
from scans.timemachine import as_of
from scans.timemachine.what_if import ControlSet, Simulation, SimulationError, simulate_fix


def simulate_finding_fix(finding: Finding) -> Simulation:
    """Raises SimulationError, whose text says why the fix can't be simulated."""
    loaded = registry.controls().get(finding.control)
    if loaded is None:
        raise SimulationError(f"The control {finding.control} no longer exists.")
    account = finding.account
    layers = as_of.layers_of([account]).get(account.pk, [])
    try:
        evidences, regions = merge_layer_evidence(layers)
        control_sets = list_control_sets(layers, account)
    except LookupError as error:
        raise SimulationError(f"Some evidence of this account is no longer kept: {error}.") from error
    identity = (finding.control, account.account_id, finding.region, finding.resource)
    return simulate_fix(identity, loaded.fix, evidences, control_sets, regions=regions)


def merge_layer_evidence(layers: Sequence[Target]) -> tuple[list[Evidence], set[str]]:
    """The newest evidence of each collector in each region, and the regions."""
    manifest: blobs.Manifest = {}
    for target in layers:
        partly = bool(target.scan.asked.get("regions")) and target is not layers[-1]
        for region, by_name in blobs.load_manifest(target.manifest).items():
            # The global evidence of a limited scan covers only what its regions point at; an older one is complete.
            if not (partly and region == GLOBAL):
                manifest[region] = {**by_name, **manifest.get(region, {})}
    return list(blobs.load_evidence_or_gaps(manifest).values()), set(manifest) - {GLOBAL}


def list_control_sets(layers: Sequence[Target], account: Account) -> list[ControlSet]:
    """All controls with their contexts. Cross-account controls only if a Scan has evaluated them."""
    if not layers or layers[0].collected_at is None:
        return []
    as_of = layers[0].collected_at.isoformat()
    joined = next((t.scan for t in layers if t.scan.joined_context), None)
    found = [load_control_set(layers[0].scan.context, account, as_of, needs_organization=False)]
    return found + (
        [load_control_set(joined.joined_context, account, as_of, needs_organization=True)] if joined else []
    )


def load_control_set(digest: str, account: Account, as_of: str, *, needs_organization: bool) -> ControlSet:
    context = blobs.load_context(digest, account=account.account_id, as_of=as_of)
    # The simulation uses the latest evidence of every account, so what this one scan left out doesn't matter.
    context = replace(context, left_out={})
    controls = [
        (c.control, c.evaluate)
        for c in registry.controls().values()
        if c.control.needs_organization is needs_organization
    ]
    return controls, context
