from __future__ import annotations

import pytest

from tests.support.inventory import Inventory
from tests.support.story import Cast, cast


@pytest.fixture
def people(inventory: Inventory) -> Cast:
    """The inventory's organization, with an owner of the shop, two approvers, an admin and an outsider."""
    return cast(inventory)
