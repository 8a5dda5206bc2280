"""Limits how long a collector and a Target may take.

1. After its deadline, a collector's next call is refused; it ends and keeps what it read.
2. A collector that doesn't return soon after that is abandoned with its thread, and its types get a gap.
3. At the hard limit (the wall) the lease is no longer renewed and the Target fails.
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
# For a call that was under way at the deadline, and for the work on its answer.
CALL_GRACE_SECONDS = 60
# For judging and storing what was read.
WALL_SECONDS = 300
POLL_SECONDS = 1.0


class OutOfTimeError(Exception):
    """The work on the Target exceeded its time limit."""


def start_target_deadline() -> Deadline:
    return Deadline.after(settings.TARGET_SECONDS)


def get_target_time_limit() -> timedelta:
    """The hard limit, counted from the Target's start."""
    return timedelta(seconds=settings.TARGET_SECONDS + WALL_SECONDS)


def describe_time_out() -> dict[str, object]:
    """The error of a Target that exceeded its time limit."""
    minutes = settings.TARGET_SECONDS // 60
    return {
        "reason": f"The work on this account exceeded its time limit of {minutes} minutes.",
        "what_to_do": "Scan the account again. If this repeats, raise TUTELA_ACCOUNT_MINUTES, or check the "
        "workers' log for what takes so long.",
        "skipped": False,
    }


@cache
def get_reader_pool() -> DaemonPool:
    """The process's threads for AWS calls. Threads overlap latency; processes use the cores."""
    return DaemonPool(settings.SCAN_THREADS, "collect")


@cache
def get_judge_pool() -> DaemonPool:
    """Separate threads for judging, so that it doesn't queue behind the reads of other Targets."""
    return DaemonPool(settings.SCAN_PARALLEL_TARGETS, "judge")


def make_timed_runner(target: Deadline) -> Callable[..., T]:
    """A function that runs a pure function and waits for it until the hard limit at most."""

    def run(work: Callable[P, T], *given: P.args, **more: P.kwargs) -> T:
        future = get_judge_pool().submit(work, *given, **more)
        done, _ = wait([future], timeout=max(0.0, target.left() + WALL_SECONDS))
        if not done:
            get_judge_pool().give_up(future)
            raise OutOfTimeError
        return future.result()

    return run


def exit_if_stuck() -> None:
    """End this process if it has abandoned threads and is a Celery worker process, which Celery replaces."""
    # _exit skips waiting for threads. The message was not acknowledged (acks_late), so it arrives again, and the second
    # delivery finds that its Target has ended. The main process has no replacement and goes on.
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
        # The context carries the credentials and the deadline. Each run gets a copy, because one context can't be
        # entered by two threads at the same time.
        return self.pool.submit(contextvars.copy_context().run, self.work_in_time, work)

    def work_in_time(self, work: Callable[[], Evidence]) -> Evidence:
        """Run the collector with a deadline that starts now and ends no later than the Target's."""
        self.own = min(Deadline.after(settings.COLLECTOR_SECONDS), self.target, key=lambda each: each.at)
        with deadline.until(self.own):
            return work()

    def is_overdue(self) -> bool:
        return (self.own or self.target).passed(CALL_GRACE_SECONDS)

    def lost(self) -> Evidence:
        """Evidence for an abandoned run: each of its types has a gap that names the collector and the limit."""
        late = self.own or self.target
        gap = Gap(GapKind.OUT_OF_TIME, f"collector.{self.collector}", "", self.region, late.code)
        log.error("collector.overdue", collector=self.collector, region=self.region, seconds=late.seconds)
        return Evidence(self.collector, self.region, gaps={type: [gap] for type in self.types}, types=self.types)


def gather(running: Mapping[Future[Evidence], CollectorRun]) -> list[Evidence]:
    """The evidence of each run, in order; gaps for a run that is overdue. Raises the first error at once."""
    waiting, given_up = set(running), set()
    while waiting:
        done, waiting = wait(waiting, timeout=POLL_SECONDS, return_when=FIRST_EXCEPTION)
        for future in done:
            future.result()
        overdue = [future for future in waiting if running[future].is_overdue()]
        # All queued ones are cancelled before any thread is given up: giving up starts a replacement thread, which would
        # otherwise begin an overdue run.
        for future in overdue:
            future.cancel()
        for future in overdue:
            running[future].pool.give_up(future)
            waiting.discard(future)
            given_up.add(future)
    return [run.lost() if future in given_up else future.result() for future, run in running.items()]
