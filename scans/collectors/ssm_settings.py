"""Service settings: sharing of documents, logs of scripts, the default role of hosts."""

from __future__ import annotations

from accounts.aws.gaps import Gap
from scans.collectors.lib.ssm_answers import arn, begin, detail, fact, malformed, maybe_mapping, ssm, text
from scans.domain.collector import Collector, Reader, Seen
from scans.domain.evidence import Evidence

GET = ssm("GetServiceSetting")
SHARING = "/ssm/documents/console/public-sharing-permission"
SCRIPT_LOGS = "/ssm/automation/customer-script-log-destination"
SCRIPT_LOG_GROUP = "/ssm/automation/customer-script-log-group-name"
HOST_ROLE = "/ssm/managed-instance/default-ec2-instance-management-role"
COLLECTOR = Collector(
    "ssm_settings", "region", ("ssm.setting.sharing", "ssm.setting.script_logs", "ssm.setting.host_role"), (GET,)
)


def collect(aws: Reader, _seen: Seen) -> Evidence:
    evidence = begin(aws, COLLECTOR)
    sharing, destination, role = (setting(aws, name) for name in (SHARING, SCRIPT_LOGS, HOST_ROLE))
    group: str | Gap | None = destination if isinstance(destination, Gap) else None
    if destination == "CloudWatch":
        group = setting(aws, SCRIPT_LOG_GROUP)
    elif isinstance(destination, str):
        destination = None
    evidence.add("ssm.setting.sharing", setting_arn(aws, SHARING), value=sharing)
    evidence.add("ssm.setting.script_logs", setting_arn(aws, SCRIPT_LOGS), destination=destination, log_group=group)
    evidence.add("ssm.setting.host_role", setting_arn(aws, HOST_ROLE), value=role)
    return evidence


def setting(aws: Reader, name: str) -> str | Gap | None:
    answer = detail(aws, GET, (), SettingId=name)
    if answer is None or isinstance(answer, Gap):
        return answer
    return fact(malformed(aws, GET), lambda: text(maybe_mapping(answer, "ServiceSetting"), "SettingValue"))


def setting_arn(aws: Reader, name: str) -> str:
    return arn(aws, f"servicesetting{name}")
