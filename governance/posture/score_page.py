"""The page that says what a score is made of."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.models import Account
from accounts.queries import visible_accounts
from governance.core.policy import Permission
from governance.identity.web import actor_of_request, permission
from governance.posture.scores import Score, score_of
from scans.queries import cells, controls, coverage
from scans.queries.cells import NONE, Counts
from scans.queries.coverage import OrganizationCoverage
from scans.queries.extent import Extent, extent_of


@dataclass(frozen=True, slots=True)
class Line:
    """One group of controls."""

    group: str
    name: str
    counts: Counts

    @property
    def score(self) -> Score:
        return score_of(self.counts)


@dataclass(frozen=True, slots=True)
class Scores:
    """total: every resource that was judged. read, extent: how much of the inventory that rests on."""

    lines: list[Line]
    total: Counts
    read: OrganizationCoverage
    extent: Extent

    @property
    def score(self) -> Score:
        return score_of(self.total)


@require_safe
@permission(Permission.ACCOUNT_VIEW)
def scores(request: HttpRequest) -> HttpResponse:
    visible = visible_accounts(actor_of_request(request))
    return render(request, "posture/scores.html", {"scores": scores_of(visible)})


def scores_of(visible: QuerySet[Account]) -> Scores:
    by_group: dict[str, Counts] = {}
    for control, counts in cells.by_control(cells.totals_of(visible.order_by())).items():
        group = cells.group_of(control)
        by_group[group] = by_group.get(group, NONE) + counts
    lines = [Line(group, controls.name_of(group), counts) for group, counts in sorted(by_group.items())]
    return Scores(lines, cells.total(by_group.values()), coverage.of_organization(visible), extent_of(visible))
