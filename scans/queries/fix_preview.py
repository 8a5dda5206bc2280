"""Would a finding pass after its fix? Tried on the Account's newest evidence, for the page and the API."""

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
    """Raises NotForetoldError, whose text says why it can't be told."""
    loaded = registry.controls().get(finding.control)
    if loaded is None:
        raise SimulationError(f"There is no control {finding.control} any more.")
    account = finding.account
    layers = as_of.layers_of([account]).get(account.pk, [])
    try:
        evidences, regions = merge_layer_evidence(layers)
        control_sets = list_control_sets(layers, account)
    except LookupError as error:
        raise SimulationError(f"The evidence of this account is no longer kept whole: {error}.") from error
    identity = (finding.control, account.account_id, finding.region, finding.resource)
    return simulate_fix(identity, loaded.fix, evidences, control_sets, regions=regions)


def merge_layer_evidence(layers: Sequence[Target]) -> tuple[list[Evidence], set[str]]:
    """The newest evidence of each collector in each region, and the regions. A scan of some regions knew only
    a part of what is kept for the whole Account."""
    manifest: blobs.Manifest = {}
    for target in layers:
        partly = bool(target.scan.asked.get("regions")) and target is not layers[-1]
        for region, by_name in blobs.load_manifest(target.manifest).items():
            if not (partly and region == GLOBAL):
                manifest[region] = {**by_name, **manifest.get(region, {})}
    return list(blobs.load_evidence_or_gaps(manifest).values()), set(manifest) - {GLOBAL}


def list_control_sets(layers: Sequence[Target], account: Account) -> list[ControlSet]:
    """Every control, with what it may know: those of the whole organization where a Scan has come to know it."""
    if not layers or layers[0].collected_at is None:
        return []
    as_of = layers[0].collected_at.isoformat()
    joined = next((t.scan for t in layers if t.scan.joined_context), None)
    found = [load_control_set(layers[0].scan.context, account, as_of, joins=False)]
    return found + ([load_control_set(joined.joined_context, account, as_of, joins=True)] if joined else [])


def load_control_set(digest: str, account: Account, as_of: str, *, joins: bool) -> ControlSet:
    context = blobs.load_context(digest, account=account.account_id, as_of=as_of)
    context = replace(context, left_out={})  # it asks about the latest of every account, whatever one scan left out
    controls = [(c.control, c.evaluate) for c in registry.controls().values() if c.control.joins is joins]
    return controls, context
