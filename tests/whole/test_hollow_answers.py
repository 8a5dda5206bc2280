"""Answers that parse but don't hold what they promise: a named gap where something is missed, never a crash."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from scans import registry
from scans.domain.collector import Call
from scans.domain.evidence import Evidence
from tests.whole.scene import Scene, set_up

pytestmark = [pytest.mark.slow, pytest.mark.django_db, pytest.mark.long(rank=9)]

# Free text is looked through whatever its lists hold, and AWS doesn't oblige some items to hold anything.
TAKEN_AS_THEY_ARE = {
    *(("ssm.GetPatchBaseline", item) for item in ("None", "'text'", "7", "{}")),
    ("ssm.DescribeDocumentPermission", "'text'"),
    ("cloudtrail.GetEventSelectors", "{}"),
    ("iam.ListOrganizationsFeatures", "'text'"),  # a feature of a later day
}


@pytest.fixture(scope="module")
def scene(django_db_setup: None, django_db_blocker: Any) -> Iterator[Scene]:
    with django_db_blocker.unblock(), set_up() as made:
        yield made


@pytest.fixture(autouse=True)
def _healed(scene: Scene) -> Iterator[None]:
    scene.heal()
    yield
    scene.heal()


def with_lists_of(item: Any) -> Any:
    return lambda answer: {key: [item] if isinstance(value, list) else value for key, value in answer.items()}


@pytest.mark.parametrize("item", [None, "text", 7, {}], ids=repr)
@pytest.mark.parametrize("call", registry.calls(), ids=lambda call: call.api)
def test_a_list_of_something_else(scene: Scene, call: Call, item: Any) -> None:
    scene.reshaping[call.api] = with_lists_of(item)
    evidences = scene.collect(call)
    changed = {place for place, found in evidences.items() if resources(found) != resources(scene.evidences[place])}
    assert not changed or names(evidences, call) or (call.api, repr(item)) in TAKEN_AS_THEY_ARE


def names(evidences: dict[Any, Evidence], call: Call) -> bool:
    return any(gap.api == call.api for found in evidences.values() for gap in found.all_gaps())


def resources(evidence: Evidence) -> Any:
    return {(r.type, r.arn, r.region): r.facts for r in evidence.resources}
