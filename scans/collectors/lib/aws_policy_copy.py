"""Keeps a dated copy of AWS managed policies, so that a scan needn't read each of them in each account.

The bundled copy was made from moto's (moto/iam/aws_managed_policies.py, Apache License 2.0). manage.py
refresh_managed_policies writes a newer one, which then counts instead. A copied document counts only if its version is
the default version in AWS at the time of the scan, and only in the partition that it was read in: other partitions
number their versions by themselves."""

from __future__ import annotations

import gzip
import json
import os
import tempfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from governance.core import env

BUNDLED = Path(__file__).with_name("aws_managed_policies.json.gz")
DEFAULT_PATH = Path(__file__).resolve().parents[3] / "var" / "aws_managed_policies.json.gz"
ABOUT = "Default versions of AWS managed policies, read with iam:ListPolicies and iam:GetPolicyVersion."


@dataclass(frozen=True, slots=True)
class PolicyCopy:
    """read_on: a date. policies: the end of the ARN ("policy/ReadOnlyAccess") -> (version, document as JSON)."""

    partition: str
    read_on: str
    policies: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    about: str = ABOUT

    def find_document(self, arn: str, version: str) -> dict[str, Any] | None:
        """The document of this version; None if the copy has another version or doesn't know the policy."""
        _, partition, *_, name = arn.split(":", 5)
        held = self.policies.get(name)
        if held is None or partition != self.partition or held[0] != version:
            return None
        return parse_copied_document(held[1])


def parse_copied_document(text: str) -> dict[str, Any] | None:
    """None for a text that a person broke: then the scan reads the policy from AWS."""
    try:
        document = json.loads(text)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def find_copy_path() -> Path:
    return Path(env.read_text("TUTELA_MANAGED_POLICIES", "") or DEFAULT_PATH)


def load_current_copy() -> PolicyCopy:
    """The copy that a command wrote, if there is a readable one; otherwise the bundled one."""
    path = find_copy_path()
    try:
        return _load_copy(str(path), path.stat().st_mtime_ns)
    except (OSError, EOFError, zlib.error, AttributeError, KeyError, TypeError, ValueError):
        # A copy saves calls only: a scan reads from AWS what the copy lacks.
        return _load_copy(str(BUNDLED), 0)


@lru_cache(maxsize=2)
def _load_copy(path: str, _changed: int) -> PolicyCopy:
    """_changed: a newer file at the same path is loaded again, without a restart of the workers."""
    document = json.loads(gzip.decompress(Path(path).read_bytes()))
    policies = {name: (str(version), str(text)) for name, (version, text) in document["policies"].items()}
    return PolicyCopy(document["partition"], document["read_on"], policies, document["about"])


def write_copy(copy: PolicyCopy, path: Path) -> None:
    """Replaces the file in one step, so that a scan never reads half of it."""
    document = {"about": copy.about, "partition": copy.partition, "policies": copy.policies, "read_on": copy.read_on}
    data = gzip.compress(json.dumps(document, sort_keys=True, separators=(",", ":")).encode(), 9, mtime=0)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
