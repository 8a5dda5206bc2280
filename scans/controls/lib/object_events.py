"""Derives from a trail's event selectors whether it records every read and write of a bucket's objects. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from scans.controls.lib.event_selectors import (
    BASIC_KINDS,
    NO_KINDS,
    READ_AND_WRITE,
    SelectorError,
    list_read_only_kinds,
)

OBJECTS = "AWS::S3::Object"
Selector = Mapping[str, Any]


def records_all_object_events(basic: Sequence[Selector], advanced: Sequence[Selector], bucket_arn: str) -> bool:
    """Several selectors add up. SelectorError if they suffice only with one that AWS returned incompletely."""
    seen: frozenset[str] = NO_KINDS
    strange: dict[str, None] = {}
    for selector in basic:
        try:
            seen |= _list_basic_object_kinds(selector, bucket_arn)
        except SelectorError as error:
            strange[str(error)] = None
    seen = seen.union(*(_list_advanced_object_kinds(selector, f"{bucket_arn}/") for selector in advanced))
    if strange and not seen >= READ_AND_WRITE:
        raise SelectorError(next(iter(strange)))
    return seen >= READ_AND_WRITE


def _list_basic_object_kinds(selector: Selector, bucket_arn: str) -> frozenset[str]:
    """https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_DataResource.html"""
    named = selector.get("DataResources")
    if named is None:
        raise SelectorError("DataResources is missing")
    service = ":".join(bucket_arn.split(":")[:3])
    covering = {service, f"{service}:::", f"{bucket_arn}/"}
    for each in named:
        if each.get("Type") == OBJECTS and each.get("Values") is None:
            raise SelectorError("Values is missing")
        if each.get("Type") == OBJECTS and covering.intersection(each["Values"]):
            kind = selector.get("ReadWriteType")
            if kind not in BASIC_KINDS:
                raise SelectorError("ReadWriteType is missing" if kind is None else f"ReadWriteType={kind}")
            return BASIC_KINDS[kind]
    return NO_KINDS


def _list_advanced_object_kinds(selector: Selector, objects: str) -> frozenset[str]:
    """The kinds of events of these objects, by the prefix of their ARNs. A field that is not known limits the events."""
    kinds, category, type = READ_AND_WRITE, False, False
    for field in selector.get("FieldSelectors") or ():
        name, terms = field.get("Field"), {term: values for term, values in field.items() if term != "Field" and values}
        if name == "eventCategory":
            category = terms == {"Equals": ["Data"]}
        elif name == "resources.type":
            type = set(terms) == {"Equals"} and OBJECTS in terms["Equals"]
        elif name == "readOnly":
            kinds = kinds & list_read_only_kinds(terms)
        elif name != "resources.ARN" or not _covers_objects(terms, objects):
            return NO_KINDS
    return kinds if category and type else NO_KINDS


def _covers_objects(terms: Mapping[str, Any], objects: str) -> bool:
    """All terms of a field must hold. One that begins like the objects' ARNs leaves some of them out."""
    for term, values in terms.items():
        if term == "StartsWith":
            held = any(objects.startswith(value) for value in values)
        elif term == "NotStartsWith":
            held = not any(objects.startswith(value) or value.startswith(objects) for value in values)
        elif term == "NotEquals":
            held = not any(value.startswith(objects) for value in values)
        else:
            held = False
        if not held:
            return False
    return True
