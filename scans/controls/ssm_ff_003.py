"""No URL may carry credentials.

A URL such as `https://user:password@host/` is written to histories, logs, proxies and error messages.
A step that needs a password should read it from a SecureString when it runs.

**What is judged.** The texts of SSM-FF-002, in every version of documents and associations. A URL with a name and
password before the host fails. A reference such as `{{ssm-secure:name}}` in that position passes, because it is replaced
on the node. Only the location is kept, never the URL.

**Not applicable** in a region that has none of these.

**Unknown** for a resource whose text could not be read, and for a region until all texts were read: see SSM-FF-002, as for
the texts that are not looked at.

**Limits.** SSM-FF-002's detectors look for tokens in a URL's path or query. Scripts that documents fetch from
elsewhere are not read.

**Source of the facts.** The calls of SSM-FF-002
(https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_Operations.html).
"""

from __future__ import annotations

from scans.controls.lib import fixes, security_hub
from scans.controls.lib.read_modify_write import (
    PARAMETER_DESCRIPTION,
    write_association_commands,
    write_document_commands,
    write_window_task_commands,
)
from scans.domain.control import (
    GAP,
    Case,
    Control,
    ControlScope,
    Outcome,
    Remediation,
    ResourceView,
    Severity,
    Verdict,
    failed,
    passed,
)

TYPES = (
    "ssm.parameter",
    "ssm.document",
    "ssm.association",
    "ssm.command",
    "ssm.window",
    "ssm.window_task",
    "ssm.automation",
    "ssm.ops_item",
    "ssm.activation",
    "ssm.patch_baseline",
    "kms.key",
)

TEXT = "edit document.json: only the field that the finding names"

CONTROL = Control(
    id="SSM-FF-003",
    file="ssm_ff_003",
    title="No credentials in URLs",
    severity=Severity.CRITICAL,
    scope=ControlScope.REGION,
    # 2: parameters and keys are judged, too
    # 3: so are the parameters of executions, descriptions of OpsItems, and former versions of documents and associations
    version=3,
    facts={**dict.fromkeys(TYPES, ("url_credentials",)), "ssm.parameter": ("url_credentials", "name")},
    container="arn:{p}:ssm:{r}:{a}:*",
    statements=("S14",),
    quote="we strongly recommend that you do not include credentials information in the URL to validate your request "
    "to that server",
    frameworks=security_hub.map_requirements(own={"NIST 800-53 r5": ("IA-5(7)",)}),
    empty_reason="This region has nothing with URLs that this control judges.",
    remediation=Remediation(
        summary="Treat the password as disclosed and rotate it first. Store the new one in a SecureString and refer to it "
        "as {{ssm-secure:name}}; then edit the field that the finding names, with the line for its kind.",
        cli="aws ssm put-parameter --name PARAMETER --type SecureString --key-id alias/KEY "
        "--value file://secret.txt --region {region}\n"
        + write_document_commands("{name}", TEXT, region="{region}")
        + "\naws ssm delete-document --name {name} "
        "--document-version OLD_VERSION --region {region}\n"
        + write_association_commands("{name}", region="{region}")
        + "\n"
        + write_window_task_commands(task="{name}", region="{region}")
        + "\n"
        "aws ssm update-maintenance-window --window-id {name} --description TEXT --region {region}\n"
        "aws ssm update-ops-item --ops-item-id {name} --title TEXT --description TEXT --region {region}\n"
        "aws ssm delete-activation --activation-id {name} --region {region}\n"
        "aws ssm update-patch-baseline --baseline-id {name} --sources file://sources.json --region {region}\n"
        + PARAMETER_DESCRIPTION
        + "\n"
        "aws kms update-key-description --key-id {arn} --description TEXT --region {region}",
    ),
)


def evaluate(resource: ResourceView) -> Outcome:
    fields = sorted(set(resource["url_credentials"]))
    if fields:
        return failed(f"A URL with credentials stands in {', '.join(fields)}.")
    return passed("No URL carries credentials.")


def fix(resource: ResourceView) -> fixes.FixEffects:
    """Edit the text. Commands and executions can't be edited: they expire from the history."""
    return (
        () if resource.type in {"ssm.command", "ssm.automation"} else (fixes.set_facts(resource, url_credentials=[]),)
    )


CASES = [
    Case("no URL", Verdict.PASS, {"url_credentials": []}, type="ssm.document"),
    Case(
        "a password in a repository's URL",
        Verdict.FAIL,
        {"url_credentials": ["Sources[0].Configuration"]},
        type="ssm.patch_baseline",
        reason_has="Sources[0].Configuration",
    ),
    Case(
        "a password in a parameter's description",
        Verdict.FAIL,
        {"url_credentials": ["Description"], "name": "/app/endpoint"},
        type="ssm.parameter",
        reason_has="in Description.",
    ),
    Case("a plain parameter", Verdict.PASS, {"url_credentials": [], "name": "/app/port"}, type="ssm.parameter"),
    Case("a password in a key's description", Verdict.FAIL, {"url_credentials": ["description"]}, type="kms.key"),
    Case("a key that may not be described", Verdict.UNKNOWN, {"url_credentials": GAP}, type="kms.key"),
    Case("in a command's parameters", Verdict.FAIL, {"url_credentials": ["Parameters.sourceInfo"]}, type="ssm.command"),
    Case("a body that was denied is no pass", Verdict.UNKNOWN, {"url_credentials": GAP}, type="ssm.document"),
]
