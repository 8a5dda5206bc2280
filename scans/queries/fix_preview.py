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
from scans.timemachine.what_if import Foretold, Jury, NotForetoldError, foretell


def of(finding: Finding) -> Foretold:
    """Raises NotForetoldError, whose text says why it can't be told."""
    loaded = registry.controls().get(finding.control)
    if loaded is None:
        raise NotForetoldError(f"There is no control {finding.control} any more.")
    account = finding.account
    layers = as_of.layers_of([account]).get(account.pk, [])
    try:
        evidences, regions = newest(layers)
        juries = juries_of(layers, account)
    except LookupError as error:
        raise NotForetoldError(f"The evidence of this account is no longer kept whole: {error}.") from error
    identity = (finding.control, account.account_id, finding.region, finding.resource)
    return foretell(identity, loaded.cure, evidences, juries, regions=regions)


def newest(layers: Sequence[Target]) -> tuple[list[Evidence], set[str]]:
    """The newest evidence of each collector in each region, and the regions. A scan of some regions knew only
    a part of what is kept for the whole Account."""
    manifest: blobs.Manifest = {}
    for target in layers:
        partly = bool(target.scan.asked.get("regions")) and target is not layers[-1]
        for region, by_name in blobs.load_manifest(target.manifest).items():
            if not (partly and region == GLOBAL):
                manifest[region] = {**by_name, **manifest.get(region, {})}
    return list(blobs.read_evidence(manifest).values()), set(manifest) - {GLOBAL}


def juries_of(layers: Sequence[Target], account: Account) -> list[Jury]:
    """Every control, with what it may know: those of the whole organization where a Scan has come to know it."""
    if not layers or layers[0].collected_at is None:
        return []
    as_of = layers[0].collected_at.isoformat()
    joined = next((t.scan for t in layers if t.scan.joined_context), None)
    found = [jury(layers[0].scan.context, account, as_of, joins=False)]
    return found + ([jury(joined.joined_context, account, as_of, joins=True)] if joined else [])


def jury(digest: str, account: Account, as_of: str, *, joins: bool) -> Jury:
    context = blobs.load_context(digest, account=account.account_id, as_of=as_of)
    context = replace(context, left_out={})  # it asks about the latest of every account, whatever one scan left out
    controls = [(c.control, c.evaluate) for c in registry.controls().values() if c.control.joins is joins]
    return controls, context
