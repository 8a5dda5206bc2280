from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from demo import company
from tests.whole.portal import Portal, bare_environment


@contextmanager
def serving() -> Iterator[company.Running]:
    running = company.serve(seed=7, accounts=14, regions=2)
    try:
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="module")
def served() -> Iterator[company.Running]:
    with serving() as running:
        yield running


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database, to be copied: migrating takes longer than most tests."""
    folder = tmp_path_factory.mktemp("migrated")
    Portal(bare_environment(DATABASE_URL=url(folder))).must("migrate", "--verbosity", "0")
    return folder


@pytest.fixture(scope="module")
def found(served: company.Running, migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, in which the served organization was discovered."""
    folder = tmp_path_factory.mktemp("discovered")
    copy_of(migrated, folder, served).must("discover")
    return folder


@pytest.fixture(scope="session")
def read(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, scanned once for all tests that only look at what a whole scan left."""
    folder = tmp_path_factory.mktemp("scanned")
    with serving() as running:
        portal = copy_of(migrated, folder, running)
        portal.must("discover")
        portal.must("scan", status=3)
    return folder


@pytest.fixture
def portal(served: company.Running, migrated: Path, tmp_path: Path) -> Portal:
    """A new installation over SQLite that points at the served organization."""
    return copy_of(migrated, tmp_path, served)


@pytest.fixture
def discovered(served: company.Running, found: Path, tmp_path: Path) -> Portal:
    """An installation that has discovered the served organization."""
    return copy_of(found, tmp_path, served)


@pytest.fixture
def scanned(served: company.Running, read: Path, tmp_path: Path) -> Portal:
    """An installation that has scanned an organization of the same seed as the served one."""
    return copy_of(read, tmp_path, served)


def copy_of(folder: Path, to: Path, served: company.Running) -> Portal:
    """With the key of its audit trail, which lies beside the database."""
    shutil.copytree(folder, to, dirs_exist_ok=True)
    return Portal(bare_environment(**served.env, DATABASE_URL=url(to)))


def url(folder: Path) -> str:
    return f"sqlite:////{str(folder / 'portal.sqlite3').lstrip('/')}"
