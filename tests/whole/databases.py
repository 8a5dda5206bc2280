"""PostgreSQL databases for one test each."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from tests.support import services

ADMIN_URL = services.URLS["postgres"]


@contextmanager
def new_database(template: str = "template1") -> Iterator[str]:
    """A PostgreSQL database, dropped afterwards."""
    name = f"tutela_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(ADMIN_URL, autocommit=True) as admin:
        admin.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    yield ADMIN_URL.rpartition("/")[0] + f"/{name}"
    with psycopg.connect(ADMIN_URL, autocommit=True) as admin:
        admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
