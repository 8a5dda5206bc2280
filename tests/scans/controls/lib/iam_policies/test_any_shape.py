"""Policy documents of every legal and illegal shape, through the controls that judge them.

However a policy is spelled, the verdict is the same; what is no policy is UNKNOWN and says why: never a crash,
never a pass in silence.
"""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scans import registry
from scans.controls.lib.iam_policies import IDENTITY_POLICY, RESOURCE_POLICY, PolicyError, parse_policy
from scans.domain.control import Outcome, Verdict
from tests.scans.controls.test_every_control import judge_case
from tests.support.examples import examples

BUCKET = "arn:aws:s3:::example"
# Control -> (where its document stands, the fact that holds it)
JUDGES = {
    "SSM-AC-001": (IDENTITY_POLICY, "document"),
    "SSM-AC-002": (IDENTITY_POLICY, "document"),
    "SSM-AC-003": (IDENTITY_POLICY, "document"),
    "SSM-AC-004": (IDENTITY_POLICY, "document"),
    "SSM-KM-003": (RESOURCE_POLICY, "policy"),
    "SSM-S3-002": (RESOURCE_POLICY, "policy"),
    "SSM-S3-003": (RESOURCE_POLICY, "policy"),
    "SSM-VP-003": (RESOURCE_POLICY, "policy"),
}
every_judge = pytest.mark.parametrize("id", JUDGES)


def outcome(id: str, document: Any) -> Outcome:
    """What a control says of a resource that has just this document."""
    item = registry.controls()[id]
    case = next(c for c in item.cases if c.verdict is Verdict.PASS and not c.related_gaps)
    fact = JUDGES[id][1]
    case = replace(case, facts={**case.facts, fact: document})
    found = judge_case(item, case)
    assert found is not None
    return found


ACTIONS = [
    "*",
    "ssm:*",
    "ssm:GetParameter*",
    "SSM:getparameter",
    "kms:Decrypt",
    "s3:*",
    "s3:GetObject",
    "ssm:StartSession",
]
RESOURCES = [
    "*", "arn:*:ssm:*:*:parameter/*", "arn:aws:ssm:eu-west-1:*:parameter/app/*", "arn:aws:kms:*:111122223333:key/*",
    BUCKET, f"{BUCKET}/*", "arn:aws:s3:::ex?mple*", "arn:aws:iam::*:role/*",
]  # fmt: skip
PRINCIPALS: list[Any] = [
    "*", {"AWS": "*"}, {"AWS": ["*"]}, {"AWS": "arn:aws:iam::111122223333:root"}, {"AWS": ["990000000042", "111122223333"]},
    {"Service": "ssm.amazonaws.com"}, {"AWS": "AIDAEXAMPLEEXAMPLEEX"},
]  # fmt: skip
CONDITIONS: list[Any] = [
    {"Bool": {"aws:SecureTransport": "false"}},
    {"NumericLessThan": {"s3:TlsVersion": "1.2"}},
    {"StringEquals": {"aws:PrincipalOrgID": "o-example"}},
    {"StringLike": {"ssm:resourceTag/team": ["orders", "shop-*"]}},
    {"StringEquals": {"kms:CallerAccount": "111122223333"}, "Null": {"aws:TokenIssueTime": "false"}},
    {"ForAnyValue:StringEqualsIfExists": {"aws:PrincipalOrgPaths": ["o-example/*"]}},
    {},
]


def one_of_two(positive: str, negative: str, values: Any) -> Any:
    return st.tuples(st.sampled_from([positive, negative]), values)


def statements(kind: str) -> Any:
    parts = [
        one_of_two("Action", "NotAction", st.lists(st.sampled_from(ACTIONS), min_size=1, max_size=2)),
        one_of_two("Resource", "NotResource", st.lists(st.sampled_from(RESOURCES), min_size=1, max_size=3)),
        st.tuples(st.just("Effect"), st.sampled_from(["Allow", "Deny"])),
    ]
    if kind == RESOURCE_POLICY:
        parts.append(one_of_two("Principal", "NotPrincipal", st.sampled_from(PRINCIPALS)))
    optional = st.fixed_dictionaries({}, optional={"Sid": st.just("x"), "Condition": st.sampled_from(CONDITIONS)})
    return st.builds(lambda pairs, more: {**dict(pairs), **more}, st.tuples(*parts), optional)


def documents(kind: str) -> Any:
    return st.lists(statements(kind), min_size=1, max_size=3).map(
        lambda found: {"Version": "2012-10-17", "Statement": found}
    )


def respelled(draw: Any, document: dict[str, Any]) -> dict[str, Any]:
    """The same policy in another legal spelling."""
    found = copy.deepcopy(document)
    for statement in found["Statement"]:
        for name in ("Action", "NotAction", "Resource", "NotResource"):
            value = statement.get(name)
            if value is not None and draw(st.booleans()):
                value = [*value, *value]
            if value is not None and name in {"Action", "NotAction"} and draw(st.booleans()):
                value = [each.upper() for each in value]
            if value is not None and len(value) == 1 and draw(st.booleans()):
                value = value[0]
            if value is not None:
                statement[name] = value
        for name in ("Principal", "NotPrincipal"):
            if statement.get(name) == "*" and draw(st.booleans()):
                statement[name] = {"AWS": "*"}
        condition = statement.get("Condition")
        if condition:
            statement["Condition"] = {
                operator.upper() if draw(st.booleans()) else operator: {
                    (key.upper() if draw(st.booleans()) and "/" not in key else key): spell_values(draw, values)
                    for key, values in keys.items()
                }
                for operator, keys in condition.items()
            }
    if draw(st.booleans()):
        found["Statement"] = list(reversed(found["Statement"]))
    if len(found["Statement"]) == 1 and draw(st.booleans()):
        found["Statement"] = found["Statement"][0]
    return found


def spell_values(draw: Any, values: Any) -> Any:
    other = {"false": False, "true": True, "1.2": 1.2}.get(values, values) if isinstance(values, str) else values
    chosen = other if draw(st.booleans()) else values
    return [chosen] if not isinstance(chosen, list) and draw(st.booleans()) else chosen


@every_judge
@settings(max_examples=examples(20), deadline=None)
@given(data=st.data())
def test_the_spelling_makes_no_difference(id: str, data: st.DataObject) -> None:
    document = data.draw(documents(JUDGES[id][0]))
    assert outcome(id, document).verdict is outcome(id, respelled(data.draw, document)).verdict


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=6,
)
ELEMENTS = ["Effect", "Action", "NotAction", "Resource", "NotResource", "Principal", "NotPrincipal", "Condition"]


def broken(draw: Any, document: dict[str, Any]) -> dict[str, Any]:
    """A policy with one element changed into anything, removed or misspelled: mostly no policy any more."""
    found = copy.deepcopy(document)
    statement = draw(st.sampled_from(found["Statement"]))
    name = draw(st.sampled_from(ELEMENTS))
    act = draw(st.sampled_from(["replace", "remove", "misspell"]))
    if act == "replace":
        statement[name] = draw(JSON)
    elif act == "remove":
        statement.pop(name, None)
    elif name in statement:
        statement[name.lower()] = statement.pop(name)
    return found


@every_judge
@settings(max_examples=examples(50), deadline=None)
@given(data=st.data())
def test_invalid_policy_is_unknown_with_the_reason(id: str, data: st.DataObject) -> None:
    kind = JUDGES[id][0]
    document = broken(data.draw, data.draw(documents(kind)))
    found = outcome(id, document)
    fault = fault_of(document, kind)
    assert fault == "" or found.verdict is Verdict.UNKNOWN
    assert fault in found.reason


def fault_of(document: Any, kind: str) -> str:
    try:
        parse_policy(document, kind)
    except PolicyError as error:
        return str(error)
    return ""


@every_judge
@settings(max_examples=examples(20), deadline=None)
@given(document=JSON.filter(lambda value: value is not None))
def test_arbitrary_json_policy_is_unknown(id: str, document: Any) -> None:
    found = outcome(id, document)
    assert found.verdict is Verdict.UNKNOWN
    assert "understood" in found.reason


def allow(**elements: Any) -> dict[str, Any]:
    return {"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", **elements}}


def without(document: dict[str, Any], *names: str) -> dict[str, Any]:
    return {"Statement": {name: value for name, value in document["Statement"].items() if name not in names}}


OPEN = {"Principal": "*"}
DENY = {"Effect": "Deny", **OPEN}
HTTP = {"Condition": {"Bool": {"aws:SecureTransport": "false"}}}
BOTH = {"Resource": [BUCKET, f"{BUCKET}/*"]}


@pytest.mark.parametrize(
    ("id", "document", "verdict"),
    [
        # all but some is nearly all
        ("SSM-AC-001", without(allow(NotAction="s3:*"), "Action"), Verdict.FAIL),
        ("SSM-AC-001", without(allow(NotAction="iam:*"), "Action"), Verdict.PASS),
        ("SSM-AC-001", without(allow(NotResource="arn:aws:s3:::x"), "Resource"), Verdict.FAIL),
        ("SSM-AC-001", without(allow(NotResource="arn:aws:iam::*:*"), "Resource"), Verdict.PASS),
        ("SSM-AC-001", without(allow(NotResource="*"), "Resource"), Verdict.PASS),
        ("SSM-AC-001", allow(Resource="arn:aws:*"), Verdict.FAIL),
        ("SSM-AC-002", without(allow(NotAction="s3:*"), "Action"), Verdict.FAIL),
        ("SSM-AC-002", without(allow(NotResource=f"{BUCKET}/*"), "Resource"), Verdict.FAIL),
        ("SSM-AC-002", allow(Resource="arn:aws:ssm:*:*:param*"), Verdict.FAIL),
        ("SSM-AC-002", allow(Resource="arn:aws:ssm:*:*:parameter/a*"), Verdict.PASS),
        ("SSM-AC-002", allow(Resource="arn:aws:s?m:*"), Verdict.FAIL),
        ("SSM-AC-003", allow(Action="KMS:dec*", Resource="arn:aws:kms:*:*:key/*"), Verdict.FAIL),
        ("SSM-AC-003", allow(Action="kms:dec?ypt", Resource="arn:aws:kms:*:*:key/1234*"), Verdict.PASS),
        # without what every statement needs
        ("SSM-AC-001", without(allow(), "Resource"), Verdict.UNKNOWN),
        ("SSM-AC-002", without(allow(), "Resource"), Verdict.UNKNOWN),
        ("SSM-AC-002", allow(Principal="*"), Verdict.UNKNOWN),
        ("SSM-AC-002", allow(Action="GetParameter"), Verdict.UNKNOWN),
        ("SSM-AC-002", allow(Condition={"StringEqual": {"a:b": "c"}}), Verdict.UNKNOWN),
        ("SSM-KM-003", allow(), Verdict.UNKNOWN),
        ("SSM-KM-003", allow(Principal="arn:aws:iam::111122223333:root"), Verdict.UNKNOWN),
        ("SSM-KM-003", allow(NotPrincipal={"AWS": "111122223333"}), Verdict.FAIL),
        ("SSM-KM-003", allow(**OPEN, condition={"StringEquals": {"kms:CallerAccount": "111122223333"}}), Verdict.UNKNOWN),
        # a bucket's Deny in every legal form
        ("SSM-S3-002", allow(**DENY, **HTTP, **BOTH), Verdict.PASS),
        ("SSM-S3-002", without(allow(**DENY, **HTTP, **BOTH, NotAction="iam:*"), "Action"), Verdict.PASS),
        ("SSM-S3-002", without(allow(**DENY, **HTTP, **BOTH, NotAction="s3:ListBucket"), "Action"), Verdict.FAIL),
        ("SSM-S3-002", without(allow(**DENY, **HTTP, NotResource="arn:aws:s3:::other/*"), "Resource"), Verdict.PASS),
        ("SSM-S3-002", without(allow(**DENY, **HTTP, NotResource=f"{BUCKET}/public/*"), "Resource"), Verdict.FAIL),
        ("SSM-S3-002", without(allow(Effect="Deny", NotPrincipal={"AWS": "1"}, **HTTP, **BOTH)), Verdict.FAIL),
        ("SSM-S3-002", allow(**DENY, **HTTP, Resource="arn:*:s3:::examp*"), Verdict.PASS),
        ("SSM-S3-002", allow(**DENY, **HTTP, Resource="arn:aws:s3:::examples*"), Verdict.FAIL),
        ("SSM-S3-003", allow(**DENY, **BOTH, Condition={"NUMERICLESSTHAN": {"S3:TLSVERSION": [1.3]}}), Verdict.PASS),
        ("SSM-S3-003", allow(**DENY, **BOTH, Condition={"NumericLessThan": {"s3:TlsVersion": "1.2"}}), Verdict.FAIL),
        # an endpoint that only leaves something out limits nothing
        ("SSM-VP-003", without(allow(**OPEN, NotAction="iam:*"), "Action"), Verdict.FAIL),
        ("SSM-VP-003", without(allow(**OPEN, NotResource=BUCKET), "Resource"), Verdict.FAIL),
        ("SSM-VP-003", allow(NotPrincipal={"AWS": "990000000042"}), Verdict.FAIL),
        ("SSM-VP-003", allow(Principal={"AWS": "111122223333"}), Verdict.PASS),
    ],
)  # fmt: skip
def test_shapes_that_are_easily_misread(id: str, document: dict[str, Any], verdict: Verdict) -> None:
    assert outcome(id, document).verdict is verdict, outcome(id, document)
