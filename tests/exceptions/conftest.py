from __future__ import annotations

import pytest

from tests.exceptions.story import Cast, cast
from tests.inventory import Inventory


@pytest.fixture
def people(inventory: Inventory) -> Cast:
    """The inventory's organization, with an owner of the shop, two approvers, an admin and an outsider."""
    return cast(inventory)
