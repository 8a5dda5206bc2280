"""Queries about users: their actors, grants, tokens, factors and identities."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.db.models import QuerySet
from django.utils import timezone

from governance.core.policy import (
    Actor,
    GrantFact,
    Permission,
    Role,
    ScopeKind,
    is_permitted_org_wide,
    known_permissions,
)
from governance.identity.models import ApiToken, User


def build_actor(user: User) -> Actor:
    """The User as the policy sees them, with their present grants."""
    grants = tuple(list_grant_facts(user))
    return Actor(name=user.get_username(), grants=grants, user_id=user.pk, now=timezone.now())


def list_grant_facts(user: User) -> Iterator[GrantFact]:
    """The User's Grants, in one query. A lent one ends with the Grant that it was lent from, at the latest."""
    for grant in user.grants.filter(ended_at=None).select_related("delegated_from__user"):
        role, scope, source = Role(grant.role), ScopeKind(grant.scope_kind), grant.delegated_from
        if source is None:
            yield GrantFact(role, scope, grant.scope_id, grant.ends_at)
        # A lent grant is valid only while its lender is active and holds the original; both are read anew each time.
        elif source.ended_at is None and source.user.is_active:
            ends = min(end for end in (grant.ends_at, source.ends_at) if end is not None)
            yield GrantFact(role, scope, grant.scope_id, ends, lent_by=source.user_id)


def build_token_actor(token: ApiToken) -> Actor:
    """The service account behind a token: its own Grants, limited to the token's permissions and places."""
    return replace(
        build_actor(token.service),
        token_id=token.pk,
        scopes=known_permissions(token.permissions),
        # The role of these facts isn't used: they limit places, and the account's own Grants decide about permissions.
        within=tuple(GrantFact(Role.INTEGRATION, ScopeKind(kind), scope_id) for kind, scope_id in token.scopes),
    )


def visible_people(actor: Actor, now: datetime) -> QuerySet[User]:
    """All users, for readers with the permission over a whole organization; none for others."""
    may = is_permitted_org_wide(actor, Permission.USER_VIEW, now)
    return User.objects.select_related("responsible") if may else User.objects.none()


def visible_tokens(actor: Actor, now: datetime) -> QuerySet[ApiToken]:
    may = is_permitted_org_wide(actor, Permission.TOKEN_VIEW, now)
    return ApiToken.objects.select_related("service__responsible") if may else ApiToken.objects.none()


def list_factors(user: User) -> list[Authenticator]:
    """The person's second factors, including the recovery codes, oldest first."""
    return list(Authenticator.objects.filter(user=user).order_by("created_at"))


def list_identities(user: User) -> list[SocialAccount]:
    """The person's single sign-on identities."""
    return list(SocialAccount.objects.filter(user=user).order_by("pk"))
