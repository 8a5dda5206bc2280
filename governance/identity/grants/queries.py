"""Grants for pages: the filters of the list, and each with the name of its place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields

from django.core.exceptions import BadRequest
from django.db.models import QuerySet
from django.utils import timezone

from governance.core.policy import Role
from governance.identity.grants.scopes import inventory
from governance.identity.grants.services import current
from governance.identity.models import Grant

SIZE = 50
HOLDING = ("now", "ended", "all")


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
        if values["holds"] not in HOLDING or values["role"] not in {"", *Role} or "\x00" in values["user"]:
            raise BadRequest(f"holds is one of {', '.join(HOLDING)}; role is one of {', '.join(Role)}.")
        return cls(**values)

    def given(self) -> dict[str, str]:
        return {name: value for name, value in asdict(self).items() if value != getattr(GrantFilter(), name)}

    def rows(self, grants: QuerySet[Grant]) -> QuerySet[Grant]:
        holding = current(timezone.now()).values("pk")
        if self.holds != "all":
            grants = grants.filter(pk__in=holding) if self.holds == "now" else grants.exclude(pk__in=holding)
        if self.user:
            grants = grants.filter(user__username__icontains=self.user)
        return (grants.filter(role=self.role) if self.role else grants).order_by("-id")


@dataclass(frozen=True, slots=True)
class Line:
    """A Grant, the name of where it is, and whether it holds now."""

    grant: Grant
    place: str
    holds: bool


@dataclass(frozen=True, slots=True)
class Page:
    lines: list[Line]
    last: int | None  # the id that the next page starts below; None: this is the last page


def page_of(rows: QuerySet[Grant], below: int | None) -> Page:
    found = list((rows.filter(pk__lt=below) if below is not None else rows)[: SIZE + 1])
    return Page(lines_of(found[:SIZE]), found[SIZE - 1].pk if len(found) > SIZE else None)


def lines_of(grants: Iterable[Grant]) -> list[Line]:
    found = list(grants)
    spots = inventory().locate((grant.scope_kind, grant.scope_id) for grant in found)
    holding = set(current(timezone.now()).filter(pk__in=[grant.pk for grant in found]).values_list("pk", flat=True))
    lines = []
    for grant in found:
        spot = spots.get((grant.scope_kind, grant.scope_id))
        place = spot.name if spot else f"{grant.scope_kind} {grant.scope_id} (not in the inventory)"
        lines.append(Line(grant, place, grant.pk in holding))
    return lines
