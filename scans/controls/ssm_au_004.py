"""The organization must have a trail that records every account.

Account owners can stop their own trails, but not the organization's. An organization trail also covers a new
account from the day it is created.

**What is judged.** Once, in the management account: whether one of the trails of
`cloudtrail.ListTrails` and `DescribeTrails` is an organization trail (`IsOrganizationTrail`) that is logging now
(`cloudtrail.GetTrailStatus`).

If AWS doesn't tell the management account about a trail of another account, the evidence that this scan collected in
that account decides.

**Unknown** when no organization trail is known to be logging and the trails, or the status of one of
them, could not be read. Also when the account that owns a trail was not read in this scan.

**Limits.** SSM-AU-001 judges what the trail records. A trail that a delegated administrator created belongs to
the management account and is judged here.

**Source of the facts.** CloudTrail user guide, trails for an organization
(https://docs.aws.amazon.com/awscloudtrail/latest/userguide/creating-trail-organization.html).
"""

from __future__ import annotations

from typing import Any

from scans.controls.lib import fixes, security_hub
from scans.controls.lib.trails import Test, find_qualifying_trail
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
from scans.domain.evidence import Evidence

CONTROL = Control(
    id="SSM-AU-004",
    file="ssm_au_004",
    title="An organization trail is logging",
    severity=Severity.HIGH,
    scope=ControlScope.ORGANIZATION,
    version=2,  # 2: trails of every home region count, and the account that owns a trail tells about it
    needs_organization=True,
    facts={"cloudtrail.organization": ("trails",)},
    related={"cloudtrail.trail": ("logging", "organization_trail")},
    others={"cloudtrail.trail": ("logging", "organization_trail")},
    container="arn:{p}:organizations::{a}:organization/*",
    statements=("S8",),
    quote="Set up API and user activity logging with AWS CloudTrail.",
    frameworks=security_hub.map_requirements(own={"NIST 800-53 r5": ("AU-12",)}),
    empty_reason="This account doesn't manage an organization.",
    remediation=Remediation(
        summary="In the management account: enable trusted access for CloudTrail, create the trail in a bucket "
        "whose policy lets CloudTrail write for the organization, and start it.",
        cli="aws organizations enable-aws-service-access --service-principal cloudtrail.amazonaws.com\n"
        "aws cloudtrail create-trail --name TRAIL --s3-bucket-name BUCKET --is-organization-trail "
        "--is-multi-region-trail --enable-log-file-validation\n"
        "aws cloudtrail start-logging --name TRAIL",
        code='resource "aws_cloudtrail" "organization" {\n  name                       = "TRAIL"\n'
        '  s3_bucket_name             = "BUCKET"\n  is_organization_trail      = true\n'
        "  is_multi_region_trail      = true\n  enable_log_file_validation = true\n}",
    ),
)


def evaluate(resource: ResourceView) -> Outcome:
    arns = resource["trails"]
    found, _ = find_qualifying_trail(resource, arns, TESTS)
    if found:
        return passed(f"The organization trail {found} is logging.")
    if arns:
        return failed(f"No organization trail is logging: {', '.join(arns)}.")
    return failed("The organization has no trail.")


def fix(resource: ResourceView) -> fixes.FixEffects:
    """Start the organization's first trail that is known, or make one."""
    arns = resource["trails"]
    for arn in arns:
        trail = resource.look_up("cloudtrail.trail", arn, region="global")
        if trail is not None:
            return (fixes.set_facts(trail, logging=True, organization_trail=True),)
    made = fixes.make_trail(resource, organization_trail=True)
    return made, fixes.set_facts(resource, trails=[*arns, made.arn])


TESTS: tuple[Test, ...] = (
    (lambda trail: bool(trail["organization_trail"]), "is not the organization's"),
    (lambda trail: bool(trail["logging"]), "is not logging"),
)


ARN = "arn:aws:organizations::111122223333:organization/o-example"
ONE, TWO = (f"arn:aws:cloudtrail:eu-west-1:111122223333:trail/{name}" for name in ("one", "two"))


def _case(name: str, verdict: Verdict, *logging: object, **more: Any) -> Case:
    trails = {arn: {"logging": on, "organization_trail": True} for arn, on in zip((ONE, TWO), logging, strict=False)}
    facts = {"trails": list(trails)}
    context = {"account": "111122223333", "management_account": "111122223333"}
    return Case(
        name,
        verdict,
        **{
            "facts": facts,
            "related": {"cloudtrail.trail": trails},
            "arn": ARN,
            "region": "global",
            "context": context,
            **more,
        },
    )


DELEGATED = "999900001111"
THEIRS = f"arn:aws:cloudtrail:eu-west-1:{DELEGATED}:trail/theirs"


def _delegated_case(name: str, verdict: Verdict, logging: object, **more: Any) -> Case:
    """A trail of another account, about which the management account is told nothing."""
    evidence = Evidence("others", "global", types=("cloudtrail.trail",))
    evidence.add("cloudtrail.trail", THEIRS, logging=logging, organization_trail=True)
    context = {"accounts": frozenset({DELEGATED}), "others": {DELEGATED: (evidence,)}, **more}
    known = {"account": "111122223333", "management_account": "111122223333", **context}
    seen = {"cloudtrail.trail": {THEIRS: {"logging": GAP, "organization_trail": True}}}
    return _case(name, verdict, facts={"trails": [THEIRS]}, related=seen, context=known)


CASES = [
    _delegated_case("another account's, logging as it is told", Verdict.PASS, True),
    _delegated_case("another account's, stopped as it is told", Verdict.FAIL, False),
    _delegated_case(
        "another account's, which was not read",
        Verdict.UNKNOWN,
        True,
        not_read={DELEGATED: "2026-03-01T12:00:00+00:00"},
    ),
    _case("one is logging", Verdict.PASS, True),
    _case("one of two is logging", Verdict.PASS, False, True),
    _case("one is logging, the other unreadable", Verdict.PASS, GAP, True),
    _case("none", Verdict.FAIL, reason_has="has no trail"),
    _case("stopped", Verdict.FAIL, False),
    _case("stopped, and the other unreadable", Verdict.UNKNOWN, False, GAP),
    _case("the trails were refused", Verdict.UNKNOWN, facts={"trails": GAP}),
    _case("one is logging, others not listed", Verdict.PASS, True, related_gaps=("cloudtrail.trail",)),
    _case("stopped, and others not listed", Verdict.UNKNOWN, False, related_gaps=("cloudtrail.trail",)),
    _case("a trail that was not read", Verdict.UNKNOWN, facts={"trails": [ONE]}, related_gaps=("cloudtrail.trail",)),
]
