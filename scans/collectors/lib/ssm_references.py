"""Finds the buckets that Systems Manager's settings name, and the kind of data in each. Pure.

Kinds are those of the source document: 01 Run Command output, 03 patch logs, 04 patch override lists,
05 scripts and playbooks, 06 InSpec profiles, 08 session logs, 09 Explorer reports, 10 OpsData,
11 CloudFormation templates, 12 inventory sync, 13 State Manager output, 14 documents for AWS-RunDocument.

A reference has the bucket that a field names, or else `unplaced`: why that can't be known.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from scans.collectors.lib.ssm_runbooks import (
    MOF,
    NO_BUCKET,
    REGION_BEFORE,
    BucketParameter,
    NameForm,
    guess_kind,
    is_subject_runbook,
    list_bucket_parameters,
    list_own_parameters,
)
from scans.collectors.lib.strict_answers import Answer, ShapeError, mapping_or_empty, text_or_none
from scans.domain.s3_places import (
    BUCKET,
    TEMPLATE,
    S3Place,
    describe_templates,
    is_template,
    parse_bucket_setting,
    parse_s3_place,
)

Reference = dict[str, str]
NOT_KNOWN_USE = "what the document does with the bucket is not known"


def base_name(document: str | None) -> str:
    """A document's name, from a name or an ARN."""
    return (document or "").rsplit("document/", 1)[-1]


def output_kind(document: str | None, kind: str) -> str:
    return "03" if base_name(document).startswith("AWS-RunPatchBaseline") else kind


def to_bucket(name: Any, kind: str, field: str) -> list[Reference]:
    """A reference to the bucket that a setting names; none where the setting is empty or not there."""
    return _refer(parse_bucket_setting(name), kind, field) if isinstance(name, str) else []


def to_place(place: Any, kind: str, field: str) -> list[Reference]:
    """A reference to the bucket of a URL, URI or ARN; none for a place outside S3."""
    if not isinstance(place, str):
        return []
    if is_template(place):
        return _refer(S3Place(unknown=describe_templates(place)), kind, field)
    return _refer(parse_s3_place(place), kind, field)


def find_in_parameters(document: str | None, parameters: Any, field: str) -> list[Reference]:
    """References in the parameters given to a document. All of them may be one template, which only a run resolves."""
    base = base_name(document)
    if isinstance(parameters, str) and TEMPLATE.search(parameters):
        kinds = dict.fromkeys(kind for each in list_own_parameters(base) for kind in each.kinds)
        return [{"unplaced": describe_templates(parameters), "kind": kind, "field": field} for kind in kinds]
    if not isinstance(parameters, Mapping):
        return []
    declared = list_bucket_parameters(base)
    found: list[Reference] = []
    for name, given in parameters.items():
        if isinstance(name, str):
            values = given if isinstance(given, list) else [given]
            matching = next((each for each in declared if _is_named(name, each.name)), None)
            for value in values:
                if matching:
                    found += _read_declared(matching, value, f"{field}.{_say(name, matching.name)}")
                else:
                    found += _read_other(base, name, value, f"{field}.{name}")
    return found


def _is_named(name: str, pattern: str) -> bool:
    """Whether this is the parameter, ignoring the case of its name (SourceInfo, sourceInfo)."""
    return pattern.strip("*").lower() in name.lower() if "*" in pattern else name.lower() == pattern.lower()


def _say(name: str, pattern: str) -> str:
    return name if "*" in pattern else pattern


def _read_declared(parameter: BucketParameter, value: Any, field: str) -> list[Reference]:
    readers = {
        NameForm.PLACE: to_place,
        NameForm.BUCKET: _read_bucket,
        NameForm.SOURCE: read_source,
        NameForm.MOFS: _read_mofs,
        NameForm.JSON: _read_json,
    }
    return [found for kind in parameter.kinds for found in readers[parameter.form](value, kind, field)]


def _read_other(document: str, name: str, value: Any, field: str) -> list[Reference]:
    """A parameter that this version doesn't know: each place of S3 in it is judged as the nearest kind of data.

    A bucket that is only named, without a place in it, may be what the document changes: its use is unknown."""
    kind = guess_kind(name)
    if name.lower() == "sourceinfo":
        return read_source(value, "05", field)
    found: list[Reference] = []
    for text in _list_texts(value):
        place = parse_s3_place(text)
        # A URL leads to content or output. A bare name or ARN may be the bucket that the document changes.
        bare = place is None and "bucket" in name.lower() and BUCKET.fullmatch(text) and text.lower() not in NO_BUCKET
        if bare or (place is not None and text.strip().startswith("arn:")):
            place = None if is_subject_runbook(document) else S3Place(unknown=NOT_KNOWN_USE)
        found += _refer(place, kind, field)
    return found


def read_source(value: Any, kind: str, field: str) -> list[Reference]:
    """The places of a SourceInfo, which is JSON text or, inside documents, an object."""
    source = parse_json_text(value)
    if not isinstance(source, Mapping):
        return to_place(source, kind, field)
    return [found for name in ("path", "url") for found in to_place(source.get(name), kind, f"{field}.{name}")]


def _read_bucket(value: Any, kind: str, field: str) -> list[Reference]:
    if not isinstance(value, str) or value.strip().lower() in NO_BUCKET:
        return []
    return to_bucket(REGION_BEFORE.sub("", value.strip(), count=1), kind, field)


def _read_mofs(value: Any, kind: str, field: str) -> list[Reference]:
    if not isinstance(value, str):
        return []
    found: list[Reference] = []
    for each in value.split(","):
        named = MOF.fullmatch(TEMPLATE.sub("{{}}", each.strip()))
        if TEMPLATE.search(each) and (is_template(each) or not named or "{{" in named["bucket"]):
            found += _refer(S3Place(unknown=describe_templates(each)), kind, field)
        else:
            found += to_bucket(named["bucket"], kind, field) if named else to_place(each, kind, field)
    return found


def _read_json(value: Any, kind: str, field: str) -> list[Reference]:
    return [found for text in _list_texts(value) for found in to_place(text, kind, field)]


def _list_texts(value: Any) -> Iterator[str]:
    """Each text in a value, also within JSON."""
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, Mapping):
            stack += item.values()
        elif isinstance(item, list):
            stack += item
        elif isinstance(item, str):
            parsed = parse_json_text(item)  # JSON may hold JSON as text
            if isinstance(parsed, str):
                yield parsed
            else:
                stack.append(parsed)


def parse_json_text(value: Any) -> Any:
    """JSON's value for a text that is one; otherwise the value itself."""
    if not isinstance(value, str) or value.lstrip()[:1] not in {"{", "["} or is_template(value):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def _refer(place: S3Place | None, kind: str, field: str) -> list[Reference]:
    if place is None:
        return []
    where = {"kind": kind, "field": field}
    return [{"bucket": place.bucket, **where} if place.bucket else {"unplaced": place.unknown, **where}]


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


def to_log_group(config: Any, document: Any, field: str) -> list[Reference]:
    """A reference to the log group of a step's CloudWatchOutputConfig, which may be a template, or have templates in it.
    Under Run Command's default group, nothing is unknown: all groups of its prefix are read."""
    place = f"{field}.CloudWatchOutputConfig"
    if isinstance(config, str) and TEMPLATE.search(config):
        return [{"unplaced": describe_templates(config), "field": place}]
    if not isinstance(config, Mapping):
        return []
    enabled, name = config.get("CloudWatchOutputEnabled"), config.get("CloudWatchLogGroupName")
    if isinstance(enabled, str):
        enabled = None if TEMPLATE.search(enabled) else enabled.strip().lower() == "true"
    if enabled is not False and isinstance(name, str) and TEMPLATE.search(name):
        return [{"unplaced": describe_templates(name), "field": f"{place}.CloudWatchLogGroupName"}]
    known = document if isinstance(document, str) and not TEMPLATE.search(document) else None
    group = log_group({"CloudWatchOutputConfig": {**config, "CloudWatchOutputEnabled": enabled}}, known)
    return [{"group": group, "field": place}] if group else []


def drop_duplicates(references: list[Reference]) -> list[Reference]:
    return [dict(pairs) for pairs in dict.fromkeys(tuple(reference.items()) for reference in references)]
