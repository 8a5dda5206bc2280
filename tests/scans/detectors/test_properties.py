"""What must hold of every detector, tried on many texts."""

from __future__ import annotations

import base64
import json
import string

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from scans.detectors import ALL_DETECTORS, detect_in_text, find_sensitive_fields, find_url_credential_fields

SURROUNDINGS = st.text(string.ascii_letters + " .,;\n", max_size=30)
BY_NAME = {d.name: d for d in ALL_DETECTORS}


@pytest.mark.parametrize("name", BY_NAME)
@given(before=SURROUNDINGS, after=SURROUNDINGS)
def test_an_example_is_found_in_the_middle_of_a_text_too(name: str, before: str, after: str) -> None:
    for example in BY_NAME[name].positives:
        assert name in detect_in_text(f"{before}\n{example}\n{after}")


@pytest.mark.parametrize("name", BY_NAME)
@given(before=SURROUNDINGS)
def test_a_needle_is_never_needed_that_the_match_lacks(name: str, before: str) -> None:
    """Needles only make clean text cheap: with and without them a detector says the same of its examples."""
    detector = BY_NAME[name]
    for example in (*detector.positives, *detector.negatives):
        text = f"{before} {example}"
        assert detector.detects_in(text, text.lower()) == detector.find(text, text.lower())


@given(st.text(max_size=300))
def test_detection_is_repeatable_and_ordered(text: str) -> None:
    assert detect_in_text(text) == detect_in_text(text)
    assert detect_in_text(text) == [name for name in BY_NAME if name in detect_in_text(text)]


@given(st.lists(st.sampled_from([e for d in ALL_DETECTORS for e in d.positives]), min_size=1, max_size=4))
def test_hits_in_a_part_are_in_the_whole(parts: list[str]) -> None:
    whole = set(detect_in_text("\n\n".join(parts)))
    for part in parts:
        assert set(detect_in_text(part)) <= whole


userish = st.text(string.ascii_letters + string.digits, min_size=1, max_size=12)


@given(st.sampled_from(["https", "ftp", "postgres", "redis", "amqp+tls"]), userish, userish, userish)
def test_url_credentials_are_found_in_every_scheme(scheme: str, user: str, password: str, host: str) -> None:
    url = f"{scheme}://{user}:{password}@{host}.internal/x"
    assert "url_credentials" in detect_in_text(f"see {url} for it")
    assert find_url_credential_fields({"Source": {"baseurl": [url]}}) == ["Source.baseurl[0]"]


@given(st.sampled_from(["https", "ssh"]), userish, userish, st.integers(1, 65535))
def test_url_without_password_has_no_credentials(scheme: str, user: str, host: str, port: int) -> None:
    for url in (
        f"{scheme}://{host}:{port}/a:b@c",
        f"{scheme}://{user}@{host}.internal:{port}/",
        f"{scheme}://{host}/?a=b:c",
    ):
        assert "url_credentials" not in detect_in_text(url)


def encoded(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


claim_names = st.text(string.ascii_letters, min_size=1, max_size=8)


@given(st.dictionaries(claim_names, userish, min_size=1, max_size=3), st.binary(min_size=16, max_size=64))
def test_signed_token_needs_a_token_header(claims: dict[str, str], signature: bytes) -> None:
    signed = base64.urlsafe_b64encode(signature).decode().rstrip("=")
    assert "jwt" in detect_in_text(f"{encoded({'alg': 'HS256'})}.{encoded(claims)}.{signed}")
    assert "jwt" not in detect_in_text(f"{encoded({'no': 'token'})}.{encoded(claims)}.{signed}")


@given(st.from_regex(r"\+[1-9][0-9]{8,13}", fullmatch=True))
def test_phone_number_needs_context(number: str) -> None:
    assert "phone_number" in detect_in_text(f"call me at {number}.")
    assert "phone_number" not in detect_in_text(f"offset {number}.")


@given(st.integers(1, 899), st.integers(1, 99), st.integers(1, 9999))
def test_social_security_number_needs_context(area: int, group: int, serial: int) -> None:
    assume(area != 666)
    number = f"{area:03}-{group:02}-{serial:04}"
    assert "us_ssn" in detect_in_text(f"SSN {number}")
    assert "us_ssn" not in detect_in_text(f"part {number}")


@given(st.sampled_from(["Comment", "Parameters", "Tags"]), st.sampled_from(sorted(BY_NAME)), st.data())
def test_report_holds_only_field_and_detector(field: str, name: str, data: st.DataObject) -> None:
    example = data.draw(st.sampled_from(BY_NAME[name].positives))
    found = find_sensitive_fields({field: ["clean", example]})
    assert {"field": f"{field}[1]", "detector": name} in found
    assert all(set(hit) == {"field", "detector"} for hit in found)
    assert {hit["field"] for hit in found} == {f"{field}[1]"}
    assert {hit["detector"] for hit in found} <= set(BY_NAME)
