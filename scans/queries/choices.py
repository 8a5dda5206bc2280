"""Loads the choices for the filters of a list."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import QuerySet

from accounts.models import Account, Organization
from scans.domain.control import Severity
from scans.domain.evidence import GLOBAL
from scans.queries import controls, unit_choices
from scans.queries.findings import FINDING_VERDICTS, STATES, FindingFilter, list_coverages

Options = list[tuple[str, str]]
# With more accounts than this, no suggestions are loaded, because the list would be too long to use.
SUGGESTED_ACCOUNTS = 200


@dataclass(frozen=True, slots=True)
class Choices:
    """The value and label of each option; controls are grouped. suggested: accounts for completing a typed id."""

    controls: list[tuple[str, str, Options]]
    ous: Options
    regions: list[str]
    severities: list[str]
    states: tuple[str, ...]
    verdicts: tuple[str, ...]
    coverages: tuple[str, ...]
    suggested: Options


def choices_for(visible: QuerySet[Account], wanted: FindingFilter) -> Choices:
    suggested = list(visible.order_by("name").values_list("account_id", "name")[: SUGGESTED_ACCOUNTS + 1])
    regions = [GLOBAL, *list_visible_regions(visible)]
    # A region from a bookmarked URL stays selectable, even if no visible account has it any more.
    if wanted.region and wanted.region not in regions:
        regions.append(wanted.region)
    return Choices(
        controls=controls.list_control_choices(),
        ous=[(unit.ou_id, unit.label) for unit in unit_choices.list_unit_choices(visible)],
        regions=regions,
        severities=[str(severity) for severity in Severity],
        states=STATES,
        verdicts=FINDING_VERDICTS,
        coverages=list_coverages(),
        suggested=suggested if len(suggested) <= SUGGESTED_ACCOUNTS else [],
    )


def list_visible_regions(visible: QuerySet[Account]) -> list[str]:
    """Every region of the partitions that these accounts are in."""
    from accounts.aws.endpoints import list_published_regions

    partitions = Organization.objects.filter(accounts__in=visible.order_by().values("pk")).values_list("partition")
    return sorted({region for (partition,) in partitions.distinct() for region in list_published_regions(partition)})
