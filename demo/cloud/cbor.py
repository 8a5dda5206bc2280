"""CBOR (RFC 8949), as far as AWS's RPC protocol needs it for plain values."""

from __future__ import annotations

import io
from typing import Any

from botocore.parsers import RpcV2CBORParser

_parser = RpcV2CBORParser()


def read(body: bytes) -> dict[str, Any]:
    """A request's parameters. botocore reads answers in the same form."""
    parsed: dict[str, Any] = _parser.parse_data_item(io.BufferedReader(io.BytesIO(body))) if body else {}
    return parsed


def write(value: Any) -> bytes:
    out = bytearray()
    write_item(out, value)
    return bytes(out)


def write_item(out: bytearray, value: Any) -> None:
    if value is None:
        out.append(0xF6)
    elif isinstance(value, bool):
        out.append(0xF5 if value else 0xF4)
    elif isinstance(value, int):
        write_head(out, 0 if value >= 0 else 1, value if value >= 0 else -1 - value)
    elif isinstance(value, str):
        data = value.encode()
        write_head(out, 3, len(data))
        out += data
    elif isinstance(value, (list, tuple)):
        write_head(out, 4, len(value))
        for item in value:
            write_item(out, item)
    else:
        write_head(out, 5, len(value))
        for key, item in value.items():
            write_item(out, key)
            write_item(out, item)


def write_head(out: bytearray, major: int, number: int) -> None:
    """The major type with its number, in the fewest bytes."""
    if number < 24:
        out.append(major << 5 | number)
        return
    for marker, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if number < 1 << 8 * size:
            out.append(major << 5 | marker)
            out += number.to_bytes(size, "big")
            return
