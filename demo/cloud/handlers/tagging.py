"""Resource Groups Tagging: what carries tags in this account and region."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from moto.core.resource_tagging import make_tag_matcher, match_resource_type
from moto.ec2.models import ec2_backends
from moto.kms.models import kms_backends
from moto.logs.models import logs_backends
from moto.s3.models import s3_backends
from moto.ssm.models import ssm_backends

from demo.cloud.handlers._pages import page
from demo.cloud.protocol import Request

PARTITION = "aws"
REGIONAL = (ec2_backends, kms_backends, logs_backends)
# What moto calls otherwise than AWS's ARNs do.
WORDS = {"managed-prefix-lists/": "prefix-list/", "spot-instance-request/": "spot-instances-request/"}


def get_resources(request: Request) -> dict[str, Any]:
    types, fits = request.params.get("ResourceTypeFilters"), make_tag_matcher(request.params.get("TagFilters"))
    asked = set(request.params.get("ResourceARNList", []))
    held = sorted(
        (arn, tags)
        for arn, tags, type in tagged(request)
        if tags and match_resource_type(type, types) and fits(tags) and (not asked or arn in asked)
    )

    def shape(pair: tuple[str, dict[str, str]]) -> dict[str, Any]:
        return {"ResourceARN": pair[0], "Tags": [{"Key": key, "Value": value} for key, value in pair[1].items()]}

    names = {"size": "ResourcesPerPage", "token": "PaginationToken"}
    answer = page(request, held, "ResourceTagMappingList", shape, most=100, **names)
    return {"PaginationToken": "", **answer}


def tagged(request: Request) -> Iterator[tuple[str, dict[str, str], str]]:
    """(ARN, tags, type), untagged ones too."""
    for backends in REGIONAL:
        for found in backends[request.account][request.region].iter_tagged_resources():
            yield arn_of(found.arn), found.tags, found.resource_type
    buckets = s3_backends[request.account][PARTITION]
    for bucket in buckets.buckets.values():
        if bucket.region_name == request.region:
            yield bucket.arn, buckets.tagger.get_tag_dict_for_resource(bucket.arn), "s3"
    # moto looks a parameter's tags up for every parameter there is; here only for those that have some.
    for kind, held in list(ssm_backends[request.account][request.region]._resource_tags.items()):
        word = {"PatchBaseline": "patchbaseline"}.get(kind, kind.lower())
        for name, tags in list(held.items()):
            arn = f"arn:{PARTITION}:ssm:{request.region}:{request.account}:{word}/{name.lstrip('/')}"
            yield arn, dict(tags), f"ssm:{word}"


def arn_of(text: str) -> str:
    for theirs, ours in WORDS.items():
        text = text.replace(theirs, ours)
    return text


HANDLERS = {"resourcegroupstaggingapi.GetResources": get_resources}
