"""Log groups with the output of runbook scripts must have a customer key that works.

Scripts that a runbook runs with `aws:executeScript` can write their output to CloudWatch Logs. Otherwise the output
appears only in the execution, where it is not monitored and disappears after 30 days. In CloudWatch Logs, it should
be encrypted with a customer managed key.

**What is judged.**

* The log group that the setting `/ssm/automation/customer-script-log-group-name` names
  (`ssm.GetServiceSetting`; by default `/aws/ssm/automation/executeScript`): its `kmsKeyId` from
  `logs.DescribeLogGroups`, and the key's state, usage and kind from `kms.DescribeKey`. It fails without a customer
  key, and with one that is disabled, pending deletion, deleted, not a symmetric encryption key, in another region or of
  an account outside the organization.
* The setting `/ssm/automation/customer-script-log-destination`: it fails if it isn't `CloudWatch` while
  a document of this account has an `aws:executeScript` step (`ssm.GetDocument`).

**Not applicable** where no group receives script output and no document runs scripts.

**Unknown** when the setting, the documents, the groups or the key could not be read.

**Limits.** The key encrypts only what is written after it was set. A setting that names a group which doesn't
exist is not judged here: there is no group to encrypt.

**Source of the facts.** CloudWatch Logs user guide, encrypting log data with KMS
(https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html); CloudWatch Logs API reference,
[DescribeLogGroups](https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeLogGroups.html);
KMS API reference, KeyMetadata (https://docs.aws.amazon.com/kms/latest/APIReference/API_KeyMetadata.html).
"""

from __future__ import annotations

from accounts.aws.gaps import Gap, GapError
from scans.controls.lib import fixes, security_hub
from scans.controls.lib.judgements import KEY_RELATED, LOG_GROUP_FACTS, judge_log_group, read_fact_or_gaps
from scans.controls.lib.log_group_control import GROUP_CODE, GROUP_COMMAND, GROUP_SUMMARY, make_log_group_cases
from scans.domain.control import (
    GAP,
    Case,
    Control,
    ControlScope,
    FlowStep,
    Outcome,
    Remediation,
    ResourceView,
    Severity,
    Verdict,
    failed,
)

CONTROL = Control(
    id="SSM-LG-002",
    file="ssm_lg_002",
    title="Script output is logged under a customer key",
    severity=Severity.HIGH,
    scope=ControlScope.REGION,
    # 2: a key that can't encrypt, or is in another region, doesn't work. 3: a key of an account outside the organization
    # fails.
    version=3,
    facts={"logs.group": LOG_GROUP_FACTS, "ssm.setting.script_logs": ("destination",)},
    related={**KEY_RELATED, "ssm.document": ("uses_script",)},
    flow_steps={"logs.group": FlowStep.UNDER, "ssm.setting.script_logs": FlowStep.INTO},
    flow_kinds=("script",),
    container="arn:{p}:logs:{r}:{a}:log-group:*",
    statements=("S19",),
    quote="The output of scripts run using the aws:executeScript action in an Automation runbook",
    frameworks=security_hub.map_requirements(
        "SSM.6", own={"NIST 800-53 r5": ("SC-28(1)", "AU-9(3)"), "PCI DSS 4.0.1": ("3.5.1",)}
    ),
    empty_reason="No log group in this region takes the output of runbook scripts, and no document runs any.",
    remediation=Remediation(
        summary="Where the finding is about the setting, send script output to CloudWatch Logs (for the whole region). "
        + GROUP_SUMMARY,
        cli="# a finding about a log group\n"
        f"{GROUP_COMMAND}\n"
        "# a finding about the setting\n"
        "aws ssm update-service-setting --region {region} "
        "--setting-id /ssm/automation/customer-script-log-destination --setting-value CloudWatch\n"
        "aws ssm update-service-setting --region {region} --setting-id /ssm/automation/customer-script-log-group-name "
        "--setting-value /aws/ssm/automation/executeScript\n"
        "aws logs associate-kms-key --region {region} --log-group-name /aws/ssm/automation/executeScript "
        "--kms-key-id KEY_ARN",
        code=GROUP_CODE,
    ),
)


def evaluate(resource: ResourceView) -> Outcome | None:
    if resource.type == "logs.group":
        return judge_log_group(resource, "script")
    return _judge_log_setting(resource)


def fix(resource: ResourceView) -> fixes.FixEffects:
    if resource.type == "logs.group":
        return fixes.use_customer_key(resource, "kms_key")
    return (fixes.set_facts(resource, destination="CloudWatch", log_group="/aws/ssm/automation/executeScript"),)


def _judge_log_setting(resource: ResourceView) -> Outcome | None:
    """FAIL if the output of scripts is not logged; otherwise the log group, if any, is judged by itself."""
    # Without scripts the setting has no effect, so it fails only where a document runs one.
    if resource["destination"] == "CloudWatch":
        return None
    gaps: list[Gap] = []
    for document in resource.all("ssm.document"):
        uses, unread = read_fact_or_gaps(document, "uses_script")
        if uses:
            return failed(f"The document {document.arn} runs scripts, and their output is not sent to CloudWatch Logs.")
        gaps += unread
    if gaps:
        raise GapError(*gaps)
    return None


def _setting_case(
    name: str, verdict: Verdict | None, destination: object, *scripts: object, refused: bool = False
) -> Case:
    """scripts: of each document, whether it uses any."""
    prefix = "arn:aws:ssm:eu-west-1:111122223333:document/runbook"
    return Case(
        name,
        verdict,
        {"destination": destination},
        type="ssm.setting.script_logs",
        related={"ssm.document": {f"{prefix}-{n}": {"uses_script": uses} for n, uses in enumerate(scripts)}},
        related_gaps=("ssm.document",) if refused else (),
        arn="arn:aws:ssm:eu-west-1:111122223333:servicesetting/ssm/automation/customer-script-log-destination",
    )


CASES = [
    *make_log_group_cases("script", "/aws/ssm/automation/executeScript"),
    _setting_case("scripts, and no logs", Verdict.FAIL, None, True),
    _setting_case("scripts, and logs somewhere else", Verdict.FAIL, "None", True),
    _setting_case("scripts, and one document not read", Verdict.FAIL, None, GAP, True),
    _setting_case("scripts, and logs: the group is judged", None, "CloudWatch", True),
    _setting_case("no scripts", None, None, False),
    _setting_case("no documents", None, None),
    _setting_case("a document was not read", Verdict.UNKNOWN, None, False, GAP),
    _setting_case("the documents were refused", Verdict.UNKNOWN, None, refused=True),
    _setting_case("the setting was refused", Verdict.UNKNOWN, GAP, False),
]
