"""Database triggers that refuse changes of the audit trail. A migration installs them."""

from __future__ import annotations

from django.db.backends.base.base import BaseDatabaseWrapper

REFUSAL = "the audit trail is append-only"
TRAIL, HEAD = "core_auditevent", "core_audithead"

POSTGRESQL = {
    "audit_trail_kept": f"BEFORE UPDATE OR DELETE OR TRUNCATE ON {TRAIL} FOR EACH STATEMENT",
    "audit_head_kept": f"BEFORE DELETE OR TRUNCATE ON {HEAD} FOR EACH STATEMENT",
    "audit_head_forward": f"BEFORE UPDATE ON {HEAD} FOR EACH ROW WHEN (NEW.seq <= OLD.seq)",
}
# In SQLite, INSERT OR REPLACE deletes rows without firing DELETE triggers, so it needs a trigger of its own.
SQLITE = {
    "audit_trail_no_update": f"BEFORE UPDATE ON {TRAIL}",
    "audit_trail_no_delete": f"BEFORE DELETE ON {TRAIL}",
    "audit_trail_no_replace": f"BEFORE INSERT ON {TRAIL} WHEN EXISTS (SELECT 1 FROM {TRAIL} WHERE seq = NEW.seq)",  # noqa: S608  # nosec  # names of our own tables
    "audit_head_no_delete": f"BEFORE DELETE ON {HEAD}",
    "audit_head_forward": f"BEFORE UPDATE ON {HEAD} WHEN NEW.seq <= OLD.seq",
}
FUNCTION = f"""CREATE OR REPLACE FUNCTION audit_refuses() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION '{REFUSAL}' USING ERRCODE = 'restrict_violation'; END $$"""

ABORT = f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"


def install_audit_triggers(connection: BaseDatabaseWrapper) -> None:
    with connection.cursor() as cursor:
        if is_postgresql(connection):
            cursor.execute(FUNCTION)
        act = "EXECUTE FUNCTION audit_refuses()" if is_postgresql(connection) else ABORT
        for name, when in select_audit_triggers(connection).items():
            cursor.execute(f"CREATE TRIGGER {name} {when} {act}")


def remove_audit_triggers(connection: BaseDatabaseWrapper) -> None:
    """For migrations that alter these two tables. Such a migration installs the triggers again afterwards."""
    with connection.cursor() as cursor:
        for name, when in select_audit_triggers(connection).items():
            table = TRAIL if f"ON {TRAIL}" in when else HEAD
            cursor.execute(f"DROP TRIGGER IF EXISTS {name}" + (f" ON {table}" if is_postgresql(connection) else ""))


def list_missing_triggers(connection: BaseDatabaseWrapper) -> list[str]:
    """The triggers that are missing or disabled."""
    # tgenabled O and A fire in normal sessions; a disabled trigger (D) or one for replicas (R) refuses nothing.
    query = (
        "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled IN ('O', 'A')"
        if is_postgresql(connection)
        else "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    )
    with connection.cursor() as cursor:
        cursor.execute(query)
        present = {row[0] for row in cursor.fetchall()}
    return sorted(select_audit_triggers(connection).keys() - present)


def select_audit_triggers(connection: BaseDatabaseWrapper) -> dict[str, str]:
    return POSTGRESQL if is_postgresql(connection) else SQLITE


def is_postgresql(connection: BaseDatabaseWrapper) -> bool:
    return connection.vendor == "postgresql"
