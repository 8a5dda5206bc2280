"""Decodes the user data of EC2, which may be compressed, in parts, or hostile. Pure.

Formats: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/user-data.html
"""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from collections.abc import Iterator
from email import message_from_bytes
from typing import Any

from scans.collectors.lib.strict_answers import ShapeError
from scans.detectors import PERSONAL_DETECTORS, find_sensitive_fields
from scans.detectors.fields import MAX_HITS as MOST_FOUND
from scans.domain.size_limits import MAX_BYTES, OVER_DEPTH, Allowance, TooCostlyError, refuse_oversized

GZIP = b"\x1f\x8b"
# The beginning of cloud-init's multi-part archives.
MULTIPART = re.compile(rb"\s*(?:content-type:\s*multipart/|mime-version:)", re.IGNORECASE)
# A file that cloud-config writes may be encoded once more.
ENCODED = re.compile(rb"(?<![\w+/=])[A-Za-z0-9+/]{40,}={0,2}(?![\w+/=])")
MARKS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"\xef\xbb\xbf": "utf-8-sig"}
MAX_LEVELS, MAX_PARTS, MAX_HITS = 4, 1000, 20
Hit = dict[str, str]


def find_secrets(fields: dict[str, Any]) -> list[Hit]:
    """[{field, detector}] of the secrets in these fields. Addresses are usual in such scripts, and no finding."""
    found = find_sensitive_fields(fields)
    secrets = [hit for hit in found if hit["detector"] not in PERSONAL_DETECTORS]
    # The search has ended at that number, so a secret may stand behind the addresses.
    if not secrets and len(found) >= MOST_FOUND:
        raise TooCostlyError(f"Over{MOST_FOUND}Hits")
    return secrets[:MAX_HITS]


def decode_user_data(encoded: str) -> list[str]:
    """The texts inside. ShapeError for data that is no text, TooCostlyError beyond the bounds."""
    refuse_oversized(encoded)  # AWS takes 16 KB before encoding
    texts: list[str] = []
    allowance = Allowance()
    try:
        for text in iterate_texts(decode_base64("".join(encoded.split()))):
            allowance.spend(1, len(text))
            texts.append(text)
            if len(texts) > MAX_PARTS:
                raise TooCostlyError(f"Over{MAX_PARTS}Parts")
    except RecursionError:
        raise TooCostlyError(OVER_DEPTH) from None
    return texts


def decode_base64(encoded: str) -> bytes:
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise ShapeError("UserData") from None  # from None: the error may quote the text


def iterate_texts(data: bytes, level: int = 0) -> Iterator[str]:
    if level > MAX_LEVELS:
        raise TooCostlyError(OVER_DEPTH)
    if data.startswith(GZIP):
        yield from iterate_texts(unpack_gzip(data), level + 1)
    elif MULTIPART.match(data):
        yield from iterate_parts(data, level)
    else:
        yield decode_text(data)
        for found in ENCODED.finditer(data):
            yield from iterate_encoded(found.group(), level)


def iterate_parts(data: bytes, level: int) -> Iterator[str]:
    yield decode_text(data)  # headers and what stands between the parts
    for part in message_from_bytes(data).walk():
        payload = None if part.is_multipart() else part.get_payload(decode=True)
        if isinstance(payload, bytes) and payload:
            yield from iterate_texts(payload, level + 1)


def iterate_encoded(encoded: bytes, level: int) -> Iterator[str]:
    """A text that was encoded once more. Most such words are keys, digests and binary files, which are left out."""
    try:
        yield from iterate_texts(decode_base64(encoded.decode("ascii")), level + 1)
    except ShapeError:
        return


def unpack_gzip(data: bytes) -> bytes:
    text = b""
    while data.startswith(GZIP):  # a file can have several members
        member = zlib.decompressobj(wbits=31)
        try:
            text += member.decompress(data, MAX_BYTES + 1)
        except zlib.error:
            raise ShapeError("UserData") from None
        if len(text) > MAX_BYTES:
            raise TooCostlyError(f"Over{MAX_BYTES}Bytes")
        if not member.eof:
            raise ShapeError("UserData")
        data = member.unused_data
    return text


def decode_text(data: bytes) -> str:
    encoding = next((name for mark, name in MARKS.items() if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        raise ShapeError("UserData") from None
    if "\x00" in text:
        raise ShapeError("UserData")
    return text
