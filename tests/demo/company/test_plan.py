from __future__ import annotations

from datetime import UTC, datetime

import pytest

from demo.company import plan as planning
from demo.company.constants import EXTERNAL_ID, REGIONS
from demo.company.model import Plan

NOW = datetime(2026, 6, 30, 15, 4, tzinfo=UTC)


@pytest.fixture(scope="module")
def company() -> Plan:
    return planning.make(now=NOW)


def test_same_arguments_give_the_same_company(company: Plan) -> None:
    assert planning.make(now=NOW) == company


def test_ages_are_counted_from_the_day_not_from_the_minute(company: Plan) -> None:
    assert planning.make(now=NOW.replace(hour=1)) == company


def test_another_seed_gives_another_company(company: Plan) -> None:
    other = planning.make(seed=8, now=NOW)
    assert other.organization != company.organization
    assert not {a.id for a in other.accounts} & {a.id for a in company.accounts}
    assert [a.keys[0].id for a in other.accounts if a.keys] != [a.keys[0].id for a in company.accounts if a.keys]


def test_six_units_three_deep_and_every_account_in_one_of_them(company: Plan) -> None:
    assert len(company.units) == 6
    assert max(unit.path.count("/") + 1 for unit in company.units) == 3
    paths = {unit.path for unit in company.units}
    assert {account.unit for account in company.accounts[1:]} <= paths
    assert all(not unit.parent or unit.parent in paths for unit in company.units)


def test_company_has_suspended_roleless_and_denied_accounts(company: Plan) -> None:
    assert [a.name for a in company.accounts if a.status == "SUSPENDED"] == ["retired-shop"]
    assert [a.name for a in company.accounts if not a.role] == ["acquired-shop"]
    assert [(a.name, len(a.denied)) for a in company.accounts if a.denied and not a.quarantined] == [
        ("sandbox-guarded", 3)
    ]
    assert [a.name for a in company.accounts if a.quarantined] == ["sandbox-quarantine"]


def test_in_some_companies_the_management_account_is_guarded_too() -> None:
    assert [planning.make(seed, 2, 1, now=NOW).management.denied for seed in (7, 42)] == [
        (),
        ("cloudtrail:GetTrailStatus",),
    ]


def test_owners_are_teams_and_no_people(company: Plan) -> None:
    assert all(account.tags["owner"].startswith("team-") for account in company.accounts)
    assert not any("@" in value for account in company.accounts for value in account.tags.values())


def test_opt_in_regions_are_enabled_in_some_accounts_only(company: Plan) -> None:
    assert company.opt_in
    with_it = [account for account in company.accounts if account.opted_in]
    assert 0 < len(with_it) < len(company.accounts)


@pytest.mark.parametrize("accounts", [1, 2, 3, 15, 60])
def test_any_number_of_accounts(accounts: int) -> None:
    plan = planning.make(accounts=accounts, regions=1, now=NOW)
    assert len({account.id for account in plan.accounts}) == accounts
    assert len({account.name for account in plan.accounts}) == accounts
    assert {a.unit for a in plan.accounts if a.unit} <= {unit.path for unit in plan.units}


def test_every_arn_and_bucket_name_is_used_once() -> None:
    plan = planning.make(accounts=120, regions=4, now=NOW)
    names = [bucket.name for account in plan.accounts for bucket in account.buckets]
    assert len(set(names)) == len(names)
    assert all(3 <= len(name) <= 63 for name in names)
    arns = [(t.kind, t.arn) for a in plan.accounts for t in a.things if t.arn and t.kind != "expect"]
    assert len(set(arns)) == len(arns)


def test_account_contents_do_not_depend_on_company_size() -> None:
    """So a company can grow without renaming what it had."""
    small, large = planning.make(accounts=14, now=NOW), planning.make(accounts=40, now=NOW)
    assert small.accounts[:14] == large.accounts[:14]


def test_the_bench_shape_is_alike_everywhere() -> None:
    plan = planning.make(accounts=3, regions=2, shape="bench", now=NOW)
    for account in plan.accounts:
        for region in plan.regions:
            of = [thing.kind for thing in account.things if thing.region == region]
            assert (of.count("parameter"), of.count("log_group")) == (60, 30)
            assert sum(bucket.region == region for bucket in account.buckets) == 6


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"accounts": 0}, "accounts must be from 1"),
        ({"accounts": 10_001}, "10,000"),
        ({"regions": 0}, "regions must be from 1"),
        ({"regions": len(REGIONS) + 1}, str(len(REGIONS))),
        ({"shape": "pyramid"}, "pyramid"),
    ],
)
def test_sizes_that_cannot_be_are_refused(arguments: dict[str, object], says: str) -> None:
    with pytest.raises(planning.SizeError, match=says):
        planning.make(**arguments)  # type: ignore[arg-type]


def test_the_external_id_is_as_long_as_the_product_asks_for() -> None:
    assert len(EXTERNAL_ID) >= 32
