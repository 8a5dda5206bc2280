"""What must hold of every policy, tried on many."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from scans.controls.lib.iam_policies import ResourceShape, allows_everything, list_granted_actions, parse_policy

PARAMETERS = ResourceShape("ssm", "parameter/")
READS = ("ssm:GetParameter", "ssm:GetParameters")
HERE = "arn:aws:ssm:eu-west-1:111122223333:parameter"

ACTIONS = st.lists(
    st.sampled_from(["*", "ssm:*", "ssm:GetParameter", "SSM:GetParameter?", "s3:*", "iam:*"]), min_size=1, max_size=2
)
RESOURCES = st.lists(
    st.sampled_from(["*", f"{HERE}/*", f"{HERE}/app/*", "arn:*:ssm:*:*:parameter/*", "arn:aws:s3:::*"]),
    min_size=1,
    max_size=2,
)


def statements(effect):
    plain = st.fixed_dictionaries(
        {"Effect": st.just(effect)},
        optional={"Condition": st.just({"Bool": {"aws:MultiFactorAuthPresent": "true"}}), "Sid": st.just("x")},
    )
    who = st.tuples(st.sampled_from(["Action", "NotAction"]), ACTIONS)
    what = st.tuples(st.sampled_from(["Resource", "NotResource"]), RESOURCES)
    return st.builds(lambda base, a, r: {**base, a[0]: a[1], r[0]: r[1]}, plain, who, what)


ANY = st.lists(statements("Allow") | statements("Deny"), max_size=4)


def given_by(listed):
    return set(list_granted_actions(parse_policy({"Statement": listed}), READS, [PARAMETERS]))


@given(ANY, statements("Deny"))
def test_a_further_deny_never_grants(listed, deny):
    assert given_by([*listed, deny]) <= given_by(listed)


@given(ANY, statements("Allow"))
def test_a_further_allow_never_takes_back(listed, allow):
    assert given_by([*listed, allow]) >= given_by(listed)


@given(ANY)
def test_order_does_not_matter(listed):
    assert given_by(listed) == given_by(list(reversed(listed)))


@given(st.lists(statements("Deny"), max_size=3))
def test_denies_alone_grant_no_actions(listed):
    assert given_by(listed) == set()
    assert not allows_everything(parse_policy({"Statement": listed}))


@given(ANY)
def test_a_text_and_a_list_of_one_are_the_same(listed):
    def shorten(value):
        return value[0] if isinstance(value, list) and len(value) == 1 else value

    assert parse_policy({"Statement": [{k: shorten(v) for k, v in s.items()} for s in listed]}) == parse_policy(
        {"Statement": listed}
    )


@given(ANY)
def test_allow_everything_reads_every_parameter(listed):
    allows = [each for each in listed if each["Effect"] == "Allow"]
    if allows_everything(parse_policy({"Statement": [a for a in allows if "Action" in a]})):
        assert given_by(allows) == set(READS)
