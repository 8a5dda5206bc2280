"""The names of keys: what a text that names one leads to. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from accounts.aws.gaps import Gap
from scans.collectors.lib.strict_answers import require_text, text_or_none

AWS_ALIAS_PREFIX = "alias/aws/"


@dataclass(frozen=True, slots=True)
class RegionAliases:
    """The region's aliases: name -> key id, None for one that AWS reserves and has no key for yet."""

    home: str  # arn:{p}:kms:{r}:{a}
    targets: dict[str, str | None]
    gap: Gap | None

    def key_arn(self, id: str) -> str:
        return f"{self.home}:key/{id}"

    def own_alias(self, name: str) -> str | None:
        """The alias of this account and region that a text names, alone or as an ARN."""
        short = name.removeprefix(f"{self.home}:")
        return short if short.startswith("alias/") else None

    def is_reserved(self, name: str) -> bool:
        """An alias that AWS reserves. Its key is made when it is first used or described, so it can't be missing
        (KMS API reference, DescribeKey and ListAliases), whatever an emulator of AWS says."""
        alias = self.own_alias(name)
        return alias is not None and alias.startswith(AWS_ALIAS_PREFIX)

    def lacks_key(self, name: str) -> bool:
        """One that has no key yet, as the list of aliases says. DescribeKey would make it."""
        unlisted = None if self.gap is None else ""
        return self.is_reserved(name) and self.targets.get(self.own_alias(name) or "", unlisted) is None

    def lookup_text(self, name: str) -> str:
        """The one text under which to look the key up: its ARN wherever that is known."""
        alias = self.own_alias(name)
        if alias is not None:
            target = self.targets.get(alias)
            return self.key_arn(target) if target else name
        return name if name.startswith("arn:") else self.key_arn(name)

    def find_aws_alias(self, name: str, key: str | None) -> str | None:
        """The alias/aws/… that a text, or the key it leads to, has."""
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
    """The region that an ARN names."""
    parts = name.split(":")
    return parts[3] if name.startswith("arn:") and len(parts) > 5 and parts[3] else default


def parse_arn_account(name: str, default: str) -> str:
    parts = name.split(":")
    return parts[4] if name.startswith("arn:") and len(parts) > 5 and parts[4] else default
