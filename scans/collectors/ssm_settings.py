"""Reads service settings: sharing of documents, logs of scripts, the default role of hosts."""

from __future__ import annotations

from accounts.aws.gaps import Gap
from scans.collectors.lib.ssm_calls import build_regional_arn, ssm_call, start_evidence
from scans.collectors.lib.strict_answers import (
    call_unless_gone,
    make_malformed_gap,
    mapping_or_empty,
    read_or_gap,
    require_text,
)
from scans.domain.collector import Collector, EarlierEvidence, Reader
from scans.domain.evidence import Evidence

GET = ssm_call("GetServiceSetting")
SHARING = "/ssm/documents/console/public-sharing-permission"
SCRIPT_LOGS = "/ssm/automation/customer-script-log-destination"
SCRIPT_LOG_GROUP = "/ssm/automation/customer-script-log-group-name"
HOST_ROLE = "/ssm/managed-instance/default-ec2-instance-management-role"
COLLECTOR = Collector(
    "ssm_settings",
    "region",
    {
        "ssm.setting.sharing": ("value",),
        "ssm.setting.script_logs": ("destination", "log_group"),
        "ssm.setting.host_role": ("value",),
    },
    (GET,),
)


def collect(aws: Reader, _seen: EarlierEvidence) -> Evidence:
    evidence = start_evidence(aws, COLLECTOR)
    sharing, destination, role = (read_setting(aws, name) for name in (SHARING, SCRIPT_LOGS, HOST_ROLE))
    group: str | Gap | None = destination if isinstance(destination, Gap) else None
    # The name of the group matters only if logs go there: one call fewer in every other region.
    if destination == "CloudWatch":
        group = read_setting(aws, SCRIPT_LOG_GROUP)
    elif isinstance(destination, str):
        destination = None
    evidence.add("ssm.setting.sharing", setting_arn(aws, SHARING), value=sharing)
    evidence.add("ssm.setting.script_logs", setting_arn(aws, SCRIPT_LOGS), destination=destination, log_group=group)
    evidence.add("ssm.setting.host_role", setting_arn(aws, HOST_ROLE), value=role)
    return evidence


def read_setting(aws: Reader, name: str) -> str | Gap | None:
    answer = call_unless_gone(aws, GET, (), SettingId=name)
    if answer is None or isinstance(answer, Gap):
        return answer
    return read_or_gap(
        make_malformed_gap(GET, aws.region),
        lambda: require_text(mapping_or_empty(answer, "ServiceSetting"), "SettingValue"),
    )


def setting_arn(aws: Reader, name: str) -> str:
    return build_regional_arn(aws, f"servicesetting{name}")
