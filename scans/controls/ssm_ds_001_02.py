"""The files of Distributor packages must come from a protected bucket.

A principal that can write to that bucket decides what is installed on every node that uses the package.

**What is judged.** Each bucket that data of this kind comes from, found in

* `Attachments` of the `CreateDocument` and `UpdateDocument` calls that created the package, in the records that
  CloudTrail keeps for 90 days (`cloudtrail.LookupEvents`, called only where there is a document of type
  `Package`).

No other API returns the bucket. A package whose record has expired is **unknown**, under its own ARN.

It passes if SSM-S3-005, SSM-S3-001, SSM-S3-002 and SSM-S3-004 all pass for it: it exists and an account of
the organization owns it, it is encrypted with a key of the required level, it refuses plain HTTP, and it isn't
public. It fails if one of them fails. A bucket of another account of the organization is judged by what the scan
of that account read.

**Not applicable** where no setting of this account names a bucket for this kind of data.

**Unknown** when a setting names its bucket by a `{{ template }}` that only a run resolves, through an access point, or
in another way that leaves it unknown; the reason names the field. Also when the bucket's settings could not be read,
when it belongs to another account and S3 refuses to say more, when the list of such buckets may be incomplete, or when
the account that owns it could not be read in this scan.

**Limits.** `AttachmentsContent.Url` of a package is pre-signed, so it is neither requested nor kept. AWS protects
its own copy of the files.

**Source of the facts.** The source document,
[Data protection in AWS Systems Manager](https://docs.aws.amazon.com/systems-manager/latest/userguide/data-protection.html):
its list of data in buckets; API references of
[Systems Manager](https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_Operations.html) and
[CloudTrail](https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_Operations.html), the calls above.
"""

from __future__ import annotations

from scans.controls.lib.destination_control import declare_destination_control, make_destination_cases
from scans.controls.lib.destinations import fix, judge_destination
from scans.domain.control import GAP, Case, Outcome, ResourceView, Verdict, unknown

__all__ = ["CASES", "CONTROL", "evaluate", "fix"]

KIND = "02"

CONTROL = declare_destination_control(
    KIND,
    title="Distributor packages come from a protected bucket",
    quote="Packages in Distributor, a capability of AWS Systems Manager",
    setting="the package",
    cli="aws ssm update-document --name PACKAGE --document-version '$LATEST' --content file://manifest.json --attachments Key=SourceUrl,Values=s3://PROTECTED_BUCKET/PREFIX\n"
    "aws ssm update-document-default-version --name PACKAGE --document-version VERSION",
    code='resource "aws_ssm_document" "package" {\n'
    '  name          = "PACKAGE"\n'
    '  document_type = "Package"\n'
    '  content       = file("manifest.json")\n'
    "\n"
    "  attachments_source {\n"
    '    key    = "SourceUrl"\n'
    '    values = ["s3://PROTECTED_BUCKET/PREFIX"]\n'
    "  }\n"
    "}",
    more={"ssm.package": ("name", "source")},
    bucket_steps=False,  # the subject may be a package, whose name is no bucket's
)


def evaluate(resource: ResourceView) -> Outcome | None:
    if resource.type == "ssm.package":
        return _judge_unsourced_package(resource)
    return judge_destination(resource, KIND)


def _judge_unsourced_package(resource: ResourceView) -> Outcome | None:
    """UNKNOWN for a package whose bucket is unknown; a package with a known bucket is judged by the bucket."""
    if resource["source"]:
        return None
    return unknown(
        f"No API tells from which bucket the package {resource['name']} came, and CloudTrail no longer has the record "
        "of its creation."
    )


def _case(name: str, verdict: Verdict | None, source: object) -> Case:
    arn = "arn:aws:ssm:eu-west-1:111122223333:document/agent"
    return Case(name, verdict, {"name": "agent", "source": source}, type="ssm.package", arn=arn, region="global")


CASES = [
    *make_destination_cases(KIND),
    _case("a package whose bucket is known", None, ["example"]),
    _case("a package without a record", Verdict.UNKNOWN, []),
    _case("a package, the records refused", Verdict.UNKNOWN, GAP),
]
