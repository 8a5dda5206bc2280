"""The table of frameworks, and that each id that a control declares is in it (row F, frameworks)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from scans import registry
from scans.controls.lib.security_hub import RELATED, map_requirements
from scans.domain.control import Control
from scans.domain.framework_editions import (
    CIS_3,
    CIS_5,
    EDITIONS,
    FSBP,
    NIST,
    PCI,
    FrameworkEdition,
    make_natural_sort_key,
)

DOC = Path(__file__).resolve().parents[3] / "docs" / "source.md"
ALL = [item.control for item in registry.controls().values()]


def find_unlisted_ids(controls: Iterable[Control]) -> set[tuple[str, str, str]]:
    """Ids that controls declare, but that no table has: control, framework, id."""
    return {
        (control.id, name, id)
        for control in controls
        for name, ids in control.frameworks.items()
        for id in ids
        if name not in EDITIONS or id not in EDITIONS[name].all_ids
    }


def test_each_declared_id_is_in_its_framework_s_table() -> None:
    assert find_unlisted_ids(ALL) == set()


@pytest.mark.parametrize(
    ("framework", "id"),
    [
        (FSBP, "IAM.9"), (FSBP, "IAM.19"), (FSBP, "IAM.22"), (FSBP, "KMS.4"), (FSBP, "S3.17"), (FSBP, "CloudTrail.7"),
        (CIS_3, "1.23"), (CIS_5, "1.22"), (CIS_5, "5.1"), (PCI, "3.5.1.3"), (NIST, "SI-7"), ("PCI DSS 4.0", "10.2.1"),
    ],
)  # fmt: skip
def test_an_id_that_no_table_has_is_found(framework: str, id: str) -> None:
    invented = replace(ALL[0], frameworks={framework: (id,)})
    assert find_unlisted_ids([invented]) == {(invented.id, framework, id)}


@pytest.mark.parametrize("edition", EDITIONS.values(), ids=EDITIONS)
def test_each_edition_has_a_source_and_a_date(edition: FrameworkEdition) -> None:
    assert edition.sources
    assert all(page.startswith("https://") for page in edition.sources)
    assert edition.read_on == date(2026, 11, 29)
    assert edition.version
    assert edition.title
    assert len(edition.all_ids) == len(edition.ids) + len(edition.own_ids), "an id stands twice"


def test_editions_have_as_many_ids_as_their_sources() -> None:
    assert len(EDITIONS[CIS_3].ids) == 62
    assert len(EDITIONS[CIS_5].ids) == 63
    assert {"IAM.8", "Macie.2", "S3.3", "EC2.182"} <= EDITIONS[FSBP].all_ids


def test_pci_and_nist_have_what_aws_relates_and_no_more() -> None:
    for name in (PCI, NIST):
        related = {id for ids in RELATED.values() for id in ids.get(name, "").split()}
        assert set(EDITIONS[name].ids) == related
        declared = {id for control in ALL for id in control.frameworks.get(name, ())}
        assert set(EDITIONS[name].own_ids) == declared - related


def test_both_versions_of_cis_are_declared_together() -> None:
    assert [c.id for c in ALL if (CIS_3 in c.frameworks) != (CIS_5 in c.frameworks)] == []


def test_control_gets_what_its_equivalents_and_we_say() -> None:
    assert map_requirements("IAM.9") == {
        CIS_3: ("1.5",),
        CIS_5: ("1.4",),
        PCI: ("8.4.2",),
        NIST: ("AC-2(1)", "AC-3(15)", "IA-2(1)", "IA-2(2)", "IA-2(6)", "IA-2(8)"),
    }
    assert map_requirements("Macie.2", own={PCI: ("A3.2.5.1",)})[FSBP] == ("Macie.2",)
    assert map_requirements("S3.22", "S3.23")[CIS_5] == ("3.8", "3.9")
    assert map_requirements() == {}
    with pytest.raises(KeyError):
        map_requirements("IAM.999")


def test_controls_name_what_the_page_was_missing() -> None:
    fsbp = {id for control in ALL for id in control.frameworks.get(FSBP, ())}
    assert {"IAM.8", "Macie.2", "S3.3"} <= fsbp


def test_the_documentation_lists_each_edition() -> None:
    text = DOC.read_text(encoding="utf-8")
    for edition in EDITIONS.values():
        assert f"| {edition.name} | {edition.version} |" in text
        assert f"{edition.read_on}" in text
        assert all(page in text for page in edition.sources)


def test_ids_are_ordered_as_people_count() -> None:
    assert sorted(["1.10", "1.4", "AC-12", "AC-3", "S3.17", "S3.2"], key=make_natural_sort_key) == [
        "1.4", "1.10", "AC-3", "AC-12", "S3.2", "S3.17",
    ]  # fmt: skip
