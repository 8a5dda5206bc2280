"""The served account of tests.whole.one_account, scanned in process: whole, or only what a fault can touch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError
from django.db import transaction
from django.test import override_settings
from django.utils import timezone

from accounts.aws import call_rates, retry, session
from accounts.aws.organizations import discover_organization
from accounts.models import Organization
from accounts.services import apply_discovery
from demo.cloud.faults import Fault
from demo.company import Running
from governance.core.policy import SYSTEM
from scans import registry
from scans.collectors import ssm_nodes
from scans.collectors.lib import text_reading
from scans.domain.collector import Call
from scans.domain.evidence import Evidence
from scans.domain.region_access import ACCESS_COLLECTOR
from scans.models import Scan, Target
from scans.pipeline import account_reader, completion, target_evaluation, target_plan, target_worker
from scans.pipeline.role_sessions import RoleSessions
from scans.pipeline.start import start_scan
from scans.timemachine.outcomes import iterate_outcomes
from tests.whole import one_account
from tests.whole.tape import Tape

SERVICES = {"s3-control": "s3control", "resource-groups-tagging-api": "resourcegroupstaggingapi"}
SERVICES |= {"cloudwatch-logs": "logs", "route-53": "route53"}
Outcomes = dict[tuple[str, str, str], dict[str, Any]]
Evidences = dict[account_reader.EvidenceKey, Evidence]
Reshape = Callable[[dict[str, Any]], dict[str, Any]]


@dataclass
class Scene:
    """evidences, outcomes: of a scan without a fault."""

    running: Running
    organization: Organization
    timing_out: set[str] = field(default_factory=set)
    reshaping: dict[str, Reshape] = field(default_factory=dict)
    evidences: Evidences = field(default_factory=dict)
    outcomes: Outcomes = field(default_factory=dict)
    target: Target = field(default_factory=Target)

    @property
    def region(self) -> str:
        return self.running.plan.regions[0]

    def scan(self) -> Scan:
        return scan_here(self.organization)

    @cached_property
    def sessions(self) -> Any:
        return target_plan.prepare_scan_sessions(self.target, set(registry.collectors()))

    def collect(self, call: Call) -> Evidences:
        """What the collectors that this call touches read now."""
        return collect_again(self.target, self.sessions, touched(call), self.evidences)

    def strike(self, kind: str, call: Call) -> None:
        if kind == "timeout":
            self.timing_out.add(call.api)
        else:
            self.running.server.front.faults.add(Fault(kind, api=call.api))

    def heal(self) -> None:
        self.timing_out.clear()
        self.reshaping.clear()
        self.running.server.front.faults.clear()
        ssm_nodes._encrypting.clear()

    def time_out(self, request: Any, event_name: str, **_: Any) -> None:
        """Raises what botocore raises, without the wait."""
        if api_of(event_name) in self.timing_out:
            raise ReadTimeoutError(endpoint_url=request.url)

    def learn(self) -> None:
        """Scan without a fault; the second time, who points at which bucket is known from the start."""
        self.scan()
        self.heal()
        scan = self.scan()
        # S3 never lets it look at the partner's bucket.
        assert [gap["api"] for gap in scan.targets.get().gaps] == ["s3.HeadBucket"]
        self.heal()
        self.outcomes = by_identity(scan)
        self.target = scan.targets.select_related("scan__organization", "account__organization").get()
        self.evidences = self.collect(next(iter(registry.calls())))


def scan_here(organization: Organization, **asked: Any) -> Scan:
    """A whole Scan in this thread."""
    scan = start_scan(actor=SYSTEM, organization=organization, **asked)
    while scan.state == "running":
        for target in scan.targets.filter(state="queued"):
            target_worker.run_target(target.pk)
        completion.advance_scan(scan.pk)
        scan.refresh_from_db()
    return scan


def collect_again(target: Target, sessions: RoleSessions, collectors: set[str], before: Evidences) -> Evidences:
    """What these collectors read now, and what the others read before."""
    plan = target_plan.plan_collection(
        target, target_evaluation.select_scan_controls(target.scan), account_reader.Counters()
    )
    plan.prior = {place: item for place, item in before.items() if place[1] not in collectors}
    plan.sessions = sessions
    return account_reader.collect(plan).evidences


def reshape_answers(tape: Tape | None, reshaping: dict[str, Reshape]) -> None:
    """Of the clients that this process will make: they parse, but hold something else than they should."""

    def reshape(parsed: dict[str, Any], event_name: str, **_: Any) -> None:
        if change := reshaping.get(api_of(event_name)):
            about = parsed.pop("ResponseMetadata")
            new = change(dict(parsed))
            parsed.clear()
            parsed.update({**new, "ResponseMetadata": about})

    if tape is not None:
        tape.attach(session.get_botocore_session())
    session.get_botocore_session().register("after-call", reshape)


def api_of(event_name: str) -> str:
    _, service, operation = event_name.split(".")
    return f"{SERVICES.get(service, service)}.{operation}"


def touched(call: Call) -> set[str]:
    """The collectors that make this call, and those of later stages, which read what these refer to.

    Not the one that tells what became of all calls: it would see only those of these collectors."""
    loaded = [item.collector for item in registry.collectors().values()]
    first = min((item.stage for item in loaded if call in item.calls), default=-1)
    return {item.name for item in loaded if call in item.calls or item.stage > first} - {ACCESS_COLLECTOR}


def by_identity(scan: Scan) -> Outcomes:
    return {(row["control"], row["region"], row["resource"]): row for row in iterate_outcomes(scan)}


@contextmanager
def connected(running: Running, *, remembering: bool = False) -> Iterator[Organization]:
    """This process as the portal of that organization, which it has discovered, in a transaction that is undone."""
    with pointed_at(running, remembering=remembering), transaction.atomic():
        found = discover_organization("aws")
        yield apply_discovery(actor=SYSTEM, discovered=found, at=timezone.now()).organization
        transaction.set_rollback(True)


@contextmanager
def pointed_at(running: Running, *, remembering: bool = False) -> Iterator[None]:
    """This process as the portal of that organization. Retries and paced calls wait for nothing.

    remembering: texts that can't have changed aren't read again. Otherwise every call is made in every scan."""
    registry.collectors()  # a collector that is first imported below would keep what is only patched there
    with pytest.MonkeyPatch.context() as patch:
        for name, value in running.env.items():
            patch.setenv(name, value)
        patch.setattr(retry, "BASE_SECONDS", {})
        patch.setattr(retry, "OTHER_BASE_SECONDS", 0.0)
        patch.setattr(call_rates, "SECOND", 0.0)
        if not remembering:
            patch.setattr(text_reading, "compute_reading_revision", lambda: "")
        session.reset()
        settings: dict[str, Any] = {
            "SCAN_ROLE": running.env["TUTELA_SCAN_ROLE"],
            "EXTERNAL_ID": running.env["TUTELA_EXTERNAL_ID"],
            "SCAN_REGIONS": running.env["TUTELA_REGIONS"].split(","),
        }
        with override_settings(**settings):
            yield
        session.reset()


@contextmanager
def set_up(tape: Tape | None = None) -> Iterator[Scene]:
    """tape: answers each call only once, where what AWS answers doesn't change."""
    with one_account.served() as running, connected(running) as organization:
        scene = Scene(running, organization)
        session.get_botocore_session().register("before-send", scene.time_out)
        reshape_answers(tape, scene.reshaping)
        # Clients that discovery built don't know of it, and needn't.
        scene.learn()
        yield scene
