"""How long a collector and a Target may take, and what becomes of those that take longer.

First by themselves: after its deadline a collector's calls are refused, and what it read is kept. What doesn't come
back even then is left to its thread. Last, the wall: the lease is renewed no more, and the Target has failed.
"""

from __future__ import annotations

import contextvars
import os
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_EXCEPTION, Future, wait
from datetime import timedelta
from functools import cache
from typing import ParamSpec, TypeVar

import structlog
from billiard import current_process
from django.conf import settings

from accounts.aws import deadline
from accounts.aws.deadline import Deadline
from accounts.aws.gaps import Gap, GapKind
from scans.domain.evidence import Evidence
from scans.pipeline.daemon_threads import DaemonPool, count_stuck_threads

P = ParamSpec("P")
T = TypeVar("T")
log = structlog.get_logger(__name__)
CALL_GRACE_SECONDS = (
    60  # seconds for a call that was on its way, and for what a collector does with the answers that it has
)
WALL_SECONDS = 300  # seconds for judging and keeping what was read
POLL_SECONDS = 1.0


class OutOfTimeError(Exception):
    """The Target's work didn't end in the time that it may take."""


def start_target_deadline() -> Deadline:
    return Deadline.after(settings.TARGET_SECONDS)


def get_target_time_limit() -> timedelta:
    """When the wall stands, after a Target's start."""
    return timedelta(seconds=settings.TARGET_SECONDS + WALL_SECONDS)


def describe_time_out() -> dict[str, object]:
    """What a Target that failed for want of time says."""
    minutes = settings.TARGET_SECONDS // 60
    return {
        "reason": f"The work on this account was not done in the time that it may take ({minutes} minutes).",
        "what_to_do": "Start a new scan of the account. If it stays so, raise TUTELA_ACCOUNT_MINUTES, or look for what "
        "takes so long in the worker's log.",
        "skipped": False,
    }


@cache
def get_reader_pool() -> DaemonPool:
    """The process's threads for AWS calls. They overlap latency; processes use the cores."""
    return DaemonPool(settings.SCAN_THREADS, "collect")


@cache
def get_judge_pool() -> DaemonPool:
    """Threads of their own, so that judging doesn't wait behind other Targets' reads."""
    return DaemonPool(settings.SCAN_PARALLEL_TARGETS, "judge")


def make_timed_runner(target: Deadline) -> Callable[..., T]:
    """Runs a pure function and waits for it no longer than to the wall."""

    def run(work: Callable[P, T], *given: P.args, **more: P.kwargs) -> T:
        future = get_judge_pool().submit(work, *given, **more)
        done, _ = wait([future], timeout=max(0.0, target.left() + WALL_SECONDS))
        if not done:
            get_judge_pool().give_up(future)
            raise OutOfTimeError
        return future.result()

    return run


def exit_if_stuck() -> None:
    """End this process if it is a worker's of Celery, which makes another, and threads of it go on for ever.

    The message comes again, and finds that its Target has ended."""
    stuck = count_stuck_threads()
    if stuck and current_process().name != "MainProcess":
        log.error("worker.left", stuck=stuck)
        os._exit(1)


class CollectorRun:
    """One collector's run in one region."""

    def __init__(
        self, collector: str, region: str, types: tuple[str, ...], target: Deadline, pool: DaemonPool | None = None
    ) -> None:
        self.collector, self.region, self.types, self.target = collector, region, types, target
        self.pool = pool or get_reader_pool()
        self.own: Deadline | None = None

    def start(self, work: Callable[[], Evidence]) -> Future[Evidence]:
        # A copy each: a context can't be entered twice at once, and it carries the credentials.
        return self.pool.submit(contextvars.copy_context().run, self.work_in_time, work)

    def work_in_time(self, work: Callable[[], Evidence]) -> Evidence:
        """Its time begins when it does, and ends with the Target's."""
        self.own = min(Deadline.after(settings.COLLECTOR_SECONDS), self.target, key=lambda each: each.at)
        with deadline.until(self.own):
            return work()

    def is_overdue(self) -> bool:
        return (self.own or self.target).passed(CALL_GRACE_SECONDS)

    def lost(self) -> Evidence:
        """In place of what it would have read: each of its types has a gap that names it and its time."""
        late = self.own or self.target
        gap = Gap(GapKind.OUT_OF_TIME, f"collector.{self.collector}", "", self.region, late.code)
        log.error("collector.overdue", collector=self.collector, region=self.region, seconds=late.seconds)
        return Evidence(self.collector, self.region, gaps={type: [gap] for type in self.types}, types=self.types)


def gather(running: Mapping[Future[Evidence], CollectorRun]) -> list[Evidence]:
    """The evidence of each run, in their order; a run that doesn't end in time has gaps instead. Raises the first error at once."""
    waiting, given_up = set(running), set()
    while waiting:
        done, waiting = wait(waiting, timeout=POLL_SECONDS, return_when=FIRST_EXCEPTION)
        for future in done:
            future.result()
        overdue = [future for future in waiting if running[future].is_overdue()]
        for future in overdue:
            future.cancel()  # what hasn't begun: a thread that replaces another's must not begin it now
        for future in overdue:
            running[future].pool.give_up(future)
            waiting.discard(future)
            given_up.add(future)
    return [run.lost() if future in given_up else future.result() for future, run in running.items()]
