"""How people name controls: by public id, or a group of them."""

from __future__ import annotations

from collections.abc import Iterable

from scans import registry


def control_ids(named: Iterable[str]) -> list[str]:
    """The public ids that these names stand for: an id (SSM-PS-001), a control that has parts (SSM-DS-001), or a
    group (PS). A name that stands for none is given back, so that whoever asks for it can be told."""
    found: dict[str, None] = {}
    for name in named:
        found.update(dict.fromkeys(one(name.strip().upper()) or [name.strip().upper()]))
    return list(found)


def one(name: str) -> list[str]:
    return [
        id for id, item in registry.controls().items() if id == name or id.startswith(f"{name}.") or item.control.group == name
    ]  # fmt: skip
