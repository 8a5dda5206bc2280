"""The replay: judges stored evidence again with today's controls, and, if asked, brings Findings in line.

No AWS call. What a newer control asks for and older evidence lacks is UNKNOWN, "not collected then".
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.models import Account, Organization
from accounts.queries import visible_accounts
from governance.core import audit
from governance.core.policy import Actor, Permission
from scans import registry
from scans.domain.engine import JudgedOutcome
from scans.domain.lifecycle import Event, parse_event_kind
from scans.models import Finding, Target
from scans.pipeline.reconcile import FindingChanges, load_known_findings, persist_changes, plan_changes
from scans.pipeline.start import choose_accounts, refuse_unknown_ids, require_scan_permission
from scans.timemachine import as_of
from scans.timemachine.rejudge import EvidenceLostError, RejudgedAccount, rejudge_account

REPLAY_CHUNK_SIZE = 100  # accounts whose Targets are looked up at once; one is judged at a time


@dataclass(slots=True)
class ReplayTally:
    """By control: outcomes by verdict, and what would happen (or happened) to Findings, by event.

    unread: accounts of which nothing is kept. busy: accounts that are being read right now, whose scan
    judges them with today's controls itself. lost: accounts with evidence that can't be read any more."""

    controls: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    accounts: int = 0
    unread: list[str] = field(default_factory=list)
    busy: list[str] = field(default_factory=list)
    lost: dict[str, str] = field(default_factory=dict)

    def merge(self, other: ReplayTally) -> None:
        for id, counts in other.controls.items():
            self.controls[id].update(counts)
        self.accounts += other.accounts
        self.unread += other.unread
        self.busy += other.busy
        self.lost |= other.lost

    def changes(self) -> Counter[str]:
        """Findings by event, over all controls."""
        total: Counter[str] = Counter()
        for counts in self.controls.values():
            total.update({key: n for key, n in counts.items() if key in set(Event)})
        return total

    def add(self, judged: Sequence[JudgedOutcome], batch: FindingChanges) -> None:
        self.accounts += 1
        for item in judged:
            self.controls[item.control.id][item.outcome.verdict] += 1
        for event in batch.events:
            self.controls[event.finding.control][parse_event_kind(event.kind)] += 1


def choose_replay_accounts(
    actor: Actor, organization: Organization, *, accounts: Sequence[str] = (), controls: Sequence[str] = ()
) -> QuerySet[Account]:
    """The Accounts to be judged again, in the order of their ids. Raises ScanRequestError for unknown ids."""
    refuse_unknown_ids("control", controls, registry.controls())
    chosen = choose_accounts(organization, accounts, ())
    mine = visible_accounts(actor, Permission.OUTCOME_EXPORT).order_by().values("pk")
    return chosen.filter(pk__in=mine).order_by("account_id")


def rejudge_accounts(
    accounts: QuerySet[Account], tally: ReplayTally, *, controls: Sequence[str] = (), moment: datetime | None = None
) -> Iterator[RejudgedAccount]:
    """Each Account's outcomes, from the evidence that was the latest at the moment. What there is none of
    goes to the tally. One Account is in memory at a time."""
    for part in chunk_accounts(accounts):
        layers = as_of.layers_of(part, moment)
        for account in part:
            found = rejudge_into_tally(account, layers.get(account.pk, []), tally, controls)
            if found is not None:
                yield found


def rejudge_into_tally(
    account: Account, layers: Sequence[Target], tally: ReplayTally, controls: Sequence[str]
) -> RejudgedAccount | None:
    try:
        found = rejudge_account(account, layers, controls)
    except EvidenceLostError as error:
        tally.lost[account.account_id] = str(error)
        return None
    if found is None:
        tally.unread.append(account.account_id)
    elif found.lost:
        tally.lost[account.account_id] = "; ".join(dict.fromkeys(gap.sentence() for gap in found.lost))
    return found


def chunk_accounts(accounts: QuerySet[Account]) -> Iterator[list[Account]]:
    """By id, so that no cursor stays open while rows are written."""
    after = ""
    while part := list(accounts.filter(account_id__gt=after)[:REPLAY_CHUNK_SIZE]):
        yield part
        after = part[-1].account_id


def preview_changes(found: RejudgedAccount, tally: ReplayTally, moment: datetime | None = None) -> FindingChanges:
    """What these outcomes would do to the Findings, as they stand or as they stood. Writes nothing."""
    batch = FindingChanges(scan=found.target.scan, account=found.account, at=found.at, replayed=True)
    known = load_known_findings(found.account, found.places) if moment is None else load_findings_at(found, moment)
    plan_changes(batch, found.told, found.sure, known)
    if moment is not None:  # what a finding's facts were is not kept: only verdicts can be compared
        batch.events = [event for event in batch.events if parse_event_kind(event.kind) is not Event.NOTE]
    tally.add(found.judged, batch)
    return batch


def load_findings_at(found: RejudgedAccount, moment: datetime) -> dict[str, Finding]:
    controls = {control for control, _ in found.places}
    rows = Finding.objects.filter(account=found.account, control__in=controls)
    known = {}
    for then in as_of.findings_at(rows, moment):
        row = then.finding
        row.state, row.verdict, row.reason = then.state, then.said.verdict, then.said.reason
        known[row.fingerprint] = row
    return known


def apply_replay(
    *, actor: Actor, organization: Organization, accounts: Sequence[str] = (), controls: Sequence[str] = ()
) -> ReplayTally:
    """Judge the newest evidence again and bring Findings and cells in line, an Account a transaction.

    Raises ScanRequestError for unknown ids, NotPermittedError. An Account that is being read right now is
    left alone: whoever reads it judges it by the same controls."""
    chosen = choose_accounts(organization, accounts, ())
    refuse_unknown_ids("control", controls, registry.controls())
    require_scan_permission(actor, organization, list(chosen) if accounts else [], whole=not accounts)
    asked = {"accounts": list(accounts), "controls": sorted(set(controls))}
    subject = f"organization:{organization.org_id}"
    with transaction.atomic():
        audit.record(actor=actor, action="evidence.replay", subject=subject, **asked)
    tally = ReplayTally()
    for part in chunk_accounts(chosen.order_by("account_id")):
        for account in part:
            apply_to_account(account, tally, controls)
    with transaction.atomic():
        said = {**asked, "replayed": tally.accounts, "changes": dict(tally.changes()), "busy": tally.busy}
        audit.record(actor=actor, action="evidence.replayed", subject=subject, **said)
    return tally


def apply_to_account(account: Account, tally: ReplayTally, controls: Sequence[str]) -> None:
    with transaction.atomic():
        # A scan that finishes this Account writes the same row last, so it can't slip in between.
        Account.objects.select_for_update(of=("self",)).get(pk=account.pk)
        if is_being_read(account):
            tally.busy.append(account.account_id)
            return
        found = rejudge_into_tally(account, as_of.layers_of([account]).get(account.pk, []), tally, controls)
        if found is None:
            return
        batch = FindingChanges(scan=found.target.scan, account=account, at=timezone.now(), replayed=True)
        plan_changes(batch, found.told, found.sure, load_known_findings(account, found.places))
        tally.add(found.judged, batch)
        limited = {(item.control.id, item.region) for item, _ in found.limited}
        persist_changes(batch, [item for item, _ in found.told], found.places, limited)


def is_being_read(account: Account) -> bool:
    """Is a worker at it, or is its Scan judging what only the whole organization can tell?"""
    return account.targets.filter(Q(state="running") | Q(scan__state="joining")).exists()
