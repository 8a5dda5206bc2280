"""Proposes several tickets at once, each (account, control, region) by itself, so that one refusal stops no other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from exceptions.errors import WorkflowError
from exceptions.models import Ticket
from exceptions.tickets import lifecycle
from governance.core.policy import Actor, NotPermittedError
from scans.models import Finding


@dataclass(frozen=True, slots=True)
class ProposalResult:
    """The result for one group of findings: a ticket, or why there is none."""

    findings: list[Finding]
    ticket: Ticket | None
    why_not: str


def propose_each(*, actor: Actor, findings: Iterable[Finding], tracker: str, note: str) -> list[ProposalResult]:
    groups: dict[tuple[int, str, str], list[Finding]] = defaultdict(list)
    for finding in findings:
        groups[finding.account_id, finding.control, finding.region].append(finding)
    return [propose_group(actor, group, tracker, note) for group in groups.values()]


def propose_group(actor: Actor, group: list[Finding], tracker: str, note: str) -> ProposalResult:
    try:
        [made] = lifecycle.propose_tickets(actor=actor, findings=group, tracker=tracker, note=note)
    except (WorkflowError, NotPermittedError) as error:
        return ProposalResult(group, None, str(error))
    return ProposalResult(group, made, "")
