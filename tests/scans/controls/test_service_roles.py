"""AWS's own policies, and the roles of its services (SSM-AC-003)."""

from __future__ import annotations

from typing import Any

import pytest

from scans.collectors.lib.aws_policy_copy import load_current_copy, parse_copied_document
from scans.domain.control import Case, Outcome, Verdict
from tests.scans.controls.test_every_control import CONTROLS, judge_case

ROLE = "arn:aws:iam::111122223333:role/service-role/worker"
PEOPLE = {"AWS": "arn:aws:iam::111122223333:root"}
# Policies of AWS's for the roles of its services, and the service.
FOR_SERVICES = {
    "policy/service-role/AWSBackupServiceRolePolicyForBackup": "backup.amazonaws.com",
    "policy/service-role/AWSBackupServiceRolePolicyForRestores": "backup.amazonaws.com",
    "policy/AWSBackupServiceRolePolicyForS3Backup": "backup.amazonaws.com",
    "policy/AWSBackupServiceRolePolicyForS3Restore": "backup.amazonaws.com",
    "policy/AWSBackupServiceRolePolicyForIndexing": "backup.amazonaws.com",
    "policy/AWSBackupServiceRolePolicyForItemRestores": "backup.amazonaws.com",
    "policy/AWSBackupGuardDutyRolePolicyForScans": "malware-protection.guardduty.amazonaws.com",
    "policy/EC2ImageBuilderExecutionPolicy": "imagebuilder.amazonaws.com",
}
# Policies for people, or that nothing limits: no trust policy makes them narrow.
FOR_PEOPLE = ("policy/PowerUserAccess", "policy/AdministratorAccess", "policy/job-function/SystemAdministrator")


def judge_held(name: str, *principals: dict[str, Any], holder: str = ROLE) -> Outcome:
    """A policy of AWS's that one principal has."""
    arn = f"arn:aws:iam::aws:{name}"
    statements = [{"Effect": "Allow", "Principal": each, "Action": "sts:AssumeRole"} for each in principals]
    case = Case(
        name,
        None,
        {"name": name.rpartition("/")[2], "document": parse_copied_document(load_current_copy().policies[name][1])},
        type="iam.aws_policy",
        arn=arn,
        region="global",
        related={
            "iam.aws_policy": {arn: {"attached_to": [holder]}},
            "iam.principal": {holder: {"trust": {"Statement": statements}}},
        },
    )
    outcome = judge_case(CONTROLS["SSM-AC-003"], case)
    assert outcome is not None
    return outcome


@pytest.mark.parametrize(("name", "service"), FOR_SERVICES.items())
def test_role_of_a_service_may_have_what_aws_wrote_for_it(name: str, service: str) -> None:
    outcome = judge_held(name, {"Service": service})
    assert outcome.verdict is Verdict.PASS
    assert f"worker ({service})" in outcome.reason
    assert "though only through services (" in outcome.reason, "it isn't taken for a narrow policy"


@pytest.mark.parametrize("name", FOR_SERVICES)
@pytest.mark.parametrize(
    "principals",
    [
        (PEOPLE,),
        ({"Service": "ec2.amazonaws.com"},),
        ({"Service": ["backup.amazonaws.com", "lambda.amazonaws.com"]},),
        ({"Service": "backup.amazonaws.com"}, PEOPLE),
        ({"Service": "backup.amazonaws.com.example"},),
        ({"AWS": "backup.amazonaws.com"},),
        ({"Service": "*"},),
        (),
    ],
)
def test_other_roles_may_not_have_it(name: str, principals: tuple[dict[str, Any], ...]) -> None:
    assert judge_held(name, *principals).verdict is Verdict.FAIL


@pytest.mark.parametrize("name", FOR_SERVICES)
def test_user_may_not_have_it(name: str) -> None:
    user = "arn:aws:iam::111122223333:user/backup"
    assert judge_held(name, {"Service": "backup.amazonaws.com"}, holder=user).verdict is Verdict.FAIL


@pytest.mark.parametrize("name", FOR_PEOPLE)
@pytest.mark.parametrize("principal", [PEOPLE, {"Service": "backup.amazonaws.com"}])
def test_policy_without_named_services_fails_on_every_role(name: str, principal: dict[str, Any]) -> None:
    outcome = judge_held(name, principal)
    assert outcome.verdict is Verdict.FAIL
    assert "through services" not in outcome.reason
