"""A replay judges what was kept: as the scan did, by newer controls, and never what was not collected."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from accounts.models import Account
from governance.core.models import AuditEvent
from governance.core.policy import SYSTEM, Actor, GrantFact, NotPermittedError, Role, ScopeKind
from scans import registry
from scans.domain.control import Outcome, ResourceView, failed, passed
from scans.domain.evidence import compute_digest, serialize_evidence
from scans.domain.lifecycle import Event
from scans.errors import ScanRequestError
from scans.models import Blob, Finding, FindingEvent, PostureCell, Target
from scans.storage import blobs
from scans.timemachine import as_of, outcomes, replay
from scans.timemachine.rejudge import RejudgedAccount, rejudge_account
from scans.timemachine.replay import ReplayTally
from tests.scans.stored import DAY, MONDAY, ONE, OTHER, REGION, account, kept, parameters, scanned, volumes

pytestmark = pytest.mark.django_db

PS, EB = "SSM-PS-001", "SSM-EB-001"


@pytest.fixture
def shop() -> Account:
    return account()


def found(shop: Account, *controls: str, moment: datetime | None = None) -> RejudgedAccount:
    said = rejudge_account(shop, as_of.layers_of([shop], moment)[shop.pk], controls)
    assert said is not None
    return said


def verdicts(said: RejudgedAccount, control: str) -> dict[tuple[str, str], str]:
    """(region, end of the resource's ARN) -> verdict"""
    items = [item for item in said.judged if item.control.id == control]
    return {(i.region, i.resource.rpartition("/")[2]): str(i.outcome.verdict) for i in items}


def previewed(shop: Account, moment: datetime | None = None) -> ReplayTally:
    tally = ReplayTally()
    for said in replay.rejudge_accounts(Account.objects.filter(pk=shop.pk), tally, moment=moment):
        replay.preview_changes(said, tally, moment)
    return tally


def newer(monkeypatch: pytest.MonkeyPatch, id: str, evaluate: Any, version: int = 2) -> None:
    """From now on this control is another version."""
    controls = dict(registry.controls())
    item = controls[id]
    controls[id] = replace(item, control=replace(item.control, version=version), evaluate=evaluate)
    monkeypatch.setattr(registry, "controls", lambda: controls)


def plain(resource: ResourceView) -> Outcome:
    return passed("It is fine.") if resource["type"] == "String" else failed("It is not a String.")


def test_replay_repeats_the_scan_and_changes_nothing(shop: Account) -> None:
    target = scanned(shop, parameters(a="String", b="SecureString", c="fine"), volumes(enabled=False))
    tally = previewed(shop)
    assert not tally.changes()
    verdict_counts = {k: n for counts in tally.controls.values() for k, n in counts.items()}
    assert verdict_counts
    assert sum(sum(c.values()) for c in tally.controls.values()) == sum(
        n for key, n in target.counts.items() if not key.startswith("finding.")
    )
    before = FindingEvent.objects.count()
    replay.apply_replay(actor=SYSTEM, organization=shop.organization)
    assert FindingEvent.objects.count() == before


def test_replay_outcomes_equal_the_scans_export(shop: Account) -> None:
    target = scanned(shop, parameters(a="String"), volumes())
    assert list(outcomes.serialize_outcomes(found(shop).items)) == list(outcomes.iterate_outcomes(target.scan))


def test_new_control_version_rejudges_stored_evidence(shop: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    target = scanned(shop, parameters(a="String", b="SecureString"))
    newer(monkeypatch, PS, plain)
    assert previewed(shop).changes() == {Event.FIX: 1, Event.OPEN: 1}
    assert Finding.objects.get(control=PS).state == "open", "a preview writes nothing"
    replay.apply_replay(actor=SYSTEM, organization=shop.organization, controls=[PS])
    fixed, opened = Finding.objects.filter(control=PS).order_by("id")
    assert (fixed.state, fixed.resolution, fixed.control_version) == ("resolved", "fixed", 2)
    assert (opened.state, opened.verdict, opened.resource[-1]) == ("open", "fail", "b")
    events = FindingEvent.objects.filter(kind__startswith="replay.")
    assert sorted(events.values_list("kind", "scan")) == [
        ("replay.fix", target.scan_id),
        ("replay.open", target.scan_id),
    ]
    cell = PostureCell.objects.get(control=PS)
    assert (cell.passed, cell.failed) == (1, 1)
    said = list(AuditEvent.objects.order_by("pk").values_list("action", flat=True))
    assert said[-2:] == ["evidence.replay", "evidence.replayed"]


def test_replay_updates_finding_version(shop: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    scanned(shop, parameters(a="String"))
    newer(monkeypatch, PS, registry.controls()[PS].evaluate, version=7)
    replay.apply_replay(actor=SYSTEM, organization=shop.organization)
    assert Finding.objects.get(control=PS).control_version == 7
    assert FindingEvent.objects.filter(kind="replay.note", finding__control=PS).count() == 1


def test_collector_not_run_then_is_unknown(shop: Account) -> None:
    kept(shop, parameters(a="fine"))
    said = found(shop, EB)
    assert [str(i.outcome.verdict) for i in said.judged] == ["unknown"]
    assert "not collected then" in said.judged[0].outcome.reason
    assert said.judged[0].outcome.gaps[0].code == "NotCollected"
    assert said.judged[0].region == REGION, "the region was read, so the control belongs there"


def test_fact_not_collected_then_is_unknown(shop: Account) -> None:
    old = parameters(a="fine")
    for resource in old.resources:
        del resource.facts["name"]  # declared by the control, and not looked at for its verdict
    kept(shop, old)
    [item] = found(shop, PS).judged
    assert str(item.outcome.verdict) == "unknown"
    assert "ssm.parameter.name" in item.outcome.reason
    assert "not collected then" in item.outcome.reason


@pytest.mark.parametrize("schema", [0, 2])
def test_other_schema_is_a_gap_of_region_and_collector(shop: Account, schema: int) -> None:
    odd, fine = parameters(a="String"), parameters(OTHER, b="String")
    target = kept(shop, odd, fine, volumes())
    data = serialize_evidence(odd).replace(b'"schema":1', f'"schema":{schema}'.encode())
    [mark] = blobs.store_contents([data])
    manifest = blobs.load_manifest(target.manifest)
    manifest[REGION]["ssm_parameters"] = mark
    Target.objects.filter(pk=target.pk).update(manifest=blobs.store_json(manifest))
    said = found(shop)
    assert set(verdicts(said, PS).items()) == {((REGION, "*"), "unknown"), ((OTHER, "b"), "fail")}
    assert verdicts(said, EB)[REGION, f"arn:aws:ec2:{REGION}:{ONE}:ebs-encryption-by-default"] == "pass"
    [gap] = said.unreadable_evidence
    assert (gap.api, gap.region, gap.code) == ("evidence.ssm_parameters", REGION, "OtherSchema")
    assert "can't read" in gap.sentence()


def test_evidence_that_is_no_longer_kept_is_a_gap_and_not_an_end(shop: Account) -> None:
    lost = parameters(a="String")
    kept(shop, lost, volumes())
    Blob.objects.filter(digest=compute_digest(serialize_evidence(lost))).delete()
    said = found(shop)
    assert set(verdicts(said, PS).values()) == {"unknown"}
    assert [gap.code for gap in said.unreadable_evidence] == ["NotKept"]


def test_account_without_manifest_is_named_others_judged(shop: Account) -> None:
    target = kept(shop, volumes())
    other = account("444455556666")
    kept(other, volumes())
    Target.objects.filter(pk=target.pk).update(manifest="f" * 64)
    tally = ReplayTally()
    assert [r.account for r in replay.rejudge_accounts(Account.objects.order_by("account_id"), tally)] == [other]
    assert list(tally.unreadable_evidence) == [ONE]


def test_misshapen_fact_is_unknown_others_are_judged(shop: Account) -> None:
    odd = volumes()
    made = parameters(a="String", b="fine")
    kept(shop, odd, made)
    item = registry.controls()[PS]

    def picky(resource: ResourceView) -> Outcome | None:
        return item.evaluate(resource) if resource.arn.endswith("a") else passed(resource["name"]["no such part"])

    from scans.domain.engine import judge_resource
    from scans.domain.evidence import Context, World

    world = World([made])
    outs = [
        judge_resource(item.control, picky, world, Context(account=ONE), r, item.control.facts["ssm.parameter"])
        for r in made.resources
    ]
    assert [str(o.verdict) for o in outs if o] == ["fail", "unknown"]


def test_partial_rescan_counts_only_where_it_looked(shop: Account) -> None:
    scanned(shop, parameters(a="String", b="String"), volumes(enabled=False))
    scanned(shop, parameters(a="SecureString", b="String"), at=MONDAY + DAY, controls=[PS])
    assert Finding.objects.get(control=PS, resource__endswith="a").state == "resolved"
    said = found(shop)
    assert verdicts(said, PS) == {(REGION, "a"): "not_applicable", (REGION, "b"): "fail"}
    assert set(verdicts(said, EB).values()) == {"fail"}
    assert not previewed(shop).changes(), "what the rescan proved fixed stays fixed"


def test_regional_scan_hides_no_other_region(shop: Account) -> None:
    scanned(shop, parameters(a="String"), parameters(OTHER, b="String"))
    scanned(shop, parameters(a="fine"), at=MONDAY + DAY, regions=[REGION])
    assert verdicts(found(shop), PS) == {(REGION, "a"): "pass", (OTHER, "b"): "fail"}


def test_findings_of_older_whole_scan_do_not_return(shop: Account) -> None:
    scanned(shop, parameters(a="String", b="String"))
    scanned(shop, parameters(b="String"), at=MONDAY + DAY)
    assert verdicts(found(shop), PS) == {(REGION, "b"): "fail"}


def test_as_of_takes_the_evidence_of_that_day(shop: Account) -> None:
    scanned(shop, volumes(enabled=False))
    scanned(shop, volumes(enabled=True), at=MONDAY + DAY)
    then = as_of.end_of(MONDAY.date())
    assert set(verdicts(found(shop, EB, moment=then), EB).values()) == {"fail"}
    assert set(verdicts(found(shop, EB), EB).values()) == {"pass"}
    assert not previewed(shop, then).changes(), "the finding was open on that day too"
    assert as_of.layers_of([shop], MONDAY - DAY) == {}


def test_an_account_that_is_being_read_is_left_alone(shop: Account) -> None:
    scanned(shop, parameters(a="String"))
    Target.objects.create(
        scan=kept(shop, volumes()).scan.organization.scans.create(started_by="x"), account=shop, state="running"
    )
    tally = replay.apply_replay(actor=SYSTEM, organization=shop.organization)
    assert (tally.busy, tally.accounts) == ([ONE], 0)


def actor(role: Role, scope: ScopeKind, scope_id: str) -> Actor:
    return Actor(name="x", user_id=1, grants=(GrantFact(role, scope, scope_id),))


def test_applying_replay_needs_scan_permission(shop: Account) -> None:
    scanned(shop, volumes())
    organization = shop.organization
    with pytest.raises(NotPermittedError):
        replay.apply_replay(actor=actor(Role.AUDITOR, ScopeKind.ORGANIZATION, "o-example"), organization=organization)
    operator = actor(Role.SCAN_OPERATOR, ScopeKind.ACCOUNT, ONE)
    with pytest.raises(NotPermittedError):
        replay.apply_replay(actor=operator, organization=organization)
    assert replay.apply_replay(actor=operator, organization=organization, accounts=[ONE]).accounts == 1


def test_a_preview_is_of_visible_accounts_only(shop: Account) -> None:
    other = account("444455556666")
    owner = actor(Role.ACCOUNT_OWNER, ScopeKind.ACCOUNT, ONE)
    assert list(replay.choose_replay_accounts(owner, shop.organization)) == [shop]
    assert list(replay.choose_replay_accounts(SYSTEM, shop.organization)) == [shop, other]


def test_unknown_ids_are_refused_by_name(shop: Account) -> None:
    with pytest.raises(ScanRequestError, match="Unknown control: SSM-XX-999"):
        replay.apply_replay(actor=SYSTEM, organization=shop.organization, controls=["SSM-XX-999"])
    foreign = account("444455556666", org_id="o-other")
    with pytest.raises(ScanRequestError, match="Unknown account: 444455556666"):
        replay.choose_replay_accounts(SYSTEM, shop.organization, accounts=[foreign.account_id])
