from __future__ import annotations

import json
import re
import threading
from datetime import UTC, datetime, timedelta

import pytest
from botocore.credentials import ReadOnlyCredentials

from accounts.aws import assume as module
from accounts.aws import session
from accounts.aws.assume import AssumedRole, AssumeError, acting_as, assume_role, build_session_policy
from accounts.aws.reader import AwsReader
from accounts.aws.session_policy import POLICY_LIMIT
from tests.accounts.aws.roles import PARAMETERS, FakeRole, FakeTime, impatient
from tests.accounts.aws.stub import Answer, assumed, sts_refusal

pytestmark = pytest.mark.slow

ACCOUNT = "111111111111"
ACTIONS = ["ssm:ListDocuments", "ssm:DescribeParameters"]
DENIED = "User: hub is not authorized to perform: sts:AssumeRole on resource: role"


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch):
    time = FakeTime()
    monkeypatch.setattr(module, "_retrier", impatient(time).retrier)


def go(**changes):
    wanted = {
        "partition": "aws",
        "role": "TutelaScan",
        "external_id": "the-external-id",
        "session_name": "tutela-scan-7-31",
        "actions": ACTIONS,
        "region": "eu-west-1",
    }
    return assume_role(ACCOUNT, **{**wanted, **changes})


def test_sts_request_has_role_external_id_and_policy(aws):
    stub = aws(lambda request: assumed(ACCOUNT))
    go(source_identity="alice@example.com")
    params = stub.requests[0].params
    assert params["RoleArn"] == f"arn:aws:iam::{ACCOUNT}:role/TutelaScan"
    assert params["ExternalId"] == "the-external-id"
    assert params["RoleSessionName"] == "tutela-scan-7-31"
    assert params["SourceIdentity"] == "alice@example.com"
    assert params["DurationSeconds"] == "3600"
    [statement] = json.loads(params["Policy"])["Statement"]
    assert statement == {"Effect": "Allow", "Action": sorted(ACTIONS), "Resource": "*"}
    assert (stub.requests[0].key, stub.requests[0].region) == ("AKIAHUB", "eu-west-1")


def test_the_partition_is_never_a_literal(aws):
    stub = aws(lambda request: assumed(ACCOUNT))
    go(partition="aws-us-gov", region="us-gov-west-1")
    assert stub.requests[0].params["RoleArn"].startswith("arn:aws-us-gov:iam::")


def test_a_session_name_is_made_fit(aws):
    stub = aws(lambda request: assumed(ACCOUNT))
    go(session_name="scan 7 / " + "x" * 80)
    assert stub.requests[0].params["RoleSessionName"] == ("scan-7---" + "x" * 80)[:64]


def test_the_role_signs_the_reads(aws):
    stub = aws(lambda request: assumed(ACCOUNT) if request.service == "sts" else Answer({"Parameters": []}))
    with acting_as(go()):
        AwsReader(ACCOUNT, "aws", "eu-west-1", (PARAMETERS,)).call("ssm", "DescribeParameters")
    assert stub.requests[-1].key == f"ASIA{ACCOUNT}"


def test_the_external_id_is_left_out_only_when_asked(aws):
    stub = aws(lambda request: assumed(ACCOUNT))
    go(external_id=None)
    assert "ExternalId" not in stub.requests[0].params
    with pytest.raises(AssumeError, match="TUTELA_EXTERNAL_ID"):
        go(external_id="")
    assert len(stub.requests) == 1


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (sts_refusal("AccessDenied", DENIED), ["refused to let the hub assume", "trust policy", "external", "exists"]),
        (sts_refusal("AccessDenied", "Account is suspended"), ["is suspended", "reactivated"]),
        (sts_refusal("AccessDenied", "explicit deny in a service control policy"), ["service control policy"]),
        (sts_refusal("ExpiredToken", "expired"), ["hub's AWS credentials have expired", "Renew"]),
        (sts_refusal("InvalidClientTokenId", "?"), ["doesn't accept the hub's credentials"]),
        (sts_refusal("Throttling", "Rate exceeded", 400), ["throttled", "later"]),
        (sts_refusal("RegionDisabledException", "off"), ["not active in eu-west-1", "Activate"]),
        (
            sts_refusal("ValidationError", "DurationSeconds exceeds", 400),
            ["ValidationError", "DurationSeconds exceeds"],
        ),
        (
            sts_refusal("PackedPolicyTooLarge", "Packed policy consumes 110%", 400),
            ["packs the session policy", "--control"],
        ),
        (Answer(b"<html>", 200), ["failed"]),
    ],
)
def test_each_assume_failure_gives_advice(aws, answer, said):
    aws(lambda request: answer)
    with pytest.raises(AssumeError) as caught:
        go()
    text = f"{caught.value.reason} {caught.value.what_to_do}"
    assert all(part.lower() in text.lower() for part in said), text
    assert caught.value.code


def test_credentials_that_end_at_no_time_are_no_answer(aws):
    aws(lambda request: assumed(ACCOUNT, expiration="1e999"))
    with pytest.raises(AssumeError):
        go()


@pytest.mark.parametrize("missing", ["AccessKeyId", "SecretAccessKey", "SessionToken"])
def test_credentials_in_part_are_no_answer(aws, missing):
    whole = assumed(ACCOUNT).body
    aws(lambda request: Answer(re.sub(f"<{missing}>.*?</{missing}>".encode(), b"", whole)))
    with pytest.raises(AssumeError) as caught:
        go()
    assert caught.value.code == "MalformedAnswer"


def test_words_of_aws_are_no_advice(aws):
    aws(lambda request: sts_refusal("ValidationError", "first line\nGap: second line.", 400))
    with pytest.raises(AssumeError) as caught:
        go()
    assert "(ValidationError: first line Gap: second line)." in caught.value.reason
    assert caught.value.what_to_do.startswith("Report this")


def test_no_credentials_at_all(aws, monkeypatch):
    aws()
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    session.reset()
    with pytest.raises(AssumeError, match="no AWS credentials") as caught:
        go()
    assert "AWS_ACCESS_KEY_ID" in caught.value.what_to_do


def test_a_throttled_sts_is_asked_again(aws):
    answers = iter([sts_refusal("Throttling", "slow", 400), assumed(ACCOUNT)])
    aws(lambda request: next(answers))
    assert go().credentials().access_key == f"ASIA{ACCOUNT}"


def test_too_large_session_policy_is_refused_before_call(aws):
    stub = aws()
    with pytest.raises(AssumeError, match="characters; STS takes 2048"):
        go(actions=[f"ssm:DescribeSomethingLong{n}" for n in range(80)])
    assert stub.requests == []
    assert len(build_session_policy(ACTIONS * 50)) < POLICY_LIMIT


class Sts:
    """Hands out credentials that live an hour, numbered; fails while told to."""

    def __init__(self):
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self.issued = 0
        self.failing = False
        self.acting = []

    def clock(self):
        return self.now

    def fetch(self):
        if self.failing:
            raise AssumeError("throttled", "wait", "Throttling")
        self.issued += 1
        return ReadOnlyCredentials(str(self.issued), "s", "t", None), self.now + timedelta(hours=1)

    def role(self):
        return AssumedRole(ACCOUNT, self.fetch, self.clock)

    def after(self, minutes):
        self.now += timedelta(minutes=minutes)


def test_credentials_are_renewed_at_four_fifths_of_their_life():
    sts = Sts()
    role = sts.role()
    sts.after(47)
    assert role.credentials().access_key == "1"
    sts.after(1)
    assert role.credentials().access_key == "2"
    sts.after(47)
    assert role.credentials().access_key == "2"


def test_failed_renewal_matters_only_after_expiry():
    sts = Sts()
    role = sts.role()
    sts.failing = True
    sts.after(50)
    assert role.credentials().access_key == "1"
    sts.after(10)
    with pytest.raises(AssumeError):
        role.credentials()
    sts.failing = False
    assert role.credentials().access_key == "2"


def test_many_threads_renew_once():
    sts = Sts()
    role = sts.role()
    sts.after(120)
    together = threading.Barrier(16)
    seen = []

    def use():
        together.wait()
        seen.append(role.credentials().access_key)

    threads = [threading.Thread(target=use) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == ["2"] * 16
    assert sts.issued == 2


def test_a_renewal_in_the_middle_of_a_read_is_signed_by_the_hub(aws):
    stub = aws(lambda r: assumed(ACCOUNT) if r.service == "sts" else Answer({"Parameters": []}))
    now = [datetime(2999, 1, 1, tzinfo=UTC) - timedelta(hours=1)]
    role = go(clock=lambda: now[0])
    now[0] += timedelta(minutes=50)
    with acting_as(role):
        AwsReader(ACCOUNT, "aws", "eu-west-1", (PARAMETERS,)).call("ssm", "DescribeParameters")
    assert [(r.service, r.key) for r in stub.requests] == [
        ("sts", "AKIAHUB"),
        ("sts", "AKIAHUB"),
        ("ssm", f"ASIA{ACCOUNT}"),
    ]


def test_role_repr_hides_secrets():
    assert repr(Sts().role()) == f"<AssumedRole {ACCOUNT}>"


def test_acting_ends_with_its_block():
    with acting_as(FakeRole("1")):
        with acting_as(FakeRole("2")):
            assert module.acting_role() == FakeRole("2")
        assert module.acting_role() == FakeRole("1")
    assert module.acting_role() is None
