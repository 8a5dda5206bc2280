"""Reads the log groups that receive Systems Manager's logs, and who may use them.

Two calls, and one per 50 groups with other names. Where a group receives data, one more, and one for each such group."""

from __future__ import annotations

from typing import Any

from accounts.aws.gaps import Gap
from scans.collectors.lib.batches import Batch, read_batch
from scans.collectors.lib.strict_answers import (
    ShapeError,
    add_each_item,
    make_malformed_gap,
    parse_policy_document,
    read_or_gap,
    record_gaps,
    require_list,
    require_text,
    text_or_none,
)
from scans.collectors.lib.text_reading import BoundedReads
from scans.domain import references
from scans.domain.collector import Call, Collector, EarlierEvidence, Listing, Reader
from scans.domain.evidence import Evidence

DESCRIBE = Call("logs", "DescribeLogGroups", "logs:DescribeLogGroups")
POLICIES = Call("logs", "DescribeResourcePolicies", "logs:DescribeResourcePolicies")

COLLECTOR = Collector(
    name="logs",
    scope="region",
    facts={
        "logs.group": ("name", "kinds", "kms_key", "policies"),
        "logs.missing": ("name", "kinds"),
        "logs.unplaced": ("kinds",),
        "logs.resource_policy": ("name", "policy"),
    },
    calls=(DESCRIBE, POLICIES),
    stage=1,
    version=3,  # 2: resource policies. 3: settings whose log group can't be known
)
GROUPS = ("logs.group", "logs.missing")
NAMED = (*GROUPS, "logs.unplaced")  # what is unknown while the settings are
# Where Run Command creates its groups if no other is named.
PREFIX = "/aws/ssm/"
# SSM Agent's own logs: its configuration is on the nodes, so only a group's name shows them.
AGENT_NAMES = ("amazon-ssm-agent", "/var/log/amazon/ssm")
# The common part of the names, so that one search finds both.
AGENT_PATTERN = "amazon"
SCRIPT_DEFAULT = "/aws/ssm/automation/executeScript"
LISTED = "resourcePolicies"
GROUP_GONE = ("ResourceNotFoundException",)
# One group that doesn't exist makes the whole call fail, and AWS doesn't say which.
GROUPS_BY_NAME = Batch(
    DESCRIBE, "logGroups", "logGroupIdentifiers", size=50, gone=frozenset({"ResourceNotFoundException"}), by_item=True
)


def collect(aws: Reader, seen: EarlierEvidence) -> Evidence:
    evidence = Evidence("logs", aws.region)
    resources = [r for r in seen.of(*references.NAMES_LOG_GROUPS) if r.region == aws.region]
    kinds = references.find_named_log_groups(resources)
    gaps = [
        *seen.gaps(*references.NAMES_LOG_GROUPS),
        *references.list_unread_references(resources, references.NAMES_LOG_GROUPS),
    ]
    record_gaps(evidence, NAMED, *gaps)
    for arn, unplaced in references.find_unplaced_log_groups(resources).items():
        evidence.add("logs.unplaced", arn, kinds=unplaced)
    listing = aws.pages("logs", "DescribeLogGroups", "logGroups", logGroupNamePrefix=PREFIX)
    record_gaps(evidence, ["logs.group"], listing.gap)
    found: dict[str, str | None] = {}
    add_listed_groups(aws, evidence, listing, found)
    elsewhere = sorted((kinds.keys() | find_agent_groups(aws, evidence)) - found.keys())
    unsure = look_up_groups(aws, evidence, elsewhere, found)
    reads = BoundedReads(aws)
    for name, key in sorted(found.items()):
        if name.startswith(PREFIX) or name in kinds or is_agent_group(name):
            arn = build_log_group_arn(aws, name)
            policies = read_group_policies(aws, reads, arn)
            facts = {"name": name, "kinds": kinds_of(name, kinds), "kms_key": key, "policies": policies}
            evidence.add("logs.group", arn, **facts)
    if any(each.type == "logs.group" for each in evidence.resources):
        add_account_policies(aws, evidence)
    for name in elsewhere:
        # Only a group that AWS certainly doesn't have is recorded as missing.
        if name in kinds and name not in found and name not in unsure:
            evidence.add("logs.missing", build_log_group_arn(aws, name), name=name, kinds=sorted(kinds[name]))
    return evidence


def add_listed_groups(aws: Reader, evidence: Evidence, listing: Listing, found: dict[str, str | None]) -> bool:
    """Add the listed groups. Returns whether all of them could be read."""

    def group(item: Any) -> None:
        found[require_text(item, "logGroupName")] = text_or_none(item, "kmsKeyId")

    return add_each_item(evidence, GROUPS, DESCRIBE, aws.region, listing.items, group)


def look_up_groups(aws: Reader, evidence: Evidence, names: list[str], found: dict[str, str | None]) -> set[str]:
    """Look groups up by name. Returns the names of which it is unknown whether they exist."""
    answer = read_batch(aws, GROUPS_BY_NAME, names)
    readable = add_listed_groups(aws, evidence, Listing(answer.items), found)
    record_gaps(evidence, GROUPS, *answer.gaps.values())
    # An item without a name may be any of them.
    return set(answer.gaps) if readable else set(names)


def read_group_policies(aws: Reader, reads: BoundedReads, arn: str) -> Any:
    """The documents of the policies that are attached to one group; a policy of the account isn't among them.

    https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeResourcePolicies.html"""
    answer = reads.read(POLICIES, GROUP_GONE, resourceArn=arn, policyScope="RESOURCE")
    if answer is None or isinstance(answer, Gap):
        return answer if isinstance(answer, Gap) else []
    return read_or_gap(make_malformed_gap(POLICIES, aws.region), parse_group_policies, answer)


def parse_group_policies(answer: Any) -> list[dict[str, Any]]:
    """A group has one policy, so there are no more pages."""
    if text_or_none(answer, "nextToken"):
        raise ShapeError("more policies of a group than one answer holds")
    return [parse_policy_document(require_text(item, "policyDocument")) for item in require_list(answer, LISTED)]


def add_account_policies(aws: Reader, evidence: Evidence) -> None:
    """Add the policies of the account, of which each may name any log group of the region."""

    def add(item: Any) -> None:
        name = require_text(item, "policyName")
        policy = read_or_gap(
            make_malformed_gap(POLICIES, aws.region), parse_policy_document, item.get("policyDocument")
        )
        arn = f"arn:{aws.partition}:logs:{aws.region}:{aws.account}:resource-policy:{name}"
        evidence.add("logs.resource_policy", arn, name=name, policy=policy)

    listing = aws.pages("logs", "DescribeResourcePolicies", LISTED)
    record_gaps(evidence, ["logs.resource_policy"], listing.gap)
    add_each_item(evidence, ["logs.resource_policy"], POLICIES, aws.region, listing.items, add)


def find_agent_groups(aws: Reader, evidence: Evidence) -> set[str]:
    """The names of SSM Agent's groups. A search by pattern omits the keys, so each group is looked up by name later."""
    found: set[str] = set()

    def group(item: Any) -> None:
        name = require_text(item, "logGroupName")
        if is_agent_group(name):
            found.add(name)

    listing = aws.pages("logs", "DescribeLogGroups", "logGroups", logGroupNamePattern=AGENT_PATTERN)
    record_gaps(evidence, ["logs.group"], listing.gap)
    add_each_item(evidence, ["logs.group"], DESCRIBE, aws.region, listing.items, group)
    return found


def is_agent_group(name: str) -> bool:
    return any(part in name for part in AGENT_NAMES)


def kinds_of(name: str, kinds: dict[str, set[str]]) -> list[str]:
    if is_agent_group(name):
        return sorted({references.AGENT_KIND, *kinds.get(name, ())})
    if name in kinds:
        return sorted(kinds[name])
    return [references.SCRIPT_KIND if name == SCRIPT_DEFAULT else references.RUN_COMMAND_KIND]


def build_log_group_arn(aws: Reader, name: str) -> str:
    return f"arn:{aws.partition}:logs:{aws.region}:{aws.account}:log-group:{name}"
