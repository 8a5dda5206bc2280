"""What a trail's event selectors say that it records."""

from __future__ import annotations

import pytest

from scans.controls.lib.event_selectors import SelectorError, records_all_management_events

KMS, RDS = "kms.amazonaws.com", "rdsdata.amazonaws.com"


def basic(kind="All", *, management=True, excluded=()):
    return {"ReadWriteType": kind, "IncludeManagementEvents": management, "ExcludeManagementEventSources": [*excluded]}


def advanced(*fields, category="Management"):
    return {"FieldSelectors": [{"Field": "eventCategory", "Equals": [category]}, *fields]}


READ_ONLY = {"Field": "readOnly", "Equals": ["true"]}
WRITE_ONLY = {"Field": "readOnly", "Equals": ["false"]}


@pytest.mark.parametrize(
    ("selectors", "whole"),
    [
        ([basic()], True),
        ([basic(excluded=[RDS])], True),
        ([basic(excluded=[KMS])], False),
        ([basic("ReadOnly")], False),
        ([basic("ReadOnly"), basic("WriteOnly")], True),
        ([basic("ReadOnly"), basic("WriteOnly", excluded=[KMS])], False),
        ([basic(management=False)], False),
        ([basic(excluded=["ssm.amazonaws.com"])], False),
        ([basic("Other"), basic()], True),
        ([basic("Other", management=False)], False),
        ([basic("Other", excluded=[KMS])], False),
        ([{}, basic()], True),
        ([{"ReadWriteType": "WriteOnly"}], False),
        ([], False),
    ],
)
def test_basic_selectors_are_judged_for_full_recording(selectors, whole):
    assert records_all_management_events(selectors, []) is whole


@pytest.mark.parametrize(
    ("selectors", "whole"),
    [
        ([advanced()], True),
        ([advanced(category="Data")], False),
        ([advanced(READ_ONLY)], False),
        ([advanced(READ_ONLY), advanced(WRITE_ONLY)], True),
        ([advanced({"Field": "eventSource", "NotEquals": [RDS]})], True),
        ([advanced({"Field": "eventSource", "NotEquals": [RDS, KMS]})], False),
        ([advanced({"Field": "eventSource", "NotEquals": [KMS]}), advanced()], True),
        ([advanced({"Field": "eventSource", "NotEquals": ["ssm.amazonaws.com"]})], False),
        ([advanced({"Field": "eventSource", "Equals": ["ssm.amazonaws.com"]})], False),
        ([advanced({"Field": "eventName", "NotEquals": ["GetParameter"]})], False),
        ([advanced({"Field": "readOnly", "NotEquals": ["true"]})], False),
        ([{"FieldSelectors": []}], False),
        ([{"FieldSelectors": [{"Field": "eventCategory", "Equals": ["Management"], "NotEquals": []}]}], True),
    ],
)
def test_advanced_selectors_are_judged_for_full_recording(selectors, whole):
    assert records_all_management_events([], selectors) is whole


@pytest.mark.parametrize("selectors", [[basic("Other")], [basic("Other"), basic("ReadOnly")]])
def test_unknown_deciding_selector_value_is_named(selectors):
    with pytest.raises(SelectorError, match="ReadWriteType=Other"):
        records_all_management_events(selectors, [])


@pytest.mark.parametrize("member", ["ReadWriteType", "IncludeManagementEvents", "ExcludeManagementEventSources"])
def test_missing_deciding_selector_member_is_named(member):
    told = {name: value for name, value in basic().items() if name != member}
    with pytest.raises(SelectorError, match=f"{member} is missing"):
        records_all_management_events([told], [])
    with pytest.raises(SelectorError, match=f"{member} is missing"):
        records_all_management_events([basic("ReadOnly"), told], [])
