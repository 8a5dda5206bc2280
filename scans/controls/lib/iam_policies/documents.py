"""Judges the policy documents of a resource one after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from accounts.aws.gaps import Gap, GapError
from scans.controls.lib.aws_made_roles import find_maker, list_own_work_services
from scans.controls.lib.iam_policies.grants import allows_everything
from scans.controls.lib.iam_policies.model import IDENTITY_POLICY, RESOURCE_POLICY, Policy, PolicyError, parse_policy
from scans.domain.control import Outcome, ResourceView, failed, not_applicable, passed, unknown

AWS_POLICY = "iam.aws_policy"
DOCUMENT_FACTS = {"iam.policy": ("name", "document"), AWS_POLICY: ("name", "document"), "iam.inline": ("policies",)}
# Which principals have a policy, and which of those AWS made. Needed only where a document has a problem.
HOLDER_FACTS: dict[str, tuple[str, ...]] = {
    "iam.policy": ("attached_to",),
    AWS_POLICY: ("attached_to",),
    "iam.principal": ("trust",),
}
MAX_NAMED = 10
# How to stop using one of AWS's policies, for the remediation of each control that judges them.
DETACH_COMMANDS = (
    "aws iam list-entities-for-policy --policy-arn {arn}\n"
    "aws iam detach-role-policy --role-name ROLE --policy-arn {arn}\n"
    "aws iam detach-user-policy --user-name USER --policy-arn {arn}\n"
    "aws iam detach-group-policy --group-name GROUP --policy-arn {arn}"
)

FindProblem = Callable[[Policy], str]


@dataclass(slots=True)
class Holders:
    """The principals that have a policy: own ones by the end of the ARN, and roles that only AWS can use.

    made_by_aws: by a part of AWS. of_services: roles that a service of AWS uses for its own work."""

    own: list[str] = field(default_factory=list)
    made_by_aws: list[str] = field(default_factory=list)
    of_services: list[str] = field(default_factory=list)

    @property
    def of_aws(self) -> list[str]:
        return [*self.made_by_aws, *self.of_services]

    @property
    def are_all_of_aws(self) -> bool:
        return bool(self.of_aws) and not self.own


def named_documents(resource: ResourceView) -> list[tuple[str, Any]]:
    """(name, document) of a managed policy, or of each inline policy of a principal."""
    if resource.type == "iam.inline":
        return [(each.get("name", ""), each.get("document")) for each in resource["policies"]]
    return [(resource["name"], resource["document"])]


def get_partition(resource: ResourceView) -> str:
    return resource.arn.split(":")[1]


def parse_resource_policy(resource: ResourceView, document: Any) -> Policy:
    """The policy of a bucket, a key or another resource, in the resource's partition. Raises PolicyError."""
    return parse_policy(document, RESOURCE_POLICY, get_partition(resource))


def judge_documents(
    resource: ResourceView,
    find: FindProblem,
    good: str,
    *,
    administration: bool = True,
    find_for_services: FindProblem | None = None,
) -> Outcome:
    """FAIL with the first problem that `find` reports; otherwise UNKNOWN if a document can't be understood.

    It is no problem where only roles have the policy that AWS made and that AWS alone can use. administration: whether
    documents that allow everything are judged, which SSM-AC-001 reports too. find_for_services: what of that is a
    problem even where a service of AWS alone can use the role, and has it from a policy of AWS's. None: all of it."""
    unread, left_out, accepted = [], 0, ""
    documents = named_documents(resource)
    for name, document in documents:
        try:
            policy = parse_policy(document, IDENTITY_POLICY, get_partition(resource))
            if not administration and allows_everything(policy):
                left_out += 1
                continue
            said = find(policy)
        except PolicyError as error:
            unread.append(f"{name} ({error})")
            continue
        if said:
            # Only a policy of AWS's, which the company can't change: it writes its own ones with the names of keys.
            spared = resource.type == AWS_POLICY and find_for_services is not None and not find_for_services(policy)
            holders = find_holders(resource, policy, services_are_spared=spared)
            if not holders.are_all_of_aws:
                return failed(describe_problem(resource, name, said, holders))
            accepted = describe_acceptance(said, holders)
    if unread:
        return unknown(f"Could not be understood: {'; '.join(unread)}.")
    if left_out and left_out == len(documents):
        return not_applicable("It allows everything, which SSM-AC-001 reports.")
    return passed(accepted or good)


def find_holders(resource: ResourceView, policy: Policy, *, services_are_spared: bool = False) -> Holders:
    """GapError where a role's trust policy decides and could not be read, or other holders may be hidden.

    services_are_spared: roles that a service of AWS uses for its own work don't count."""
    found = Holders()
    gaps: list[Gap] = []
    everything = allows_everything(policy)
    for arn in list_holders(resource):
        try:
            role = resource.look_up("iam.principal", arn)
            maker = find_maker(role) if role is not None else None
            services = list_own_work_services(role) if role is not None and services_are_spared else ()
        except GapError as error:
            gaps += error.gaps
            continue
        # The company writes its permission sets, and decides in Identity Center only which people administer.
        if services:
            found.of_services.append(f"{arn.rpartition('/')[2]} ({', '.join(services)})")
        elif maker is None or (maker.people and not everything) or (everything and not maker.administers):
            found.own.append(arn.split(":", 5)[-1])
        else:
            found.made_by_aws.append(f"{arn.rpartition('/')[2]} ({maker.name})")
    if gaps and not found.own:
        raise GapError(*dict.fromkeys(gaps))
    if found.are_all_of_aws and resource.type == AWS_POLICY:
        resource.all(AWS_POLICY)  # a principal of one's own may have it, too, if the list is incomplete
    return found


def list_holders(resource: ResourceView) -> Sequence[str]:
    """The ARNs of the principals that have a policy. A customer's own policy is a problem even if they are unknown."""
    if resource.type == "iam.inline":
        return [resource.arn]
    policy = resource.look_up(resource.type, resource.arn)
    try:
        return [] if policy is None else list(policy["attached_to"])
    except GapError:
        if resource.type == AWS_POLICY:
            raise
        return []


def describe_problem(resource: ResourceView, name: str, said: str, holders: Holders) -> str:
    which = "AWS's policy" if resource.type == AWS_POLICY else "The policy"
    parts = [f"{which} {name} {said}."]
    if resource.type != "iam.inline" and holders.own:
        parts.append(f"Attached to {name_some(holders.own)}.")
    if holders.of_aws:
        parts.append(f"Not counted, since only AWS can use them: {name_some(holders.of_aws)}.")
    return " ".join(parts)


def describe_acceptance(said: str, holders: Holders) -> str:
    """Why what the policy says is no problem."""
    if not holders.of_services:
        return f"Only roles have it that AWS made and that only AWS can use: {name_some(holders.made_by_aws)}."
    return (
        f"AWS's policy {said}, and only roles have it that AWS alone can use for its own work: "
        f"{name_some(holders.of_aws)}."
    )


def name_some(names: Sequence[str]) -> str:
    more = len(names) - MAX_NAMED
    return ", ".join(names[:MAX_NAMED]) + (f" and {more} more" if more > 0 else "")
