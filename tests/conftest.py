"""What every test may use: databases, brokers, and a refusal of the outside network."""

from __future__ import annotations

import gc
import math
import os
import socket
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from requirements import system
from tests.support import services

if TYPE_CHECKING:
    from tests.support.inventory import Inventory

# Only taken away, never set: pytest-django has read the settings by now, and the workers of xdist would read others.
for name in [n for n in os.environ if n.startswith("AWS_")]:
    del os.environ[name]
os.environ["AWS_EC2_METADATA_DISABLED"] = "true"

# In CI a skip is a failure, but of tests with these marks (separated by spaces), which may lack their server.
MUST_NOT_SKIP = bool(os.environ.get("TUTELA_TESTS_MUST_NOT_SKIP"))
MAY_SKIP = os.environ.get("TUTELA_TESTS_MAY_SKIP", "").split()
# A property's examples: few for `make check`, the usual number for `make test`, many for `make test-long`. How long one takes
# is the machine's affair, not the test's. In CI a failure is of the change that is tested.
for profile, count in {"check": 20, "test": 100, "long": 500}.items():
    settings.register_profile(
        profile,
        max_examples=count,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
        derandomize=MUST_NOT_SKIP,
    )
settings.load_profile("test")


def pytest_report_header() -> list[str]:
    said = {True: "answers, its tests run", False: "does not answer, its tests are skipped"}
    missing = system.missing("browser")
    return [
        f"PostgreSQL on {services.place('postgres')}: {said[services.answers('postgres')]}",
        f"Redis on {services.place('redis')}: {said[services.answers('redis')]}",
        *([system.advice(missing)] if missing else []),
    ]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    leave_races_to_postgresql(config, items)
    # The longest files first, so that no worker is left with one of them at the end.
    items.sort(key=lambda item: mark.kwargs["rank"] if (mark := item.get_closest_marker("long")) else math.inf)
    for item in items:
        if item.get_closest_marker("django_db") or "db" in getattr(item, "fixturenames", ()):
            item.add_marker("database")
    missing = [mark for mark in services.URLS if not services.answers(mark) and (not MUST_NOT_SKIP or mark in MAY_SKIP)]
    for item in items:
        for mark in missing:
            if mark in item.keywords:
                item.add_marker(pytest.mark.skip(reason=f"nothing answers on {services.place(mark)} ({mark})"))


def pytest_collection_finish() -> None:
    """Leave out of later garbage collections what stays to the end: modules, ten thousand tests, parsed sources."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish() -> None:
    gc.freeze()  # a process that ends would go through all of it again, for seconds


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where nothing may be skipped, a skip is a failure, whatever its reason."""
    report = yield
    allowed = any(mark in item.keywords for mark in MAY_SKIP)
    if report.skipped and MUST_NOT_SKIP and not allowed and not hasattr(report, "wasxfail"):
        report.outcome, report.longrepr = "failed", f"skipped, where nothing may be: {report.longrepr}"
    return report


def leave_races_to_postgresql(config: pytest.Config, items: list[pytest.Item]) -> None:
    """SQLite has one writer: races are run where DATABASE_URL says PostgreSQL, and are no part of other runs."""
    if os.environ.get("DATABASE_URL", "").startswith("postgres"):
        return
    racing = [item for item in items if "racing" in item.keywords]
    if racing:
        items[:] = [item for item in items if "racing" not in item.keywords]
        config.hook.pytest_deselected(items=racing)


@pytest.fixture(scope="session", autouse=True)
def _audit_trail() -> Iterator[None]:
    """A key to seal it with (pytest-django reads the settings before this file), and leave to empty it."""
    from django.conf import settings

    from tests.support import flushing

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settings, "AUDIT_KEY", settings.AUDIT_KEY or "only-for-tests-" + "x" * 40)
        patch.setattr(settings, "FACTOR_KEYS", settings.FACTOR_KEYS or ["b25seS1mb3ItdGVzdHMtb25seS1mb3ItdGVzdHMtMTI="])
        patch.setattr(settings, "SECURE_SSL_REDIRECT", False)  # the test client speaks plain HTTP
        patch.setattr(settings, "PASSWORD_HASHERS", ["django.contrib.auth.hashers.MD5PasswordHasher"])  # quick ones
        flushing.allow(patch)
        yield


@pytest.fixture(autouse=True)
def _only_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that reaches for the outside is a defect: only loopback answers."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> None:
        host = address[0] if isinstance(address, tuple) else ""
        if self.family != socket.AF_UNIX and host not in {"127.0.0.1", "::1", "localhost"}:
            raise AssertionError(f"a test tried to reach {host}")
        connect(self, address)  # type: ignore[arg-type]

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture
def inventory(db: None) -> Inventory:
    """A small organization in the database; tests/support/inventory.py draws it."""
    from tests.support import inventory as made

    return made.make()
