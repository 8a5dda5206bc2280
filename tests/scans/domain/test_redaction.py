"""G5: a recording holds nothing of its account but enum values, numbers, days and AWS's own words."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.model import ListShape, MapShape, Shape, StructureShape
from hypothesis import given
from hypothesis import strategies as st

from scans import registry
from scans.domain.collector import Call
from scans.domain.redaction import DROPPED, Redactor
from scans.management.account_recording import load_public_words, load_service_model

MARKER = "qzxmarkerqzx"
DISGUISES = (
    "{}",
    "text with {} inside",
    "arn:aws:iam::111122223333:role/path/{}",
    "https://{}.s3.eu-west-1.amazonaws.com/{}/x.yaml?y={}#{}",
    "/a/{}/b",
    "user@{}.example",
    '{{"Statement": [{{"Principal": {{"AWS": "{}"}}, "{}": "{}"}}]}}',
    "{{{{ssm:{}}}}}",
    "1.{}.2",
    "é{}é",
    "--{}--",
    "i-0abc{}",
    "user,arn\n{},1",
)


def redactor() -> Redactor:
    return Redactor(load_public_words())


def plant(shape: Shape | None, text: str, depth: int = 0) -> Any:
    """An answer of this shape with the text in every string, key and blob that is no enum."""
    if isinstance(shape, StructureShape):
        return {} if depth > 6 else {name: plant(inner, text, depth + 1) for name, inner in shape.members.items()}
    if isinstance(shape, ListShape):
        return [plant(shape.member, text, depth + 1)]
    if isinstance(shape, MapShape):
        return {plant(shape.key, text, depth): plant(shape.value, text, depth + 1)}
    kind = shape.type_name if shape else "string"
    values = {"integer": 7, "long": 7, "boolean": True, "float": 0.5, "double": 0.5, "blob": text.encode()}
    if kind == "timestamp":
        return datetime(2026, 5, 6, 7, 8, 9, tzinfo=UTC)
    # Text where an enum value should be is as much the customer's as any other.
    return values.get(kind, text)


@pytest.mark.parametrize("call", registry.calls(), ids=lambda call: call.api)
def test_no_planted_text_survives(call: Call) -> None:
    shape = load_service_model(call.service).operation_model(call.operation).output_shape
    for disguise in DISGUISES:
        answer = plant(shape, disguise.replace("{}", MARKER).replace("{{", "{").replace("}}", "}"))
        kept = json.dumps(redactor().redact(answer, shape), ensure_ascii=False)
        assert MARKER not in kept.lower(), disguise


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=30), st.sampled_from(DISGUISES))
def test_no_text_survives_in_any_disguise(text: str, disguise: str) -> None:
    said = redactor().redact_text(disguise.replace("{}", f"{MARKER}{text}"))
    assert MARKER not in said


def test_same_name_has_same_substitute_everywhere() -> None:
    made = redactor()
    bucket = made.redact_text("acme-logs")
    assert bucket != "acme-logs"
    assert made.redact_text("arn:aws:s3:::acme-logs/*") == f"arn:aws:s3:::{bucket}/*"
    assert (
        made.redact_text("https://acme-logs.s3.amazonaws.com/x")
        == f"https://{bucket}.s3.amazonaws.com/{made.redact_text('x')}"
    )
    policy = json.loads(made.redact_text('{"Statement": {"Resource": "arn:aws:s3:::acme-logs", "Effect": "Allow"}}'))
    assert policy == {"Statement": {"Resource": f"arn:aws:s3:::{bucket}", "Effect": "Allow"}}


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("111122223333", r"\d{12}"),
        ("vpc-0a1b2c3d4e5f60718", r"vpc-[0-9a-f]{17}"),
        ("8d7c4d4e-1234-4abc-9def-1234567890ab", r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"),
        (
            "arn:aws:kms:eu-west-1:111122223333:key/mrk-0123456789abcdef0123456789abcdef",
            r"arn:aws:kms:eu-west-1:\d{12}:key/mrk-[0-9a-f]{32}",
        ),
        ("203.0.113.7/24", r"10\.\d+\.\d+\.\d+/24"),
        ("2026-05-06T07:08:09Z", r"2026-05-06T00:00:00\+00:00"),
        ("192837465", r"9\d{8}"),
    ],
)
def test_substitute_has_the_form_of_its_original(text: str, form: str) -> None:
    said = redactor().redact_text(text)
    assert re.fullmatch(form, said), said
    assert said != text


@pytest.mark.parametrize(
    "text", ["0.0.0.0/0", "::/0", "kms:Decrypt", "ssm:Get*", "eu-west-1", "*", "aws", "Allow", "7", ""]
)
def test_words_of_aws_stay(text: str) -> None:
    assert redactor().redact_text(text) == text


def test_values_that_tell_nothing_stay() -> None:
    made = redactor()
    given = {"on": True, "size": 4096, "share": 0.5, "at": datetime(2026, 5, 6, 7, 8, 9, tzinfo=UTC), "none": None}
    assert made.redact(given) == {
        made.redact_text(name): value
        for name, value in {"on": True, "size": 4096, "share": 0.5, "at": {"$time": "2026-05-06"}, "none": None}.items()
    }
    assert made.redact(1_777_777_777_777) == 1_777_766_400_000
    assert made.redact(111122223333) != 111122223333


def test_blob_is_kept_only_as_a_table() -> None:
    made = redactor()
    assert made.redact(b"user,mfa_active\nalice,true\n") == {"$bytes": "user,mfa_active\nname0001,true"}
    assert made.redact(b"\xff\xfe") == {"$bytes": ""}
    assert made.redact(b"alice and bob") == {"$bytes": ""}


def test_free_text_is_dropped() -> None:
    assert redactor().redact_text("the password is hunter2") == DROPPED
    assert redactor().redact_text("x" * 600) == DROPPED


@pytest.mark.parametrize(
    "text",
    [
        "10.12.13.14:8080",
        "https://10.12.13.14/x",
        "10.12.13.14-10.12.13.15",
        "10.12.0.0/16,10.14.0.0/16",
        "fd00:12:13:14::1",
        "+49/12/13/14",
        '{"pin": 121314, "card": 4111111111111214, "rate": 12.131415, "deep": [{"a": -121314}]}',
        '{"address": "10.12.13.14:22"}',
    ],
)
def test_no_address_or_number_stays_in_parts(text: str) -> None:
    said = redactor().redact_text(text)
    kept = [part for part in re.findall(r"\d+", said) if part in {"12", "13", "14", "15", "121314", "4111111111111214"}]
    assert len(kept) < 2, said
    assert "131415" not in said


@pytest.mark.parametrize(
    "text", ["1.2", "TLSv1.2", '{"s3:TlsVersion":1.2}', '{"Version":"2012-10-17","n":[1,2.5,true,null]}']
)
def test_small_numbers_of_aws_stay(text: str) -> None:
    said = redactor().redact_text(text)
    assert "1.2" in said or "[1,2.5,true,null]" in said


def test_same_address_has_same_substitute_inside_texts() -> None:
    made = redactor()
    alone = made.redact_text("10.12.13.14")
    assert made.redact_text("10.12.13.14/32") == f"{alone}/32"
    assert made.redact_text("tcp://10.12.13.14:90").endswith(f"{alone}:90")
