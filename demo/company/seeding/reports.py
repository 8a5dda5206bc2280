"""The root user and the rows of the credential report."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from demo.cloud.state import account_extra
from demo.company.model import Account, Plan, Thing

NONE, NEVER, UNSUPPORTED = "N/A", "no_information", "not_supported"


def seed(plan: Plan, account: Account) -> None:
    """The organization manages its members' root credentials, and has removed those of some."""
    if account is plan.management:
        sessions = ["RootSessions"] if plan.root_sessions else []
        account_extra(account.id).root_features = ["RootCredentialsManagement", *sessions]
    now = datetime.fromisoformat(plan.now)
    held = account_extra(account.id)
    for root in account.of("root"):
        held.root_mfa, held.root_keys = _has_mfa(root), root.data["keys"]
        held.virtual_mfa = _devices(account, root)
        held.credential_rows.append(_root(root, now))
    held.credential_rows += [_user(user, now) for user in account.of("user")]


def _devices(account: Account, root: Thing) -> list[dict[str, Any]]:
    """Names as people give them: one that sounds like the root user's is a user's, and the root user's sounds like none."""
    home = root.arn.removesuffix("root")
    found = [("Authapp", root.arn)] if root.data["mfa"] == "virtual" else []
    found += [("root-account-mfa-device", user.arn) for user in account.of("user") if user.data["mfa"]][:1]
    spare = {"SerialNumber": f"{home}mfa/spare"}  # made, and without a user yet
    return [spare, *({"SerialNumber": f"{home}mfa/{name}", "User": {"Arn": arn}} for name, arn in found)]


def _root(root: Thing, now: datetime) -> dict[str, str]:
    row = {
        "user": "<root_account>",
        "arn": root.arn,
        "user_creation_time": _ago(now, 2000),
        # AWS says "false" once the root credentials were removed centrally.
        "password_enabled": "false" if root.data["mfa"] == "removed" else UNSUPPORTED,
        "password_last_used": _ago(now, root.data["used"]),
        "password_last_changed": UNSUPPORTED,
        "password_next_rotation": UNSUPPORTED,
        "mfa_active": _text(_has_mfa(root)),
    }
    return row | _keys(((700, 300),) * root.data["keys"], now)


def _has_mfa(root: Thing) -> bool:
    return root.data["mfa"] in ("virtual", "hardware")


def _user(user: Thing, now: datetime) -> dict[str, str]:
    data = user.data
    console = data["password"] is not None
    row = {
        "user": data["name"],
        "arn": user.arn,
        "user_creation_time": _ago(now, 500),
        "password_enabled": _text(console),
        "password_last_used": _ago(now, data["password"]) if console else NONE,
        "password_last_changed": _ago(now, 400) if console else NONE,
        "password_next_rotation": NONE,
        "mfa_active": _text(data["mfa"]),
    }
    return row | _keys(data["keys"], now)


def _keys(keys: tuple[tuple[int, int], ...], now: datetime) -> dict[str, str]:
    """keys: (age, idle) in days; the report has columns for two."""
    row: dict[str, str] = {}
    for number in (1, 2):
        key = keys[number - 1] if len(keys) >= number else None
        name = f"access_key_{number}"
        row |= {
            f"{name}_active": _text(key is not None),
            f"{name}_last_rotated": _ago(now, key[0]) if key else NONE,
            f"{name}_last_used_date": _ago(now, key[1]) if key else NONE,
            f"{name}_last_used_region": "us-east-1" if key else NONE,
            f"{name}_last_used_service": "ssm" if key else NONE,
        }
    return row | {
        f"cert_{n}_{what}": "false" if what == "active" else NONE for n in (1, 2) for what in ("active", "last_rotated")
    }


def _ago(now: datetime, days: int) -> str:
    return (now - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%S+00:00")


def _text(value: object) -> str:
    return "true" if value else "false"
