"""Writes commands that change one field of what AWS overwrites as a whole: read all, change the field, send all."""

from __future__ import annotations

# The fields of ssm.DescribeAssociation's answer that ssm.UpdateAssociation doesn't accept. These are listed, not
# the accepted ones: a field that AWS adds later is then sent or refused, but never wiped.
READ_ONLY_FIELDS = (
    "Date",
    "InstanceId",
    "LastExecutionDate",
    "LastSuccessfulExecutionDate",
    "LastUpdateAssociationDate",
    "Overview",
    "Status",
    "TriggeredAlarms",
)
# update-maintenance-window-task keeps a field that isn't given, but not the parts of TaskInvocationParameters. Tasks
# with targets must give their concurrency and errors again.
TASK_FIELDS = ("WindowId", "WindowTaskId", "Targets", "MaxConcurrency", "MaxErrors", "TaskInvocationParameters")


def write_association_commands(id: str, change: str = "", *, region: str = "") -> str:
    """Commands that change an association. change: a jq expression; without it, the reader edits the file."""
    at = f" --region {region}" if region else ""
    drop = f"del({', '.join('.' + name for name in READ_ONLY_FIELDS)})"
    edit = "" if change else "# edit association.json: only the field that the finding names, or the part of it\n"
    return (
        "# update-association wipes every field that it isn't given, Name included, so all are sent again; "
        "it also runs the association at once\n"
        f"aws ssm describe-association --association-id {id} --query AssociationDescription --output json{at} "
        "> described.json\n"
        f"jq '{drop}{' | ' + change if change else ''}' described.json > association.json\n"
        f"{edit}aws ssm update-association --cli-input-json file://association.json{at}"
    )


def write_window_task_commands(change: str = "", *, task: str = "TASK", region: str = "") -> str:
    """Commands that change the task of a maintenance window. change: a jq expression; without it, the reader edits
    the file."""
    at = f" --region {region}" if region else ""
    fields = ", ".join(TASK_FIELDS)
    edit = "" if change else "# edit task.json: only the field that the finding names\n"
    return (
        "# update-maintenance-window-task wipes what isn't given again inside TaskInvocationParameters, "
        "the commands included\n"
        f"aws ssm get-maintenance-window-task --window-id WINDOW --window-task-id {task} --output json{at} "
        "> described.json\n"
        f"jq '{{{fields}}} | with_entries(select(.value != null)){' | ' + change if change else ''}' described.json "
        "> task.json\n"
        f"{edit}aws ssm update-maintenance-window-task --cli-input-json file://task.json{at}"
    )


def write_document_commands(name: str, edit: str, *, region: str = "") -> str:
    """Commands that change a document. edit: what the reader changes in the file."""
    at = f" --region {region}" if region else ""
    return (
        "# a new version of a document is used only once it is the default; the old ones stay readable until deleted\n"
        f"aws ssm get-document --name {name} --document-format JSON --query Content --output text{at} > document.json\n"
        f"# {edit}\n"
        f"aws ssm update-document --name {name} --content file://document.json --document-version '$LATEST'{at}\n"
        f"aws ssm update-document-default-version --name {name} --document-version VERSION{at}"
    )


# A description can't be given without the value, and a SecureString without its key goes to alias/aws/ssm. The value
# passes from command to command: it appears in no file, no history and no process list.
PARAMETER_DESCRIPTION = (
    "# put-parameter wants the value for a new description too, and moves a SecureString to alias/aws/ssm "
    "unless its key is given again\n"
    "aws ssm describe-parameters --parameter-filters Key=Name,Values={name} --region {region} --output json "
    "> described.json\n"
    "aws ssm get-parameter --name {name} --with-decryption --region {region} --output json | jq --slurpfile was "
    "described.json '. as $now | $was[0].Parameters[0] | {Name, Type, KeyId, Tier, AllowedPattern, DataType, "
    'Value: $now.Parameter.Value, Description: "TEXT", Overwrite: true, '
    "Policies: (if (.Policies // []) == [] then null else [.Policies[].PolicyText | fromjson] | tojson end)} "
    "| with_entries(select(.value != null))' "
    "| aws ssm put-parameter --cli-input-json file:///dev/stdin --region {region}"
)
