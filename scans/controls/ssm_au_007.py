"""A trail must record the reads and writes of objects in Systems Manager's buckets.

Management events say who changed a bucket, not who read the session logs and command output in it. Data events do.

**What is judged.** Each bucket of this account that Systems Manager settings name, with the trails that are visible
here (`cloudtrail.ListTrails`, `DescribeTrails`, `GetTrailStatus`, `GetEventSelectors`). It passes if one trail is
logging, covers the bucket's region, and records data events of all objects in the bucket, reads and writes, by basic or
advanced event selectors. What AWS tells about an organization's trail to its owner only is taken from the evidence of
that account.

**Not applicable** to a bucket that holds CloudTrail's logs: recording its own deliveries makes a trail record without
end. SSM-AU-006 asks for its access log instead. Also where no bucket of this account in the region holds such data.

**Unknown** when no trail is proved to record them, and the trails, or something about one of them, could not be read or
is missing from AWS's answer. Also when the account that owns the organization's trail was not read in this scan.

**Limits.** CloudTrail Lake and access logs are not read. Only trails that record every object count, not several that
share them.

**Source of the facts.** CloudTrail API reference, DataResource and AdvancedFieldSelector
(https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_DataResource.html); CloudTrail user guide,
[logging data events](https://docs.aws.amazon.com/awscloudtrail/latest/userguide/logging-data-events-with-cloudtrail.html);
Security Hub user guide, S3.22 and S3.23
(https://docs.aws.amazon.com/securityhub/latest/userguide/s3-controls.html#s3-22).
"""

from __future__ import annotations

from functools import partial
from typing import Any

from accounts.aws.gaps import Gap, GapError, GapKind
from scans.controls.lib import fixes, security_hub
from scans.controls.lib.event_selectors import SelectorError
from scans.controls.lib.object_events import OBJECTS, records_all_object_events
from scans.controls.lib.trails import TRAIL, Test, TrailFacts, find_qualifying_trail
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
    not_applicable,
    passed,
)
from scans.domain.evidence import GLOBAL
from scans.domain.references import TRAIL_KIND

TRAIL_FACTS = ("multi_region", "home_region", "logging", "selectors", "advanced_selectors")

CONTROL = Control(
    id="SSM-AU-007",
    file="ssm_au_007",
    title="Object reads and writes in Systems Manager's buckets are recorded",
    severity=Severity.MEDIUM,
    scope=ControlScope.REGION,
    needs_organization=True,
    facts={"s3.bucket": ("name", "kinds")},
    related={TRAIL: TRAIL_FACTS},
    others={TRAIL: TRAIL_FACTS},
    container="arn:{p}:s3:::*",
    source="https://docs.aws.amazon.com/securityhub/latest/userguide/s3-controls.html#s3-22",
    frameworks=security_hub.map_requirements("S3.22", "S3.23"),
    empty_reason="No bucket of this account in this region holds Systems Manager data.",
    remediation=Remediation(
        summary="Record data events of the bucket on a trail of this account or of the organization. AWS charges for data "
        "events. put-event-selectors replaces all selectors of the trail: keep those that it has.",
        cli="aws cloudtrail put-event-selectors --trail-name TRAIL --event-selectors "
        '\'[{"ReadWriteType":"All","IncludeManagementEvents":true,"DataResources":'
        '[{"Type":"AWS::S3::Object","Values":["BUCKET_ARN/"]}]}]\'',
        code='resource "aws_cloudtrail" "this" {\n  name = "TRAIL"\n\n  event_selector {\n'
        '    read_write_type           = "All"\n    include_management_events = true\n\n'
        '    data_resource {\n      type   = "AWS::S3::Object"\n      values = ["{arn}/"]\n    }\n  }\n}',
    ),
)


def evaluate(resource: ResourceView) -> Outcome:
    if TRAIL_KIND in resource["kinds"]:
        return not_applicable("The bucket holds CloudTrail's logs: a trail that records it would record its own files.")
    found, problems = find_qualifying_trail(resource, _list_trails(resource), _make_tests(resource))
    if found:
        return passed(f"{found} records all reads and writes of the bucket's objects.")
    told = f": {'; '.join(problems)}" if problems else ", since no trail is visible in this account"
    return failed(f"No trail records the reads and writes of the bucket's objects{told}.")


def fix(resource: ResourceView) -> fixes.FixEffects:
    """Make a trail as the commands do."""
    resources = [{"Type": OBJECTS, "Values": [f"{resource.arn}/"]}]
    selectors = [{**each, "DataResources": resources} for each in fixes.make_all_event_selectors()]
    return (fixes.make_trail(resource, selectors=selectors, home_region=resource.region),)


def _list_trails(resource: ResourceView) -> list[str]:
    """The trails that are known. find_qualifying_trail raises if there may be more and none of these qualifies."""
    return [trail.arn for trail in resource.list_known(TRAIL)]


def _make_tests(resource: ResourceView) -> tuple[Test, ...]:
    return (
        (lambda trail: trail["multi_region"] or trail["home_region"] == resource.region, "covers another region"),
        (lambda trail: bool(trail["logging"]), "is not logging"),
        (partial(_records_objects, resource.arn), "leaves out some of these events"),
    )


def _records_objects(bucket_arn: str, trail: TrailFacts) -> bool:
    try:
        return records_all_object_events(trail["selectors"] or (), trail["advanced_selectors"] or (), bucket_arn)
    except SelectorError as error:
        api, action = "cloudtrail.GetEventSelectors", "cloudtrail:GetEventSelectors"
        raise GapError(Gap(GapKind.MALFORMED, api, action, trail.region, str(error))) from None


ARN = "arn:aws:s3:::output"
OWN = "arn:aws:cloudtrail:eu-west-1:111122223333:trail/own"
DATA = {"Field": "eventCategory", "Equals": ["Data"]}
TYPE = {"Field": "resources.type", "Equals": [OBJECTS]}


def _make_selector(*values: str, **more: Any) -> dict[str, Any]:
    named = [{"Type": OBJECTS, "Values": list(values)}]
    return {"ReadWriteType": "All", "IncludeManagementEvents": True, "DataResources": named, **more}


GOOD = {"selectors": [_make_selector(f"{ARN}/")], "advanced_selectors": []}


def _case(name: str, verdict: Verdict, trail: dict[str, Any] | None, **more: Any) -> Case:
    """trail: what differs from a good one; None for no trail."""
    facts = {"multi_region": True, "home_region": "eu-west-1", "logging": True, "$region": GLOBAL, **GOOD}
    related = {TRAIL: {} if trail is None else {OWN: {**facts, **trail}}}
    kinds = more.pop("kinds", ["01"])
    return Case(name, verdict, {"name": "output", "kinds": kinds}, related=related, arn=ARN, **more)


def _advanced_case(name: str, verdict: Verdict, *fields: dict[str, Any]) -> Case:
    selectors = [{"Name": "objects", "FieldSelectors": [DATA, TYPE, *fields]}]
    return _case(name, verdict, {"selectors": [], "advanced_selectors": selectors})


CASES = [
    _case("the bucket by name", Verdict.PASS, {}),
    _case("all buckets", Verdict.PASS, {"selectors": [_make_selector("arn:aws:s3")]}),
    _case("a trail of the bucket's region alone", Verdict.PASS, {"multi_region": False}),
    _advanced_case("advanced selectors of all objects", Verdict.PASS),
    _advanced_case("advanced, the bucket by name", Verdict.PASS, {"Field": "resources.ARN", "StartsWith": [f"{ARN}/"]}),
    _advanced_case("advanced, reads only", Verdict.FAIL, {"Field": "readOnly", "Equals": ["true"]}),
    _advanced_case(
        "advanced, a part of the bucket left out",
        Verdict.FAIL,
        {"Field": "resources.ARN", "NotStartsWith": [f"{ARN}/old/"]},
    ),
    _advanced_case("advanced, some calls only", Verdict.FAIL, {"Field": "eventName", "Equals": ["GetObject"]}),
    _case("another bucket", Verdict.FAIL, {"selectors": [_make_selector(f"{ARN}-2/")]}),
    _case("a part of the bucket", Verdict.FAIL, {"selectors": [_make_selector(f"{ARN}/logs/")]}),
    _case("writes only", Verdict.FAIL, {"selectors": [_make_selector(f"{ARN}/", ReadWriteType="WriteOnly")]}),
    _case("management events only", Verdict.FAIL, {"selectors": [_make_selector(DataResources=[])]}),
    _case("stopped", Verdict.FAIL, {"logging": False}),
    _case("a trail of another region", Verdict.FAIL, {"multi_region": False, "home_region": "us-west-2"}),
    _case("no trail", Verdict.FAIL, None),
    _case("the bucket of a trail", Verdict.NOT_APPLICABLE, None, kinds=["01", TRAIL_KIND]),
    _case("no trail, and not all were listed", Verdict.UNKNOWN, None, related_gaps=(TRAIL,)),
    _case("its selectors refused", Verdict.UNKNOWN, {"selectors": GAP}),
    _case("stopped, its selectors refused", Verdict.FAIL, {"logging": False, "selectors": GAP}),
    _case("its resources left out of the answer", Verdict.UNKNOWN, {"selectors": [{"ReadWriteType": "All"}]}),
    _case("its data is not known", Verdict.UNKNOWN, {}, kinds=GAP),
]
