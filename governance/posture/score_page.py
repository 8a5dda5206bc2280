"""The page of the scores and their parts."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.models import Account
from accounts.queries import visible_accounts
from governance.core.policy import Permission
from governance.identity.web import get_request_actor, permission_required
from governance.posture.scores import Score, compute_score
from scans.queries import cells, controls, coverage
from scans.queries.cells import NO_COUNTS, Counts
from scans.queries.coverage import OrganizationCoverage
from scans.queries.extent import Extent, extent_of


@dataclass(frozen=True, slots=True)
class ScoreLine:
    """One group of controls."""

    group: str
    name: str
    counts: Counts

    @property
    def score(self) -> Score:
        return compute_score(self.counts.scored)


@dataclass(frozen=True, slots=True)
class Scores:
    """total: every judged resource. read, extent: how much of the inventory was read for it."""

    lines: list[ScoreLine]
    total: Counts
    read: OrganizationCoverage
    extent: Extent

    @property
    def score(self) -> Score:
        return compute_score(self.total.scored)


@require_safe
@permission_required(Permission.ACCOUNT_VIEW)
def scores(request: HttpRequest) -> HttpResponse:
    visible = visible_accounts(get_request_actor(request))
    return render(request, "posture/scores.html", {"scores": load_scores(visible)})


def load_scores(visible: QuerySet[Account]) -> Scores:
    by_group: dict[str, Counts] = {}
    for control, counts in cells.count_by_control(cells.visible_totals(visible.order_by())).items():
        group = cells.group_of(control)
        by_group[group] = by_group.get(group, NO_COUNTS) + counts
    lines = [ScoreLine(group, controls.name_control_group(group), counts) for group, counts in sorted(by_group.items())]
    return Scores(
        lines, cells.sum_counts(by_group.values()), coverage.load_organization_coverage(visible), extent_of(visible)
    )
