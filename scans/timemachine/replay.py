"""Replays stored evidence with today's controls, and can update the Findings to match.

It makes no AWS call. A fact that a newer control needs and older evidence lacks is UNKNOWN.
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
    """The result of a replay. controls: for each control, outcomes by verdict and changes of Findings by event.

    unread: accounts without stored evidence. busy: accounts that a scan is reading now; that scan judges them.
    unreadable_evidence: account -> why some of its evidence can't be used any more.
    """

    controls: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    accounts: int = 0
    unread: list[str] = field(default_factory=list)
    busy: list[str] = field(default_factory=list)
    unreadable_evidence: dict[str, str] = field(default_factory=dict)

    def merge(self, other: ReplayTally) -> None:
        for id, counts in other.controls.items():
            self.controls[id].update(counts)
        self.accounts += other.accounts
        self.unread += other.unread
        self.busy += other.busy
        self.unreadable_evidence |= other.unreadable_evidence

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
    """The Accounts to judge again, sorted by id. Raises ScanRequestError for unknown ids."""
    refuse_unknown_ids("control", controls, registry.controls())
    chosen = choose_accounts(organization, accounts, ())
    mine = visible_accounts(actor, Permission.OUTCOME_EXPORT).order_by().values("pk")
    return chosen.filter(pk__in=mine).order_by("account_id")


def rejudge_accounts(
    accounts: QuerySet[Account], tally: ReplayTally, *, controls: Sequence[str] = (), moment: datetime | None = None
) -> Iterator[RejudgedAccount]:
    """Each Account's outcomes, from the evidence that was the latest at the moment.

    Accounts without usable evidence are recorded in the tally. One Account is in memory at a time.
    """
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
        tally.unreadable_evidence[account.account_id] = str(error)
        return None
    if found is None:
        tally.unread.append(account.account_id)
    elif found.unreadable_evidence:
        tally.unreadable_evidence[account.account_id] = "; ".join(
            dict.fromkeys(gap.sentence() for gap in found.unreadable_evidence)
        )
    return found


def chunk_accounts(accounts: QuerySet[Account]) -> Iterator[list[Account]]:
    """The accounts in chunks, each by its own query, so that no cursor stays open while rows are written."""
    after = ""
    while part := list(accounts.filter(account_id__gt=after)[:REPLAY_CHUNK_SIZE]):
        yield part
        after = part[-1].account_id


def preview_changes(found: RejudgedAccount, tally: ReplayTally, moment: datetime | None = None) -> FindingChanges:
    """What these outcomes would do to the Findings of now, or of that moment. Writes nothing."""
    batch = FindingChanges(scan=found.target.scan, account=found.account, at=found.at, replayed=True)
    known = load_known_findings(found.account, found.places) if moment is None else load_findings_at(found, moment)
    plan_changes(batch, found.reportable, found.complete_places, known, found.plan)
    # The facts that a Finding had on a past day are not stored, so only changes of its verdict can be compared.
    if moment is not None:
        batch.events = [event for event in batch.events if parse_event_kind(event.kind) is not Event.NOTE]
    tally.add(found.judged, batch)
    return batch


def load_findings_at(found: RejudgedAccount, moment: datetime) -> dict[str, Finding]:
    controls = {control for control, _ in found.places}
    rows = Finding.objects.filter(account=found.account, control__in=controls)
    known = {}
    for then in as_of.findings_at(rows, moment):
        row = then.finding
        row.state, row.verdict, row.reason = then.state, then.last_event.verdict, then.last_event.reason
        known[row.fingerprint] = row
    return known


def apply_replay(
    *, actor: Actor, organization: Organization, accounts: Sequence[str] = (), controls: Sequence[str] = ()
) -> ReplayTally:
    """Judge the newest evidence again and update Findings and cells, one transaction per Account.

    An Account that is being read now is left to its scan, which uses the same controls.
    Raises ScanRequestError for unknown ids, NotPermittedError.
    """
    chosen = choose_accounts(organization, accounts, ())
    refuse_unknown_ids("control", controls, registry.controls())
    require_scan_permission(actor, organization, list(chosen) if accounts else [], whole=not accounts)
    asked = {"accounts": list(accounts), "controls": sorted(set(controls))}
    subject = f"organization:{organization.org_id}"
    # Two audit events: the first survives if the replay is interrupted, the second has the result.
    with transaction.atomic():
        audit.record(actor=actor, action="evidence.replay", subject=subject, **asked)
    tally = ReplayTally()
    for part in chunk_accounts(chosen.order_by("account_id")):
        for account in part:
            apply_to_account(account, tally, controls)
    with transaction.atomic():
        result = {**asked, "replayed": tally.accounts, "changes": dict(tally.changes()), "busy": tally.busy}
        audit.record(actor=actor, action="evidence.replayed", subject=subject, **result)
    return tally


def apply_to_account(account: Account, tally: ReplayTally, controls: Sequence[str]) -> None:
    with transaction.atomic():
        # A scan that finishes this Account updates the same row at its end, so it waits for this transaction or this
        # one for it.
        Account.objects.select_for_update(of=("self",)).get(pk=account.pk)
        if is_being_read(account):
            tally.busy.append(account.account_id)
            return
        found = rejudge_into_tally(account, as_of.layers_of([account]).get(account.pk, []), tally, controls)
        if found is None:
            return
        batch = FindingChanges(scan=found.target.scan, account=account, at=timezone.now(), replayed=True)
        known = load_known_findings(account, found.places)
        plan_changes(batch, found.reportable, found.complete_places, known, found.plan)
        tally.add(found.judged, batch)
        limited = {(item.control.id, item.region) for item, _ in found.limited}
        persist_changes(batch, [item for item, _ in found.reportable], found.places, limited)


def is_being_read(account: Account) -> bool:
    """Whether a worker is reading it, or its Scan is in the cross-account evaluation."""
    return account.targets.filter(Q(state="running") | Q(scan__state="joining")).exists()
