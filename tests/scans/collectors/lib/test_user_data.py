"""User data in every form that cloud-init takes, and in forms that are made to stop its readers."""

from __future__ import annotations

import base64
import gzip
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from typing import Any

import pytest

from scans.collectors.lib.strict_answers import ShapeError
from scans.collectors.lib.user_data import decode_user_data, find_secrets
from scans.domain.size_limits import TooCostlyError

SCRIPT = "#!/bin/sh\nexport DB_PASSWORD=Xk29vTq8LmZr4w\n"


def encode(data: str | bytes) -> str:
    return base64.b64encode(data.encode() if isinstance(data, str) else data).decode()


def in_parts(*texts: str) -> str:
    whole = MIMEMultipart()
    for text in texts:
        whole.attach(MIMEText(text, "x-shellscript", "utf-8"))
    return whole.as_string()


FORMS = {
    "plain": SCRIPT,
    "compressed": gzip.compress(SCRIPT.encode()),
    "compressed in two members": gzip.compress(b"#!/bin/sh\n") + gzip.compress(SCRIPT.encode()),
    "in parts": in_parts("uptime", SCRIPT),
    "parts, compressed": gzip.compress(in_parts("uptime", SCRIPT).encode()),
    "a file of cloud-config": f"#cloud-config\nwrite_files:\n- encoding: b64\n  content: {encode(SCRIPT)}\n",
    "a compressed file of cloud-config": f"write_files:\n- content: {encode(gzip.compress(SCRIPT.encode()))}\n",
    "PowerShell of Windows": f"<powershell>\r\n{SCRIPT}</powershell>",
    "UTF-16": SCRIPT.encode("utf-16"),
    "a mark before UTF-8": SCRIPT.encode("utf-8-sig"),
}


@pytest.mark.parametrize("data", FORMS.values(), ids=FORMS)
def test_a_secret_is_found_in_every_form(data: str | bytes) -> None:
    assert [hit["detector"] for hit in find_secrets({"UserData": decode_user_data(encode(data))})] == [
        "assigned_secret"
    ]


def test_white_space_in_the_encoding_is_ignored() -> None:
    encoded = encode(SCRIPT)
    assert decode_user_data(f"{encoded[:20]}\n{encoded[20:]}\n") == [SCRIPT]


def test_addresses_are_no_finding() -> None:
    assert find_secrets({"UserData": ["# ask jane@example.com"]}) == []


def test_a_crowd_of_addresses_hides_no_secret() -> None:
    texts = ["ask jane@example.com"] * 300
    with pytest.raises(TooCostlyError):
        find_secrets({"UserData": [*texts, SCRIPT]})


def test_digests_and_binary_files_inside_are_left_out() -> None:
    text = f"sha: {encode(bytes(range(128, 192)))}\n"
    assert decode_user_data(encode(text)) == [text]


@pytest.mark.parametrize(
    "data",
    [
        b"\x00\x01\x02",
        b"\xfd7zXZ\x00\x00",
        b"\x1f\x8bbroken",
        gzip.compress(SCRIPT.encode(), mtime=0)[:-12],
        b"\xff\xff",
    ],
)
def test_what_is_no_text_is_not_called_clean(data: bytes) -> None:
    with pytest.raises(ShapeError):
        decode_user_data(encode(data))


@pytest.mark.parametrize("encoded", ["%%%", "abc", "ä"])
def test_what_is_not_encoded_is_malformed(encoded: str) -> None:
    with pytest.raises(ShapeError):
        decode_user_data(encoded)


def nest(levels: int) -> bytes:
    data = SCRIPT.encode()
    for _ in range(levels):
        data = gzip.compress(data)
    return data


HOSTILE: dict[str, Any] = {
    "a gzip bomb": gzip.compress(b"a" * 10_000_000),
    "a gzip in a gzip in a gzip": nest(9),
    "many files": "\n".join([encode("x" * 40)] * 3000),
    "too long": b"a" * 300_000,
    "many bombs": in_parts(*[encode(gzip.compress(b"a" * 150_000))] * 4),
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_hostile_user_data_is_bounded(data: str | bytes) -> None:
    with pytest.raises(TooCostlyError):
        decode_user_data(encode(data))
