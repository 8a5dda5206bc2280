"""Claims, extends and ends the lease on one Target. Its token rejects the writes of a worker that lost the lease."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import models
from django.utils import timezone

from accounts.aws.reader import Counters
from governance.core.claims import claim_rows, extend_claim
from governance.core.states import TARGET
from scans.models import Target
from scans.pipeline.heartbeat import LEASE_DURATION
from scans.pipeline.leases import lease_owner


@dataclass(frozen=True, slots=True)
class Lease:
    """A claim on a Target. The highest token owns it; a holder of an older token can write nothing."""

    target_id: int
    token: int

    def held_target(self) -> models.QuerySet[Target]:
        return Target.objects.filter(pk=self.target_id, token=self.token, state="running")

    def extend(self) -> None:
        extend_claim(self.held_target(), LEASE_DURATION)


class LeaseLostError(Exception):
    """Another worker owns the Target now, or it was cancelled. Nothing may be written."""


def claim_target(target_id: int) -> Lease | None:
    """Claim a queued Target, or one whose lease has expired. None: another worker has it, or it has ended."""
    now = timezone.now()
    free = models.Q(state="queued") | models.Q(state="running", lease_until__lt=now)
    # The new token invalidates a worker that still runs after its lease expired.
    claimed = claim_rows(
        Target.objects.filter(free, pk=target_id, scan__state__in=["queued", "running", "joining"]),
        now + LEASE_DURATION,
        state=TARGET.target("claim"),
        owner=lease_owner(),
        token=models.F("token") + 1,
        attempts=models.F("attempts") + 1,
        started_at=now,
    )
    if not claimed:
        return None
    return Lease(target_id, Target.objects.values_list("token", flat=True).get(pk=target_id))


def end_target(lease: Lease, event: str, counters: Counters, **fields: Any) -> None:
    written: dict[str, Any] = {"finished_at": timezone.now(), "lease_until": None, **fields}
    ended = lease.held_target().update(
        state=TARGET.target(event),
        calls=models.F("calls") + counters.calls,
        retries=models.F("retries") + counters.retries,
        **written,
    )
    if not ended:
        # Rolls the caller's transaction back, so a worker that lost its lease writes nothing at all.
        raise LeaseLostError(f"target {lease.target_id} is no longer ours")
