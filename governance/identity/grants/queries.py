"""Grants for pages: the filters of the list, and each with the name of its place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields

from django.core.exceptions import BadRequest
from django.db.models import QuerySet
from django.utils import timezone

from governance.core.policy import Role
from governance.identity.grants.scopes import get_scope_inventory
from governance.identity.grants.services import current_grants
from governance.identity.models import Grant

GRANT_PAGE_SIZE = 50
HOLDING_CHOICES = ("now", "ended", "all")


@dataclass(frozen=True, slots=True)
class GrantFilter:
    """user: part of a user name. holds: now, ended or all."""

    user: str = ""
    role: str = ""
    holds: str = "now"

    @classmethod
    def parse(cls, given: Mapping[str, str]) -> GrantFilter:
        """From a URL's query. Raises BadRequest."""
        values = {f.name: given.get(f.name, "").strip() for f in fields(cls)}
        values["holds"] = values["holds"] or "now"
        if values["holds"] not in HOLDING_CHOICES or values["role"] not in {"", *Role} or "\x00" in values["user"]:
            raise BadRequest(f"holds is one of {', '.join(HOLDING_CHOICES)}; role is one of {', '.join(Role)}.")
        return cls(**values)

    def given(self) -> dict[str, str]:
        return {name: value for name, value in asdict(self).items() if value != getattr(GrantFilter(), name)}

    def rows(self, grants: QuerySet[Grant]) -> QuerySet[Grant]:
        holding = current_grants(timezone.now()).values("pk")
        if self.holds != "all":
            grants = grants.filter(pk__in=holding) if self.holds == "now" else grants.exclude(pk__in=holding)
        if self.user:
            grants = grants.filter(user__username__icontains=self.user)
        return (grants.filter(role=self.role) if self.role else grants).order_by("-id")


@dataclass(frozen=True, slots=True)
class GrantLine:
    """A Grant, the name of where it is, and whether it holds now."""

    grant: Grant
    place: str
    holds: bool


@dataclass(frozen=True, slots=True)
class GrantPage:
    lines: list[GrantLine]
    last: int | None  # the id that the next page starts below; None: this is the last page


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
        place = spot.name if spot else f"{grant.scope_kind} {grant.scope_id} (not in the inventory)"
        lines.append(GrantLine(grant, place, grant.pk in holding))
    return lines
