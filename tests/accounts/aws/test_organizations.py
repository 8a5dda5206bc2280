from __future__ import annotations

import pytest

from accounts.aws import organizations as module
from accounts.aws import session
from accounts.aws.hub import HubError, require_hub
from accounts.aws.organizations import DiscoveryError, discover_organization
from tests.accounts.aws.roles import impatient
from tests.accounts.aws.stub import Answer, refusal

pytestmark = pytest.mark.slow

MANAGEMENT, DEEP, SUSPENDED = "100000000000", "100000000001", "100000000002"
TREE = {"r-1": (["ou-1"], [MANAGEMENT]), "ou-1": (["ou-2"], []), "ou-2": (["ou-3"], [SUSPENDED]), "ou-3": ([], [DEEP])}


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch):
    monkeypatch.setattr("accounts.aws.reader.Counters", impatient)


def account(id):
    found = {
        "Id": id,
        "Name": f"name-{id}",
        "Status": "ACTIVE",
        "Email": "x@example.com",
        "JoinedTimestamp": 1700000000,
    }
    return found | ({"State": "PENDING_CLOSURE", "Status": "SUSPENDED"} if id == SUSPENDED else {})


def split(items, request, key):
    """One item a page, an empty page first."""
    token = request.params.get("NextToken")
    if token is None:
        return Answer({key: [], "NextToken": "0"})
    at = int(token)
    return Answer({key: items[at : at + 1]} | ({"NextToken": str(at + 1)} if at + 1 < len(items) else {}))


def organization(request, tree=TREE, tags=None, partition="aws"):
    params = request.params
    match request.operation:
        case "DescribeOrganization":
            arn = f"arn:{partition}:organizations::{MANAGEMENT}:organization/o-1"
            return Answer(
                {"Organization": {"Id": "o-1", "Arn": arn, "MasterAccountId": MANAGEMENT, "FeatureSet": "ALL"}}
            )
        case "ListRoots":
            return split([{"Id": "r-1", "Name": "Root"}], request, "Roots")
        case "ListOrganizationalUnitsForParent":
            units = [{"Id": id, "Name": f"name-{id}"} for id in tree[params["ParentId"]][0]]
            return split(units, request, "OrganizationalUnits")
        case "ListAccountsForParent":
            return split([account(id) for id in tree[params["ParentId"]][1]], request, "Accounts")
        case "ListTagsForResource":
            if tags is not None:
                return tags
            return split(
                [{"Key": "owner", "Value": f"team-{params['ResourceId']}"}, {"Key": "env", "Value": ""}],
                request,
                "Tags",
            )
    raise AssertionError(request.operation)


def test_the_whole_tree_is_discovered_through_empty_pages(aws):
    stub = aws(organization)
    found = discover_organization("aws")
    assert (found.org_id, found.partition, found.management_account, found.feature_set) == (
        "o-1",
        "aws",
        MANAGEMENT,
        "ALL",
    )
    assert [(u.id, u.parent, u.path) for u in found.units] == [
        ("r-1", None, "/r-1/"),
        ("ou-1", "r-1", "/r-1/ou-1/"),
        ("ou-2", "ou-1", "/r-1/ou-1/ou-2/"),
        ("ou-3", "ou-2", "/r-1/ou-1/ou-2/ou-3/"),
    ]
    assert [(a.id, a.ou, a.status) for a in found.accounts] == [
        (MANAGEMENT, "r-1", "ACTIVE"),
        (DEEP, "ou-3", "ACTIVE"),
        (SUSPENDED, "ou-2", "PENDING_CLOSURE"),
    ]
    assert found.accounts[0].tags == {"owner": f"team-{MANAGEMENT}", "env": ""}
    assert {r.key for r in stub.requests} == {"AKIAHUB"}


def test_discovery_uses_home_region_and_answers_partition(aws):
    stub = aws(lambda request: organization(request, partition="aws-us-gov"))
    assert discover_organization("aws-us-gov").partition == "aws-us-gov"
    assert {r.region for r in stub.requests} == {"us-gov-west-1"}


def test_refused_tags_are_unknown_not_empty(aws):
    aws(lambda request: organization(request, tags=refusal("AccessDeniedException")))
    [first, *_] = discover_organization("aws").accounts
    assert first.tags is None
    assert first.tags_gap["code"] == "AccessDeniedException"


@pytest.mark.parametrize("operation", ["ListRoots", "ListOrganizationalUnitsForParent", "ListAccountsForParent"])
@pytest.mark.parametrize(
    "answer", [refusal("AccessDeniedException"), refusal("ServiceException", status=500), Answer({})]
)
def test_a_part_that_cannot_be_listed_fails_the_discovery(aws, operation, answer):
    aws(lambda request: answer if request.operation == operation else organization(request))
    with pytest.raises(DiscoveryError, match=operation):
        discover_organization("aws")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (refusal("AWSOrganizationsNotInUseException"), "in no AWS Organization"),
        (refusal("AccessDeniedException"), "management account or of a delegated administrator"),
        (refusal("ExpiredTokenException"), "have expired"),
        (refusal("UnrecognizedClientException"), "doesn't accept the credentials"),
        (refusal("TooManyRequestsException"), "run discover again"),
        (Answer({"Organization": {"Id": "o-1"}}), "run discover again|Run discover again"),
        (Answer({}), "MalformedAnswer.*run discover again"),
    ],
)
def test_each_discovery_failure_gives_advice(aws, answer, said):
    aws(lambda request: answer if request.operation == "DescribeOrganization" else organization(request))
    with pytest.raises(DiscoveryError, match=said):
        discover_organization("aws")


def test_missing_credentials_fail_discovery(aws, monkeypatch):
    aws(organization)
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    session.reset()
    with pytest.raises(DiscoveryError, match="no AWS credentials"):
        discover_organization("aws")


def test_a_profile_that_does_not_exist(aws, monkeypatch):
    aws(organization)
    monkeypatch.setenv("AWS_PROFILE", "nope")
    session.reset()
    with pytest.raises(DiscoveryError, match=r"profile \(nope\) could not be found\. Correct AWS_PROFILE"):
        discover_organization("aws")
    with pytest.raises(HubError, match=r"profile \(nope\) could not be found\. Correct AWS_PROFILE"):
        require_hub("aws")
    session.reset()


def test_unreachable_endpoint_fails_discovery(monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(DiscoveryError, match="AWS_ENDPOINT_URL"):
        discover_organization("aws")


def test_every_call_is_declared():
    assert {call.action for call in module.CALLS} == {f"organizations:{call.operation}" for call in module.CALLS}


def odd_names(request):
    match request.operation:
        case "ListOrganizationalUnitsForParent" if request.params["ParentId"] == "r-1":
            return Answer(b'{"OrganizationalUnits": [{"Id": "ou-1", "Name": "Ops\\u0000Team"}]}')
        case "ListAccountsForParent" if request.params["ParentId"] == "r-1":
            odd = b'{"Id": "100000000000", "Status": "ACTIVE", "Name": "a\\ud83d"}'
            return Answer(b'{"Accounts": [' + odd + b', {"Id": "100000000009", "Name": "no status"}]}')
        case "ListTagsForResource" if request.params["ResourceId"] == DEEP:
            return Answer(b'{"Tags": [{"Key": "ow\\ud83dner", "Value": "ann\\u0000"}]}')
        case "ListTagsForResource" if request.params["ResourceId"] == SUSPENDED:
            return Answer({"Tags": [{"Value": "of no key"}]})
    return organization(request)


def test_odd_names_and_tags_are_storable_and_told(aws):
    aws(odd_names)
    found = discover_organization("aws")
    accounts = {account.id: account for account in found.accounts}
    assert found.units[1].name == "Ops\ufffdTeam"
    assert accounts[MANAGEMENT].name == "a\ufffd"
    assert accounts[DEEP].tags == {"ow\ufffdner": "ann\ufffd"}
    assert set(found.replaced) == {
        "the name of OU ou-1", f"the name of account {MANAGEMENT}", f"the tags of account {DEEP}",
    }  # fmt: skip


def test_malformed_account_fails_alone_with_tags_gap(aws):
    aws(odd_names)
    found = discover_organization("aws")
    accounts = {account.id: account for account in found.accounts}
    assert found.failed == {"100000000009": "AWS lists it in a form that can't be read (KeyError)"}
    assert set(accounts) == {MANAGEMENT, DEEP, SUSPENDED}
    assert (accounts[SUSPENDED].tags, accounts[SUSPENDED].tags_gap["kind"]) == (None, "malformed")


@pytest.mark.parametrize("moment", [b"1e999", b"NaN", b"9" * 400, b"1e18", b"{}"])
def test_invalid_time_hides_no_account(aws, moment):
    def answer(request):
        if request.operation == "ListAccountsForParent" and request.params["ParentId"] == "r-1":
            odd = b'{"Id": "100000000000", "Status": "ACTIVE", "Name": "a", "JoinedTimestamp": '
            return Answer(b'{"Accounts": [' + odd + moment + b"}]}")
        return organization(request)

    aws(answer)
    found = discover_organization("aws")
    joined = {account.id: account.joined_at for account in found.accounts}
    assert set(joined) == {MANAGEMENT, DEEP, SUSPENDED}
    assert joined[MANAGEMENT] is None
    assert joined[DEEP] is not None


def test_nothing_replaced_is_reported_empty(aws):
    aws(organization)
    assert discover_organization("aws").replaced == ()


ODD = "ou-2\x00"


def with_odd_ids(request):
    tree = {**TREE, "ou-1": ([ODD], [SUSPENDED, "1000\ud83d00003"])}
    return organization(request, tree)


def test_what_is_below_an_odd_id_is_told_not_empty(aws):
    """The id would be asked for with a mark in it, and the answer of another OU, or of none, would be taken for its own."""
    stub = aws(with_odd_ids)
    found = discover_organization("aws")
    assert [unit.id for unit in found.units] == ["r-1", "ou-1"]
    assert [account.id for account in found.accounts] == [MANAGEMENT, SUSPENDED]
    assert found.failed == {"ou-2\ufffd": module.ODD_UNIT, "1000\ufffd00003": module.ODD_ACCOUNT}
    assert not found.complete
    assert {r.params["ParentId"] for r in stub.requests if "ParentId" in r.params} == {"r-1", "ou-1"}


@pytest.mark.parametrize("given", [{"Id": "o-\x00"}, {"MasterAccountId": "1"}, {"MasterAccountId": "\ud83d" * 12}])
def test_an_organization_with_odd_ids_is_not_taken(aws, given):
    def script(request):
        found = organization(request)
        if request.operation == "DescribeOrganization":
            found.body["Organization"].update(given)
        return found

    aws(script)
    with pytest.raises(DiscoveryError, match="odd ids"):
        discover_organization("aws")


def test_name_of_several_lines_becomes_one(aws):
    def script(request):
        answer = organization(request)
        for key in ("Accounts", "OrganizationalUnits"):
            for item in answer.body.get(key) or ():
                item["Name"] = "shop\r\n300000000001 done\u2028\x1b[2J\tx"
        return answer

    aws(script)
    found = discover_organization("aws")
    named = {each.name for each in (*found.accounts, *found.units) if each.name.startswith("shop")}
    assert named == {"shop\ufffd\ufffd300000000001 done\ufffd\ufffd[2J\ufffdx"}


def test_too_long_name_is_cut_and_leaves_no_account_out(aws):
    def script(request):
        answer = organization(request)
        for key in ("Accounts", "OrganizationalUnits"):
            for item in answer.body.get(key) or ():
                item["Name"] = "n" * 300
        return answer

    aws(script)
    found = discover_organization("aws")
    named = [each.name for each in (*found.accounts, *found.units) if each.name.startswith("nn")]
    assert named
    assert {len(name) for name in named} == {256}
    assert not found.failed
