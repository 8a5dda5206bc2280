"""At least one trail must record all management events in every region.

Only CloudTrail records who read a parameter, opened a session or changed a key. A trail of one region, or one
that excludes reads or KMS, has gaps exactly where they matter: each decryption of a SecureString is a read event
of KMS.

**What is judged.** All trails that are visible in the account, including the organization's, from
`cloudtrail.ListTrails`, `DescribeTrails`, `GetTrailStatus` and `GetEventSelectors`. One trail is enough if it

* covers all regions and is logging now;
* records all management events (reads and writes), by basic or advanced event selectors; and
* excludes no event source except `rdsdata.amazonaws.com`; in particular, `kms.amazonaws.com` must not be excluded.

An organization's trail appears in member accounts as a shadow trail; it counts there like a trail of the account.
AWS may tell its status and its event selectors to the account that owns it only. Then the evidence that this scan
collected in that account decides.

**Unknown** when no trail is proved to qualify, and something about one of them could not be read, is missing from
AWS's answer (for example, a selector without `ExcludeManagementEventSources`), or is a value that this version
doesn't know. Also when the account that owns the organization's trail must be asked and was not read in this scan, or
is not in the organization. It fails only if every trail is proved not to qualify.

**Limits.** Only trails are read: CloudTrail Lake and other recorders are not. Past gaps in recording are not seen.

**Source of the facts.** CloudTrail user guide,
[event selectors](https://docs.aws.amazon.com/awscloudtrail/latest/userguide/logging-management-events-with-cloudtrail.html)
and trails for an organization
(https://docs.aws.amazon.com/awscloudtrail/latest/userguide/creating-trail-organization.html); API reference, ListTrails
(https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_ListTrails.html), DescribeTrails, GetTrailStatus,
GetEventSelectors, EventSelector (https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_EventSelector.html).
"""

from __future__ import annotations

from typing import Any

from accounts.aws.gaps import Gap, GapError, GapKind
from scans.controls.lib import fixes, security_hub
from scans.controls.lib.event_selectors import SelectorError, records_all_management_events
from scans.controls.lib.trails import Test, TrailFacts, find_qualifying_trail
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

TRAIL_FACTS = ("multi_region", "logging", "selectors", "advanced_selectors")

CONTROL = Control(
    id="SSM-AU-001",
    file="ssm_au_001",
    title="A multi-region trail records all management events",
    severity=Severity.CRITICAL,
    scope=ControlScope.GLOBAL,
    # 2: no source except rdsdata may be excluded, and a selector that this version doesn't know is no fail. 3: a field
    # that is missing from a selector is unknown. 4: what AWS doesn't tell a member about the organization's trail is
    # taken from the account that owns it, and trails of every home region count.
    version=4,
    needs_organization=True,
    facts={"cloudtrail.account": ("trails",)},
    related={"cloudtrail.trail": TRAIL_FACTS},
    others={"cloudtrail.trail": TRAIL_FACTS},
    container="arn:{p}:cloudtrail::{a}:trail/*",
    statements=("S8",),
    quote="Set up API and user activity logging with AWS CloudTrail.",
    frameworks=security_hub.map_requirements("CloudTrail.1", "CloudTrail.3"),
    remediation=Remediation(
        summary="Prefer one organization trail (SSM-AU-004). Otherwise create a trail for all regions in a bucket "
        "that CloudTrail may write to, record all management events, and start it.",
        cli="aws cloudtrail create-trail --name TRAIL --s3-bucket-name BUCKET --is-multi-region-trail "
        "--enable-log-file-validation\n"
        "aws cloudtrail put-event-selectors --trail-name TRAIL --event-selectors "
        '\'[{"ReadWriteType":"All","IncludeManagementEvents":true,"ExcludeManagementEventSources":[]}]\'\n'
        "aws cloudtrail start-logging --name TRAIL",
        code='resource "aws_cloudtrail" "all" {\n  name                       = "TRAIL"\n'
        '  s3_bucket_name             = "BUCKET"\n  is_multi_region_trail      = true\n'
        "  enable_log_file_validation = true\n  event_selector {\n"
        '    read_write_type           = "All"\n    include_management_events = true\n  }\n}',
    ),
)


def evaluate(resource: ResourceView) -> Outcome:
    arns = resource["trails"]
    found, problems = find_qualifying_trail(resource, arns, TESTS)
    if found:
        return passed(f"{found} records all management events of all regions.")
    if not arns:
        return failed("No trail is visible in this account.")
    return failed(f"No trail records all management events of all regions: {'; '.join(problems)}.")


def fix(resource: ResourceView) -> fixes.FixEffects:
    """Make a trail of the account's own record everything, or make such a trail."""
    arns = resource["trails"]
    for arn in arns:
        trail = (
            resource.look_up("cloudtrail.trail", arn, region="global")
            # A shadow trail belongs to another account and can be changed only there.
            if arn.split(":")[4] == resource.account
            else None
        )
        if trail is not None:
            selectors = {"selectors": fixes.make_all_event_selectors(), "advanced_selectors": []}
            return (fixes.set_facts(trail, multi_region=True, logging=True, **selectors),)
    made = fixes.make_trail(resource)
    return made, fixes.set_facts(resource, trails=[*arns, made.arn])


def _records_everything(trail: TrailFacts) -> bool:
    try:
        return records_all_management_events(trail["selectors"] or (), trail["advanced_selectors"] or ())
    except SelectorError as error:
        api, action = "cloudtrail.GetEventSelectors", "cloudtrail:GetEventSelectors"
        raise GapError(Gap(GapKind.MALFORMED, api, action, trail.region, str(error))) from None


TESTS: tuple[Test, ...] = (
    (lambda trail: bool(trail["multi_region"]), "covers one region only"),
    (lambda trail: bool(trail["logging"]), "is not logging"),
    (_records_everything, "leaves out some of the management events"),
)


ACCOUNT = "arn:aws:cloudtrail::111122223333:trail/*"
ONE, TWO = (f"arn:aws:cloudtrail:eu-west-1:111122223333:trail/{name}" for name in ("one", "two"))
ALL = [
    {"ReadWriteType": "All", "IncludeManagementEvents": True, "DataResources": [], "ExcludeManagementEventSources": []}
]
CATEGORY = {"Field": "eventCategory", "Equals": ["Management"]}
GOOD = {"multi_region": True, "logging": True, "selectors": ALL, "advanced_selectors": []}


def _make_advanced_selectors(*fields: dict[str, Any]) -> dict[str, Any]:
    return {"selectors": [], "advanced_selectors": [{"Name": "x", "FieldSelectors": [CATEGORY, *fields]}]}


def _make_selector_without(member: str) -> dict[str, Any]:
    return {name: value for name, value in ALL[0].items() if name != member}


def _case(name: str, verdict: Verdict, one: object = None, two: object = None, **more: Any) -> Case:
    """one and two: what differs from a good trail."""
    trails = {arn: {**GOOD, **change} for arn, change in ((ONE, one), (TWO, two)) if isinstance(change, dict)}
    facts = {"trails": list(trails)}
    return Case(
        name,
        verdict,
        **{"facts": facts, "related": {"cloudtrail.trail": trails}, "arn": ACCOUNT, "region": "global", **more},
    )


OWNER = "999900001111"
OWNER_READ = {OWNER: "2026-03-01T12:00:00+00:00"}
SHARED = f"arn:aws:cloudtrail:eu-west-1:{OWNER}:trail/organization"


def _organization_case(
    name: str, verdict: Verdict, told: dict[str, Any] | None, reason_has: str = "", **context: Any
) -> Case:
    """A member that is refused the status and selectors of its organization's trail. told: what its owner was told."""
    evidence = Evidence("others", "global", types=("cloudtrail.trail",))
    if told is not None:
        evidence.add("cloudtrail.trail", SHARED, **told)
    known = {"accounts": frozenset({OWNER}), "others": {OWNER: (evidence,)}, **context}
    seen = {"multi_region": True, "logging": GAP, "selectors": GAP, "advanced_selectors": GAP}
    return Case(
        name,
        verdict,
        {"trails": [SHARED]},
        related={"cloudtrail.trail": {SHARED: seen}},
        arn=ACCOUNT,
        region="global",
        context=known,
        reason_has=reason_has,
    )


CASES = [
    _case("a good trail", Verdict.PASS, {}),
    _case("a good trail beside a bad one", Verdict.PASS, {"logging": False}, {}),
    _case("a good trail beside an unreadable one", Verdict.PASS, {"logging": GAP}, {}),
    _case("a good trail by advanced selectors", Verdict.PASS, _make_advanced_selectors()),
    _case(
        "advanced selectors that leave out only the RDS data API",
        Verdict.PASS,
        _make_advanced_selectors({"Field": "eventSource", "NotEquals": ["rdsdata.amazonaws.com"]}),
    ),
    _case(
        "advanced selectors that leave KMS out",
        Verdict.FAIL,
        _make_advanced_selectors({"Field": "eventSource", "NotEquals": ["kms.amazonaws.com"]}),
    ),
    _case(
        "advanced selectors of writes",
        Verdict.FAIL,
        _make_advanced_selectors({"Field": "readOnly", "Equals": ["false"]}),
    ),
    _case("no trail", Verdict.FAIL),
    _case("one region", Verdict.FAIL, {"multi_region": False}, reason_has="one region only"),
    _case("stopped", Verdict.FAIL, {"logging": False}, reason_has="not logging"),
    _case("writes only", Verdict.FAIL, {"selectors": [{**ALL[0], "ReadWriteType": "WriteOnly"}]}),
    _case(
        "reads and writes in two selectors",
        Verdict.PASS,
        {"selectors": [{**ALL[0], "ReadWriteType": kind} for kind in ("ReadOnly", "WriteOnly")]},
    ),
    _case("data events only", Verdict.FAIL, {"selectors": [{**ALL[0], "IncludeManagementEvents": False}]}),
    _case(
        "KMS left out",
        Verdict.FAIL,
        {"selectors": [{**ALL[0], "ExcludeManagementEventSources": ["kms.amazonaws.com"]}]},
    ),
    _case(
        "Systems Manager left out",
        Verdict.FAIL,
        _make_advanced_selectors({"Field": "eventSource", "NotEquals": ["ssm.amazonaws.com"]}),
    ),
    *(
        _case(
            f"{left_out} left out of the answer",
            Verdict.UNKNOWN,
            {"selectors": [_make_selector_without(left_out)]},
            reason_has=left_out,
        )
        for left_out in ("ReadWriteType", "IncludeManagementEvents", "ExcludeManagementEventSources")
    ),
    _case(
        "writes only, the sources left out of the answer",
        Verdict.FAIL,
        {"selectors": [{**_make_selector_without("ExcludeManagementEventSources"), "ReadWriteType": "WriteOnly"}]},
    ),
    _case(
        "KMS left out, the kind missing",
        Verdict.FAIL,
        {"selectors": [{"ExcludeManagementEventSources": ["kms.amazonaws.com"]}]},
    ),
    _case(
        "a kind of events that this version doesn't know",
        Verdict.UNKNOWN,
        {"selectors": [{**ALL[0], "ReadWriteType": "Sometimes"}]},
        reason_has="ReadWriteType=Sometimes",
    ),
    _case(
        "stopped, of a kind that this version doesn't know",
        Verdict.FAIL,
        {"logging": False, "selectors": [{"ReadWriteType": "x"}]},
    ),
    _case("stopped, its selectors unreadable", Verdict.FAIL, {"logging": False, "selectors": GAP}),
    _case("status unreadable", Verdict.UNKNOWN, {"logging": GAP}),
    _case("a bad trail beside an unreadable one", Verdict.UNKNOWN, {"logging": False}, {"selectors": GAP}),
    _case("the trails were refused", Verdict.UNKNOWN, facts={"trails": GAP}),
    _case("a good trail, others not listed", Verdict.PASS, {}, related_gaps=("cloudtrail.trail",)),
    _case("a bad trail, others not listed", Verdict.UNKNOWN, {"logging": False}, related_gaps=("cloudtrail.trail",)),
    _case("no trail, and not all were listed", Verdict.UNKNOWN, related_gaps=("cloudtrail.trail",)),
    _organization_case("the organization's trail, told by its owner", Verdict.PASS, GOOD),
    _organization_case("the organization's trail, stopped as its owner says", Verdict.FAIL, {**GOOD, "logging": False}),
    _organization_case("the organization's trail, refused to its owner too", Verdict.UNKNOWN, {**GOOD, "logging": GAP}),
    _organization_case("the organization's trail that its owner's evidence lacks", Verdict.UNKNOWN, None),
    _organization_case(
        "the organization's trail, its owner not read",
        Verdict.UNKNOWN,
        GOOD,
        reason_has="2026-03-01",
        not_read=OWNER_READ,
    ),
    _organization_case(
        "its owner left out of the scan", Verdict.UNKNOWN, GOOD, reason_has="not part", left_out=OWNER_READ
    ),
    _organization_case(
        "its owner outside the organization", Verdict.UNKNOWN, GOOD, reason_has="not in the", accounts=frozenset()
    ),
    _case("a trail that was not read", Verdict.UNKNOWN, facts={"trails": [ONE]}),
    _case("a trail whose reading failed", Verdict.UNKNOWN, facts={"trails": [ONE]}, related_gaps=("cloudtrail.trail",)),
]
