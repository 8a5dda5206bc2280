"""Extensions are installed once; work that needs them fails without them, and pages show nothing of them."""

from __future__ import annotations

from dataclasses import dataclass, fields

import pytest

from accounts.hooks import DiscoveryExtensions, discovery_extensions
from exceptions.wiring import build_scan_extensions, connect_workflow
from governance.core.extension_slots import ExtensionError, ExtensionSlot
from governance.core.policy import SYSTEM
from scans import hooks
from scans.hooks import Extensions, extensions
from scans.models import Scan
from scans.pipeline.start import cancel_scan
from scans.queries.findings import list_coverages
from tests.support.inventory import AT, Inventory


@dataclass(frozen=True, slots=True)
class Bells:
    ringing: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()


def test_they_are_installed_once() -> None:
    slot = ExtensionSlot(Bells())
    slot.install(Bells(ringing=("one",)))
    with pytest.raises(ExtensionError, match="Bells are installed already"):
        slot.install(Bells())
    assert slot.current() == slot.required() == Bells(ringing=("one",))


def test_slot_before_installation_is_empty_or_raises() -> None:
    slot = ExtensionSlot(Bells())
    assert slot.current() == Bells()
    with pytest.raises(ExtensionError, match="Bells are not installed yet"):
        slot.required()


def test_a_test_overrides_the_fields_that_it_names() -> None:
    slot = ExtensionSlot(Bells())
    with slot.override(silent=("two",)):
        assert slot.required() == Bells(silent=("two",))
    with pytest.raises(ExtensionError):
        slot.required()
    slot.install(Bells(ringing=("one",)))

    def fail() -> None:
        assert slot.current() == Bells(("one",), ("two",))
        raise ValueError("fails")

    with pytest.raises(ValueError, match="fails"), slot.override(silent=("two",)):
        fail()
    assert slot.current() == Bells(ringing=("one",))


@pytest.mark.parametrize("installed", [extensions.required(), discovery_extensions.required()])
def test_the_portal_installs_something_in_every_field(installed: Extensions | DiscoveryExtensions) -> None:
    for each in fields(installed):
        assert getattr(installed, each.name), each.name


def test_the_workflow_is_not_connected_twice() -> None:
    with pytest.raises(ExtensionError):
        connect_workflow()
    assert extensions.required() == build_scan_extensions()


@pytest.mark.django_db
def test_a_scan_does_not_end_behind_the_workflows_back(inventory: Inventory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hooks, "extensions", ExtensionSlot(Extensions()))
    Scan.objects.filter(pk=inventory.scan.pk).update(state="running")
    inventory.scan.refresh_from_db()
    with pytest.raises(ExtensionError):
        cancel_scan(actor=SYSTEM, scan=inventory.scan)
    assert Scan.objects.get(pk=inventory.scan.pk).state == "running"
    assert hooks.find_overlays([inventory.secret], AT) == {}
    assert list_coverages() == ()
