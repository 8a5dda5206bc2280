"""Checks what a command needs before it starts, and reports in one line what is missing."""

from __future__ import annotations

from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.utils import OperationalError

from governance.core.cli import NOT_MIGRATED, CouldNotError


def require_database() -> None:
    """Raises CouldNotError unless the database answers and is migrated."""
    try:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except OperationalError as error:
        said = str(error).strip().splitlines() or ["no answer"]
        raise CouldNotError(f"The database can't be used ({said[0]}). Check DATABASE_URL.") from error
    if missing:
        raise CouldNotError(NOT_MIGRATED)
