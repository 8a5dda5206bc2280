"""Declares which parameters of AWS's documents name a bucket, and the kind of data that goes there or comes from it. Pure.

Sources: Systems Manager user guide (https://docs.aws.amazon.com/systems-manager/latest/userguide/), its pages on State
Manager with Chef, Ansible and MOF files, on patch override lists and on InSpec profiles; Automation runbook reference
(https://docs.aws.amazon.com/systems-manager-automation-runbooks/latest/userguide/automation-runbook-reference.html),
the input parameters of each runbook; and the documents' own content, from GetDocument.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase


class NameForm(StrEnum):
    """How a parameter's value names its bucket."""

    PLACE = "place"  # a URL, URI or ARN of S3
    BUCKET = "bucket"  # a bucket's name, perhaps with its region before it (REGION:BUCKET) or a prefix behind it
    SOURCE = "source"  # SourceInfo: JSON with a path
    MOFS = "mofs"  # s3:BUCKET:KEY or s3:REGION:BUCKET:KEY, separated by commas
    JSON = "json"  # JSON of any form, with places in it


@dataclass(frozen=True, slots=True)
class BucketParameter:
    """name: of the parameter, or a pattern in lower case. kinds: of the data in the bucket."""

    name: str
    form: NameForm
    kinds: tuple[str, ...]


def _takes(name: str, form: NameForm = NameForm.PLACE, kind: str = "05") -> BucketParameter:
    return BucketParameter(name, form, (kind,))


def _writes(name: str, *kinds: str) -> BucketParameter:
    return BucketParameter(name, NameForm.BUCKET, kinds or ("01",))


SOURCE_INFO = _takes("sourceInfo", NameForm.SOURCE)
# Parameters that mean the same wherever they are found: own documents wrap AWS's.
EVERYWHERE = (
    _takes("InstallOverrideList", kind="04"),
    _takes("BaselineOverride", kind="04"),
    _takes("TemplateURL", kind="11"),
)
BUCKET_PARAMETERS: dict[str, tuple[BucketParameter, ...]] = {
    # Content that nodes fetch and run: judged as scripts and playbooks.
    "AWS-ApplyAnsiblePlaybooks": (SOURCE_INFO,),
    "AWS-RunRemoteScript": (SOURCE_INFO,),
    "AWS-ApplyChefRecipes": (
        SOURCE_INFO,
        _takes("JsonAttributesSources", NameForm.JSON),
        _writes("ComplianceReportBucket"),
    ),
    "AWS-ApplyDSCMofs": (
        _takes("MofsToApply", NameForm.MOFS),
        _takes("ModuleSourceBucketName", NameForm.BUCKET),
        _writes("ReportBucketName"),
        _writes("StatusBucketName"),
    ),
    "AWS-RunAnsiblePlaybook": (_takes("playbookurl"),),
    "AWS-RunSaltState": (_takes("stateurl"),),
    "AWS-InstallApplication": (_takes("source"),),
    "AWS-InstallPowerShellModule": (_takes("source"),),
    "AWS-ConfigureAWSPackage": (_takes("additionalArguments", NameForm.JSON),),
    "AWS-UpdateLinuxAmi": (_takes("PreUpdateScript"), _takes("PostUpdateScript")),
    "AWS-UpdateWindowsAmi": (_takes("PreUpdateScript"), _takes("PostUpdateScript")),
    "AWS-RunPacker": (_takes("TemplateS3BucketName", NameForm.BUCKET),),
    "AWSEC2-SQLServerDBRestore": (_takes("S3Input"),),
    "AWS-RunInspecChecks": (_takes("sourceInfo", NameForm.SOURCE, "06"),),
    "AWS-RunDocument": (_takes("sourceInfo", NameForm.SOURCE, "14"),),
    "AWS-RunPatchBaseline*": (_takes("InstallOverrideList", kind="04"), _takes("BaselineOverride", kind="04")),
    "AWS-CreateCloudFormationStack": (_takes("TemplateURL", kind="11"),),
    "AWS-UpdateCloudFormationStack": (_takes("TemplateURL", kind="11"),),
    "AWS-RunCfnLint": (_takes("TemplateS3BucketName", NameForm.BUCKET, "11"),),
    # Data that AWS's runbooks write.
    "AWS-EnableCloudTrail": (_writes("S3BucketName", "07"),),
    # Explorer reports contain OpsData, so both kinds go there.
    "AWS-ExportOpsDataToS3": (_writes("s3BucketName", "09", "10"),),
    "AWS-ExportPatchReportToS3": (_writes("s3BucketName", "03"),),
    "AWS-PatchInstanceWithRollback": (_writes("ReportS3Bucket", "03"),),
    "AWS-SetupInventory": (_writes("OutputS3BucketName", "13"),),
    "AWSSupport-ExecuteEC2Rescue": (_writes("LogDestination"),),
    "AWSSupport-SendLogBundleToS3Bucket": (_writes("S3BucketName"),),
    # The other runbooks of AWS Support upload what they collected to the bucket that they are given.
    "AWSSupport-*": (_writes("*bucket*"), _writes("logdestination")),
}
# Runbooks whose parameter is the bucket that they change or examine: no data of Systems Manager goes there.
SUBJECTS = re.compile(
    r"AWSConfigRemediation-.*"
    r"|AWS-(?:Configure|Enable|Disable|Archive|Delete|Encrypt|Restrict)(?:.*S3.*|.*Bucket.*)"
    r"|AWSSupport-(?:Empty|Troubleshoot|Analy[sz]e|Contain|Restore)S3.*"
)
# The value that some documents take for "no bucket".
NO_BUCKET = frozenset({"", "-", "none", "null", "n/a"})
REGION_BEFORE = re.compile(r"[a-z]{2}(?:-[a-z]+)+-\d:")
MOF = re.compile(r"s3:(?:[a-z]{2}(?:-[a-z]+)+-\d:)?(?P<bucket>[^:/]+):.*", re.DOTALL | re.IGNORECASE)
TAKES = re.compile(r"source|script|content|artifact|package|input|playbook|template", re.IGNORECASE)
WRITES = re.compile(r"output|report|log|upload|destination|result|export|target|backup|archive|bucket", re.IGNORECASE)


def list_bucket_parameters(document: str) -> tuple[BucketParameter, ...]:
    """The parameters of a document that name buckets, by its base name, with those that mean the same everywhere."""
    return list_own_parameters(document) + EVERYWHERE


def list_own_parameters(document: str) -> tuple[BucketParameter, ...]:
    """Those that are declared for this document."""
    if document in BUCKET_PARAMETERS:
        return BUCKET_PARAMETERS[document]
    if is_subject_runbook(document):
        return ()
    held = [found for name, found in BUCKET_PARAMETERS.items() if name.endswith("*") and fnmatchcase(document, name)]
    return held[0] if held else ()


def names_buckets(document: str) -> bool:
    """Whether the declared parameters of a document may name a bucket."""
    return bool(list_own_parameters(document))


def is_subject_runbook(document: str) -> bool:
    return document not in BUCKET_PARAMETERS and SUBJECTS.fullmatch(document) is not None


def guess_kind(parameter: str) -> str:
    """The nearest kind for a parameter that this version doesn't know: output, or content that nodes run."""
    return "01" if WRITES.search(parameter) and not TAKES.search(parameter) else "05"
