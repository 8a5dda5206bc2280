"""No sequence of acts by anybody reaches what must never be. The acts go through the services, as pages and API do."""

from __future__ import annotations

import contextlib
from datetime import timedelta

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exceptions.common.finding_overlays import in_force
from exceptions.errors import WorkflowError
from exceptions.models import Cover, Decision, ExceptionRequest, Ticket
from exceptions.requests import deciding, drafting, expiry, renewing
from exceptions.tickets import lifecycle, verification
from governance.core.models import AuditEvent
from governance.core.policy import NotPermittedError
from governance.core.states import EXCEPTION, TICKET
from governance.identity.factors.step_up import StepUpRequiredError
from scans.hooks import extensions
from scans.models import Finding, Scan
from tests.support.examples import examples
from tests.support.inventory import make
from tests.support.overlays import find_overlay
from tests.support.story import Cast, acting, cast, show_snapshot

REFUSALS = (WorkflowError, NotPermittedError, StepUpRequiredError)
PEOPLE = ("owner", "approver", "second", "admin", "outsider")
ACTS = (
    "submit", "approve", "reject", "request_changes", "reapprove", "revoke", "withdraw", "change", "renew", "drift",
    "pass_time", "tick", "propose", "ticket_approve", "ticket_reject", "start", "claim", "rescan_passes", "rescan_fails",
    "rescan_unknown", "cancel", "superseded",
)  # fmt: skip

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


class Play:
    """One organization in which people do things, allowed or not."""

    def __init__(self, people: Cast) -> None:
        self.people = people
        self.finding = people.inventory.secret
        self.request = people.drafted()
        self.shifts = 0

    def act(self, name: str, who: str, fresh: bool) -> None:
        self.request.refresh_from_db()
        with contextlib.suppress(REFUSALS):
            getattr(self, name, self.decide_as(name))(acting(getattr(self.people, who), fresh=fresh))

    def decide_as(self, name: str):
        def decide(actor):
            digest, body = show_snapshot(self.request)
            deciding.decide_request(
                actor=actor, request=self.request, act=name, version=body["version"], digest=digest, comment="because"
            )

        return decide

    def submit(self, actor) -> None:
        drafting.submit(actor=actor, request=self.request, version=self.request.version)

    def revoke(self, actor) -> None:
        digest, body = show_snapshot(self.request)
        deciding.revoke_request(
            actor=actor, request=self.request, version=body["version"], digest=digest, comment="because"
        )

    def withdraw(self, actor) -> None:
        drafting.withdraw(actor=actor, request=self.request, version=self.request.version)

    def change(self, actor) -> None:
        wanted = self.people.wanted()
        drafting.change_draft(actor=actor, request=self.request, version=self.request.version, wanted=wanted)

    def renew(self, actor) -> None:
        end = timezone.now() + timedelta(days=60)
        why = self.request.justification
        self.request = renewing.draft_renewal(actor=actor, request=self.request, expires_at=end, justification=why)

    def drift(self, actor) -> None:
        self.shifts += 1
        Finding.objects.filter(pk=self.finding.pk).update(facts={"shift": self.shifts})
        self.read()

    def pass_time(self, actor) -> None:
        for request in ExceptionRequest.objects.exclude(starts_at=None).exclude(expires_at=None):
            window = {
                "starts_at": request.starts_at - timedelta(days=15),
                "expires_at": request.expires_at - timedelta(days=15),
            }
            ExceptionRequest.objects.filter(pk=request.pk).update(**window)
            Cover.objects.filter(request=request).update(**window)

    def tick(self, actor) -> None:
        expiry.process_due_requests()

    def propose(self, actor) -> None:
        self.finding.refresh_from_db()
        lifecycle.propose_tickets(actor=actor, findings=[self.finding])

    def ticket(self) -> Ticket:
        ticket = Ticket.objects.order_by("-id").first()
        if ticket is None:
            raise WorkflowError("there is no ticket yet")
        return ticket

    def ticket_approve(self, actor) -> None:
        ticket = self.ticket()
        lifecycle.approve(actor=actor, ticket=ticket, version=ticket.version)

    def ticket_reject(self, actor) -> None:
        ticket = self.ticket()
        lifecycle.reject(actor=actor, ticket=ticket, version=ticket.version, reason="because")

    def start(self, actor) -> None:
        ticket = self.ticket()
        lifecycle.start_work(actor=actor, ticket=ticket, version=ticket.version)

    def cancel(self, actor) -> None:
        ticket = self.ticket()
        lifecycle.cancel(actor=actor, ticket=ticket, version=ticket.version, reason="because")

    def claim(self, actor) -> None:
        ticket = self.ticket()
        verification.claim_fix(actor=actor, ticket=ticket, version=ticket.version)

    def rescan_passes(self, actor) -> None:
        Finding.objects.filter(pk=self.finding.pk).update(
            state="resolved", verdict="pass", resolution="fixed", evidence="p" * 64
        )
        self.read()
        self.end_scan("done")

    def rescan_fails(self, actor) -> None:
        Finding.objects.filter(pk=self.finding.pk).update(state="open", verdict="fail", resolution="")
        self.read()
        self.end_scan("done")

    def superseded(self, actor) -> None:
        Finding.objects.filter(pk=self.finding.pk).update(state="resolved", resolution="superseded")
        self.read()

    def rescan_unknown(self, actor) -> None:
        self.end_scan("partial")

    def read(self) -> None:
        self.finding.refresh_from_db()
        for listen in extensions.required().after_reconcile:
            listen(self.people.inventory.shop, [self.finding], [self.finding])

    def end_scan(self, state: str) -> None:
        ticket = self.ticket()
        if ticket.verification is None:
            return
        ticket.verification.targets.update(state="done")
        Scan.objects.filter(pk=ticket.verification_id).update(state=state)
        ticket.verification.refresh_from_db()
        for listen in extensions.required().after_completion:
            listen(ticket.verification)

    def check(self) -> None:
        now = timezone.now()
        self.finding.refresh_from_db()
        for decision in Decision.objects.select_related("request"):
            assert decision.by_id not in {
                decision.request.requested_by_id,
                self.people.owner.pk,
                self.people.outsider.pk,
            }
            assert decision.at - decision.second_factor_at < timedelta(minutes=5)
        for cover in Cover.objects.filter(in_force(now)).select_related("request"):
            assert cover.request.state == "approved"
            assert cover.request.starts_at <= now < cover.request.expires_at
            approvals = cover.request.decisions.filter(round=cover.request.round, act__in=["approve", "reapprove"])
            assert approvals.count() >= cover.request.quorum
        overlay = find_overlay(self.finding, now)
        if overlay is not None and overlay.kind == "excepted":
            assert ExceptionRequest.objects.get(pk=overlay.request).state == "approved"
        for ticket in Ticket.objects.filter(state="closed"):
            assert not ticket.items.filter(proof="").exists()
        for kind, machine, rows in (
            ("exceptionrequest", EXCEPTION, ExceptionRequest.objects.exclude(state="draft")),
            ("ticket", TICKET, Ticket.objects.exclude(state="proposed")),
        ):
            for row in rows:
                events = AuditEvent.objects.filter(subject=f"{kind}:{row.pk}", action__startswith=f"{kind}.")
                moves = [a.partition(".")[2] for a in events.order_by("seq").values_list("action", flat=True)]
                last = [m for m in moves if m in machine.moves][-1]
                assert machine.target(last) == row.state, (row, moves)


@settings(max_examples=examples(40), deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(st.sampled_from(ACTS), st.sampled_from(PEOPLE), st.booleans()), max_size=25))
def test_no_act_sequence_reaches_a_forbidden_state(acts: list[tuple[str, str, bool]]) -> None:
    from django.db import transaction

    with transaction.atomic():
        play = Play(cast(make()))
        for name, who, fresh in acts:
            play.act(name, who, fresh)
            play.check()
        transaction.set_rollback(True)


def test_a_long_story_with_every_act_reaches_every_end() -> None:
    """So that the property above is not kept by refusing everything."""
    play = Play(cast(make()))
    reached: set[str] = set()
    story = [
        ("submit", "owner"), ("request_changes", "approver"), ("change", "owner"), ("submit", "owner"), ("approve", "second"),
        ("drift", "owner"), ("reapprove", "approver"), ("renew", "owner"), ("submit", "owner"), ("approve", "approver"),
        ("propose", "owner"), ("ticket_approve", "approver"), ("start", "owner"), ("claim", "owner"), ("rescan_fails", "owner"),
        ("claim", "owner"), ("rescan_unknown", "owner"), ("rescan_passes", "owner"), ("pass_time", "owner"), ("pass_time", "owner"),
        ("tick", "owner"), ("revoke", "admin"), ("rescan_fails", "owner"), ("propose", "owner"), ("superseded", "owner"),
    ]  # fmt: skip
    for name, who in story:
        play.act(name, who, True)
        play.check()
        reached |= set(ExceptionRequest.objects.values_list("state", flat=True)) | set(
            Ticket.objects.values_list("state", flat=True)
        )
    assert reached >= {
        "draft", "submitted", "changes_requested", "approved", "suspended", "proposed", "open", "in_progress", "verifying",
        "fix_claimed", "closed", "revoked", "cancelled",
    }  # fmt: skip
