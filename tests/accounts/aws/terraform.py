"""Reads the Terraform that the product prints, as far as tests look at it: its statements, and its layout."""

from __future__ import annotations

import re
from itertools import groupby
from typing import Any

import hcl2

PLAIN = hcl2.SerializationOptions(strip_string_quotes=True, explicit_blocks=False, with_comments=False)
ATTRIBUTE = re.compile(r" *\w+ *= \S")


def statements(text: str, document: str) -> list[dict[str, Any]]:
    """The statements of an aws_iam_policy_document. Raises what hcl2 does for text that is no HCL."""
    blocks = [block["aws_iam_policy_document"] for block in hcl2.loads(text, serialization_options=PLAIN)["data"]]
    (found,) = [block[document] for block in blocks if document in block]
    return list(found["statement"])


def misplaced(text: str) -> list[str]:
    """The lines that `terraform fmt` would move: indentation, spaces at the end, equals signs in a row."""
    wrong, depth = [], 0
    for line in text.splitlines():
        closes, code = line.lstrip()[:1] in {"}", "]"}, line.strip()
        depth -= closes
        if line != " " * (2 * depth if code else 0) + code:
            wrong.append(line)
        depth += code.endswith(("{", "[")) and not code.startswith("#")
    for is_row, row in groupby(text.splitlines(), in_a_row):
        found = list(row)
        after_the_longest_name = max(len(line.partition("=")[0].rstrip()) for line in found) + 1
        if is_row and {line.index("=") for line in found} != {after_the_longest_name}:
            wrong += found
    return wrong


def in_a_row(line: str) -> bool:
    """One attribute on one line: those that follow each other have their equals signs below each other."""
    return bool(ATTRIBUTE.match(line)) and not line.rstrip().endswith(("{", "["))
