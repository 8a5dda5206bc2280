"""Every detector finds its examples, and nothing in what only looks like one."""

from __future__ import annotations

import base64
import hashlib
import string
import time
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scans.detectors import ALL_DETECTORS, detect_in_text
from scans.detectors.personal import IBAN_LENGTHS, passes_luhn, passes_mod97

EXAMPLES = [(d.name, text, True) for d in ALL_DETECTORS for text in d.positives]
EXAMPLES += [(d.name, text, False) for d in ALL_DETECTORS for text in d.negatives]


@pytest.mark.parametrize(("name", "text", "expected"), EXAMPLES)
def test_each_detector_judges_its_examples(name: str, text: str, expected: bool) -> None:
    assert (name in detect_in_text(text)) is expected


def test_detectors_have_examples_and_unique_names() -> None:
    assert all(d.positives and d.negatives for d in ALL_DETECTORS)
    assert len({d.name for d in ALL_DETECTORS}) == len(ALL_DETECTORS)


def test_needles_are_in_lower_case() -> None:
    assert [d.name for d in ALL_DETECTORS if any(needle != needle.lower() for needle in d.needles)] == []


CLEAN = [
    "",
    "ok",
    "arn:aws:iam::111122223333:role/aws-service-role/ssm.amazonaws.com/AWSServiceRoleForAmazonSSM",
    "arn:aws:secretsmanager:eu-west-1:111122223333:secret:prod/orders/db-AbCdEf",
    "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
    "arn:aws-us-gov:s3:::bucket/key",
    "ami-0abcdef1234567890",
    "i-0abcdef1234567890",
    "sha256:" + hashlib.sha256(b"x").hexdigest(),
    "2026-01-31T10:00:00+01:00",
    "1700000000000",
    "1700000000000000000",
    "cron(0 2 ? * SUN *)",
    "rate(30 minutes)",
    "s3://bucket/prefix/key.tar.gz",
    "https://s3.eu-west-1.amazonaws.com/bucket/key",
    "{{ssm:/apps/orders/endpoint}} and {{ global:DATE }}",
    "AWS-RunPatchBaseline",
    "aws ssm get-parameter --name /app/db/password --with-decryption --query Parameter.Value --output text",
    "Rotate the password every 90 days; see the token policy.",
    "PasswordParameter: /app/db/password",
    "SecretId: prod/orders/db",
    "Secret: the ARN of the secret",
    "TokenName=deploy",
    "ClientToken=7b0f5d3e-1c1a-4a6c-9f3e-2f6f4f4f4f4f",
    '{"schemaVersion":"0.3","parameters":{"Password":{"type":"String","description":"The password"}}}',
    "password = os.environ['PASSWORD']",
    "token = get_token(user)",
    "secret = boto3.client('secretsmanager').get_secret_value(SecretId=arn)",
    "connect(password=password, token=token)",
    'if [ -z "$PASSWORD" ]; then exit 1; fi',
    'PASSWORD="$(aws ssm get-parameter --name x)"',
    'echo "Password: ${PASSWORD}"',
    '<script>alert("tutela")</script><img src=x onerror=alert(1)>',
    "{{ 7*7 }} ${jndi:ldap://x} %s %n {0}",
    "\u202eגבול\u202c שלום, مرحبا بالعالم",
    "version 10.0.19045.3803",
    "4.4.4.4 10.0.0.1/16 2001:db8::1",
]  # fmt: skip


@pytest.mark.parametrize("text", CLEAN)
def test_clean_texts_have_no_hit(text: str) -> None:
    assert detect_in_text(text) == []


digests = st.binary(max_size=40).map(lambda data: hashlib.sha256(data).hexdigest())
hashes = st.binary(min_size=20, max_size=64).map(lambda data: base64.b64encode(hashlib.sha512(data).digest()).decode())
identifiers = st.one_of(
    digests,
    hashes,
    st.uuids().map(str),
    st.integers(0, 10**12 - 1).map(lambda n: f"{n:012d}"),
    st.integers(0, 16**17 - 1).map(lambda n: f"ami-{n:017x}"),
    st.integers(0, 16**17 - 1).map(lambda n: f"mw-{n:017x}"),
    st.datetimes().map(datetime.isoformat),
    st.integers(10**12, 2 * 10**12).map(str),
    st.uuids().map(lambda u: f"arn:aws:kms:eu-west-1:111122223333:key/{u}"),
)


@given(st.lists(identifiers, min_size=1, max_size=6), st.sampled_from([" ", ",", "\n", '","', "/", ": "]))
def test_identifiers_have_no_hit(parts: list[str], separator: str) -> None:
    assert detect_in_text(separator.join(parts)) == []


@given(st.text(max_size=400))
def test_any_text_is_judged_without_error(text: str) -> None:
    assert set(detect_in_text(text)) <= {d.name for d in ALL_DETECTORS}


@given(st.text(alphabet="ab@.:/-+= 14\"'{}$%\\", max_size=200))
def test_awkward_text_is_judged_without_error(text: str) -> None:
    detect_in_text(text)


token_characters = st.text(string.ascii_uppercase + "234567", min_size=16, max_size=16).filter(
    lambda s: len(set(s[-12:])) > 4
)


@given(
    st.sampled_from(["AKIA", "ASIA"]),
    token_characters,
    st.sampled_from(["", "key ", '"', "x="]),
    st.sampled_from(["", ".", '"']),
)
def test_access_keys_are_found_anywhere(prefix: str, rest: str, before: str, after: str) -> None:
    assert "aws_access_key" in detect_in_text(f"{before}{prefix}{rest}{after}")


issuers = st.sampled_from(["4", "51", "55", "2221", "6011"])


@given(issuers, st.text("0123456789", min_size=11, max_size=11), st.sampled_from(["", " ", "-"]))
def test_only_valid_cards_are_found(issuer: str, body: str, separator: str) -> None:
    stem = (issuer + body + "0" * 16)[:15]
    right = next(stem + digit for digit in string.digits if passes_luhn(stem + digit))
    wrong = stem + str((int(right[-1]) + 1) % 10)
    split = separator.join(right[i : i + 4] for i in range(0, 16, 4))
    assert "card_number" in detect_in_text(f"card {split}, thanks") or len(set(right)) == 1
    assert "card_number" not in detect_in_text(f"card {wrong}, thanks")


@given(st.sampled_from(sorted(IBAN_LENGTHS)), st.data(), st.booleans())
def test_only_valid_ibans_are_found(country: str, data: st.DataObject, spaced: bool) -> None:
    length = IBAN_LENGTHS[country] - 4
    body = data.draw(st.text("0123456789", min_size=length, max_size=length))
    check = next(f"{n:02d}" for n in range(2, 99) if passes_mod97(f"{country}{n:02d}{body}"))
    iban = f"{country}{check}{body}"
    written = " ".join(iban[i : i + 4] for i in range(0, len(iban), 4)) if spaced else iban
    assert "iban" in detect_in_text(f"pay to {written}.")
    wrong = f"{country}{(int(check) - 1) % 97 + 2:02d}{body}"
    assert "iban" not in detect_in_text(wrong) or passes_mod97(wrong)


local_parts = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=12)


@given(
    local_parts, local_parts, st.sampled_from(["com", "org", "co.uk", "de"]), st.sampled_from(["", "<", "mail ", "to:"])
)
def test_addresses_are_found(local: str, domain: str, top: str, before: str) -> None:
    assert "email" in detect_in_text(f"{before}{local}@{domain}.{top}")


passwords = st.text(string.ascii_letters + string.digits, min_size=8, max_size=20).filter(
    lambda s: any(c.isdigit() for c in s) and any(c.isalpha() for c in s) and len(set(s.lower())) > 2
    and not s.lower().startswith(("your", "example", "sample", "dummy", "insert", "enter", "todo"))
)  # fmt: skip


@given(
    st.sampled_from(["DB_PASSWORD=", "password=", '"password": "', "--password ", "api_key=", "ClientSecret="]),
    passwords,
)
def test_assigned_secrets_are_found(name: str, value: str) -> None:
    closing = '"' if name.endswith('"') else ""
    assert "assigned_secret" in detect_in_text(f"{name}{value}{closing}")


@given(
    st.sampled_from(["password=", "secret: ", '"token": "']),
    st.sampled_from(["{{ssm-secure:x1}}", "${X1_Y2}", "$X1", "********", "<x1>", "%X1%"]),
)
def test_placeholders_are_no_secrets(name: str, value: str) -> None:
    closing = '"' if name.endswith('"') else ""
    assert "assigned_secret" not in detect_in_text(f"{name}{value}{closing}")


def test_long_hostile_texts_take_time_in_proportion() -> None:
    """Twice the text must not take four times as long; generous, for a busy machine."""
    for piece in (
        "a",
        "@",
        "a@",
        "://",
        "password: ",
        "1234 ",
        "eyJabcdefgh.",
        "+1 ",
        "DE89 ",
        "--token ",
        "authorization: bearer ",
        "curl ",
        "curl -u a:",
        "curl " + " -" * 300,
        "mysql -p",
        "<password ",
        "<password>a",
        "<a" * 40 + "</",
        '"password":"a b ',
        "db_pass",
    ):
        started = time.process_time()
        detect_in_text(piece * (60_000 // len(piece)))
        assert time.process_time() - started < 2, piece
