"""AWS may leave an optional member out of any answer: no FAIL may then pass, or go without a new UNKNOWN. (G2, A7)

Nor may it where a member is null, an empty text or of another type. `make test` leaves out each member of one account
that makes every call, and tries the other changes, and accounts of each kind, by samples; `make test-long` tries all.
A failure names its seed: TUTELA_OMISSIONS_SEED=SEED takes the same samples.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import botocore.session
import pytest
from hypothesis import settings

from demo.company import plan
from scans import registry
from scans.domain.collector import Call
from scans.domain.engine import JudgedOutcome
from scans.models import Target
from scans.pipeline import target_evaluation
from scans.pipeline.role_sessions import RoleSessions
from tests.support.examples import examples
from tests.whole.omissions import EVERYWHERE, IN_THE_FIRST, Path, changed, hidden, optional
from tests.whole.scene import Evidences, Scene, collect_again, set_up, touched
from tests.whole.tape import Tape

pytestmark = [pytest.mark.slow, pytest.mark.exhaustive, pytest.mark.django_db, pytest.mark.long(rank=3)]

# What AWS leaves out where there is none, or where it means something: no constraint means us-east-1.
NONE_THERE = {
    "iam.GetAccountAuthorizationDetails": {"UserDetailList.UserPolicyList"},
    "kms.DescribeKey": {"KeyMetadata.Description"},
    "logs.DescribeLogGroups": {"logGroups.kmsKeyId"},
    "s3.GetBucketLocation": {"LocationConstraint"},
    "ec2.DescribeInstanceAttribute": {"UserData.Value"},
    "ec2.DescribeLaunchTemplateVersions": {"LaunchTemplateVersions.LaunchTemplateData.UserData"},
    "ssm.DescribeAutomationStepExecutions": {"StepExecutions.Inputs"},
    "ssm.DescribeActivations": {"ActivationList.Description"},
    "ssm.DescribeAssociation": {
        "AssociationDescription.Parameters",
        "AssociationDescription.OutputLocation",
        "AssociationDescription.OutputLocation.S3Location",
        "AssociationDescription.OutputLocation.S3Location.OutputS3BucketName",
    },
    "ssm.DescribeMaintenanceWindows": {"WindowIdentities.Description"},
    "ssm.DescribeParameters": {"Parameters.Description"},
    "ssm.DescribeOpsItems": {"OpsItemSummaries.OperationalData", "OpsItemSummaries.OperationalData.*.Value"},
    "ssm.GetMaintenanceWindowTask": {
        "TaskInvocationParameters",
        "TaskInvocationParameters.RunCommand",
        "TaskInvocationParameters.RunCommand.Parameters",
    },
    "ssm.GetPatchBaseline": {"Sources"},
    "ssm.ListAssociationVersions": {"AssociationVersions.Parameters"},
    "ssm.ListCommands": {"Commands.Comment"},
}
AT = datetime.fromisoformat(plan.make(accounts=1, regions=1).now)
MODELS = botocore.session.get_session()
IN_CI = bool(os.environ.get("TUTELA_TESTS_MUST_NOT_SKIP"))
SEED = os.environ.get("TUTELA_OMISSIONS_SEED") or ("0" if IN_CI else str(random.SystemRandom().randrange(10**6)))
OTHER_CHANGES = [*EVERYWHERE, *IN_THE_FIRST][1:]
Reshaping = dict[str, Callable[[dict[str, Any]], dict[str, Any]]]


@dataclass
class Omitting:
    """One account that was read, and is read again with one answer changed."""

    target: Target
    sessions: RoleSessions
    reshaping: Reshaping
    evidences: Evidences
    judged: list[JudgedOutcome] = field(default_factory=list)

    def read(self, call: Call) -> Evidences:
        return collect_again(self.target, self.sessions, touched(call), self.evidences)

    def judge(self, evidences: Evidences) -> list[JudgedOutcome]:
        scan, account = self.target.scan, self.target.account
        controls = target_evaluation.select_scan_controls(scan)
        parts = [
            target_evaluation.evaluate_target(scan, account, evidences, controls, at=AT, joined=joined)
            for joined in (False, True)
        ]
        return [item for part in parts for item in part.judged]

    def find_optional_members(self, call: Call) -> list[Path]:
        """The optional members that stood in this call's answers."""
        given: set[Path] = set()
        shape = MODELS.get_service_model(call.service).operation_model(call.operation).output_shape

        def watch(answer: dict[str, Any]) -> dict[str, Any]:
            given.update(optional(shape, answer))
            return answer

        self.reshaping[call.api] = watch
        self.read(call)
        self.reshaping.clear()
        return sorted(path for path in given if ".".join(path) not in NONE_THERE.get(call.api, ()))

    def find_hidden_fails(self, call: Call, path: Path, variant: str) -> list[str]:
        self.judged = self.judged or self.judge(self.evidences)
        self.reshaping[call.api] = lambda answer: changed(answer, path, variant)
        evidences = self.read(call)
        self.reshaping.clear()
        found = () if evidences == self.evidences else hidden(self.judged, self.judge(evidences))
        name = self.target.account.name
        return [f"{name}, {call.api} {'.'.join(path)} {variant}: {said} (seed {SEED})" for said in found]


@pytest.fixture(scope="module")
def scene(django_db_setup: None, django_db_blocker: Any) -> Iterator[Scene]:
    with django_db_blocker.unblock(), set_up(Tape()) as made:
        yield made


@pytest.fixture(scope="module")
def account(scene: Scene) -> Omitting:
    return Omitting(scene.target, scene.sessions, scene.reshaping, scene.evidences)


@pytest.fixture(autouse=True)
def _healed(scene: Scene) -> Iterator[None]:
    scene.heal()
    yield
    scene.heal()


@pytest.mark.parametrize("call", registry.calls(), ids=lambda call: call.api)
def test_a_member_that_is_not_what_it_was_hides_no_fail(account: Omitting, call: Call) -> None:
    paths = account.find_optional_members(call)
    changes = [(path, variant) for path in paths for variant in OTHER_CHANGES]
    if not is_long():
        changes = random.Random(f"{SEED} {call.api}").sample(changes, min(examples(4), len(changes)))
    changes += [(path, "left out") for path in paths]
    wrong = [said for path, variant in changes for said in account.find_hidden_fails(call, path, variant)]
    assert not wrong, "\n" + "\n".join(wrong)


def is_long() -> bool:
    return settings.default.max_examples > 100
