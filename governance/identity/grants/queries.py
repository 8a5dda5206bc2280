"""Queries of Grants for pages: the filters of the list, and lines with the name of the scope."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import QuerySet
from django.utils import timezone

from governance.core.list_filters import ListFilter, filter_field
from governance.core.policy import Role, ScopeKind
from governance.identity.grants.scopes import get_scope_inventory
from governance.identity.grants.services import SCOPE_KIND_NAMES, current_grants
from governance.identity.models import Grant

GRANT_PAGE_SIZE = 50
HOLDING_CHOICES = ("now", "ended", "all")
CHOICE_PROBLEM = f"holds is one of {', '.join(HOLDING_CHOICES)}; role is one of {', '.join(Role)}."


@dataclass(frozen=True, slots=True)
class GrantFilter(ListFilter):
    """user: part of a user name. holds: now, ended or all."""

    user: str = filter_field()
    role: str = filter_field(choices=tuple(Role), problem=CHOICE_PROBLEM)
    holds: str = filter_field("now", choices=HOLDING_CHOICES, problem=CHOICE_PROBLEM)

    def rows(self, grants: QuerySet[Grant]) -> QuerySet[Grant]:
        holding = current_grants(timezone.now()).values("pk")
        if self.holds != "all":
            grants = grants.filter(pk__in=holding) if self.holds == "now" else grants.exclude(pk__in=holding)
        if self.user:
            grants = grants.filter(user__username__icontains=self.user)
        return (grants.filter(role=self.role) if self.role else grants).order_by("-id")


@dataclass(frozen=True, slots=True)
class GrantLine:
    """A Grant, the name of its scope, and whether it is active."""

    grant: Grant
    place: str
    holds: bool


@dataclass(frozen=True, slots=True)
class GrantPage:
    lines: list[GrantLine]
    last: int | None  # the next page starts below this id; None: this is the last page


def paginate_grants(rows: QuerySet[Grant], below: int | None) -> GrantPage:
    found = list((rows.filter(pk__lt=below) if below is not None else rows)[: GRANT_PAGE_SIZE + 1])
    return GrantPage(
        build_grant_lines(found[:GRANT_PAGE_SIZE]),
        found[GRANT_PAGE_SIZE - 1].pk if len(found) > GRANT_PAGE_SIZE else None,
    )


def build_grant_lines(grants: Iterable[Grant]) -> list[GrantLine]:
    found = list(grants)
    spots = get_scope_inventory().locate((grant.scope_kind, grant.scope_id) for grant in found)
    holding = set(
        current_grants(timezone.now()).filter(pk__in=[grant.pk for grant in found]).values_list("pk", flat=True)
    )
    lines = []
    for grant in found:
        spot = spots.get((grant.scope_kind, grant.scope_id))
        kind = SCOPE_KIND_NAMES[ScopeKind(grant.scope_kind)]
        place = spot.name if spot else f"{kind} {grant.scope_id} (not in the inventory)"
        lines.append(GrantLine(grant, place, grant.pk in holding))
    return lines
