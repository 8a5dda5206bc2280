"""Looks for secrets in the user data of managed nodes and launch templates. No part of a text is kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from accounts.aws.gaps import Gap
from scans.collectors.lib.free_text import select_free_text
from scans.collectors.lib.ssm_calls import build_regional_arn, start_evidence
from scans.collectors.lib.strict_answers import (
    Answer,
    identify_items,
    make_malformed_gap,
    read_or_gap,
    record_gaps,
    require_list,
    require_mapping,
    require_number,
    text_or_none,
)
from scans.collectors.lib.text_reading import (
    BoundedReads,
    compute_reading_revision,
    index_remembered,
    is_left_out,
    join_hits,
)
from scans.collectors.lib.user_data import decode_user_data, find_secrets
from scans.domain.collector import Call, Collector, EarlierEvidence, Reader
from scans.domain.evidence import Evidence

# EC2 refills 20 calls a second for each of these; half is left to the company's own programs.
# https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html
ATTRIBUTE = Call("ec2", "DescribeInstanceAttribute", "ec2:DescribeInstanceAttribute", per_second=10)
TEMPLATES = Call("ec2", "DescribeLaunchTemplates", "ec2:DescribeLaunchTemplates")
VERSIONS = Call("ec2", "DescribeLaunchTemplateVersions", "ec2:DescribeLaunchTemplateVersions", per_second=10)
GONE = ("InvalidInstanceID.NotFound", "InvalidLaunchTemplateId.NotFound")
NODE, TEMPLATE = "ec2.user_data", "ec2.launch_template"
MOST_READS = 10_000  # of each: 17 minutes
COLLECTOR = Collector(
    "user_data",
    "region",
    {NODE: ("present", "secrets", "launched", "looked_with"), TEMPLATE: ("secrets", "latest", "looked_with")},
    (ATTRIBUTE, TEMPLATES, VERSIONS),
    stage=1,
    remembers=("user_data",),
)


def collect(aws: Reader, seen: EarlierEvidence) -> Evidence:
    evidence = start_evidence(aws, COLLECTOR)
    add_nodes(aws, seen, evidence)
    add_templates(aws, seen, evidence)
    return evidence


def add_nodes(aws: Reader, seen: EarlierEvidence, evidence: Evidence) -> None:
    """User data can be changed only while an instance is stopped, so it is read again after the instance was started.

    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/user-data.html"""
    record_gaps(evidence, (NODE,), *seen.gaps("ssm.node"))
    known, reads = index_remembered(seen, NODE), BoundedReads(aws, MOST_READS)
    started = {instance.arn: instance.facts.get("launched") for instance in seen.of("ec2.instance")}
    for node in seen.of("ssm.node"):
        _, _, id = node.arn.rpartition(":instance/")
        if not id.startswith("i-"):
            continue  # a hybrid node has no user data
        launched = started.get(node.arn)
        if node.arn in known and isinstance(launched, str) and known[node.arn]["launched"] == launched:
            evidence.add(NODE, node.arn, **known[node.arn])
            continue
        answer = reads.read(ATTRIBUTE, GONE, InstanceId=id, Attribute="userData")
        if is_left_out(answer):
            record_gaps(evidence, (NODE,), answer if isinstance(answer, Gap) else None)
        elif answer is not None:
            facts = read_node(answer, make_malformed_gap(ATTRIBUTE, aws.region))
            evidence.add(NODE, node.arn, **facts, launched=launched, looked_with=compute_reading_revision())


def read_node(answer: Answer | Gap, gap: Gap) -> dict[str, Any]:
    if isinstance(answer, Gap):
        return {"present": answer, "secrets": answer}
    # An instance without user data has the member, without a value in it.
    encoded = read_or_gap(gap, lambda: text_or_none(require_mapping(answer, "UserData"), "Value"))
    if encoded is None or isinstance(encoded, Gap):
        return {"present": encoded or False, "secrets": encoded or []}
    text = encoded
    return {"present": True, "secrets": read_or_gap(gap, lambda: find_secrets({"UserData": decode_user_data(text)}))}


def add_templates(aws: Reader, seen: EarlierEvidence, evidence: Evidence) -> None:
    """Every version of every template. A template in which nothing was found is read again if it has a new version."""
    listing = aws.pages("ec2", "DescribeLaunchTemplates", "LaunchTemplates", MaxResults=200)
    gap = make_malformed_gap(TEMPLATES, aws.region)
    known, reads = index_remembered(seen, TEMPLATE), BoundedReads(aws, MOST_READS)
    for id, item in identify_items(evidence, listing, "LaunchTemplateId", gap, TEMPLATE):
        arn = build_regional_arn(aws, f"launch-template/{id}", service="ec2")
        latest = read_or_gap(gap, require_number, item, "LatestVersionNumber")
        if arn in known and known[arn]["latest"] == latest and not known[arn]["secrets"]:
            evidence.add(TEMPLATE, arn, **known[arn])
            continue
        parts = list(read_versions(aws, reads, id))
        left_out = [part for part in parts if isinstance(part, Gap) and is_left_out(part)]
        secrets = join_hits(parts)
        record_gaps(evidence, (TEMPLATE,), *left_out)
        if parts and not (left_out and isinstance(secrets, Gap)):
            looked_with = compute_reading_revision()
            evidence.add(TEMPLATE, arn, secrets=secrets, latest=latest, looked_with=looked_with)


def read_versions(aws: Reader, reads: BoundedReads, id: str) -> Iterator[list[Any] | Gap]:
    """What was found in each version, or why a page of them is unknown. Nothing if the template is gone."""
    # Page by page: a template can have 10,000 versions of 16 KB, which are too many to hold at once.
    gap, token = make_malformed_gap(VERSIONS, aws.region), ""
    while True:
        following: dict[str, Any] = {"NextToken": token} if token else {}
        answer = reads.read(VERSIONS, GONE, LaunchTemplateId=id, MaxResults=200, **following)
        if answer is None:
            return
        if isinstance(answer, Gap):
            yield answer
            return
        versions = read_or_gap(gap, require_list, answer, "LaunchTemplateVersions")
        # Every template has a version.
        if isinstance(versions, Gap) or (not versions and not token):
            yield gap
            return
        yield from (read_or_gap(gap, inspect_version_data, version) for version in versions)
        before, token = token, str(answer.get("NextToken") or "")
        if not token:
            return
        if token == before:
            yield gap  # the same token again would loop forever
            return


def inspect_version_data(version: Any) -> list[Any]:
    number, data = require_number(version, "VersionNumber"), require_mapping(version, "LaunchTemplateData")
    encoded = text_or_none(data, "UserData")
    texts = {
        **select_free_text(version, ("VersionDescription",)),
        **select_free_text(data, (), ("TagSpecifications",)),
        "UserData": [] if encoded is None else decode_user_data(encoded),
    }
    return [{**hit, "field": f"version {number}: {hit['field']}"} for hit in find_secrets(texts)]
