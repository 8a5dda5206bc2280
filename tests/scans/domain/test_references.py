from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.aws.gaps import Gap, GapKind
from scans.domain import references
from scans.domain.evidence import Resource
from scans.domain.references import NamedBucket

REGION = "eu-west-1"
GAP = Gap(GapKind.DENIED, "ssm.GetDocument", "ssm:GetDocument", REGION, "AccessDeniedException")
TRAIL = "arn:aws:cloudtrail:eu-west-1:111122223333:trail/t"
SESSION = {"s3_bucket": "sessions", "log_group": "sessions-log", "kms_key": "alias/sessions"}


def a(type: str, arn: str = "arn", region: str = REGION, **facts: Any) -> Resource:
    return Resource(type, arn, region, facts)


def test_buckets_collect_kinds_and_references() -> None:
    found = references.find_named_buckets(
        [
            a("ssm.command", "c", references=[{"bucket": "b", "kind": "01", "field": "Output"}]),
            a("ssm.association", "a", references=[{"bucket": "b", "kind": "13", "field": "Location"}]),
            a("ssm.session_document", "d", session=SESSION),
            a("cloudtrail.trail", TRAIL, "global", bucket="trails"),
        ]
    )
    assert found == {
        "b": NamedBucket({"01", "13"}, {"c Output", "a Location"}),
        "sessions": NamedBucket({"08"}, {"d inputs.s3BucketName"}),
        "trails": NamedBucket({"07"}, {f"{TRAIL} S3BucketName"}),
    }


def test_log_groups_gather_their_kinds() -> None:
    found = references.find_named_log_groups(
        [
            a("ssm.command", log_group="one"),
            a("ssm.window_task", log_group="one"),
            a("ssm.document", session=None, log_groups=["two"]),
            a("ssm.document", session=SESSION, log_groups=["sessions-log"]),
            a("ssm.session_document", session=SESSION),
            a("ssm.setting.script_logs", destination="CloudWatch", log_group="one"),
        ]
    )
    assert found == {"one": {"run_command", "script"}, "two": {"run_command"}, "sessions-log": {"session"}}


@pytest.mark.parametrize("destination", [None, GAP, "S3"])
def test_scripts_log_to_group_only_with_cloudwatch(destination: Any) -> None:
    assert not references.find_named_log_groups([a("ssm.setting.script_logs", destination=destination, log_group="x")])


def test_keys_collect_references_in_this_region() -> None:
    kms = {"algorithm": "aws:kms", "key": "k"}
    found = references.find_named_keys(
        [
            a("ssm.parameter", "p", key_id="k"),
            a("ssm.parameter", "plain", key_id=None),
            a("ssm.data_sync", "d", kms_key="k"),
            a("logs.group", "l", kms_key="k"),
            a("s3.bucket", "b", encryption=kms),
            a("s3.bucket", "away", "us-east-1", encryption=kms),
            a("s3.bucket", "simple", encryption={"algorithm": "AES256", "key": None}),
            a("cloudtrail.trail", TRAIL, "global", home_region=REGION, kms_key="k"),
            a("cloudtrail.trail", TRAIL + "2", "global", home_region="us-east-1", kms_key="k"),
            a("ssm.session_document", "s", session=SESSION),
        ],
        REGION,
    )
    assert found == {"k": {"p", "d", "l", "b", TRAIL}, "alias/sessions": {"s"}}


def test_shadows_of_trails_belong_to_their_own_account() -> None:
    shadow = a("cloudtrail.trail", "arn:aws:cloudtrail:eu-west-1:999999999999:trail/t", "global")
    own, bucket = a("cloudtrail.trail", TRAIL, "global"), a("s3.bucket", "arn:aws:s3:::b")
    assert references.select_own_settings([shadow, own, bucket], "111122223333") == [own, bucket]


def test_unread_facts_are_told_once_without_a_name() -> None:
    resources = [
        a("ssm.document", references=GAP, log_groups=GAP, hits=[]),
        a("ssm.session_document", session=GAP),
        a("ssm.parameter", key_id=GAP),
    ]
    for naming in (references.NAMES_BUCKETS, references.NAMES_LOG_GROUPS, references.NAMES_KEYS):
        assert references.list_unread_references(resources, naming) == [GAP]
    assert not references.find_named_buckets(resources)
    assert not references.find_named_log_groups(resources)
    assert not references.find_named_keys(resources, REGION)


@given(st.permutations([("a", "01"), ("a", "02"), ("b", "01"), ("b", "13"), ("c", "04")]))
def test_reading_order_makes_no_difference(pairs: list[tuple[str, str]]) -> None:
    resources = [a("ssm.command", references=[{"bucket": b, "kind": k, "field": "f"}]) for b, k in pairs]
    found = {name: named.kinds for name, named in references.find_named_buckets(resources).items()}
    assert found == {"a": {"01", "02"}, "b": {"01", "13"}, "c": {"04"}}


EXPORTER = "arn:aws:iam::111122223333:role/AmazonSSMExplorerExportRole"


def allow(resource: object, effect: str = "Allow") -> dict[str, object]:
    return {"Statement": {"Effect": effect, "Action": "s3:PutObject", "Resource": resource}}


def test_export_role_policies_name_the_bucket() -> None:
    inline = a("iam.inline", EXPORTER, "global", policies=[{"name": "x", "document": allow("arn:aws:s3:::reports/*")}])
    managed = a(
        "iam.policy",
        "policy",
        "global",
        document={"Statement": [allow(["arn:aws:s3:::more", "*"])["Statement"]]},
        attached_to=[EXPORTER],
    )
    found = {name: named.kinds for name, named in references.find_named_buckets([inline, managed]).items()}
    assert found == {"reports": {"09", "10"}, "more": {"09", "10"}}


def test_no_other_policy_and_no_pattern_names_a_bucket() -> None:
    other = a(
        "iam.inline",
        EXPORTER.replace("Export", "Import"),
        "global",
        policies=[{"name": "x", "document": allow("arn:aws:s3:::b/*")}],
    )
    document = {
        "Statement": [allow("arn:aws:s3:::rep*/*")["Statement"], allow("arn:aws:s3:::b", "Deny")["Statement"], 4]
    }
    patterns = a("iam.inline", EXPORTER, "global", policies=[{"name": "x", "document": document}])
    assert not references.find_named_buckets([other, patterns])


def test_policies_unrelated_to_exports_are_left_out() -> None:
    other = a("iam.inline", "arn:aws:iam::111122223333:role/other", "global", policies=GAP)
    elsewhere = a("iam.policy", "p", "global", document=GAP, attached_to=["arn:aws:iam::111122223333:role/other"])
    unsure = a("iam.policy", "q", "global", document=GAP, attached_to=GAP)
    exporter = a("iam.inline", EXPORTER, "global", policies=GAP)
    kept = references.select_own_settings([other, elsewhere, unsure, exporter], "111122223333")
    assert kept == [unsure, exporter]
    assert references.list_unread_references(kept, references.NAMES_BUCKETS) == [GAP]


ROLE = "arn:aws:iam::111122223333:role/{}AmazonSSMExplorerExportRole"
WRITE = {"Effect": "Allow", "Action": "s3:PutObject"}


def export_policy(*resources: str, path: str = "service-role/") -> Resource:
    document = {"Statement": [{**WRITE, "Resource": list(resources)}]}
    return a("iam.inline", ROLE.format(path), policies=[{"document": document}])


@pytest.mark.parametrize("path", ["", "service-role/", "a/b/c/"])
def test_role_of_explorer_counts_at_any_path(path: str) -> None:
    """B3: the console creates the role at /service-role/."""
    policy = export_policy("arn:aws:s3:::Old_Reports/*", path=path)
    assert set(references.find_named_buckets([policy])) == {"Old_Reports"}
    attached = a("iam.policy", "p", document=policy.facts["policies"][0]["document"], attached_to=[ROLE.format(path)])
    assert set(references.find_named_buckets([attached])) == {"Old_Reports"}
    assert references.select_own_settings([policy, attached], "111122223333") == [policy, attached]


def test_other_roles_are_not_that_of_explorer() -> None:
    for name in (
        "role/NotAmazonSSMExplorerExportRole",
        "role/AmazonSSMExplorerExportRoles",
        "user/AmazonSSMExplorerExportRole",
    ):
        assert not references.is_export_role(f"arn:aws:iam::111122223333:{name}")


@pytest.mark.parametrize("resource", ["*", "arn:aws:s3:::reports-*", "arn:aws:s3:::${aws:PrincipalAccount}-x/*"])
def test_policies_that_leave_the_bucket_open(resource: str) -> None:
    """B2: a pattern is a destination that can't be placed."""
    policy = export_policy(resource)
    assert references.find_named_buckets([policy]) == {}
    assert set(references.find_unplaced_buckets([policy])[policy.arn]) == {"09", "10"}


def test_a_wildcard_without_writing_names_no_bucket() -> None:
    statement = {"Effect": "Allow", "Action": "ssm:GetOpsSummary", "Resource": "*"}
    policy = a("iam.inline", ROLE.format(""), policies=[{"document": {"Statement": statement}}])
    assert references.find_unplaced_buckets([policy]) == {}


@pytest.mark.parametrize(
    ("statement", "open"),
    [
        ({"Action": "*", "Resource": "*"}, True),
        ({"Action": "s3:P*", "Resource": "**"}, True),
        ({"NotAction": "iam:*", "Resource": "arn:aws:*"}, True),
        ({"NotAction": "s3:*", "Resource": "*"}, False),
        ({"Action": "s3:Get*", "Resource": "*"}, False),
    ],
)
def test_awss_own_policy_of_the_export_role_counts(statement: dict[str, Any], open: bool) -> None:
    """B3: AWS's policies can be attached, too, and writing has many spellings."""
    document = {"Statement": [{"Effect": "Allow", **statement}]}
    policy = a("iam.aws_policy", "p", document=document, attached_to=[ROLE.format("")])
    other = a("iam.aws_policy", "q", document=document, attached_to=["arn:aws:iam::111122223333:role/other"])
    assert references.select_own_settings([policy, other], "111122223333") == [policy]
    assert bool(references.find_unplaced_buckets([policy])) is open
