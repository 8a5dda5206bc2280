"""Archetypes of accounts: what each kind of account has, region by region."""

from __future__ import annotations

from collections.abc import Callable

from demo.company import documents, identity, network, oddities, parameters, quirks, runs, sources, tags, watch
from demo.company.builder import Place

NEW_TLS = ("TLSv1.3", "TLSv1.2", "TLSv1.3")
OLD_TLS = ("TLSv1.2", "TLSv1.1")


def healthy_place(place: Place, central: str = "") -> None:
    watch.disks(place, encrypted=True)
    watch.macie(place, "ENABLED")
    watch.events(place, *NEW_TLS, fips=True)
    key = place.good_key()
    script = runs.group(place, "/orders/automation/scripts", "SSM-LG-002", key)
    sessions = runs.group(place, "/orders/sessions", "SSM-LG-003", key)
    documents.settings(place, public=False, script_group=script, scripts=True, host_role=True)
    runs.group(place, "/nodes/amazon-ssm-agent.log", "SSM-LG-004", key)
    parameters.healthy(place, place.rng.randint(2, 8))
    documents.healthy(place)
    if central:
        documents.session(place, group=sessions, key=key, bucket=find(place, central))
    else:
        documents.session(place, group=sessions, key=key, bucket=place.bucket("sessions"))
    documents.session(place, "Orders-PortForwarding", type="Port")
    runs.healthy(place)
    sources.all_kinds(place, place.bucket("ssm-sources").name)
    network.healthy(place)
    tags.healthy(place)


def sloppy_place(place: Place, central: str = "") -> None:
    watch.disks(place, encrypted=False)
    watch.macie(place, "DISABLED")
    watch.events(place, *OLD_TLS)
    sessions = runs.group(place, "/partners/sessions", "SSM-LG-003", None)
    runs.share_groups(place)
    documents.settings(place, public=True, scripts=True, host_role=True)
    runs.group(place, "/legacy/var/log/amazon/ssm/amazon-ssm-agent.log", "SSM-LG-004", None)
    parameters.sloppy(place)
    documents.sloppy(place)
    documents.session(
        place, encrypted=False, group=sessions, bucket=place.bucket("sessions", "aws-kms", "none", blocked=False)
    )
    documents.session(place, "Legacy-Session")
    runs.sloppy(place)
    sources.all_kinds(place, place.bucket("sources", level="aws-kms", policy="https", blocked=False).name)
    runs.data_sync(place, "inventory", place.bucket("inventory", "sse-s3", "none", blocked=False).name)
    network.sloppy(place)
    watch.snapshots(place, "snap-0a1b2c3d4e5f60718")
    tags.telling(place)
    parameters.telling_key(place)
    quirks.some(place, 8)


def average_place(place: Place, central: str = "") -> None:
    """Neither good nor bad: the cases in between."""
    watch.disks(place, encrypted=True)
    watch.macie(place, "PAUSED")
    watch.events(place)
    going = place.key(state="PendingDeletion", description="Old log key")
    runs.group(place, "/aws/ssm/AWS-RunDocument", "SSM-LG-001", going)
    codes = place.key(usage="GENERATE_VERIFY_MAC", spec="HMAC_256", description="Codes of messages")
    runs.group(place, "/aws/ssm/AWS-RunShellScript", "SSM-LG-001", codes)
    script = runs.group(place, "/billing/automation/scripts", "SSM-LG-002", None)
    documents.settings(place, public=False, script_group=script)
    documents.command(place, "Billing-Run")
    documents.package(place, "Billing-Agent")
    parameters.broken_keys(place)
    parameters.open_keys(place)
    runs.varied_buckets(place)
    runs.templates(place)
    oddities.all_kinds(place)
    quirks.some(place, 12)
    network.mixed(place)  # no preferences document: sessions run on AWS's defaults


def heavy_place(place: Place, central: str = "") -> None:
    watch.disks(place, encrypted=True)
    watch.macie(place, "ENABLED", discovers=False)
    watch.events(place, *NEW_TLS)
    documents.settings(place, public=False)
    parameters.many(place, place.rng.randint(100, 140))
    key = place.good_key()
    for n in range(60):
        runs.group(place, f"/aws/ssm/batch-{n:03d}", "SSM-LG-001", key if n % 2 else None)
    bucket = place.bucket("batch").name
    for n in range(60):
        runs.command(place, bucket=bucket, comment=f"Batch {n}")
    for n in range(20):
        runs.association(place, f"batch-{n}", bucket=bucket)
        documents.command(place, f"Batch-{n:02d}")
    network.vpc(place, ("c5n.large",) * 8 + ("m5.large",) * 4, network.GOOD)


def archive_place(place: Place, central: str = "") -> None:
    """The account that keeps everybody's logs. Its own settings send data here too."""
    empty_place(place)
    watch.macie(place, "ENABLED")
    if place.region != place.plan.regions[0]:
        return
    central_bucket = place.bucket("trail")
    central_bucket.logged, central_bucket.lock = True, "GOVERNANCE"
    trail_bucket = central_bucket.name
    place.bucket("sessions").lock = ""
    runs.association(place, "inventory", bucket=trail_bucket)


def hostile_place(place: Place, central: str = "") -> None:
    watch.disks(place, encrypted=False)
    watch.macie(place, "DISABLED")
    watch.events(place, *NEW_TLS)
    documents.settings(place, public=True)
    tags.hostile(place)


def empty_place(place: Place, central: str = "") -> None:
    watch.disks(place, encrypted=False)
    watch.macie(place, "DISABLED")
    watch.events(place)
    documents.settings(place, public=False)


def bench_place(place: Place, central: str = "") -> None:
    """Every account and region alike: 60 parameters, 30 log groups, 6 buckets."""
    watch.disks(place, encrypted=True)
    watch.macie(place, "ENABLED")
    watch.events(place, *NEW_TLS)
    documents.settings(place, public=False)
    parameters.many(place, 60)
    key = place.good_key()
    for n in range(30):
        sent = n < 6
        name = f"/aws/ssm/output-{n}" if sent else f"/apps/service-{n}"
        runs.group(place, name, "SSM-LG-001" if sent else "", key if n % 2 else None)
    for n in range(6):
        bucket = place.bucket(f"store-{n}", level="cmk" if n % 2 else "sse-s3")
        if n < 4:
            runs.association(place, f"to-{n}", bucket=bucket.name)


def find(place: Place, name: str) -> object:
    found = (b for account in place.plan.accounts for b in account.buckets if b.name == name)
    return next(found)


Recipe = Callable[..., None]
FULL: dict[str, Recipe] = {
    "management": healthy_place,
    "archive": archive_place,
    "healthy": healthy_place,
    "sloppy": sloppy_place,
    "average": average_place,
    "heavy": heavy_place,
    "hostile": hostile_place,
    "guarded": average_place,
    "empty": empty_place,
    "bench": bench_place,
}
# What the second region and the ones after it hold, so that a company isn't the same everywhere.
ELSEWHERE: dict[str, Recipe] = {**FULL, "management": empty_place, "hostile": empty_place, "guarded": healthy_place}
IDENTITIES: dict[str, Recipe] = {
    "management": identity.healthy,
    "archive": identity.healthy,
    "healthy": identity.healthy,
    "sloppy": identity.sloppy,
    "average": identity.average,
    "guarded": identity.average,
    "heavy": identity.healthy,
    "bench": identity.healthy,
}
