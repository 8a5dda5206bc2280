"""Resolves names of KMS keys: ids, ARNs and aliases. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from accounts.aws.gaps import Gap
from scans.collectors.lib.strict_answers import is_region_name, require_text, text_or_none

AWS_ALIAS_PREFIX = "alias/aws/"


@dataclass(frozen=True, slots=True)
class RegionAliases:
    """The region's aliases. targets: name -> key id, None for a reserved alias without a key."""

    home: str  # arn:{p}:kms:{r}:{a}
    targets: dict[str, str | None]
    gap: Gap | None

    def key_arn(self, id: str) -> str:
        return f"{self.home}:key/{id}"

    def own_alias(self, name: str) -> str | None:
        """The alias of this account and region in a text, alone or as an ARN; None for any other text."""
        short = name.removeprefix(f"{self.home}:")
        return short if short.startswith("alias/") else None

    def is_reserved(self, name: str) -> bool:
        """Whether AWS reserves the alias. AWS creates its key at the first use or description, so it can't be missing
        (KMS API reference, DescribeKey and ListAliases), even if an emulator of AWS says so."""
        alias = self.own_alias(name)
        return alias is not None and alias.startswith(AWS_ALIAS_PREFIX)

    def lacks_key(self, name: str) -> bool:
        """Whether a reserved alias has no key yet, by the list of aliases. DescribeKey would create the key."""
        # An alias that is missing from an incomplete list may have a key, so it is looked up.
        unlisted = None if self.gap is None else ""
        return self.is_reserved(name) and self.targets.get(self.own_alias(name) or "", unlisted) is None

    def lookup_text(self, name: str) -> str:
        """The text for looking the key up: its ARN if known, so that each key is looked up once."""
        alias = self.own_alias(name)
        if alias is not None:
            target = self.targets.get(alias)
            return self.key_arn(target) if target else name
        return name if name.startswith("arn:") else self.key_arn(name)

    def find_aws_alias(self, name: str, key: str | None) -> str | None:
        """The alias/aws/… of a text, or of the key that it names; None if there is none."""
        alias = self.own_alias(name)
        if alias is not None and alias.startswith(AWS_ALIAS_PREFIX):
            return alias
        for alias, id in sorted(self.targets.items()):
            if id and alias.startswith(AWS_ALIAS_PREFIX) and self.key_arn(id) == key:
                return alias
        return None


def parse_aliases(home: str, items: Iterable[Any], gap: Gap | None) -> RegionAliases:
    return RegionAliases(
        home, {require_text(item, "AliasName"): text_or_none(item, "TargetKeyId") for item in items}, gap
    )


def parse_arn_region(name: str, default: str) -> str:
    """The region in an ARN; the default for other texts."""
    parts = name.split(":")
    return parts[3] if name.startswith("arn:") and len(parts) > 5 and is_region_name(parts[3]) else default


def parse_arn_account(name: str, default: str) -> str:
    parts = name.split(":")
    return parts[4] if name.startswith("arn:") and len(parts) > 5 and parts[4] else default
