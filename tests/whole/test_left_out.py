"""AWS may leave an optional member out of any answer: no FAIL may then pass, or go without an UNKNOWN."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import botocore.session
import pytest
from botocore.model import ListShape, MapShape, Shape, StructureShape

from demo.company import plan
from scans import registry
from scans.domain.collector import Call
from scans.domain.control import Verdict
from scans.domain.engine import JudgedOutcome
from scans.pipeline import target_evaluation
from tests.whole.scene import Evidences, Scene, set_up

pytestmark = [pytest.mark.slow, pytest.mark.django_db, pytest.mark.long(rank=3)]

Path = tuple[str, ...]  # names of members; those inside lists and maps count for each item

# What AWS leaves out where there is none, or where it means something: no constraint means us-east-1.
NONE_THERE = {
    "s3.GetBucketLocation": {"LocationConstraint"},
    "ssm.DescribeActivations": {"ActivationList.Description"},
    "ssm.DescribeAssociation": {
        "AssociationDescription.OutputLocation",
        "AssociationDescription.OutputLocation.S3Location",
        "AssociationDescription.OutputLocation.S3Location.OutputS3BucketName",
    },
    "ssm.DescribeMaintenanceWindows": {"WindowIdentities.Description"},
    "ssm.DescribeOpsItems": {"OpsItemSummaries.OperationalData", "OpsItemSummaries.OperationalData.*.Value"},
    "ssm.GetPatchBaseline": {"Sources"},
    "ssm.ListCommands": {"Commands.Comment"},
}
AT = datetime.fromisoformat(plan.make(accounts=1, regions=1).now)
MODELS = botocore.session.get_session()


@pytest.fixture(scope="module")
def scene(django_db_setup: None, django_db_blocker: Any) -> Iterator[Scene]:
    with django_db_blocker.unblock(), set_up() as made:
        yield made


@pytest.fixture(autouse=True)
def _healed(scene: Scene) -> Iterator[None]:
    scene.heal()
    yield
    scene.heal()


@pytest.mark.parametrize("call", registry.calls(), ids=lambda call: call.api)
def test_a_member_that_was_left_out_hides_no_fail(scene: Scene, call: Call) -> None:
    given: set[Path] = set()
    shape = MODELS.get_service_model(call.service).operation_model(call.operation).output_shape

    def watch(answer: dict[str, Any]) -> dict[str, Any]:
        given.update(optional(shape, answer))
        return answer

    scene.reshaping[call.api] = watch
    before = judged(scene, scene.collect(call))
    wrong = []
    for path in sorted(path for path in given if ".".join(path) not in NONE_THERE.get(call.api, ())):
        scene.heal()
        scene.reshaping[call.api] = lambda answer, path=path: without(answer, path)
        wrong += [f"{'.'.join(path)}: {said}" for said in hidden(before, judged(scene, scene.collect(call)))]
    assert not wrong, "\n" + "\n".join(wrong)


def optional(shape: Shape | None, value: Any, path: Path = ()) -> Iterator[Path]:
    """The members that stand in an answer and needn't, as the model says."""
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        for name, inner in shape.members.items():
            if name in value:
                if name not in shape.required_members:
                    yield (*path, name)
                yield from optional(inner, value[name], (*path, name))
    elif isinstance(shape, ListShape) and isinstance(value, list):
        for item in value:
            yield from optional(shape.member, item, path)
    elif isinstance(shape, MapShape) and isinstance(value, dict):
        for item in value.values():
            yield from optional(shape.value, item, (*path, "*"))


def without(value: Any, path: Path) -> Any:
    if isinstance(value, list):
        return [without(item, path) for item in value]
    if not isinstance(value, dict):
        return value
    name, rest = path[0], path[1:]
    if not rest:
        return {key: item for key, item in value.items() if key != name}
    return {key: without(item, rest) if name in (key, "*") else item for key, item in value.items()}


def judged(scene: Scene, evidences: Evidences) -> list[JudgedOutcome]:
    scan, account = scene.target.scan, scene.target.account
    parts = [
        target_evaluation.evaluate_target(
            scan, account, evidences, target_evaluation.select_scan_controls(scan), at=AT, joined=joined
        )
        for joined in (False, True)
    ]
    return [item for part in parts for item in part.judged]


def hidden(before: list[JudgedOutcome], after: list[JudgedOutcome]) -> Iterator[str]:
    """The fails that are gone or pass, where nothing of their control is said to be unknown there."""
    now = {item.identity: item.outcome.verdict for item in after}
    unknown = {(item.control.id, item.region) for item in after if item.outcome.verdict is Verdict.UNKNOWN}
    for item in before:
        if item.outcome.verdict is not Verdict.FAIL:
            continue
        verdict = now.get(item.identity)
        if verdict in (Verdict.PASS, Verdict.NOT_APPLICABLE, None) and (item.control.id, item.region) not in unknown:
            yield f"{item.control.id} {item.region} {item.resource} became {verdict or 'nothing'}"
