"""IAM: the root user, users with their credential report, roles and policies; the scan role itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from demo.company.builder import Place, document, statement
from demo.company.constants import (
    ADMINISTRATOR_ACCESS,
    BOUNDARY_NAME,
    EXPORT_ROLE_NAME,
    HOST_POLICY,
    HOST_ROLE_NAME,
    HUB_USER,
    IAM_FULL,
    POLICY_NAME,
    READ_ONLY,
    ROLE_NAME,
    VALUE_ROLE_NAME,
)
from demo.company.model import FAIL, NOT_APPLICABLE, PASS

READS = json.loads((Path(__file__).parent / "scan_role.json").read_text())
READING = ("SSM-AC-002", "SSM-AC-003", "SSM-AC-004")
POLICY_CONTROLS = ("SSM-AC-001", *READING, "SSM-AC-007", "SSM-AC-008")
USER_AGE = 500  # days since each user was made
STRONG_LENGTH = 14
OBJECTS = "arn:aws:s3:::orders-artifacts/*"


def root(place: Place, *, mfa: str = "hardware", keys: int = 0, used: int = 300) -> None:
    """mfa: none, virtual, hardware; or removed: no root credentials at all, by central management. used: days ago."""
    kinds = {"virtual": FAIL, "hardware": PASS}
    expects = {
        "SSM-ID-001": {"none": FAIL, "removed": NOT_APPLICABLE}.get(mfa, PASS),
        "SSM-ID-002": kinds.get(mfa, NOT_APPLICABLE),
        "SSM-ID-003": FAIL if keys else PASS,
        "SSM-ID-005": NOT_APPLICABLE if mfa == "removed" else FAIL if used < 90 else PASS,
    }
    place.add("root", place.arn("iam", "root"), {"mfa": mfa, "keys": keys, "used": used}, expects)


def user(place: Place, name: str, **facts: Any) -> None:
    """facts: password (None, or days since its last use), mfa, keys ((age, idle) in days), attached, inline, path,
    shared (it looks so)."""
    password, keys = facts.get("password"), tuple(facts.get("keys", ()))
    console = NOT_APPLICABLE if password is None else PASS if facts.get("mfa") else FAIL
    stale = any(age > 90 or idle >= 45 for age, idle in keys) or (password is not None and password >= 45)
    credentials = FAIL if stale else PASS if keys or password is not None else NOT_APPLICABLE
    person = FAIL if facts.get("shared") else PASS if keys or password is not None else NOT_APPLICABLE
    expects = {
        "SSM-ID-004": console,
        "SSM-ID-005": person,
        "SSM-ID-006": credentials,
        "SSM-ID-007": FAIL if len(keys) > 1 else PASS if keys else NOT_APPLICABLE,
        "SSM-ID-008": _set_up(keys) if keys and password is not None else NOT_APPLICABLE,
        "SSM-AC-006": FAIL if facts.get("attached") or facts.get("inline") else PASS,
    }
    data = {
        "name": name,
        "path": facts.get("path", "/"),
        "password": password,
        "mfa": bool(facts.get("mfa")),
        "keys": keys,
        "attached": tuple(facts.get("attached", ())),
        "inline": facts.get("inline", {}),
        "groups": tuple(facts.get("groups", ())),
    }
    arn = place.arn("iam", f"user{data['path']}{name}")
    expects |= _inline(data["inline"], facts.get("broad", ()))
    place.add("user", arn, data, expects)


def _set_up(keys: tuple[tuple[int, int], ...]) -> str:
    """Users are as old as the report says; a key of the same age was made with its user."""
    return FAIL if any(age == USER_AGE for age, _ in keys) else PASS


def group(place: Place, name: str, attached: tuple[str, ...] = ()) -> None:
    place.add("group", place.arn("iam", f"group/{name}"), {"name": name, "attached": attached})


def role(place: Place, name: str, **facts: Any) -> None:
    """facts: attached, inline, broad (controls that its inline policies fail) or expects, service or trust, path,
    boundary, points."""
    service = {"Service": facts.get("service", "ec2.amazonaws.com")}
    trust = facts.get("trust") or document({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": service})
    data = {
        "name": name,
        "path": facts.get("path", "/"),
        "trust": trust,
        "attached": tuple(facts.get("attached", ())),
        "inline": facts.get("inline", {}),
        "boundary": facts.get("boundary"),
    }
    expects = facts.get("expects") or _inline(data["inline"], facts.get("broad", ()))
    points = tuple(facts.get("points", ()))
    place.add("role", place.arn("iam", f"role{data['path']}{name}"), data, expects, points)


def _inline(policies: dict[str, Any], broad: tuple[str, ...]) -> dict[str, str]:
    return {control: FAIL if control in broad else PASS for control in POLICY_CONTROLS} if policies else {}


def everything(verdict: str) -> dict[str, str]:
    """What a document that allows everything is judged, by who has it."""
    return {
        **dict.fromkeys(("SSM-AC-001", *READING), verdict),
        "SSM-AC-007": NOT_APPLICABLE,
        "SSM-AC-008": NOT_APPLICABLE,
    }


def password_policy(place: Place, *, strong: bool) -> None:
    data: dict[str, Any] = {
        "allow_change_password": True, "hard_expiry": False, "max_password_age": 0,
        "minimum_password_length": STRONG_LENGTH if strong else 8, "password_reuse_prevention": 24 if strong else 0,
        **dict.fromkeys(
            ("require_lowercase_characters", "require_numbers", "require_symbols", "require_uppercase_characters"), strong
        ),
    }  # fmt: skip
    place.add("password_policy", place.arn("iam", "password-policy"), data)


def policy(place: Place, name: str, content: dict[str, Any], *broad: str, expects: dict[str, str] | None = None) -> str:
    """broad: the controls that it fails."""
    arn = place.arn("iam", f"policy/{name}")
    expects = expects or {control: FAIL if control in broad else PASS for control in POLICY_CONTROLS}
    place.add("policy", arn, {"name": name, "document": content}, expects)
    return arn


def scan_role(place: Place, hub: str, external_id: str) -> None:
    """The role that a scan assumes. It allows reading configuration only, so every control passes it."""
    arn = policy(place, POLICY_NAME, READS["scanner"])
    condition = {"StringEquals": {"sts:ExternalId": external_id}}
    trust = document({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": hub}, "Condition": condition})
    kept = {"guard": document(statement("Deny", list(place.account.denied), "*"))}
    is_kept = place.account.denied and place.account is place.plan.management
    edge = boundary(place, *place.account.bounded) if place.account.bounded else None
    role(place, ROLE_NAME, trust=trust, attached=(arn,), inline=kept if is_kept else {}, boundary=edge)


def boundary(place: Place, *left_out: str) -> str:
    """A permissions boundary that allows what the scan role may do, without these actions."""
    allowed = {
        action for each in READS["scanner"]["Statement"] if each["Effect"] == "Allow" for action in each["Action"]
    }
    return policy(place, BOUNDARY_NAME, document(statement("Allow", sorted(allowed - set(left_out)), "*")))


def export_role(place: Place, bucket: str) -> None:
    """The role that the console makes for Explorer's exports, which write reports and OpsData to one bucket."""
    writes = document(statement("Allow", ["s3:PutObject", "s3:PutObjectAcl"], f"arn:aws:s3:::{bucket}/*"))
    role(
        place,
        EXPORT_ROLE_NAME,
        path="/service-role/",
        service="ssm.amazonaws.com",
        inline={"export": writes},
        points=((bucket, "09"), (bucket, "10")),
    )


def value_role(place: Place, hub: str, external_id: str) -> None:
    """The second role, which may read plain parameters and nothing else: all of them, which the control on that says."""
    arn = policy(place, "TutelaValuesRead", READS["values"], "SSM-AC-002")
    condition = {"StringEquals": {"sts:ExternalId": external_id}}
    trust = document({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": hub}, "Condition": condition})
    role(place, VALUE_ROLE_NAME, trust=trust, attached=(arn,))


def host_role(place: Place, *more: str) -> None:
    """The role that Default Host Management Configuration gives to instances, with what it has beyond need."""
    role(place, HOST_ROLE_NAME, path="/service-role/", service="ssm.amazonaws.com", attached=(HOST_POLICY, *more))


def hub_user(place: Place) -> None:
    arn = policy(place, "TutelaHub", READS["hub"])
    user(place, HUB_USER, keys=((10, 1),), attached=(arn,))


def healthy(place: Place) -> None:
    root(place)
    host_role(place)
    password_policy(place, strong=True)
    scoped = place.arn("ssm", "parameter/apps/orders/*").replace("ssm::", "ssm:*:")
    reads = policy(place, "orders-read", document(statement("Allow", "ssm:GetParameter*", scoped)))
    keys = place.arn("kms", "key/11111111-2222-4333-a444-555555555555").replace("kms::", "kms:eu-west-1:")
    decrypts = policy(place, "orders-decrypt", document(statement("Allow", "kms:Decrypt", keys)))
    tagged = {"StringEquals": {"ssm:resourceTag/team": "orders"}}
    sessions = policy(place, "orders-sessions", document(statement("Allow", "ssm:StartSession", "*", Condition=tagged)))
    role(
        place,
        "orders-service",
        attached=(reads, decrypts),
        inline={"objects": document(statement("Allow", "s3:GetObject", OBJECTS))},
    )
    role(place, "orders-operator", attached=(sessions,))
    user(place, "break-glass", password=12, mfa=True)
    user(place, "pipeline", keys=((30, 0),))


def sloppy(place: Place) -> None:
    root(place, mfa="none", keys=1, used=5)
    host_role(place, READ_ONLY)
    password_policy(place, strong=False)
    all_of_it = document(statement("Allow", "*", "*"))
    group(place, "administrators", attached=(ADMINISTRATOR_ACCESS,))
    group(place, "user-managers", attached=(IAM_FULL,))
    user(place, "shared-admin", password=3, keys=((30, 1), (20, 2)), groups=("administrators",), shared=True)
    user(place, "starter", password=3, mfa=True, keys=((USER_AGE, 2),))
    user(place, "old-batch", keys=((400, 2),), attached=(READ_ONLY,))
    user(place, "leaver", password=200, mfa=True)
    user(place, "nobody")
    role(place, "do-all", inline={"all": all_of_it}, expects=everything(FAIL))
    role(place, "export-for-jane.doe@example.com")
    wide = document(statement("Allow", ["ssm:GetParameter", "ssm:GetParameters"], "*"))
    arns = (
        policy(place, "all-parameters", wide, "SSM-AC-002"),
        policy(place, "all-keys", document(statement("Allow", "kms:Decrypt", "*")), "SSM-AC-003"),
        policy(
            place, "all-nodes", document(statement("Allow", ["ssm:StartSession", "ssm:SendCommand"], "*")), "SSM-AC-004"
        ),
    )
    role(place, "legacy-service", attached=arns)


def average(place: Place) -> None:
    root(place, mfa="virtual")
    user(place, "on-call", password=1, mfa=True, keys=((80, 1),))
    path = place.arn("ssm", "parameter/apps").replace("ssm::", "ssm:*:")
    past = document(
        statement("Allow", "ssm:GetParametersByPath", path), statement("Deny", "ssm:GetParameter*", f"{path}/secret")
    )
    policy(place, "path-reader", past, "SSM-AC-002")
    root_path = path.removesuffix("apps")
    policy(place, "root-reader", document(statement("Allow", "ssm:GetParametersByPath", root_path)), "SSM-AC-002")
    policy(place, "root-name", document(statement("Allow", "ssm:GetParameter", root_path)))
    tagged = {"StringLike": {"ssm:resourceTag/team": "?*"}}
    unused = {**everything(FAIL), "SSM-AC-001": NOT_APPLICABLE}
    policy(place, "spare-admin", document(statement("Allow", "*", "*")), expects=unused)  # no principal has it
    policy(place, "tagged-nodes", document(statement("Allow", "ssm:StartSession", "*", Condition=tagged)), "SSM-AC-004")
    user(place, "reporter", keys=((60, 50),), inline={"reports": document(statement("Allow", "s3:GetObject", OBJECTS))})
