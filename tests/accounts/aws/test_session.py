from __future__ import annotations

import logging
import os
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.aws import session
from accounts.aws.credentials import CredentialsRefusedError, acting_as
from accounts.aws.endpoints import FipsError
from accounts.aws.quiet_loggers import quiet_loggers
from governance.core.env import ConfigurationError
from tests.accounts.aws.roles import FakeRole
from tests.accounts.aws.stub import Answer, nothing_there

pytestmark = pytest.mark.slow

ACCOUNTS = [f"{n:012d}" for n in range(1, 9)]


def test_threads_share_client_but_sign_for_own_account(aws):
    stub = aws(lambda request: Answer({"Parameters": [{"Name": request.key}]}))
    together = threading.Barrier(len(ACCOUNTS))

    def read(account: str) -> set[str]:
        seen = set()
        with acting_as(FakeRole(account)):
            together.wait()
            for _ in range(10):
                seen.add(session.client("ssm", "eu-west-1").describe_parameters()["Parameters"][0]["Name"])
        return seen

    with ThreadPoolExecutor(len(ACCOUNTS)) as pool:
        answers = dict(zip(ACCOUNTS, pool.map(read, ACCOUNTS), strict=True))
    assert answers == {account: {f"ASIA{account}"} for account in ACCOUNTS}
    assert session.clients_built() == [("ssm", "eu-west-1")]
    assert {(r.key, r.headers["x-amz-security-token"]) for r in stub.requests} == {
        (f"ASIA{a}", f"token{a}") for a in ACCOUNTS
    }


def test_client_count_does_not_depend_on_accounts(aws):
    aws(lambda request: nothing_there())
    for account in ACCOUNTS:
        with acting_as(FakeRole(account)):
            for region in ("eu-west-1", "us-east-1"):
                session.client("ssm", region).describe_parameters()
                session.client("logs", region).describe_log_groups()
    assert len(session.clients_built()) == 4


def test_without_a_role_the_hub_signs_and_after_the_role_again(aws):
    stub = aws(lambda request: nothing_there())
    with acting_as(FakeRole("000000000001")):
        session.client("ssm", "eu-west-1").describe_parameters()
    session.client("ssm", "eu-west-1").describe_parameters()
    assert [request.key for request in stub.requests] == ["ASIA000000000001", "AKIAHUB"]


def test_the_user_agent_is_fixed(aws):
    stub = aws(lambda request: nothing_there())
    session.client("ssm", "eu-west-1").describe_parameters()
    assert stub.requests[0].headers["user-agent"] == "tutela"


def test_a_client_never_retries_by_itself(aws):
    stub = aws(lambda request: Answer({"__type": "ThrottlingException"}, 400))
    client = session.client("ssm", "eu-west-1")
    with pytest.raises(client.exceptions.ClientError):
        client.describe_parameters()
    assert len(stub.requests) == 1


def test_custom_endpoint_uses_path_style_for_s3(aws):
    stub = aws(lambda request: Answer(b"<PublicAccessBlockConfiguration></PublicAccessBlockConfiguration>"))
    session.client("s3", "eu-west-1").get_public_access_block(Bucket="bucket")
    session.client("s3control", "eu-west-1").get_public_access_block(AccountId="123456789012")
    assert [r.path.split("?")[0] for r in stub.requests] == ["/bucket", "/v20180820/configuration/publicAccessBlock"]
    assert stub.requests[1].headers["x-amz-account-id"] == "123456789012"


def test_tls_is_1_2_at_least():
    client = session.client("ssm", "eu-west-1")
    context = client._endpoint.http_session._manager.connection_pool_kw["ssl_context"]
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert client.meta.endpoint_url == "https://ssm.eu-west-1.amazonaws.com"


def test_sts_is_regional():
    assert session.client("sts", "eu-west-1").meta.endpoint_url == "https://sts.eu-west-1.amazonaws.com"


@pytest.mark.parametrize("switch", ["TUTELA_FIPS", "AWS_USE_FIPS_ENDPOINT"])
def test_fips_used_where_published_else_refused_before_call(monkeypatch, switch):
    monkeypatch.setenv(switch, "1")
    assert session.client("ssm", "us-east-1").meta.endpoint_url == "https://ssm-fips.us-east-1.amazonaws.com"
    with pytest.raises(FipsError, match="no FIPS endpoint for ssm in eu-west-1"):
        session.client("ssm", "eu-west-1")
    assert session.clients_built() == [("ssm", "us-east-1")]


def test_fips_does_not_apply_at_a_custom_endpoint(aws, monkeypatch):
    monkeypatch.setenv("TUTELA_FIPS", "1")
    stub = aws(lambda request: nothing_there())
    session.client("ssm", "eu-west-1").describe_parameters()
    assert len(stub.requests) == 1


def test_a_request_that_would_miss_the_fips_host_is_refused(monkeypatch):
    monkeypatch.setenv("TUTELA_FIPS", "1")
    # Overrides the host for one service behind our back.
    monkeypatch.setenv("AWS_ENDPOINT_URL_SSM", "http://127.0.0.1:9")
    with pytest.raises(FipsError, match="instead of the FIPS endpoint"):
        session.client("ssm", "us-east-1").describe_parameters()


def test_profile_with_credential_process_is_refused_unrun(aws, monkeypatch, tmp_path):
    aws(lambda request: nothing_there())
    ran = tmp_path / "ran"
    config = tmp_path / "config"
    config.write_text(
        f"[profile hub]\nrole_arn = arn:aws:iam::1:role/x\nsource_profile = base\n"
        f"[profile base]\ncredential_process = /usr/bin/touch {ran}\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_PROFILE", "hub")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(CredentialsRefusedError, match="'base' names a program"):
        session.client("ssm", "eu-west-1").describe_parameters()
    assert not ran.exists()


def test_at_debug_no_body_is_logged(aws, caplog):
    aws(lambda request: Answer({"Parameters": [{"Name": "S3CR3T-VALUE"}]}))
    logging.getLogger("botocore.parsers").setLevel(logging.DEBUG)
    quiet_loggers()
    with caplog.at_level(logging.DEBUG):
        session.client("ssm", "eu-west-1").describe_parameters()
    assert "S3CR3T-VALUE" not in caplog.text
    assert "hubsecret" not in caplog.text


def test_a_child_process_starts_without_the_parents_connections(aws):
    aws(lambda request: nothing_there())
    session.client("ssm", "eu-west-1")
    child = os.fork()
    if child == 0:
        os._exit(len(session.clients_built()))
    assert os.waitpid(child, 0)[1] == 0


@pytest.mark.parametrize(
    ("text", "expected"), [("", (5.0, 20.0)), ("2", (2.0, 2.0)), ("60", (5.0, 60.0)), ("1,2.5", (1.0, 2.5))]
)
def test_timeouts_come_from_the_environment(monkeypatch, text, expected):
    monkeypatch.setenv("TUTELA_AWS_TIMEOUT", text)
    assert session.read_aws_timeouts() == expected


@pytest.mark.parametrize("text", ["soon", "0", "-1", "1,2,3", "nan"])
def test_invalid_timeout_is_refused(monkeypatch, text):
    monkeypatch.setenv("TUTELA_AWS_TIMEOUT", text)
    with pytest.raises(ConfigurationError, match="TUTELA_AWS_TIMEOUT"):
        session.read_aws_timeouts()


@given(st.integers(100_000, 4_000_000_000))
def test_timestamps_are_read_like_botocore_reads_them(seconds):
    moment = datetime.fromtimestamp(seconds, UTC)
    forms = [
        moment.isoformat(),
        moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
        moment.timestamp(),
        str(int(moment.timestamp())),
    ]
    forms.append(moment.strftime("%a, %d %b %Y %H:%M:%S GMT"))
    assert {session.parse_timestamp(form) for form in forms} == {moment}
    assert {session.parse_time_or_text(form) for form in forms} == {moment}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (float("inf"), "not a time"), (float("nan"), "not a time"), (1e18, "not a time"), (-(10**400), "not a time"),
        ([], "not a time"), (None, "not a time"), ("1e999", "1e999"), ("yesterday", "yesterday"), ("9" * 30, "9" * 30),
        ("0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00+14:00"),
    ],
)  # fmt: skip
def test_invalid_time_stays_text(value, text):
    assert session.parse_time_or_text(value) == text
