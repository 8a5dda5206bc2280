from __future__ import annotations

from collections.abc import Callable

import pytest

from accounts.aws.anchors import make_bucket_writer
from governance.audit.anchor import AnchorWriteError
from tests.accounts.aws.stub import Answer, Script, Stub

ANCHOR = {"seq": 17, "mac": "ab", "at": "2026-01-02T03:04:05+00:00", "seal": "cd"}
DENIED = b"<Error><Code>AccessDenied</Code><Message>no</Message></Error>"


def test_an_anchor_is_an_object_with_a_checksum(aws: Callable[[Script], Stub], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    stub = aws(lambda _request: Answer())
    make_bucket_writer("trail")(ANCHOR)
    request = stub.requests[0]
    assert request.region == "eu-west-1"
    assert "/trail/tutela-audit/2026-01-02T03" in request.path
    assert request.path.endswith("000000000017.json")
    assert any(name.lower() == "x-amz-checksum-sha256" for name in request.headers)


def test_refused_anchor_write_is_reported(aws: Callable[[Script], Stub]) -> None:
    aws(lambda _request: Answer(DENIED, 403))
    with pytest.raises(AnchorWriteError, match=r"bucket trail: .*AccessDenied"):
        make_bucket_writer("trail")(ANCHOR)
