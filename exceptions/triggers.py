"""Database triggers that refuse a decision with a conflict of interest, and any change of a decision.

They repeat what the service refuses:

- a decision by the requester, by the person on whose behalf they asked, or by the person responsible for their
  service account;
- a decision by an owner of an account in scope;
- a decision by an approver whose grant, own or lent, was given or extended by one of the first three;
- an approval while the person on whose behalf it was requested is unknown.

Migrations install the triggers.
"""

from __future__ import annotations

from django.db.backends.base.base import BaseDatabaseWrapper

# One condition for both databases; NEW is the decision to be inserted. It holds for code that bypasses the service too.
# Revoking is left out: it takes a right away, so an interested person may do it.
CONFLICT = """
    NEW.act <> 'revoke' AND (
        NEW.by_id = (SELECT requested_by_id FROM exceptions_exceptionrequest WHERE id = NEW.request_id)
        OR NEW.requester_id <> (SELECT requested_by_id FROM exceptions_exceptionrequest WHERE id = NEW.request_id)
        OR EXISTS (
            SELECT 1 FROM identity_grant g
            JOIN accounts_account a ON a.account_id = g.scope_id
            JOIN exceptions_cover c ON c.account_id = a.id AND c.request_id = NEW.request_id
            WHERE g.user_id = NEW.by_id AND g.role = 'account_owner' AND g.scope_kind = 'account'
              AND g.ended_at IS NULL AND (g.ends_at IS NULL OR g.ends_at > {now})
        )
        OR EXISTS (
            SELECT 1 FROM identity_grant g
            WHERE g.user_id = NEW.by_id AND g.role = 'governance_approver' AND g.ended_at IS NULL
              AND {given}
        )
        {owned}{behind}
    )
"""
# Owners set by hand. Names in tags are matched by the service alone: comparing spellings needs Unicode folding.
OWNED = """OR EXISTS (
            SELECT 1 FROM accounts_accountowner o
            JOIN exceptions_cover c ON c.account_id = o.account_id AND c.request_id = NEW.request_id
            WHERE o.user_id = NEW.by_id
        )"""
# The persons behind a request, beside its requester. Older migrations install the trigger without this part.
BEHIND = """
        OR EXISTS (
            SELECT 1 FROM exceptions_exceptionrequest r JOIN identity_user u ON u.id = r.requested_by_id
            WHERE r.id = NEW.request_id AND (
                NEW.by_id IN (r.on_behalf_of_id, u.responsible_id)
                OR NEW.act IN ('approve', 'reapprove') AND r.on_behalf_of_unknown <> ''
            )
        )"""
# The persons behind an approver's grant. Each migration keeps the condition of its time, so that migrating forward and
# back installs the trigger that the tables of that time can support:
# GRANTED: the requester gave the grant.
# GRANTED_OR_EXTENDED: or the requester set its end.
# LENT_TOO: or did either for the lender of a lent grant.
# GIVEN, the present one: or a person behind the request did any of these.
GRANTED = "g.granted_by_id = (SELECT requested_by_id FROM exceptions_exceptionrequest WHERE id = NEW.request_id)"
GRANTED_OR_EXTENDED = """EXISTS (
                SELECT 1 FROM exceptions_exceptionrequest r
                LEFT JOIN identity_grant_extenders e ON e.grant_id = g.id AND e.user_id = r.requested_by_id
                WHERE r.id = NEW.request_id AND (g.granted_by_id = r.requested_by_id OR e.id IS NOT NULL)
              )"""
LENT_TOO = """EXISTS (
                SELECT 1 FROM exceptions_exceptionrequest r
                JOIN identity_grant s ON s.id = g.id OR s.id = g.delegated_from_id
                LEFT JOIN identity_grant_extenders e ON e.grant_id = s.id AND e.user_id = r.requested_by_id
                WHERE r.id = NEW.request_id AND (s.granted_by_id = r.requested_by_id OR e.id IS NOT NULL)
              )"""
GIVEN = """EXISTS (
                SELECT 1 FROM exceptions_exceptionrequest r
                JOIN identity_user u ON u.id = r.requested_by_id
                JOIN identity_grant s ON s.id = g.id OR s.id = g.delegated_from_id
                LEFT JOIN identity_grant_extenders e ON e.grant_id = s.id
                WHERE r.id = NEW.request_id AND (
                    s.granted_by_id IN (r.requested_by_id, r.on_behalf_of_id, u.responsible_id)
                    OR e.user_id IN (r.requested_by_id, r.on_behalf_of_id, u.responsible_id)
                )
              )"""

SQLITE = [
    (
        "CREATE TRIGGER decision_conflict BEFORE INSERT ON exceptions_decision WHEN {conflict}"
        " BEGIN SELECT RAISE(ABORT, 'conflict of interest'); END"
    ),
    (
        "CREATE TRIGGER decision_fixed BEFORE UPDATE ON exceptions_decision "
        "BEGIN SELECT RAISE(ABORT, 'decisions are never changed'); END"
    ),
    (
        "CREATE TRIGGER decision_kept BEFORE DELETE ON exceptions_decision "
        "BEGIN SELECT RAISE(ABORT, 'decisions are never deleted'); END"
    ),
]
POSTGRESQL = [
    (
        "CREATE FUNCTION refuse_conflict() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF {conflict} THEN"
        " RAISE EXCEPTION 'conflict of interest' USING ERRCODE = 'integrity_constraint_violation'; END IF;"
        " RETURN NEW; END $$"
    ),
    (
        "CREATE FUNCTION refuse_decision_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " RAISE EXCEPTION 'decisions are never changed' USING ERRCODE = 'integrity_constraint_violation'; END $$"
    ),
    (
        "CREATE TRIGGER decision_conflict BEFORE INSERT ON exceptions_decision"
        " FOR EACH ROW EXECUTE FUNCTION refuse_conflict()"
    ),
    (
        "CREATE TRIGGER decision_fixed BEFORE UPDATE OR DELETE ON exceptions_decision"
        " FOR EACH ROW EXECUTE FUNCTION refuse_decision_change()"
    ),
]


def install_decision_triggers(
    connection: BaseDatabaseWrapper, given: str = GIVEN, owned: str = OWNED, behind: str = BEHIND
) -> None:
    """given, owned, behind: parts of the condition that an older migration replaces or leaves empty."""
    # SQLite keeps times as text. The decision's own time has the form of the grants' ends, so the two compare.
    now, statements = ("NEW.at", SQLITE) if connection.vendor == "sqlite" else ("now()", POSTGRESQL)
    conflict = CONFLICT.format(now=now, given=given, owned=owned, behind=behind)
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement.replace("{conflict}", conflict))


def remove_decision_triggers(connection: BaseDatabaseWrapper) -> None:
    """For migrations that alter the table. Such a migration installs the triggers again afterwards."""
    names = ("decision_conflict", "decision_fixed", "decision_kept")
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            for name in names:
                cursor.execute(f"DROP TRIGGER IF EXISTS {name}")
            return
        for name in names:
            cursor.execute(f"DROP TRIGGER IF EXISTS {name} ON exceptions_decision")
        cursor.execute("DROP FUNCTION IF EXISTS refuse_conflict()")
        cursor.execute("DROP FUNCTION IF EXISTS refuse_decision_change()")
