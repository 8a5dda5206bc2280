"""ACLs must be off in buckets with Systems Manager data.

With ACLs on, each writer owns the objects that it writes, and can let other accounts or everyone read them. No policy
of the bucket shows that. With ACLs off, the bucket's owner owns every object, and policies alone decide.

**What is judged.** `ObjectOwnership` (`s3.GetBucketOwnershipControls`) of each bucket that a Systems Manager setting
names. `BucketOwnerEnforced` passes: ACLs are off. `BucketOwnerPreferred` and `ObjectWriter` fail, and so does a bucket
without ownership controls, which older buckets are: ACLs work in it.

**Unknown** when the setting could not be read, or has a value that this version doesn't know.

**Limits.** What the ACLs of the bucket and its objects grant is not read: an object's ACL would take a call for each
object. Security Hub's S3.12 reads the bucket's ACL and passes where it grants nothing to others, so this control is
stricter.

**Source of the facts.** S3 user guide, controlling ownership of objects and disabling ACLs
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html); Security Hub user guide, S3.12
(https://docs.aws.amazon.com/securityhub/latest/userguide/s3-controls.html#s3-12).
"""

from __future__ import annotations

from scans.controls.lib import fixes, security_hub
from scans.controls.lib.judgements import make_unrecognized_outcome
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

OFF = "BucketOwnerEnforced"
ON = {
    "BucketOwnerPreferred": "the bucket's owner owns only objects that are written with bucket-owner-full-control",
    "ObjectWriter": "the account that writes an object owns it",
}

CONTROL = Control(
    id="SSM-S3-007",
    file="ssm_s3_007",
    title="ACLs are off in buckets with Systems Manager data",
    severity=Severity.MEDIUM,
    scope=ControlScope.REGION,
    facts={"s3.bucket": ("name", "ownership")},
    container="arn:{p}:s3:::*",
    statements=("S9",),
    quote="along with all default security controls within AWS services",
    frameworks=security_hub.map_requirements("S3.12"),
    empty_reason="No bucket of this account in this region holds Systems Manager data.",
    remediation=Remediation(
        summary="Move what the bucket's ACL grants to its policy, then turn ACLs off. S3 refuses this while the ACL grants "
        "access to others.",
        cli="aws s3api put-bucket-ownership-controls --region {region} --bucket {name} --ownership-controls "
        "'Rules=[{ObjectOwnership=BucketOwnerEnforced}]'",
        code='resource "aws_s3_bucket_ownership_controls" "this" {\n  bucket = "{name}"\n\n  rule {\n'
        '    object_ownership = "BucketOwnerEnforced"\n  }\n}',
    ),
)


def evaluate(resource: ResourceView) -> Outcome:
    ownership = resource["ownership"]
    if ownership == OFF:
        return passed("ACLs are off: the bucket's owner owns every object.")
    if ownership not in ON:
        return make_unrecognized_outcome(f"The bucket's object ownership is {ownership}")
    return failed(f"ACLs are on: {ON[ownership]}, and who writes an object can share it by an ACL.")


def fix(resource: ResourceView) -> fixes.FixEffects:
    return (fixes.set_facts(resource, ownership=OFF),)


def _case(name: str, verdict: Verdict, ownership: object) -> Case:
    return Case(name, verdict, {"name": "output", "ownership": ownership}, arn="arn:aws:s3:::output")


CASES = [
    _case("ACLs are off", Verdict.PASS, OFF),
    _case("the writer owns objects", Verdict.FAIL, "ObjectWriter"),
    _case("the bucket's owner is preferred", Verdict.FAIL, "BucketOwnerPreferred"),
    _case("an ownership that this version doesn't know", Verdict.UNKNOWN, "OrganizationEnforced"),
    _case("refused", Verdict.UNKNOWN, GAP),
]
