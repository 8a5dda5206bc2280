"""Verdicts on trails that other tools get wrong."""

from __future__ import annotations

from accounts.aws.gaps import GapKind
from scans.controls import ssm_au_001, ssm_au_002, ssm_au_003
from scans.domain.control import Verdict
from scans.domain.engine import judge_control
from scans.domain.evidence import GLOBAL, Context, Evidence, World

MEMBER, MANAGEMENT = "111122223333", "999999999999"
SHADOW = f"arn:aws:cloudtrail:eu-west-1:{MANAGEMENT}:trail/organization"
CONTEXT = Context(account=MEMBER, management_account=MANAGEMENT)
SELECTORS = [{"ReadWriteType": "All", "IncludeManagementEvents": True, "ExcludeManagementEventSources": []}]


def world_of_a_member() -> World:
    evidence = Evidence("cloudtrail", GLOBAL, types=("cloudtrail.account", "cloudtrail.trail", "kms.reference"))
    evidence.add("cloudtrail.account", f"arn:aws:cloudtrail::{MEMBER}:trail/*", trails=[SHADOW])
    evidence.add(
        "cloudtrail.trail",
        SHADOW,
        name="organization",
        home_region="eu-west-1",
        multi_region=True,
        organization_trail=True,
        logging=True,
        validation=False,
        kms_key=None,
        selectors=SELECTORS,
        advanced_selectors=[],
    )
    return World([evidence])


def verdicts(module) -> list[tuple[str, Verdict]]:
    judged = judge_control(module.CONTROL, module.evaluate, world_of_a_member(), CONTEXT, GLOBAL)
    return [(each.resource, each.outcome.verdict) for each in judged]


def test_prowler_2438_organization_trail_counts_in_member():
    assert [verdict for _, verdict in verdicts(ssm_au_001)] == [Verdict.PASS]


def test_steampipe_536_shadow_trail_is_judged_at_home_only():
    place = f"arn:aws:cloudtrail::{MEMBER}:trail/*"
    assert verdicts(ssm_au_002) == [(place, Verdict.NOT_APPLICABLE)]
    assert verdicts(ssm_au_003) == [(place, Verdict.NOT_APPLICABLE)]


def test_trails_that_could_not_be_listed_are_not_missing_trails():
    found = list(judge_control(ssm_au_002.CONTROL, ssm_au_002.evaluate, World([]), CONTEXT, GLOBAL))
    assert [each.outcome.verdict for each in found] == [Verdict.UNKNOWN]
    assert found[0].outcome.gaps[0].kind is GapKind.NOT_READ
