"""Accounts that can't be read, that can be read in half, and one whose answers are hostile: the others are read as ever."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from demo import company
from demo.cloud.faults import Fault
from demo.cloud.protocol import AwsError, Request, Response, protocol
from tests.whole.conftest import copy_of
from tests.whole.portal import Portal

pytestmark = [pytest.mark.slow, pytest.mark.long(rank=6)]

UNREADABLE = ("network-hub", "orders-prod", "security-audit")
HALF_READABLE = {
    "catalog-prod": ("ssm.DescribeParameters", "iam.GetAccountAuthorizationDetails", "ec2.DescribeVpcs"),
    "billing-prod": ("ssm.ListDocuments", "kms.DescribeKey", "s3.GetBucketPolicy", "cloudtrail.DescribeTrails"),
}
HOSTILE = "sandbox-fuzz"
BAD = {*UNREADABLE, *HALF_READABLE, HOSTILE}
HUGE = "x" * 300_000
DEEP = 500
POLICY = (
    b'{"Version": "2012-10-17", "Statement": [{"Sid": "\\ud83d\\u0000", "Effect": "Allow", "Principal": "*",'
    b' "Action": "*", "Resource": "*", "Condition": {"NumericLessThan": {"k": 1e999}}}]}'
)


def spoilt(value: Any, depth: int = 0) -> Any:
    """The same answer in text that no database stores, numbers that JSON has and no database, and much of both."""
    if isinstance(value, dict):
        held = {name: spoilt(item, depth + 1) for name, item in value.items() if "oken" not in name}
        return held if depth else {**held, "Message": HUGE}
    if isinstance(value, list):
        return [spoilt(item, depth + 1) for item in value]
    if isinstance(value, str):
        return value + "\u202e\ud83d\x00e\u0301" if depth % 2 else value
    return 10**400 if type(value) is int and depth > 2 else value


def hostile_answer(request: Request, given: Response) -> Response:
    time.sleep(0.05)
    if request.api == "s3.GetBucketPolicy":
        return Response(200, {"Content-Type": "application/json"}, POLICY)
    if given.status != 200 or protocol(request.service) not in {"json", "rest-json"} or not given.body.startswith(b"{"):
        return given
    body = json.dumps(spoilt(json.loads(given.body)))
    if request.api == "ssm.DescribeOpsItems":
        body = body[:-1] + ', "Deep": ' + "[" * DEEP + "]" * DEEP + "}"
    return Response(200, given.headers, body.replace(": 443", ": 1e999").encode())


@pytest.fixture
def spoilt_company(served: company.Running) -> Iterator[company.Running]:
    front, ids = served.server.front, {account.name: account.id for account in served.plan.accounts}
    for name, apis in HALF_READABLE.items():
        front.faults.add(*(Fault("denied", api, account=ids[name]) for api in apis))
    serve = front.serve

    def served_oddly(request: Request, caller: Any) -> Response:
        if request.api == "sts.AssumeRole" and any(ids[name] in request.params["RoleArn"] for name in UNREADABLE):
            raise AwsError("AccessDenied", "not authorized to perform: sts:AssumeRole", 403)
        given = serve(request, caller)
        return hostile_answer(request, given) if request.account == ids[HOSTILE] else given

    front.serve = served_oddly
    yield served
    front.serve = serve
    front.faults.clear()


def by_identity(portal: Portal, bad: set[str]) -> dict[tuple[str, ...], tuple[str, str]]:
    """The outcomes of the other accounts."""
    return {
        (row["control"], row["account"], row["region"], row["resource"]): (row["verdict"], row["reason"])
        for row in portal.outcomes()
        if row["account"] not in bad
    }


def test_bad_accounts_change_nothing_for_the_others(
    spoilt_company: company.Running, read: Path, found: Path, tmp_path: Path
) -> None:
    ids = {account.name: account.id for account in spoilt_company.plan.accounts}
    bad = {ids[name] for name in BAD}
    sound = copy_of(read, tmp_path / "sound", spoilt_company)
    portal = copy_of(found, tmp_path / "bad", spoilt_company)
    ended = portal.must("scan", status=3)
    before, after = by_identity(sound, bad), by_identity(portal, bad)
    different = {identity: (before.get(identity), after.get(identity)) for identity in before | after
                 if before.get(identity) != after.get(identity)}  # fmt: skip
    assert different == {}
    rows = portal.outcomes()
    assert not {row["account"] for row in rows} & {ids[name] for name in UNREADABLE}
    for name in UNREADABLE:
        assert f"Not read: {name} ({ids[name]})" in ended.out
    for name, apis in HALF_READABLE.items():
        assert set(apis) <= {gap["api"] for row in rows if row["account"] == ids[name] for gap in row["gaps"]}
    assert {row["verdict"] for row in rows if row["account"] == ids[HOSTILE]} >= {"fail", "unknown"}
    told = [line for line in ended.out.splitlines() if line.startswith("Gap: ") and f"{HOSTILE} (" in line]
    assert any("TextReplaced" in line or "MalformedAnswer" in line for line in told), told
