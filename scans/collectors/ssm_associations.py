"""State Manager associations: what they run, where their output goes."""

from __future__ import annotations

from typing import Any

from accounts.aws.gaps import Gap
from scans.collectors.lib import ssm_references as references
from scans.collectors.lib.ssm_answers import (
    Answer,
    arn,
    begin,
    detail,
    fact,
    free_text,
    judged,
    malformed,
    maybe_mapping,
    maybe_text,
    named,
    ssm,
    text,
)
from scans.domain.collector import Collector, Reader, Seen
from scans.domain.evidence import Evidence

LIST = ssm("ListAssociations")
DESCRIBE = ssm("DescribeAssociation")
GONE = ("AssociationDoesNotExist",)
COLLECTOR = Collector("ssm_associations", "region", ("ssm.association",), (LIST, DESCRIBE))


def collect(aws: Reader, _seen: Seen) -> Evidence:
    evidence = begin(aws, COLLECTOR)
    listing = aws.pages("ssm", "ListAssociations", "Associations", MaxResults=50)
    for id, item in named(evidence, listing, "AssociationId", malformed(aws, LIST), "ssm.association"):
        answer = detail(aws, DESCRIBE, GONE, AssociationId=id)
        if answer is None:
            continue
        facts = {**listed(item, malformed(aws, LIST)), **described(answer, malformed(aws, DESCRIBE))}
        evidence.add("ssm.association", arn(aws, f"association/{id}"), **facts)
    return evidence


def listed(item: Answer, gap: Gap) -> dict[str, Any]:
    return {"name": fact(gap, maybe_text, item, "AssociationName"), "document": fact(gap, text, item, "Name")}


def described(answer: Answer | Gap, gap: Gap) -> dict[str, Any]:
    if isinstance(answer, Gap):
        return dict.fromkeys(("references", "hits", "url_credentials"), answer)
    association = answer.get("AssociationDescription")
    if not isinstance(association, dict):
        return dict.fromkeys(("references", "hits", "url_credentials"), gap)
    texts = judged(gap, lambda: free_text(association, ("AssociationName",), ("Parameters",)))
    return {"references": fact(gap, find_references, association), **texts}


def find_references(association: Answer) -> list[references.Reference]:
    document = text(association, "Name")
    field = "OutputLocation.S3Location.OutputS3BucketName"
    kind = references.output_kind(document, "13")
    found = references.to_bucket(references.output_location(association), kind, field)
    found += references.of_parameters(document, maybe_mapping(association, "Parameters"), "Parameters")
    return references.unique(found)
