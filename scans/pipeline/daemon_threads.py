"""A pool of daemon threads. Work in them may hang for ever, and the process can still exit."""

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
POOLS_LOCK = threading.Lock()  # iterating over a set that another thread changes raises


def count_stuck_threads() -> int:
    """How many threads of this process still run abandoned work."""
    with POOLS_LOCK:
        pools = list(POOLS)
    return sum(pool.stuck_count for pool in pools)


class DaemonPool:
    """Like ThreadPoolExecutor, but with daemon threads, and with give_up for work that hangs.

    A thread whose work was given up is replaced, so that queued work goes on.
    """

    # concurrent.futures registers its threads to be joined at exit, so one hanging call would keep the process alive.

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
        """Abandon this work. If it has not begun, it never will; if it runs, its thread is replaced."""
        with self._lock:
            self._open.discard(future)
            if future.cancel() or future.done():
                return
            self._lost.add(future)
            self._add_thread()

    @property
    def stuck_count(self) -> int:
        """How many threads still run abandoned work."""
        with self._lock:
            return len(self._lost)

    def shutdown(self, *, wait_for_it: bool = True, cancel: bool = False) -> None:
        """End the threads once their work is done, except abandoned ones."""
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
                # Otherwise an idle thread would keep the last Target's evidence in memory.
                del job
        finally:
            with self._lock:
                self._threads -= 1

    def _run_one_job(self, future: Future[Any], work: Callable[[], Any]) -> bool:
        """False: the work was abandoned in the meantime, and a replacement thread has taken over."""
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
    # BaseException: the waiting thread must wake up, also when the thread itself is being stopped.
    except BaseException as error:
        future.set_exception(error)
        if not isinstance(error, Exception):
            raise
    else:
        future.set_result(result)
