from __future__ import annotations

import json
import subprocess
import sys

import pytest

from accounts.aws import scan_role
from accounts.aws.calls import Call
from accounts.aws.scan_role import ScanRoleError
from tests.accounts.aws import terraform
from tests.accounts.aws.roles import PARAMETERS

pytestmark = pytest.mark.slow

CALLS = [
    Call("ssm", "ListDocuments", "ssm:ListDocuments"),
    PARAMETERS,
    Call("s3", "GetBucketEncryption", "s3:GetEncryptionConfiguration"),
    PARAMETERS,
]


def test_policy_allows_declared_actions_denies_value_reads():
    allow, deny = scan_role.build_role_policy(CALLS)["Statement"]
    assert allow["Effect"] == "Allow"
    assert allow["Action"] == ["s3:GetEncryptionConfiguration", "ssm:DescribeParameters", "ssm:ListDocuments"]
    assert deny["Effect"] == "Deny"
    assert {"ssm:GetParameters", "kms:Decrypt", "s3:GetObject", "ssm:StartSession"} <= set(deny["Action"])


@pytest.mark.parametrize("action", [*scan_role.VALUE_READS, "ssm:*", "ssm:Describe*", "*", "ssm"])
def test_an_action_that_reads_values_can_not_be_declared(action):
    with pytest.raises(ScanRoleError, match="never allows"):
        scan_role.build_role_policy([Call("x", "Y", action)])


def test_a_policy_that_iam_would_not_take_is_refused():
    with pytest.raises(ScanRoleError, match="6144"):
        scan_role.build_role_policy([Call("ssm", "X", f"ssm:DescribeSomethingLong{n:05}") for n in range(300)])


def test_only_the_hub_with_the_external_id_is_trusted():
    [statement] = scan_role.build_trust_policy("hub-arn", "external")["Statement"]
    assert statement["Principal"] == {"AWS": "hub-arn"}
    assert statement["Condition"] == {"StringEquals": {"sts:ExternalId": "external"}}


def test_the_template_passes_cfn_lint(tmp_path):
    template = tmp_path / "scan-role.json"
    template.write_text(scan_role.as_json(scan_role.build_cloudformation(CALLS)))
    code = "import sys; from cfnlint.runner import main; sys.exit(main())"
    done = subprocess.run([sys.executable, "-c", code, str(template)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_template_hides_external_id_and_names_no_partition():
    template = scan_role.build_cloudformation(CALLS)
    assert template["Parameters"]["ExternalId"]["NoEcho"] is True
    assert "arn:aws" not in json.dumps(template)


GET_PARAMETERS = Call("ssm", "GetParameters", "ssm:GetParameters")
KINDS = [(CALLS, scan_role.SCAN), ([GET_PARAMETERS], scan_role.VALUES)]


@pytest.mark.parametrize(("calls", "kind"), KINDS)
def test_the_terraform_parses_and_states_the_policy(calls, kind):
    said = terraform.statements(scan_role.render_terraform(calls, kind), kind.word)
    assert [(each["effect"], each["actions"]) for each in said] == [
        (each["Effect"], each["Action"]) for each in scan_role.build_role_policy(calls, kind)["Statement"]
    ]


@pytest.mark.parametrize(("calls", "kind"), KINDS)
def test_the_terraform_is_formatted(calls, kind):
    assert terraform.misplaced(scan_role.render_terraform(calls, kind)) == []


@pytest.mark.parametrize("lines", ["a = 1\nbcd = 2", " a = 1", "a = [\n1,\n]", "a = 1 ", "a  = 1", "x {\n  }"])
def test_terraform_that_is_not_formatted_is_seen(lines):
    assert terraform.misplaced(f"x {{\n  y = 1\n}}\n{lines}\n")


def test_terraform_and_cloudformation_allow_the_same():
    for action in scan_role.list_actions(CALLS):
        assert f'"{action}"' in scan_role.render_terraform(CALLS)
        assert f'"{action}"' in scan_role.as_json(scan_role.build_cloudformation(CALLS))


def test_value_role_reads_plain_parameters_without_decrypt():
    allow, deny = scan_role.build_role_policy([GET_PARAMETERS], scan_role.VALUES)["Statement"]
    assert allow["Action"] == ["ssm:GetParameters"]
    assert deny["Effect"] == "Deny"
    assert {"kms:Decrypt", "ssm:GetParameter", "ssm:GetParametersByPath", "ssm:GetParameterHistory"} <= set(
        deny["Action"]
    )
    assert "ssm:GetParameters" not in deny["Action"]


def test_scan_role_denies_value_role_actions():
    with pytest.raises(ScanRoleError, match="never allows"):
        scan_role.build_role_policy([GET_PARAMETERS])
    assert "ssm:GetParameters" in scan_role.build_role_policy(CALLS)["Statement"][1]["Action"]


def test_value_role_template_and_terraform_use_its_name(tmp_path):
    template = scan_role.build_cloudformation([GET_PARAMETERS], scan_role.VALUES)
    assert template["Parameters"]["RoleName"]["Default"] == "TutelaValues"
    assert set(template["Resources"]) == {"ValuesPolicy", "ValuesRole"}
    path = tmp_path / "values.json"
    path.write_text(scan_role.as_json(template))
    code = "import sys; from cfnlint.runner import main; sys.exit(main())"
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    module = scan_role.render_terraform([GET_PARAMETERS], scan_role.VALUES)
    assert "scan_role terraform --values" in module
    assert "TUTELA_VALUE_ROLE" in module
    assert "TUTELA_SCAN_ROLE" not in module
