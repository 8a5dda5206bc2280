"""The page of security requirements: every row is proved, or says why not."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs/security/asvs.md"


def test_every_requirement_has_a_test_or_a_reason() -> None:
    rows = re.findall(r"^\| (\d+) \| [^|]+ \| [^|]+ \| ([^|]+) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert [int(number) for number, _ in rows] == list(range(1, 63))
    assert [number for number, proof in rows if "`tests/" not in proof and len(proof) < 40] == []
