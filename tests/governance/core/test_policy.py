"""Who may do what, where: everything that isn't allowed is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.core.policy import (
    ROLE_PERMISSIONS,
    STEP_UP,
    SYSTEM,
    Actor,
    GrantFact,
    Location,
    Permission,
    Role,
    ScopeKind,
    covers_place,
    is_permitted,
    is_permitted_disinterested,
    is_permitted_org_wide,
    list_active_grants,
)

NOW = datetime(2026, 3, 2, tzinfo=UTC)
HERE = Location("o-1", ("ou-team", "ou-workloads", "r-1"), "111122223333")
ORG, OU, ACCOUNT = ScopeKind.ORGANIZATION, ScopeKind.OU, ScopeKind.ACCOUNT


def actor(*grants: GrantFact, **more: object) -> Actor:
    return Actor(name="p", grants=grants, user_id=1, **more)  # type: ignore[arg-type]


def owner(scope: ScopeKind = ORG, scope_id: str = "o-1", **more: object) -> GrantFact:
    return GrantFact(Role.SCAN_OPERATOR, scope, scope_id, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("permission", Permission)
def test_role_carries_exactly_the_matrix_permissions(role: Role, permission: Permission) -> None:
    assert is_permitted(actor(GrantFact(role, ORG, "o-1")), permission, NOW, HERE) is (
        permission in ROLE_PERMISSIONS[role]
    )


@pytest.mark.parametrize("permission", Permission)
def test_without_a_grant_nothing_is_allowed(permission: Permission) -> None:
    assert not is_permitted(actor(), permission, NOW)
    assert not is_permitted(actor(), permission, NOW, HERE)
    assert not is_permitted_org_wide(actor(), permission, NOW)


@pytest.mark.parametrize(
    ("scope", "scope_id", "covered"),
    [
        (ORG, "o-1", True), (ORG, "o-2", False),
        (OU, "ou-team", True), (OU, "ou-workloads", True), (OU, "r-1", True), (OU, "ou-other", False), (OU, "ou", False),
        (ACCOUNT, "111122223333", True), (ACCOUNT, "111122223334", False), (ACCOUNT, "1111", False),
    ],
)  # fmt: skip
def test_grant_covers_its_scope_and_below(scope: ScopeKind, scope_id: str, covered: bool) -> None:
    assert covers_place(owner(scope, scope_id), HERE) is covered
    assert is_permitted(actor(owner(scope, scope_id)), Permission.SCAN_RUN, NOW, HERE) is covered


@pytest.mark.parametrize("empty", ["", "111122223333"])
def test_account_grant_does_not_cover_place_without_account(empty: str) -> None:
    assert not covers_place(owner(ACCOUNT, empty), Location("o-1"))


def test_grant_ends_exactly_at_its_end_time() -> None:
    held = owner(ends_at=NOW)
    assert is_permitted(actor(held), Permission.SCAN_RUN, NOW - timedelta(microseconds=1), HERE)
    assert not is_permitted(actor(held), Permission.SCAN_RUN, NOW, HERE)


def test_anywhere_at_all_needs_some_grant_that_holds() -> None:
    assert is_permitted(actor(owner(ACCOUNT, "1")), Permission.SCAN_RUN, NOW)
    assert not is_permitted(actor(owner(ends_at=NOW)), Permission.SCAN_RUN, NOW)


@given(st.sampled_from(Permission), st.lists(st.tuples(st.sampled_from(Role), st.sampled_from(ScopeKind), st.text())))
def test_permission_needs_one_grant_that_covers_it(
    permission: Permission, held: list[tuple[Role, ScopeKind, str]]
) -> None:
    grants = [GrantFact(*each) for each in held]
    expected = any(permission in ROLE_PERMISSIONS[grant.role] and covers_place(grant, HERE) for grant in grants)
    assert is_permitted(actor(*grants), permission, NOW, HERE) is expected


def test_system_may_do_all_but_not_by_name_alone() -> None:
    assert all(is_permitted(SYSTEM, permission, NOW, HERE) for permission in Permission)
    assert not is_permitted(Actor(name="system"), Permission.SCAN_RUN, NOW, HERE)


def test_token_is_limited_to_scopes_and_never_steps_up() -> None:
    everything = tuple(GrantFact(role, ORG, "o-1") for role in Role)
    token = actor(*everything, token_id=5, scopes=frozenset({Permission.FINDING_VIEW, *STEP_UP}))
    assert is_permitted(token, Permission.FINDING_VIEW, NOW, HERE)
    assert not is_permitted(token, Permission.SCAN_RUN, NOW, HERE)
    assert STEP_UP
    assert not any(list_active_grants(token, permission, NOW) for permission in STEP_UP)


def test_a_token_acts_within_its_place_only() -> None:
    token = actor(owner(), token_id=5, within=(owner(ACCOUNT, "111122223333"),))
    assert is_permitted(token, Permission.SCAN_RUN, NOW, HERE)
    assert not is_permitted(token, Permission.SCAN_RUN, NOW, Location("o-1", (), "999900001111"))
    assert not is_permitted_org_wide(token, Permission.SCAN_RUN, NOW)


@pytest.mark.parametrize(("scope", "whole"), [(ORG, True), (OU, False), (ACCOUNT, False)])
def test_unsplittable_act_needs_organization_scope(scope: ScopeKind, whole: bool) -> None:
    assert is_permitted_org_wide(actor(owner(scope, "o-1")), Permission.SCAN_RUN, NOW) is whole


def test_interested_person_or_borrower_can_not_decide() -> None:
    own, lent = owner(), owner(lent_by=7)
    decide_as = lambda who, interested: is_permitted_disinterested(who, Permission.SCAN_RUN, NOW, HERE, interested)  # noqa: E731
    assert decide_as(actor(own), {9})
    assert not decide_as(actor(own), {1})
    assert not decide_as(actor(lent), {7})
    assert decide_as(actor(lent), {9})
    assert decide_as(actor(lent, own), {7})
    assert not decide_as(Actor(name="p", grants=(own,)), set())
