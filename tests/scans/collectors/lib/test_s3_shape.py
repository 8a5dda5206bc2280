from __future__ import annotations

from typing import Any

import pytest

from scans.collectors.lib.s3_shape import parse_object_lock, parse_ownership, parse_versioning
from scans.collectors.lib.strict_answers import ShapeError


@pytest.mark.parametrize(
    ("answer", "status"), [({}, None), ({"Status": "Suspended"}, "Suspended"), ({"Status": "Enabled"}, "Enabled")]
)
def test_versioning_that_was_never_set_has_no_status(answer: dict[str, Any], status: str | None) -> None:
    assert parse_versioning(answer) == status


@pytest.mark.parametrize(
    ("rule", "mode"),
    [
        ({"DefaultRetention": {"Mode": "COMPLIANCE", "Years": 1}}, "COMPLIANCE"),
        ({"DefaultRetention": {"DefaultEventHold": {"Days": 3}}}, "EVENT_HOLD"),
        ({}, None),
    ],
)
def test_object_lock_with_and_without_a_retention(rule: dict[str, Any], mode: str | None) -> None:
    answer = {"ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled", "Rule": rule}}
    assert parse_object_lock(answer) == {"enabled": True, "mode": mode}


LOCK = {"ObjectLockEnabled": "Enabled"}


@pytest.mark.parametrize(
    ("parse", "answer"),
    [
        (parse_versioning, {"Status": True}),
        (parse_ownership, {}),
        (parse_ownership, {"OwnershipControls": {"Rules": []}}),
        (parse_ownership, {"OwnershipControls": {"Rules": [{}]}}),
        (parse_object_lock, {}),
        (parse_object_lock, {"ObjectLockConfiguration": {}}),
        (parse_object_lock, {"ObjectLockConfiguration": {"ObjectLockEnabled": "Paused"}}),
        (parse_object_lock, {"ObjectLockConfiguration": LOCK | {"Rule": []}}),
    ],
)
def test_settings_of_another_shape_are_refused(parse: Any, answer: dict[str, Any]) -> None:
    with pytest.raises(ShapeError):
        parse(answer)
