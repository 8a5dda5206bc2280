"""Detectors over nested values: where, and never what."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scans.detectors import classify_secret_name, find_sensitive_fields, find_url_credential_fields

KEY = "AKIA" + "Z7QF3LWXK2MDB5TE"
URL = "https://deploy:Xk29vTq8LmZr4w@files.legacy.internal/app"


def places(fields: dict[str, Any]) -> set[tuple[str, str]]:
    return {(hit["field"], hit["detector"]) for hit in find_sensitive_fields(fields)}


def test_clean_fields_have_no_hit() -> None:
    assert (
        find_sensitive_fields(
            {"Name": "/apps/orders/feature", "Description": None, "Tags": [], "Version": 4, "On": True}
        )
        == []
    )


def test_hit_path_locates_the_value() -> None:
    fields = {"Parameters": {"commands": ["uptime", f"echo {KEY}"]}, "Comment": "ask jane@example.com"}
    assert places(fields) == {("Parameters.commands[1]", "aws_access_key"), ("Comment", "email")}


@pytest.mark.parametrize(
    "fields",
    [
        {"Password": "hunter2x"},
        {"Password": "My secret pass 1"},
        {"Parameters": {"DBPassword": ["hunter2x"]}},
        {"parameters": {"Password": {"type": "String", "default": "hunter2x"}}},
        {"OperationalData": {"db_password": {"Value": "hunter2x", "Type": "String"}}},
        {"Tags": [{"Key": "password", "Value": "hunter2x"}]},
        {"input": [{"ParameterKey": "MasterUserPassword", "ParameterValue": "hunter2x"}]},
    ],
)
def test_a_value_beside_a_secret_name_is_a_hit(fields: dict[str, Any]) -> None:
    assert {detector for _, detector in places(fields)} == {"assigned_secret"}


@pytest.mark.parametrize(
    "fields",
    [
        {"parameters": {"Password": {"type": "String", "description": "The password of the database"}}},
        {"Password": "{{ssm-secure:db}}"},
        {"Password": "{{ Password }}"},
        {"Secret": "prod/orders/db"},
        {"SecretId": "prod-orders-db-1"},
        {"TokenTTL": "86400seconds"},
        {"NextToken": "AAEAAbcdef0123456789"},
        {"Tags": [{"Key": "password-policy", "Value": "strict-90d"}]},
        {"EncryptionKey": "1234abcd-12ab-34cd-56ef-1234567890ab"},
        {"Environment": {"Variables": {"KMS_ENCRYPTION_KEY": "1234abcd-12ab-34cd-56ef-1234567890ab"}}},
        {"MasterKey": "mrk-1234abcd12ab34cd56ef1234567890ab"},
        {"Password": "At least 8 characters"},
    ],
)
def test_names_that_only_speak_of_secrets_are_no_hit(fields: dict[str, Any]) -> None:
    assert find_sensitive_fields(fields) == []


def test_a_key_that_is_the_hit_is_not_shown() -> None:
    found = find_sensitive_fields({"OperationalData": {KEY: {"Value": "x"}, "jane@example.com": {"Value": KEY}}})
    assert {(hit["field"], hit["detector"]) for hit in found} == {
        ("OperationalData[0].key", "aws_access_key"),
        ("OperationalData[1].key", "email"),
        ("OperationalData[1].Value", "aws_access_key"),
    }


def test_bytes_are_read() -> None:
    assert places({"Payload": f'{{"key": "{KEY}"}}'.encode()}) == {("Payload", "aws_access_key")}


def test_a_hit_is_reported_once() -> None:
    assert len(find_sensitive_fields({"Comment": f"{KEY} {KEY}"})) == 1


def test_url_credentials_by_field() -> None:
    fields = {
        "Sources": [{"Configuration": f"[main]\nbaseurl={URL}"}, {"Configuration": "baseurl=https://ok.example.com"}]
    }
    assert find_url_credential_fields(fields) == ["Sources[0].Configuration"]
    assert ("Sources[0].Configuration", "url_credentials") in places(fields)


def test_deep_nesting_is_walked() -> None:
    nested: Any = KEY
    for _ in range(5000):
        nested = [nested]
    assert len(find_sensitive_fields({"a": nested})) == 1


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=40)
    | st.binary(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=20), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(max_size=20), json_values, max_size=4))
def test_any_value_is_walked(fields: dict[str, Any]) -> None:
    json.dumps(find_sensitive_fields(fields))
    json.dumps(find_url_credential_fields(fields))


@given(
    st.sampled_from([KEY, URL, "jane@example.com", "password=Xk29vTq8LmZr4w"]),
    st.text(max_size=20),
    st.text(max_size=20),
)
def test_the_text_never_comes_out(secret: str, before: str, after: str) -> None:
    text = f"{before} {secret} {after}"
    found = json.dumps(
        [find_sensitive_fields({text: [text], "plain": {text: text}}), find_url_credential_fields({text: text})]
    )
    for part in (secret, "Xk29vTq8LmZr4w", KEY):
        assert part not in found


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("/legacy/db_password", "password"),
        ("/legacy/api-key", "api_key"),
        ("/legacy/apiKey", "api_key"),
        ("/prod/DBPassword", "password"),
        ("/prod/orders/password/v2", "password"),
        ("/orders/dbpassword", "password"),
        ("db.password", "password"),
        ("/orders/client-secret", "secret"),
        ("/orders/auth-token-prod", "token"),
        ("/orders/ssh_private_key", "private_key"),
        ("/orders/connection-string", "connection_string"),
        ("/orders/credentials", "credential"),
        ("PWD", "password"),
        ("/app/db/pass", "password"),
        ("/app/db/pass/prod", "password"),
        ("/app/masterkey", "secret"),
        ("/app/db-credentials-json", "credential"),
        ("/app/password-policy/min-length", None),
        ("/app/token-ttl", None),
        ("/app/secret-arn", None),
        ("/app/secret_name", None),
        ("/app/secretsmanager/endpoint", None),
        ("/app/passwordless/enabled", None),
        ("/app/forgot-password", None),
        ("/app/max-tokens", None),
        ("/app/api-key-id", None),
        ("/app/public-key", None),
        ("/app/tokenizer", None),
        ("/hostile/key", None),
        ("/secrets/region", None),
        ("/tests/results/pass", None),
        ("/pass", None),
        ("/app/db/bypass", None),
        ("/app/token-json-schema", None),
        ("/app/config-json", None),
        ("/app/masterkeys-count", None),
        ("/", None),
        ("", None),
    ],
)
def test_secret_names_are_classified(name: str, kind: str | None) -> None:
    assert classify_secret_name(name) == kind


@pytest.mark.parametrize(
    ("description", "kind"),
    [
        ("The database password", "password"),
        ("Password of the admin", "password"),
        ("API key for Stripe", "api_key"),
        ("This is the client secret.", "secret"),
        (f"Ask for {KEY} when the batch stops", "aws_access_key"),
        ("Minimum password length", None),
        ("Name of the secret", None),
        ("ARN of the secret", None),
        ("Rotates the password", None),
        ("No password needed", None),
        ("Where orders go", None),
        ("Ask jane@example.com", None),
        ("", None),
        (None, None),
    ],
)
def test_secret_descriptions_are_classified(description: str | None, kind: str | None) -> None:
    assert classify_secret_name("/apps/value", description) == kind


@given(st.text(max_size=200), st.text(max_size=200))
def test_any_name_is_judged(name: str, description: str) -> None:
    classify_secret_name(name, description)
