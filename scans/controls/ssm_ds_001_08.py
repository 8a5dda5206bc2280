"""Session logs must go to a protected bucket.

A session's log contains everything that was typed and shown, including passwords.

**What is judged.** Each bucket that data of this kind goes to, found in

* `inputs.s3BucketName` of every own Session document, or the default of the parameter that it names
  (`ssm.GetDocument`).

It passes if SSM-S3-005, SSM-S3-001, SSM-S3-002 and SSM-S3-004 all pass for it: it exists and an account of
the organization owns it, it is encrypted with a key of the required level, it refuses plain HTTP, and it isn't
public. It fails if one of them fails. A bucket of another account of the organization is judged by what the scan
of that account read.

**Not applicable** where no setting of this account names a bucket for this kind of data.

**Unknown** when a setting names its bucket by a `{{ template }}` that only a run resolves, through an access point, or
in another way that leaves it unknown; the reason names the field. Also when the bucket's settings could not be read,
when it belongs to another account and S3 refuses to say more, when the list of such buckets may be incomplete, or when
the account that owns it could not be read in this scan.

**Limits.** Sessions for port forwarding and SSH are never logged.

**Source of the facts.** The source document,
[Data protection in AWS Systems Manager](https://docs.aws.amazon.com/systems-manager/latest/userguide/data-protection.html):
its list of data in buckets; API references of
[Systems Manager](https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_Operations.html), the calls above.
"""

from __future__ import annotations

from scans.controls.lib.destination_control import declare_destination_control, make_destination_cases
from scans.controls.lib.destinations import fix, judge_destination
from scans.controls.lib.read_modify_write import write_document_commands
from scans.domain.control import Outcome, ResourceView

__all__ = ["CASES", "CONTROL", "evaluate", "fix"]

KIND = "08"

CONTROL = declare_destination_control(
    KIND,
    title="Session logs go to a protected bucket",
    quote="Session history logs in Session Manager, a capability of AWS Systems Manager",
    setting="the Session document",
    cli=write_document_commands(
        "SSM-SessionManagerRunShell",
        "set inputs.s3BucketName to PROTECTED_BUCKET and inputs.s3EncryptionEnabled to true",
    ),
    # The whole document is replaced, so the inputs that it has are carried over.
    code="locals {\n"
    "  # what the first command wrote\n"
    '  session = jsondecode(file("document.json"))\n'
    "}\n\n"
    'resource "aws_ssm_document" "session" {\n'
    '  name            = "SSM-SessionManagerRunShell"\n'
    '  document_type   = "Session"\n'
    '  document_format = "JSON"\n'
    "\n"
    "  content = jsonencode(merge(local.session, {\n"
    "    inputs = merge(local.session.inputs, {\n"
    '      s3BucketName        = "PROTECTED_BUCKET"\n'
    "      s3EncryptionEnabled = true\n"
    "    })\n"
    "  }))\n"
    "}",
)


def evaluate(resource: ResourceView) -> Outcome | None:
    return judge_destination(resource, KIND)


CASES = make_destination_cases(KIND)
