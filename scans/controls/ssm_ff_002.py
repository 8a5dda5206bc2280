"""No name, description, comment or body may hold personal or secret data.

Free text looks harmless and is kept for a long time: a command's parameters stay in the history for 30 days,
documents keep every version, and descriptions are shown to every principal that can list them. AWS may use such
fields in billing and diagnostic logs.

**What is judged.** Detectors look for personal data and secrets in these texts. Only the location and the detector's
name are kept, never the text.

* Parameters: name, description, allowed pattern.
* Own documents: names and body of every version that still exists.
* Associations: name and parameters of every version.
* Commands: comment and parameters.
* Automation executions: parameters, outputs, variables, messages, targets, and the inputs and outputs of their steps.
* Maintenance windows: name and description; their targets and tasks, with what a task passes on.
* OpsItems: title, description, source, operational data.
* Activations (description, name, tags), own patch baselines (name, description, repositories), and the descriptions of
  keys in use.

**Not applicable** in a region that has none of these.

**Unknown** for a resource whose text could not be read. Executions, OpsItems and old versions of documents take a call
each, of which AWS allows few. So a scan reads up to 1,000 of each in a region, the newest first, and remembers
them; the next scan goes on. Until all are read, the region is unknown.

**Limits.** Detectors look for known patterns. Commands and executions are judged as far back as AWS lists them.
These texts are not looked at: values of parameters (SSM-PS-001 and SSM-PS-002 judge those); former descriptions of
parameters, since their history holds the values, too; the output of commands; reasons of sessions; what past executions
of maintenance windows passed on; metadata in Application Manager; inventory; names of nodes; comments on
documents in review; comments on OpsItems.

**Source of the facts.** Systems Manager API reference
(https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_Operations.html): DescribeParameters, GetDocument,
ListDocumentVersions, ListCommands, DescribeAssociation, ListAssociationVersions, DescribeMaintenanceWindows,
DescribeMaintenanceWindowTargets, GetMaintenanceWindowTask, DescribeAutomationExecutions, GetAutomationExecution,
DescribeAutomationStepExecutions, DescribeOpsItems, GetOpsItem, DescribeActivations, GetPatchBaseline; KMS API
reference, [DescribeKey](https://docs.aws.amazon.com/kms/latest/APIReference/API_DescribeKey.html).
"""

from __future__ import annotations

from scans.controls.lib import fixes
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
    id="SSM-FF-002",
    file="ssm_ff_002",
    title="No personal or secret data in free text",
    severity=Severity.HIGH,
    scope=ControlScope.REGION,
    # 2: executions with their parameters and steps, OpsItems with their description, every version of documents and
    # associations, targets of maintenance windows, allowed patterns of parameters
    version=2,
    facts={**dict.fromkeys(TYPES, ("hits",)), "ssm.parameter": ("hits", "name")},
    container="arn:{p}:ssm:{r}:{a}:*",
    statements=("S12", "S13"),
    quote="Any data that you enter into tags or free-form fields used for names may be used for billing or diagnostic "
    "logs.",
    empty_reason="This region has nothing with free text that this control judges.",
    remediation=Remediation(
        summary="Edit the field that the finding names, with the line for its kind; rotate a secret that was there. "
        "Names can't be edited, nor can earlier versions of an association: create the resource again. "
        "A command or execution can't be edited and disappears from the history after 30 days; pass a {{ssm-secure:name}} or {{ssm:name}} reference next time.",
        cli=PARAMETER_DESCRIPTION
        + "\n"
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
        "aws ssm update-patch-baseline --baseline-id {name} --description TEXT --region {region}\n"
        "aws kms update-key-description --key-id {arn} --description TEXT --region {region}",
    ),
)


def evaluate(resource: ResourceView) -> Outcome:
    hits = resource["hits"]
    if hits:
        found = sorted({f"{hit['field']} ({hit['detector']})" for hit in hits})
        return failed(f"Looks personal or secret: {', '.join(found)}.")
    return passed("Nothing in the free text looks personal or secret.")


def fix(resource: ResourceView) -> fixes.FixEffects:
    """Edit the text. Commands and executions can't be edited: they expire from the history."""
    return () if resource.type in {"ssm.command", "ssm.automation"} else (fixes.set_facts(resource, hits=[]),)


HIT = {"field": "Comment", "detector": "email"}

CASES = [
    Case("a plain parameter", Verdict.PASS, {"hits": [], "name": "/app/port"}, type="ssm.parameter"),
    Case("an address in a comment", Verdict.FAIL, {"hits": [HIT]}, type="ssm.command", reason_has="Comment (email)"),
    Case("one place twice", Verdict.FAIL, {"hits": [HIT, HIT]}, type="ssm.ops_item", reason_has=": Comment (email)."),
    Case("a body that was denied is no pass", Verdict.UNKNOWN, {"hits": GAP}, type="ssm.document"),
    Case("a key that may not be described", Verdict.UNKNOWN, {"hits": GAP}, type="kms.key"),
    Case("a plain key", Verdict.PASS, {"hits": []}, type="kms.key"),
]
