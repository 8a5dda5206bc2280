from __future__ import annotations

import pytest

from accounts.aws import assume as assume_module
from accounts.aws.calls import Call
from accounts.aws.diagnosis import diagnose_access
from accounts.aws.hub import HubError
from tests.accounts.aws.roles import PARAMETERS, impatient
from tests.accounts.aws.stub import Answer, assumed, nothing_there, refusal, sts_refusal

pytestmark = pytest.mark.slow

ACCOUNT = "111111111111"
EXTERNAL_ID = "the-right-external-id-of-this-hub"
DOCUMENT = Call("ssm", "GetDocument", "ssm:GetDocument")
LISTING = Call("ssm", "ListDocuments", "ssm:ListDocuments")
MACIE = Call("macie2", "GetMacieSession", "macie2:GetMacieSession")
FEATURES = Call("iam", "ListOrganizationsFeatures", "iam:ListOrganizationsFeatures")


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch):
    monkeypatch.setattr("accounts.aws.reader.Counters", impatient)
    monkeypatch.setattr(assume_module, "_retrier", impatient().retrier)


def script(reads=lambda request: nothing_there(), trusts=lambda given: given == EXTERNAL_ID):
    def answer(request):
        if request.service != "sts":
            return reads(request)
        good = trusts(request.params.get("ExternalId"))
        return assumed(ACCOUNT) if good else sts_refusal("AccessDenied", "is not authorized to perform: sts:AssumeRole")

    return answer


def see(*calls, external_id=EXTERNAL_ID):
    calls = calls or (PARAMETERS, DOCUMENT)
    return diagnose_access(ACCOUNT, partition="aws", role="TutelaScan", external_id=external_id, sessions=[calls])


def test_a_healthy_account(aws):
    stub = aws(script())
    found = see()
    assert (found.problems, found.tried, found.untried) == ([], 1, ["ssm:GetDocument"])
    assert stub.of("DescribeParameters")[0].params == {"MaxResults": 5}
    given = [request.params.get("ExternalId") for request in stub.of("AssumeRole")]
    assert given[0] == EXTERNAL_ID
    assert given[1] is None
    assert given[2] not in {EXTERNAL_ID, None}


def test_a_missing_role_or_wrong_external_id(aws):
    aws(script(trusts=lambda given: False))
    [problem] = see().problems
    assert "refused to let the hub assume" in problem.what
    assert "trust policy" in problem.what_to_do


def test_a_role_that_trusts_without_the_external_id(aws):
    aws(script(trusts=lambda given: True))
    assert [p.what for p in see().problems] == [
        "The role can be assumed without an external id.",
        "The role can be assumed with a wrong external id.",
    ]


def test_unproved_trust_is_reported(aws):
    good = script()
    aws(lambda r: good(r) if r.service != "sts" or r.params.get("ExternalId") == EXTERNAL_ID else
        sts_refusal("Throttling", "slow", 400))  # fmt: skip
    assert all("The test that the role can't be assumed" in problem.what for problem in see().problems)
    assert len(see().problems) == 2


def test_refused_actions_advise_by_refusing_policy(aws):
    def reads(request):
        if request.operation == "ListDocuments":
            return refusal("AccessDeniedException", "explicit deny in a service control policy")
        return refusal("AccessDeniedException", "is not authorized to perform")

    aws(script(reads))
    problems = {p.what: p.what_to_do for p in see(PARAMETERS, LISTING).problems}
    assert "scan role" in problems["Refused: ssm:DescribeParameters."]
    assert "service control policy" in problems["Refused: ssm:ListDocuments."]


def see_in_two_sessions():
    return diagnose_access(
        ACCOUNT,
        partition="aws",
        role="TutelaScan",
        external_id=EXTERNAL_ID,
        sessions=[[PARAMETERS], [PARAMETERS, LISTING]],
    )


def test_each_session_tries_its_own_calls(aws):
    stub = aws(script(lambda request: Answer({"Parameters": [], "DocumentIdentifiers": []})))
    found = see_in_two_sessions()
    assert (found.problems, found.tried) == ([], 2)
    policies = [request.params["Policy"] for request in stub.of("AssumeRole")]
    # The first session, the two that must be refused, and the second session.
    assert ["ssm:ListDocuments" in policy for policy in policies] == [False, False, False, True]
    assert len(stub.of("DescribeParameters")) == 1, "a call of both sessions is tried once"


def test_missing_later_session_names_its_actions(aws):
    good = script()

    def answer(request):
        if "ssm:ListDocuments" in request.params.get("Policy", ""):
            return sts_refusal("Throttling", "slow", 400)
        return good(request)

    aws(answer)
    [problem] = see_in_two_sessions().problems
    assert problem.what.startswith("AWS gave no further session of the role, for ssm:ListDocuments: AWS throttled")


def test_disabled_macie_is_no_refusal(aws):
    aws(script(lambda request: refusal("AccessDeniedException", "Macie is not enabled.", 403)))
    assert see(MACIE).problems == []


@pytest.mark.parametrize("status", [400, 403])
def test_management_only_api_is_no_refusal_in_member(aws, status):
    aws(
        script(lambda request: sts_refusal("AccountNotManagementOrDelegatedAdministratorException", "Only it.", status))
    )
    assert see(FEATURES).problems == []


def test_untried_action_is_reported(aws):
    aws(script(lambda request: refusal("InternalServerError", status=500)))
    [problem] = see(PARAMETERS).problems
    assert problem.what == "Could not be tried: ssm:DescribeParameters (InternalServerError)."


def test_a_request_that_is_rejected_was_allowed(aws):
    aws(script(lambda request: refusal("ValidationException")))
    assert see(PARAMETERS).problems == []


@pytest.mark.parametrize("code", ["ExpiredToken", "InvalidClientTokenId"])
def test_a_hub_that_cannot_work_is_no_accounts_fault(aws, code):
    aws(lambda request: sts_refusal(code, "no"))
    with pytest.raises(HubError):
        see()


def test_missing_fips_endpoint_is_reported(monkeypatch, aws):
    aws(script())
    role = type("Role", (), {"account_id": ACCOUNT})()

    def assume(account, *, external_id, **_):
        if external_id == EXTERNAL_ID:
            return role
        raise assume_module.AssumeError("refused", "", "AccessDenied")

    monkeypatch.delenv("AWS_ENDPOINT_URL")
    monkeypatch.setenv("TUTELA_FIPS", "1")
    regions = Call("account", "ListRegions", "account:ListRegions")
    found = diagnose_access(
        ACCOUNT, partition="aws", role="r", external_id=EXTERNAL_ID, sessions=[[regions]], assume=assume
    )
    assert "no FIPS endpoint for account in us-east-1" in found.problems[0].what
