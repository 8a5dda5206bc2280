"""Every declared API refused in every way: the scan ends, says what it couldn't read, and closes nothing.

A refusal goes all the way to the outcomes. Any other failure must leave the evidence that a refusal
leaves, but for the name of the failure: what is judged rests on evidence alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any

import pytest
from django.core.management import call_command

from accounts.aws.gaps import Gap, GapKind
from scans import registry
from scans.domain.collector import Call
from scans.domain.evidence import GLOBAL, Evidence
from scans.domain.regions import REGION_CALLS
from scans.management.scan_report import list_unread_accounts
from scans.models import Finding, FindingEvent
from scans.pipeline import foreground, target_worker
from scans.storage import blobs
from tests.whole.scene import Evidences, Outcomes, Scene, by_identity, set_up

pytestmark = [pytest.mark.slow, pytest.mark.django_db, pytest.mark.long(rank=7)]

KINDS = {
    "denied": GapKind.DENIED,
    "denied_by_scp": GapKind.DENIED_BY_SCP,
    "throttled": GapKind.THROTTLED,
    "timeout": GapKind.TIMEOUT,
    "error_500": GapKind.SERVER_ERROR,
    "malformed": GapKind.MALFORMED,
    "hollow": GapKind.MALFORMED,
}
# The answer to HEAD has no body: 403 is what S3 says of a stranger's bucket too, and 503 may be throttling.
HEAD = next(call for call in registry.calls() if call.operation == "HeadBucket")
PLAIN = {HEAD: "error_500"}
# What can't be told apart: S3 may fail after it has begun to answer, so botocore takes a broken answer for that.
ALSO = {("s3", "malformed"): GapKind.SERVER_ERROR, ("s3", "throttled"): GapKind.SERVER_ERROR}
# DescribeKey tells whose a key is, where the list of aliases would have.
TOLD_TWICE = {call for call in registry.calls() if call.operation == "ListAliases"}
# No region of this account requires FIPS or TLS 1.3, so what clients call with is not judged.
TOLD_TWICE |= {call for call in registry.calls() if call.operation == "LookupEvents"}
# The policy of an access point counts only where the bucket's own policy leaves the decision to it.
TOLD_TWICE |= {call for call in registry.calls() if call.operation == "GetAccessPointPolicy"}
# Made only where another call is refused, which is refused with it then: both are told.
ASKED_AFTER = {"macie2.GetAdministratorAccount": "macie2.GetAutomatedDiscoveryConfiguration"}
CLOSING = {"fix", "vanish", "lapse"}
NO_FAILURE = {(HEAD, kind) for kind in ("denied", "denied_by_scp", "malformed", "hollow")}
# No constraint means us-east-1; a block, a log or versioning that isn't there is off, which is the worst reading.
ABSENT_IS_OFF = {"GetBucketLocation", "GetPublicAccessBlock", "GetBucketLogging", "GetBucketVersioning"}
NO_FAILURE |= {(call, "hollow") for call in registry.calls() if call.operation in ABSENT_IS_OFF}
FOLDED = {item.control.id for item in registry.controls().values() if item.control.one_per_account}
# Each of the two that list regions stands in for the other.
COSTING = [call for call in registry.calls() if call not in REGION_CALLS]
OTHERS = [(call, kind) for call in COSTING for kind in KINDS if kind != PLAIN.get(call, "denied")]
OTHERS = [pair for pair in OTHERS if pair not in NO_FAILURE]


@pytest.fixture(scope="module")
def scene(django_db_setup: None, django_db_blocker: Any) -> Iterator[Scene]:
    with django_db_blocker.unblock(), set_up() as made:
        yield made


@pytest.fixture(autouse=True)
def _healed(scene: Scene) -> Iterator[None]:
    """django_db undoes each test's rows: its savepoint lies inside the transaction that holds the scene."""
    scene.heal()
    yield
    scene.heal()


def strike_first(scene: Scene, call: Call) -> None:
    """Refuse the call without whose refusal this one isn't made."""
    for first in registry.calls():
        if first.api == ASKED_AFTER.get(call.api):
            scene.strike("denied", first)


def open_findings() -> set[int]:
    return set(Finding.objects.filter(state="open").values_list("pk", flat=True))


@pytest.mark.parametrize("call", COSTING, ids=lambda call: call.api)
def test_refused_call_makes_only_its_outcomes_unknown(scene: Scene, call: Call) -> None:
    kind = PLAIN.get(call, "denied")
    before, events = open_findings(), FindingEvent.objects.count()
    strike_first(scene, call)
    scene.strike(kind, call)
    scan = scene.scan()
    target = scan.targets.get()
    assert (scan.state, target.state) == ("partial", "done")
    gaps = [gap for gap in target.gaps if gap["api"] == call.api]
    assert gaps
    for gap in gaps:
        assert (gap["action"], gap["kind"]) == (call.action, KINDS[kind])
        assert gap["region"] in regions(scene, call)
    outcomes = by_identity(scan)
    assert differences(scene.outcomes, outcomes, call) == []
    assert call in TOLD_TWICE or any(names(row, call) for row in outcomes.values())
    assert before <= open_findings()
    assert not CLOSING & set(FindingEvent.objects.order_by("id")[events:].values_list("kind", flat=True))


@pytest.fixture(scope="module")
def plainly() -> dict[str, Any]:
    """What a plain refusal of each API leaves; filled as the tests go."""
    return {}


@pytest.mark.parametrize(("call", "kind"), OTHERS, ids=lambda part: getattr(part, "api", part))
def test_every_failure_kind_leaves_same_evidence(scene: Scene, call: Call, kind: str, plainly: dict[str, Any]) -> None:
    if call.api not in plainly:
        strike_first(scene, call)
        scene.strike(PLAIN.get(call, "denied"), call)
        plainly[call.api] = without_codes(scene.collect(call), call)
        scene.heal()
    strike_first(scene, call)
    scene.strike(kind, call)
    evidences = scene.collect(call)
    assert without_codes(evidences, call) == plainly[call.api]
    kinds = {gap.kind for item in evidences.values() for gap in item.all_gaps() if gap.api == call.api}
    assert kinds <= {KINDS[kind], ALSO.get((call.service, kind), KINDS[kind])}


@pytest.mark.parametrize("kind", KINDS)
def test_command_ends_with_status_3_and_names_gap(
    scene: Scene, kind: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    call = next(call for call in registry.calls() if call.api == "ssm.ListDocuments")
    monkeypatch.setattr(foreground, "DaemonPool", AtOnce)
    monkeypatch.setattr(foreground, "run_one_target", target_worker.run_target)
    scene.strike(kind, call)
    with pytest.raises(SystemExit) as ended:
        call_command("scan")
    assert ended.value.code == 3
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("Gap:")]
    (line,) = [line for line in lines if "s3.HeadBucket" not in line]
    for part in ("management", "ssm.ListDocuments", "needs ssm:ListDocuments", scene.region):
        assert part in line


def strike_lists(scene: Scene, *kinds: str) -> None:
    for call, kind in zip(REGION_CALLS, kinds, strict=False):
        scene.strike(kind, call)


def test_unlistable_regions_leave_account_unread(scene: Scene, settings: Any) -> None:
    settings.SCAN_REGIONS = []
    before = open_findings()
    strike_lists(scene, "denied", "denied")
    scan = scene.scan()
    error = scan.targets.get().error
    assert scan.state == "partial"
    assert error is not None
    for call in REGION_CALLS:
        assert call.api in error["reason"]
        assert call.action in error["what_to_do"]
    assert open_findings() == before


@pytest.mark.parametrize("kind", KINDS)
def test_where_the_account_service_lists_no_regions_ec2_does(scene: Scene, settings: Any, kind: str) -> None:
    settings.SCAN_REGIONS = []
    before = scene.scan().targets.get()
    scene.heal()
    strike_lists(scene, kind)
    target = scene.scan().targets.get()
    assert target.error is None
    assert target.gaps == before.gaps
    assert set(blobs.load_manifest(target.manifest)) == set(blobs.load_manifest(before.manifest))


@pytest.mark.parametrize("kind", KINDS)
def test_named_regions_replace_list_but_gap_is_told(scene: Scene, kind: str) -> None:
    strike_lists(scene, "denied", kind)
    scan = scene.scan()
    assert scan.state == "partial"
    told = {gap["api"]: gap["kind"] for gap in scan.targets.get().gaps}
    assert [told.get(call.api) for call in REGION_CALLS] == ["denied", KINDS[kind]]
    assert [
        line for line in list_unread_accounts(scan) if "only the configured ones were read: " + scene.region in line
    ]


@pytest.mark.parametrize("kind", ["denied", "denied_by_scp"])
def test_a_bucket_that_may_not_be_looked_at_may_be_a_strangers(scene: Scene, kind: str) -> None:
    before = open_findings()
    scene.strike(kind, HEAD)
    scan = scene.scan()
    assert scan.state == "partial"
    assert [gap["api"] for gap in scan.targets.get().gaps] == ["s3.HeadBucket"]
    outcomes = by_identity(scan)
    for (control, _, arn), row in outcomes.items():
        if ":gone-" in arn and control == "SSM-S3-005":
            assert row["verdict"] == "unknown"
            assert [gap["api"] for gap in row["gaps"]] == ["s3.HeadBucket"]
    assert differences(scene.outcomes, outcomes, HEAD, by_reason=False) == []
    assert before <= open_findings()


class AtOnce:
    """A pool whose work is done when it is given: the test's transaction belongs to its thread."""

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def __enter__(self) -> AtOnce:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def submit(self, work: Any, *words: Any) -> Future[None]:
        done: Future[None] = Future()
        done.set_result(work(*words))
        return done


def regions(scene: Scene, call: Call) -> set[str]:
    scopes = {item.collector.scope for item in registry.collectors().values() if call in item.collector.calls}
    return {scene.region} if scopes == {"region"} else {GLOBAL, scene.region}


def names(row: dict[str, Any], call: Call, *, by_reason: bool = True) -> bool:
    """Is it unknown, because of this call?"""
    return row["verdict"] == "unknown" and any(
        gap["api"] == call.api and gap["action"] == call.action and (call.api in row["reason"] or not by_reason)
        for gap in row["gaps"]
    )


def differences(before: Outcomes, after: Outcomes, call: Call, *, by_reason: bool = True) -> list[str]:
    """What changed other than into UNKNOWN for this call's sake."""
    blind = {(control, region) for (control, region, _), row in after.items() if names(row, call, by_reason=by_reason)}
    found = []
    for identity in sorted(before.keys() | after.keys()):
        old, new = before.get(identity), after.get(identity)
        if new is None:
            # A finding about all regions of an account gives way to what is unknown in one of them.
            places = {control for control, _ in blind} if identity[0] in FOLDED else blind
            if (identity[0] if identity[0] in FOLDED else identity[:2]) not in places:
                found.append(f"{identity}: gone, and nothing says why")
        elif old is None or (old["verdict"], old["reason"]) != (new["verdict"], new["reason"]):
            was = old["verdict"] if old else None
            # A failure may rest on one fact of several, and then says so in other words.
            if not names(new, call, by_reason=by_reason) and not (was == "fail" == new["verdict"]):
                found.append(f"{identity}: {was} is now {new['verdict']}: {new['reason']}")
    return found


def without_codes(evidences: Evidences, call: Call) -> Any:
    """Evidence in a form that compares, in which this call's failures have no name."""

    def plain(value: Any) -> Any:
        return ("gap", value.api, value.region) if isinstance(value, Gap) and value.api == call.api else value

    def held(item: Evidence) -> Any:
        resources = {
            (r.type, r.arn, r.region): {name: plain(value) for name, value in r.facts.items()} for r in item.resources
        }
        return resources, {type: set(map(plain, gaps)) for type, gaps in item.gaps.items()}

    return {place: held(item) for place, item in evidences.items()}
