"""Finds the buckets that Systems Manager's settings name, and the kind of data in each. Pure.

Kinds are those of the source document: 01 Run Command output, 03 patch logs, 04 patch override lists,
05 scripts and playbooks, 06 InSpec profiles, 08 session logs, 09 Explorer reports, 10 OpsData,
11 CloudFormation templates, 12 inventory sync, 13 State Manager output, 14 documents for AWS-RunDocument.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from scans.collectors.lib.strict_answers import Answer, ShapeError, mapping_or_empty, text_or_none

Reference = dict[str, str]

BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]")
S3_ARN = re.compile(r"arn:[a-z-]+:s3:::([^/]+)(?:/.*)?", re.DOTALL)
REGION = r"(?:(?:\.dualstack)?[.-](?!accesspoint)[a-z0-9-]+)?"
SUFFIX = r"(?:amazonaws\.com(?:\.cn)?|amazonaws\.eu|c2s\.ic\.gov|sc2s\.sgov\.gov)"
# Both styles of S3's hosts: BUCKET.s3.REGION.SUFFIX and s3.REGION.SUFFIX/BUCKET. Access points name no bucket.
HOST = re.compile(rf"(?:(?P<bucket>.+)\.)?s3(?:-fips|-accelerate)?{REGION}\.{SUFFIX}", re.IGNORECASE)
PATH_KINDS = {
    "AWS-ApplyAnsiblePlaybooks": "05",
    "AWS-RunRemoteScript": "05",
    "AWS-RunInspecChecks": "06",
    "AWS-RunDocument": "14",
}
OVERRIDES = ("InstallOverrideList", "BaselineOverride")


def parse_bucket_name(place: str) -> str | None:
    """The bucket of an s3:// URL, an https URL of S3 (both styles), or an ARN; None for anything else."""
    place = place.strip()
    found = S3_ARN.fullmatch(place)
    if found:
        return _valid_bucket_name(found.group(1))
    try:
        url = urlsplit(place)
        host = url.hostname or ""
    except ValueError:
        return None
    if url.scheme.lower() == "s3":
        return _valid_bucket_name(url.netloc)
    styled = HOST.fullmatch(host) if url.scheme.lower() in {"http", "https"} else None
    if styled is None:
        return None
    return _valid_bucket_name(styled.group("bucket") or unquote(url.path.lstrip("/").split("/", 1)[0]))


def _valid_bucket_name(name: str) -> str | None:
    return name if BUCKET.fullmatch(name) else None


def base_name(document: str | None) -> str:
    """A document's name, from a name or an ARN."""
    return (document or "").rsplit("document/", 1)[-1]


def output_kind(document: str | None, kind: str) -> str:
    return "03" if base_name(document).startswith("AWS-RunPatchBaseline") else kind


def to_bucket(name: str | None, kind: str, field: str) -> list[Reference]:
    """A reference to a bucket that is named directly; none for a name that is still a template."""
    return [{"bucket": name, "kind": kind, "field": field}] if name and _valid_bucket_name(name) else []


def to_place(place: Any, kind: str, field: str) -> list[Reference]:
    return to_bucket(parse_bucket_name(place) if isinstance(place, str) else None, kind, field)


def find_in_parameters(document: str | None, parameters: Answer, field: str) -> list[Reference]:
    """References in the parameters given to a document."""
    found: list[Reference] = []
    for name in OVERRIDES:
        found += _references_in_values(parameters, name, "04", field)
    found += _references_in_values(parameters, "TemplateURL", "11", field)
    base = base_name(document)
    if base.startswith("AWS-ExportOpsDataToS3"):
        for value in _parameter_values(parameters, "s3BucketName"):
            # Explorer reports contain OpsData, so both kinds go there.
            found += to_bucket(value, "09", f"{field}.s3BucketName") + to_bucket(value, "10", f"{field}.s3BucketName")
    kind = PATH_KINDS.get(base)
    if kind:
        for value in _parameter_values(parameters, "sourceInfo"):
            found += to_place(source_path(value), kind, f"{field}.sourceInfo.path")
    return found


def source_path(source: Any) -> str | None:
    """The path of a SourceInfo, which is JSON text or, inside documents, an object; None if there is none."""
    if isinstance(source, str):
        try:
            source = json.loads(source)
        except (ValueError, RecursionError):
            return None
    path = source.get("path") if isinstance(source, Mapping) else None
    return path if isinstance(path, str) else None


def output_location(association: Answer) -> str | None:
    return text_or_none(
        mapping_or_empty(mapping_or_empty(association, "OutputLocation"), "S3Location"), "OutputS3BucketName"
    )


def log_group(item: Answer, document: str | None) -> str | None:
    """The log group of CloudWatchOutputConfig; Run Command's default group if none is named."""
    config = mapping_or_empty(item, "CloudWatchOutputConfig")
    enabled, name = config.get("CloudWatchOutputEnabled"), text_or_none(config, "CloudWatchLogGroupName")
    if enabled is not None and not isinstance(enabled, bool):
        raise ShapeError("CloudWatchOutputEnabled")
    if enabled is False:
        return None
    return name or (f"/aws/ssm/{base_name(document)}" if enabled and document else None)


def drop_duplicates(references: list[Reference]) -> list[Reference]:
    return [dict(pairs) for pairs in dict.fromkeys(tuple(reference.items()) for reference in references)]


def _references_in_values(parameters: Answer, name: str, kind: str, field: str) -> list[Reference]:
    return [
        found for value in _parameter_values(parameters, name) for found in to_place(value, kind, f"{field}.{name}")
    ]


def _parameter_values(parameters: Answer, name: str) -> list[Any]:
    """A parameter's values, ignoring the case of its name (SourceInfo, sourceInfo)."""
    found: list[Any] = []
    for key, value in parameters.items():
        if isinstance(key, str) and key.lower() == name.lower():
            found += value if isinstance(value, list) else [value]
    return found
