"""Looks resources of other accounts up in the evidence of the accounts that own them. Pure: no Django, no boto3.

AWS tells a member account little of what another account manages for it: an organization's trail, Macie's automated
discovery. The owner's own evidence tells it. REFERENCES says which resources refer to another account's resource; after
every account was read, the context holds what the owners' evidence says of those (Context.others). A control declares
the facts that it reads of them in Control.others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from accounts.aws.gaps import ACCOUNTS_LIMITED, NOT_COLLECTED, OWNER_NOT_READ, OWNER_OUTSIDE, Gap, GapError, GapKind
from scans.domain.evidence import GLOBAL, Context, Evidence, Resource, World, make_unread_gap

# Two kinds of absence: the first is a problem to report, the second is what the person who started the scan asked for.
NOT_READ_GAP = Gap(GapKind.NOT_READ, "sts.AssumeRole", "sts:AssumeRole", GLOBAL, OWNER_NOT_READ)
LEFT_OUT_GAP = Gap(GapKind.NOT_READ, "scan.Accounts", "", GLOBAL, ACCOUNTS_LIMITED)
NEVER_READ_GAP = Gap(GapKind.NOT_READ, "scan.Accounts", "", GLOBAL, NOT_COLLECTED)
OUTSIDE_GAP = Gap(GapKind.NOT_READ, "scan.Organization", "", GLOBAL, OWNER_OUTSIDE)


@dataclass(frozen=True, slots=True, order=True)
class OtherReference:
    """One resource of another account."""

    account: str
    type: str
    region: str
    arn: str


def refer_to_owned_trail(resource: Resource, account: str) -> OtherReference | None:
    """An organization's trail is listed in every member, under the ARN of the account that owns it.

    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/creating-trail-organization.html"""
    owner = get_arn_account(resource.arn)
    return None if owner == account else OtherReference(owner, resource.type, GLOBAL, resource.arn)


def refer_to_macie_administrator(resource: Resource, account: str) -> OtherReference | None:
    """The session of the Macie administrator in the same region, which manages automated discovery for its members.

    https://docs.aws.amazon.com/macie/latest/APIReference/automated-discovery-accounts.html"""
    owner: Any = resource.facts.get("administrator")
    if not isinstance(owner, str) or owner == account:
        return None
    return OtherReference(owner, resource.type, resource.region, resource.arn.replace(f":{account}:", f":{owner}:"))


# Resource type -> what a resource of this type refers to in another account; None for nothing.
REFERENCES: Mapping[str, Callable[[Resource, str], OtherReference | None]] = {
    "cloudtrail.trail": refer_to_owned_trail,
    "macie2.session": refer_to_macie_administrator,
}


def get_arn_account(arn: str) -> str:
    parts = arn.split(":", 5)
    return parts[4] if len(parts) > 4 else ""


def find_other_references(resources: Iterable[Resource], account: str) -> set[OtherReference]:
    """The resources of other accounts that these resources of this account refer to."""
    named = (REFERENCES[each.type](each, account) for each in resources if each.type in REFERENCES)
    return {reference for reference in named if reference is not None}


def extract_referenced_evidence(world: World, wanted: Iterable[OtherReference]) -> tuple[Evidence, ...]:
    """The part of an owner's evidence that describes these resources, for Context.others: facts and gaps, no verdicts."""
    found: dict[str, Evidence] = {}
    for reference in sorted(wanted):
        type, region = reference.type, reference.region
        part = found.setdefault(region, Evidence("others", region))
        if type not in part.types:
            part.types = (*part.types, type)
            for gap in world.enumeration_gaps(type, region):
                part.record_gap(type, gap)
        if (resource := world.resources(type, region).get(reference.arn)) is not None:
            part.resources.append(resource)
    return tuple(found.values())


def find_in_other_account(context: Context, account: str, type: str, arn: str, region: str) -> tuple[Resource, World]:
    """A resource of another account, with the part of that account's evidence that this scan may rely on.

    Raises GapError if it is unknown, also if the owner's evidence lacks it: that a resource which AWS listed here is
    missing there proves nothing."""
    if account not in context.accounts:
        reason = f"The account {account} manages this, and it is not in the organization."
        raise GapError(OUTSIDE_GAP, reason=reason)
    if doubt := explain_unread_account(context, account):
        raise GapError(doubt[1], reason=f"The account {account} manages this. {doubt[0]}")
    world = World(context.others.get(account, ()))
    found = world.find(type, arn, region)
    if found is None:
        raise GapError(make_unread_gap(type, region))
    return found, world


def explain_unread_account(context: Context, account: str) -> tuple[str, Gap] | None:
    """Why what is known of this account doesn't count in this scan, as a sentence and a gap. None: it was read."""
    for held, why, gap in (
        (context.not_read, "was not read in this scan", NOT_READ_GAP),
        (context.left_out, "was not part of this scan", LEFT_OUT_GAP),
    ):
        if account in held:
            date = held[account][:16].replace("T", " ")
            last = f"what is known of it is of {date} UTC" if date else "no scan has ever read it"
            return f"The account {account} {why}; {last}.", gap if date else NEVER_READ_GAP
    return None
