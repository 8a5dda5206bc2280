from __future__ import annotations

import pytest
from django.urls import reverse

from accounts.owner_proposals import ProposalGoneError, confirm_owners, list_proposals
from accounts.queries import visible_accounts
from governance.core.policy import SYSTEM, Role, ScopeKind
from governance.identity.grants.services import GrantError
from governance.identity.models import Grant, User
from governance.identity.queries import build_actor
from tests.governance.identity.acting import fresh
from tests.support.inventory import ORG, Inventory
from tests.support.people import person, signed_in, stepped_up

ADMIN = (Role.SECURITY_ADMIN, ScopeKind.ORGANIZATION, ORG)


@pytest.fixture
def grace(inventory: Inventory) -> User:
    return person("grace", ADMIN)


@pytest.fixture
def olga(inventory: Inventory) -> User:
    """shop names olga@example.com as its owner."""
    user = person("olga")
    User.objects.filter(pk=user.pk).update(email="Olga@Example.com")
    return user


def lines(actor: object = SYSTEM) -> list[tuple[str, str | None]]:
    return [(p.account.name, str(p.user) if p.user else None) for p in list_proposals(actor)]  # type: ignore[arg-type]


def test_owner_tag_matching_ignores_case(inventory: Inventory, olga: User) -> None:
    person("Paula")
    inventory.play.owners = ["paula"]
    inventory.play.save()
    assert {("shop", "olga"), ("play", "Paula")} <= set(lines())


def test_unknown_or_ambiguous_owner_can_not_be_confirmed(inventory: Inventory, olga: User) -> None:
    twin = person("twin")
    User.objects.filter(pk=twin.pk).update(email="olga@example.com")
    inventory.play.owners = ["team-x"]
    inventory.play.save()
    found = {(p.account.name, p.why_not) for p in list_proposals(SYSTEM)}
    assert {("shop", "2 people have this name"), ("play", "no user has this name or email address")} <= found
    assert all(p.user is None for p in list_proposals(SYSTEM))


def test_a_confirmed_proposal_is_a_grant_and_proposed_no_more(grace: User, olga: User) -> None:
    key = f"100000000001:{olga.pk}"
    grant = confirm_owners(actor=fresh(grace), keys=[key])[0]
    assert (grant.role, grant.scope_id, grant.granted_by) == (Role.ACCOUNT_OWNER, "100000000001", grace)
    assert [account.name for account in visible_accounts(build_actor(olga))] == ["shop"]
    assert ("shop", "olga") not in lines()
    with pytest.raises(ProposalGoneError, match="No longer proposed"):
        confirm_owners(actor=fresh(grace), keys=[key])


def test_an_owner_of_the_ou_is_not_proposed_for_its_account(inventory: Inventory, olga: User) -> None:
    Grant.objects.create(user=olga, role=Role.ACCOUNT_OWNER, scope_kind="ou", scope_id="ou-1-retail")
    assert ("shop", "olga") not in lines()


def test_owner_confirmation_is_all_or_none(grace: User, olga: User) -> None:
    with pytest.raises(ProposalGoneError):
        confirm_owners(actor=fresh(grace), keys=[f"100000000001:{olga.pk}", "999999999999:1"])
    assert not Grant.objects.filter(user=olga).exists()


def test_person_can_not_confirm_own_ownership(inventory: Inventory, olga: User) -> None:
    Grant.objects.create(user=olga, role=ADMIN[0], scope_kind=ADMIN[1], scope_id=ORG)
    with pytest.raises(GrantError, match="to yourself"):
        confirm_owners(actor=fresh(olga), keys=[f"100000000001:{olga.pk}"])


def test_admin_of_another_ou_sees_no_proposals(inventory: Inventory, olga: User) -> None:
    carl = person("carl", (Role.SECURITY_ADMIN, ScopeKind.OU, "ou-1-sandbox"))
    assert ("shop", "olga") not in lines(fresh(carl))
    with pytest.raises(ProposalGoneError):
        confirm_owners(actor=fresh(carl), keys=[f"100000000001:{olga.pk}"])


def test_the_page_offers_no_button_without_a_box(inventory: Inventory, grace: User) -> None:
    page = stepped_up(signed_in(grace)).get(reverse("owner-proposals")).content.decode()
    assert "no user has this name or email address" in page
    assert "None of these can be confirmed" in page
    assert "checkbox" not in page
    assert "Give the selected people" not in page
    person("olga@example.com")
    page = stepped_up(signed_in(grace)).get(reverse("owner-proposals")).content.decode()
    assert "checkbox" in page
    assert "Give the selected people the grant" in page


def test_proposal_page_lists_and_confirms_owners(grace: User, olga: User) -> None:
    client, url = stepped_up(signed_in(grace)), reverse("owner-proposals")
    assert b"olga owns shop" in client.get(url).content
    answer = client.post(url, {"proposal": [f"100000000001:{olga.pk}"]}, follow=True)
    assert b"1 owners are confirmed" in answer.content
    stale = client.post(url, {"proposal": [f"100000000001:{olga.pk}"]})
    assert stale.status_code == 409
    assert signed_in(person("ada", (Role.AUDITOR, ScopeKind.ORGANIZATION, ORG))).get(url).status_code == 403
