"""Evidence of make-believe accounts for the data-flow map, and rows that hold it."""

from __future__ import annotations

from typing import Any

from accounts.aws.gaps import Gap, GapKind
from accounts.models import Account
from scans import registry
from scans.controls.lib.judgements import USABLE_KEY_FACTS
from scans.domain.evidence import GLOBAL, Context, Evidence, World
from scans.insight.flows import GradedAccount, grade_account
from scans.models import EvidenceHead, Scan
from scans.storage import blobs

REGION = "eu-west-1"
MINE, THEIRS, STRANGER = "111122223333", "444455556666", "999988887777"
KEY = f"arn:aws:kms:{REGION}:{MINE}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
DENIED = Gap(GapKind.DENIED, "ssm.ListCommands", "ssm:ListCommands", REGION, "AccessDeniedException")
SAFE = {"BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True, "RestrictPublicBuckets": True}
WORKS = {"state": "Enabled", "manager": "CUSTOMER", "aws_alias": None, **USABLE_KEY_FACTS}


def blank(account: str = MINE) -> dict[tuple[str, str], Evidence]:
    """Everything was asked for in one region, and there is nothing."""
    found = {}
    for name, item in registry.collectors().items():
        place = GLOBAL if item.collector.scope == GLOBAL else REGION
        found[place, name] = Evidence(name, place, types=item.collector.types)
    add(found, "s3.account", f"arn:aws:s3::{account}:account", public_access_block=SAFE)
    return found


def add(
    found: dict[tuple[str, str], Evidence], type: str, arn: str, /, region: str | None = None, **facts: Any
) -> None:
    name = registry.collector_by_type()[type]
    place = GLOBAL if registry.collectors()[name].collector.scope == GLOBAL else REGION
    found[place, name].add(type, arn, region, **facts)


def command(found: dict[tuple[str, str], Evidence], bucket: str, kind: str = "01") -> None:
    number = len(found[REGION, "ssm_commands"].resources)
    add(
        found, "ssm.command", f"arn:aws:ssm:{REGION}:{MINE}:command/{number}", document="AWS-RunShellScript",
        references=[{"bucket": bucket, "kind": kind, "field": "OutputS3BucketName"}], log_group=None, hits=[],
        url_credentials=[],
    )  # fmt: skip


def destination(found: dict[tuple[str, str], Evidence], bucket: str, *, own: Any, head: Any = "exists") -> None:
    add(found, "s3.destination", f"arn:aws:s3:::{bucket}", name=bucket, kinds=["01"], fields=["x"], own=own, head=head)


def bucket(found: dict[tuple[str, str], Evidence], name: str, *, key: Any = KEY, **more: Any) -> None:
    encryption = {"algorithm": "aws:kms", "key": key, "bucket_key": True}
    facts = {
        "name": name, "kinds": ["01"], "encryption": encryption, "policy": None, "public_access_block": SAFE,
        "policy_public": False, **more,
    }  # fmt: skip
    add(found, "s3.bucket", f"arn:aws:s3:::{name}", REGION, **facts)


def key(found: dict[tuple[str, str], Evidence], name: str = KEY, **facts: Any) -> None:
    add(found, "kms.reference", name, **{"key": name, "used_by": [], **WORKS, **facts})


def inventory(found: dict[tuple[str, str], Evidence], account: str, *names: str) -> None:
    add(found, "s3.inventory", f"arn:aws:s3::{account}:inventory", buckets=dict.fromkeys(names, REGION))


def side(found: dict[tuple[str, str], Evidence], account: str = MINE, **context: Any) -> GradedAccount:
    facts = {"account": account, "bucket_owners": {}, **context}
    chosen = [(item.control, item.evaluate) for item in registry.controls().values()]
    return grade_account(account, World(found.values()), Context(**facts), chosen, [REGION])


def keep(account: Account, found: dict[tuple[str, str], Evidence]) -> None:
    """Store evidence as a scan would, as the account's latest."""
    _, manifest = blobs.store_evidence(found)
    for region, by_name in manifest.items():
        for name, digest in by_name.items():
            EvidenceHead.objects.update_or_create(
                account=account, region=region, collector=name,
                defaults={"digest": digest, "changed_at": account.joined_at},
            )  # fmt: skip


def join(scan: Scan, **owners: str) -> None:
    """The organization's facts as that Scan knew them: bucket (with _ for -) -> owning account."""
    context = Context(
        organization=scan.organization.org_id, management_account=scan.organization.management_account_id,
        bucket_owners={name.replace("_", "-"): owner for name, owner in owners.items()},
    )  # fmt: skip
    Scan.objects.filter(pk=scan.pk).update(joined_context=blobs.store_context(context))
