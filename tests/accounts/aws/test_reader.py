from __future__ import annotations

import pytest

from accounts.aws import deadline, session
from accounts.aws.calls import Call, CallError
from accounts.aws.credentials import acting_as
from accounts.aws.gaps import GapKind
from accounts.aws.reader import AwsReader, Counters, UndeclaredCallError, WrongCredentialsError
from accounts.aws.retry import RETRY_COST
from tests.accounts.aws.roles import PARAMETERS, FakeRole, FakeTime, impatient
from tests.accounts.aws.stub import Answer, refusal

pytestmark = pytest.mark.slow

ACCOUNT = "111111111111"
NO_SESSIONS = Call("macie2", "GetMacieSession", "macie2:GetMacieSession")
AUTHORIZATION = Call("iam", "GetAccountAuthorizationDetails", "iam:GetAccountAuthorizationDetails")


@pytest.fixture(autouse=True)
def _acting():
    with acting_as(FakeRole(ACCOUNT)):
        yield


def reader(*calls, counters=None, region="eu-west-1", partition="aws", **options):
    return AwsReader(ACCOUNT, partition, region, calls or (PARAMETERS,), counters=counters or impatient(), **options)


def parameters(aws_reader, **params):
    return aws_reader.pages("ssm", "DescribeParameters", "Parameters", **params)


def paged(pages):
    """Pages by token: {token: (items or None, next token)}."""

    def script(request):
        items, following = pages[request.params.get("NextToken")]
        body = {} if items is None else {"Parameters": [{"Name": name} for name in items]}
        return Answer(body | ({"NextToken": following} if following is not None else {}))

    return script


def names(listing):
    return [item["Name"] for item in listing.items]


def test_pages_go_on_to_the_end_through_empty_ones(aws):
    stub = aws(paged({None: (["a"], "1"), "1": ([], "2"), "2": (None, "3"), "3": (["b"], None)}))
    listing = parameters(reader(), MaxResults=50)
    assert (names(listing), listing.gap) == (["a", "b"], None)
    assert [r.params.get("MaxResults") for r in stub.requests] == [50] * 4


def test_an_empty_token_ends_the_pages(aws):
    aws(paged({None: (["a"], "")}))
    assert parameters(reader()).gap is None


def test_a_repeated_token_ends_with_a_gap(aws):
    stub = aws(paged({None: (["a"], "1"), "1": (["b"], "1")}))
    listing = parameters(reader())
    assert names(listing) == ["a", "b"]
    assert listing.gap.kind is GapKind.MALFORMED
    assert len(stub.requests) == 2


def test_ever_new_tokens_end_with_a_gap(aws, monkeypatch):
    monkeypatch.setattr("accounts.aws.reader.MAX_PAGES", 3)
    stub = aws(lambda r: Answer({"Parameters": [{"Name": "a"}], "NextToken": r.params.get("NextToken", "") + "x"}))
    listing = parameters(reader())
    assert (names(listing), len(stub.requests)) == (["a"] * 3, 3)
    assert (listing.gap.kind, listing.gap.code) == (GapKind.TOO_COSTLY, "Over3Pages")


def test_items_before_a_refusal_are_kept_with_the_gap(aws):
    aws(lambda r: refusal("AccessDeniedException", status=400) if r.params.get("NextToken") else
        Answer({"Parameters": [{"Name": "a"}], "NextToken": "1"}))  # fmt: skip
    listing = parameters(reader())
    assert names(listing) == ["a"]
    assert listing.gap.as_dict() == {
        "kind": "denied",
        "api": "ssm.DescribeParameters",
        "action": "ssm:DescribeParameters",
        "region": "eu-west-1",
        "code": "AccessDeniedException",
    }


@pytest.mark.parametrize(
    "body",
    [
        b"<html>busy</html>",
        b"",
        b"[]",
        b'{"Parameters": [{"Na',
        b'{"Parameters": {"a": ',
        {},
        {"Parameters": None},
        {"Parameters": "all"},
        {"Parameters": {"Name": "x"}},
        {"Parameters": ["x"]},
    ],
)
def test_an_answer_of_another_form_is_a_gap_never_an_empty_list(aws, body):
    aws(lambda request: Answer(body))
    listing = parameters(reader())
    assert listing.gap is not None
    assert (listing.gap.kind, listing.items) == (GapKind.MALFORMED, [])


def test_invalid_xml_is_malformed(aws):
    aws(lambda request: Answer(b"not xml at all"))
    with pytest.raises(CallError) as caught:
        reader(AUTHORIZATION, region="global").call("iam", "GetAccountAuthorizationDetails")
    assert caught.value.gap.kind is GapKind.MALFORMED


def test_xml_parsed_by_botocore_handler_can_be_malformed(aws):
    call = Call("s3", "GetBucketLocation", "s3:GetBucketLocation")
    aws(lambda request: Answer(b"<html>{not an answer"))
    with pytest.raises(CallError) as caught:
        reader(call).call("s3", "GetBucketLocation", Bucket="any")
    assert caught.value.gap.kind is GapKind.MALFORMED


@pytest.mark.parametrize("body", [b"{}", b" { } ", b""])
def test_bare_object_is_malformed(aws, body):
    aws(lambda request: Answer(body))
    assert parameters(reader()).gap.kind is GapKind.MALFORMED


def test_marker_and_is_truncated_are_followed(aws):
    def script(request):
        more = "Marker" not in request.params
        users = "<member><UserName>u</UserName></member>"
        token = "<IsTruncated>true</IsTruncated><Marker>m</Marker>" if more else "<IsTruncated>false</IsTruncated>"
        return Answer(
            f"<R><GetAccountAuthorizationDetailsResult><UserDetailList>{users}</UserDetailList>{token}"
            "</GetAccountAuthorizationDetailsResult></R>".encode()
        )

    aws(script)
    listing = reader(AUTHORIZATION, region="global").pages("iam", "GetAccountAuthorizationDetails", "UserDetailList")
    assert len(listing.items) == 2
    whole = reader(AUTHORIZATION, region="global").pages("iam", "GetAccountAuthorizationDetails", "")
    assert [len(page["UserDetailList"]) for page in whole.items] == [1, 1]


@pytest.mark.parametrize(
    ("partition", "home"), [("aws", "us-east-1"), ("aws-cn", "cn-north-1"), ("aws-us-gov", "us-gov-west-1")]
)
def test_global_read_uses_home_region_and_reports_global(aws, partition, home):
    stub = aws(lambda request: refusal("AccessDeniedException"))
    assert parameters(reader(region="global", partition=partition)).gap.region == "global"
    assert stub.requests[0].region == home


def test_another_region_can_be_read_and_is_reported(aws):
    stub = aws(lambda request: refusal("AccessDeniedException"))
    assert parameters(reader(region="global"), region="eu-north-1").gap.region == "eu-north-1"
    assert stub.requests[0].region == "eu-north-1"


def test_an_undeclared_call_is_refused(aws):
    stub = aws()
    with pytest.raises(UndeclaredCallError, match=r"ssm\.GetParameters is not declared"):
        reader().call("ssm", "GetParameters", Names=["x"])
    assert stub.requests == []


@pytest.mark.parametrize("role", [None, FakeRole("222222222222")])
def test_read_is_never_signed_as_another_account(aws, role):
    stub = aws()
    with acting_as(role), pytest.raises(WrongCredentialsError):
        parameters(reader())
    assert stub.requests == []


def test_the_hub_may_be_asked_for(aws):
    stub = aws(lambda request: Answer({"Parameters": []}))
    with acting_as(None):
        parameters(reader(as_hub=True))
    assert stub.requests[0].key == "AKIAHUB"


def test_calls_and_retries_are_counted_and_told(aws):
    told = []
    answers = iter([refusal("ThrottlingException"), Answer({"Parameters": []})])
    aws(lambda request: next(answers))
    counters = impatient()
    parameters(reader(counters=counters, on_call=lambda *call: told.append(call)))
    assert (counters.calls, counters.retries, counters.by_api["ssm.DescribeParameters"]) == (2, 1, 2)
    assert told == [("ssm", "DescribeParameters", "eu-west-1")] * 2


def test_reader_stops_at_deadline_and_keeps_earlier_items(aws):
    stub = aws(lambda request: Answer({"Parameters": [{"Name": "/a"}], "NextToken": "more"}))
    counters = impatient()

    def over_after_one(*_call):
        deadline._current.set(deadline.Deadline(0, 600))

    with deadline.until(deadline.Deadline.after(600)):
        listing = parameters(reader(counters=counters, on_call=over_after_one))
    assert listing.items == [{"Name": "/a"}]
    assert (listing.gap.kind, listing.gap.code) == (GapKind.OUT_OF_TIME, "NotReadIn600Seconds")
    assert len(stub.requests) == counters.calls == 1


@pytest.mark.parametrize(
    ("answer", "tries", "kind"),
    [
        (refusal("ThrottlingException"), 5, GapKind.THROTTLED),
        (refusal("InternalServerError", status=500), 3, GapKind.SERVER_ERROR),
        (Answer(b"<html>no such thing</html>", 500), 3, GapKind.SERVER_ERROR),
        (refusal("AccessDeniedException"), 1, GapKind.DENIED),
        (refusal("InvalidFilterKey"), 1, GapKind.REJECTED),
    ],
)
def test_transient_failure_is_retried(aws, answer, tries, kind):
    stub = aws(lambda request: answer)
    assert parameters(reader()).gap.kind is kind
    assert len(stub.requests) == tries


def test_a_time_out_is_a_gap_after_two_tries(aws, monkeypatch):
    import threading

    monkeypatch.setenv("TUTELA_AWS_TIMEOUT", "0.05")
    release = threading.Event()

    def hang(request):
        release.wait(5)
        return Answer({})

    stub = aws(hang)
    gap = parameters(reader()).gap
    release.set()
    assert (gap.kind, gap.code, len(stub.requests)) == (GapKind.TIMEOUT, "ReadTimeout", 2)


def test_unreachable_endpoint_is_a_gap(monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    assert parameters(reader()).gap.kind is GapKind.UNREACHABLE


def test_fips_that_is_not_published_is_a_gap_without_a_call(monkeypatch):
    monkeypatch.setenv("TUTELA_FIPS", "1")
    gap = parameters(reader()).gap
    assert (gap.kind, gap.code) == (GapKind.NO_FIPS, "NoFipsEndpoint")


def test_throttled_account_spends_no_other_accounts_budget(aws):
    stub = aws(lambda r: refusal("ThrottlingException") if r.key == f"ASIA{ACCOUNT}" else Answer({"Parameters": []}))
    time = FakeTime()
    hot, calm = impatient(time), impatient(time)
    while hot.retrier.budget_for(ACCOUNT, "eu-west-1", "ssm").tokens >= RETRY_COST:
        parameters(reader(counters=hot))
    spent = len(stub.requests)
    parameters(reader(counters=hot))
    assert len(stub.requests) == spent + 1, "the budget is spent: one try, no retry"
    slept = len(time.slept)
    other = "222222222222"
    with acting_as(FakeRole(other)):
        listing = AwsReader(other, "aws", "eu-west-1", (PARAMETERS,), counters=calm).pages(
            "ssm", "DescribeParameters", "Parameters"
        )
    assert listing.gap is None
    assert len(time.slept) == slept, "the calm account waited for nothing"


def test_the_default_counters_are_the_readers_own(aws):
    aws(lambda request: Answer({"Parameters": []}))
    first = AwsReader(ACCOUNT, "aws", "eu-west-1", (PARAMETERS,))
    parameters(first)
    assert first.counters.calls == 1
    assert isinstance(AwsReader(ACCOUNT, "aws", "eu-west-1", ()).counters, Counters)


def test_operations_without_pages_are_read_once(aws):
    aws(lambda request: Answer({"status": "ENABLED"}))
    assert reader(NO_SESSIONS).call("macie2", "GetMacieSession")["status"] == "ENABLED"
    assert session.clients_built() == [("macie2", "eu-west-1")]


def test_more_pages_without_a_token_are_a_gap(aws):
    aliases = Call("kms", "ListAliases", "kms:ListAliases")
    aws(lambda request: Answer({"Aliases": [{"AliasName": "alias/a"}], "Truncated": True}))
    listing = reader(aliases).pages("kms", "ListAliases", "Aliases")
    assert [item["AliasName"] for item in listing.items] == ["alias/a"]
    assert listing.gap.kind is GapKind.MALFORMED
