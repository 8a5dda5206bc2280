"""Which tags name an owner (C11)."""

from __future__ import annotations

import pytest

from scans.controls.lib.tag_hits import names_owner


@pytest.mark.parametrize(
    ("key", "accepted"),
    [
        ("owner", True),
        ("Owner", True),
        ("app_owner", True),
        ("TechnicalContact", True),
        ("technical contact", True),
        ("ops:maintainer-email", True),
        ("oncall", True),
        ("on-call-team", True),
        ("createdBy", True),
        ("customer-contact", False),
        ("patientContact", False),
        ("ownership", False),
        ("email", False),
        ("note", False),
        ("", False),
        ("(keys that are not shown)", False),
    ],
)
def test_a_key_that_names_an_owner_may_hold_an_address(key, accepted):
    """C11: what the portal itself reads as an owner is no finding."""
    assert names_owner(key) is accepted


def test_the_companys_own_owner_keys_are_accepted():
    assert names_owner("Zuständig", ("Zuständig",))
    assert not names_owner("Zuständig", ())
