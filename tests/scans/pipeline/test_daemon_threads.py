"""Threads that nobody waits for: results, errors, what is given up, the end."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import wait

import pytest

from scans.pipeline.daemon_threads import DaemonPool


@pytest.fixture
def pool() -> Iterator[DaemonPool]:
    with DaemonPool(1, "test") as made:
        yield made


def test_results_and_errors_reach_the_caller(pool: DaemonPool) -> None:
    assert pool.submit(lambda a, b: a + b, 1, b=2).result(60) == 3
    with pytest.raises(ZeroDivisionError):
        pool.submit(lambda: 1 / 0).result(60)
    assert pool.submit(int).result(60) == 0  # the thread outlives an error


def test_pool_has_no_more_threads_than_its_size() -> None:
    with DaemonPool(2, "test") as pool:
        names = {pool.submit(lambda: threading.current_thread().name).result(60) for _ in range(20)}
    assert len(names) <= 2


def test_abandoned_work_blocks_no_other_work(pool: DaemonPool) -> None:
    hold = threading.Event()
    stuck = pool.submit(hold.wait)
    behind = pool.submit(int)
    while not stuck.running():
        pass
    pool.give_up(stuck)
    assert behind.result(60) == 0
    hold.set()
    wait([stuck], timeout=60)
    assert pool.submit(int).result(60) == 0


def test_abandoned_work_never_begins(pool: DaemonPool) -> None:
    hold, begun = threading.Event(), threading.Event()
    first = pool.submit(hold.wait)
    while not first.running():
        pass
    second = pool.submit(begun.set)
    pool.give_up(second)
    hold.set()
    assert pool.submit(int).result(60) == 0
    assert not begun.is_set()


def test_shutdown_waits_for_running_and_cancels_waiting() -> None:
    hold = threading.Event()
    pool = DaemonPool(1, "test")
    running = pool.submit(hold.wait)
    while not running.running():
        pass
    waiting = pool.submit(int)
    pool.shutdown(wait_for_it=False, cancel=True)
    hold.set()
    with pool:
        pass
    assert running.done()
    assert waiting.cancelled()


def test_process_ends_despite_a_stuck_thread() -> None:
    code = (
        "import itertools; from scans.pipeline.daemon_threads import DaemonPool; p = DaemonPool(1, 'x')\n"
        "f = p.submit(lambda: sum(itertools.repeat(0)) or [None for _ in iter(int, 1)])\n"
        "p.give_up(f)"
    ).replace("sum(itertools.repeat(0)) or ", "")
    subprocess.run([sys.executable, "-c", code], timeout=60, check=True)
