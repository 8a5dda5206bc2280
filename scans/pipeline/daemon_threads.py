"""Threads that no process waits for: what runs in one may never end, and nothing can stop it from outside."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from queue import SimpleQueue
from types import TracebackType
from typing import Any, ParamSpec, TypeVar
from weakref import WeakSet

P = ParamSpec("P")
T = TypeVar("T")


POOLS: WeakSet[DaemonPool] = WeakSet()
POOLS_LOCK = threading.Lock()  # a set that grows while it is listed raises


def count_stuck_threads() -> int:
    """Threads of this process that go on with what was given up."""
    with POOLS_LOCK:
        pools = list(POOLS)
    return sum(pool.stuck_count for pool in pools)


class DaemonPool:
    """Like concurrent.futures' pool, whose threads Python joins before it exits; these are daemons. A thread whose
    work was given up is replaced, so that the work that waits isn't held up."""

    def __init__(self, size: int, name: str) -> None:
        self.size, self.name = size, name
        self._jobs: SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = SimpleQueue()
        self._open: set[Future[Any]] = set()
        self._lost: set[Future[Any]] = set()
        self._threads = 0
        self._lock = threading.Lock()
        with POOLS_LOCK:
            POOLS.add(self)

    def submit(self, work: Callable[P, T], *given: P.args, **more: P.kwargs) -> Future[T]:
        future: Future[T] = Future()
        with self._lock:
            self._open.add(future)
            self._jobs.put((future, lambda: work(*given, **more)))
            if self._threads < self.size:
                self._add_thread()
        return future

    def give_up(self, future: Future[Any]) -> None:
        """Wait no longer for this work. One that hasn't begun never will; another's thread is replaced."""
        with self._lock:
            self._open.discard(future)
            if future.cancel() or future.done():
                return
            self._lost.add(future)
            self._add_thread()

    @property
    def stuck_count(self) -> int:
        """Threads that go on with what was given up."""
        with self._lock:
            return len(self._lost)

    def shutdown(self, *, wait_for_it: bool = True, cancel: bool = False) -> None:
        """End the threads once the work is done, except for what was given up."""
        with self._lock:
            waiting = set(self._open)
            for _ in range(self._threads):
                self._jobs.put(None)
        for future in waiting if cancel else ():
            future.cancel()
        if wait_for_it:
            wait(waiting)

    def __enter__(self) -> DaemonPool:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.shutdown()

    def _add_thread(self) -> None:
        self._threads += 1
        threading.Thread(target=self._run, name=f"{self.name}-{self._threads}", daemon=True).start()

    def _run(self) -> None:
        try:
            while (job := self._jobs.get()) is not None and self._run_one_job(*job):
                del job  # an idle thread holds no Target's evidence
        finally:
            with self._lock:
                self._threads -= 1

    def _run_one_job(self, future: Future[Any], work: Callable[[], Any]) -> bool:
        """False: it was given up meanwhile, and another thread does what comes next."""
        complete_future(future, work)
        with self._lock:
            self._open.discard(future)
            lost = future in self._lost
            self._lost.discard(future)
        return not lost


def complete_future(future: Future[Any], work: Callable[[], Any]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = work()
    except BaseException as error:
        future.set_exception(error)  # for those who wait
        if not isinstance(error, Exception):
            raise
    else:
        future.set_result(result)
