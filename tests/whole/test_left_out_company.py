"""The same as tests.whole.test_left_out, in an account of each kind that the demo organization has. (G2)"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest

from demo import company
from scans import registry
from scans.collectors import ssm_nodes
from scans.models import Target
from scans.pipeline import target_plan
from scans.storage import blobs
from tests.support.examples import examples
from tests.whole.omissions import EVERYWHERE, IN_THE_FIRST
from tests.whole.scene import connected, reshape_answers, scan_here
from tests.whole.tape import Tape
from tests.whole.test_left_out import SEED, Omitting, Reshaping, is_long

pytestmark = [pytest.mark.slow, pytest.mark.exhaustive, pytest.mark.django_db, pytest.mark.long(rank=2)]

KINDS = (
    "management",
    "log-archive",
    "payments-prod",
    "legacy-billing",
    "billing-prod",
    "sandbox-guarded",
    "sandbox-fuzz",
)
LONG_SAMPLE = 100  # members of each kind of account in `make test-long`


@pytest.fixture(scope="module")
def accounts(django_db_setup: None, django_db_blocker: Any) -> Iterator[dict[str, Omitting]]:
    """An account of each kind, by its name, of a company that was scanned twice."""
    tape, reshaping = Tape(), Reshaping()
    with (
        django_db_blocker.unblock(),
        company.serve(seed=7, accounts=10, regions=1) as running,
        connected(running) as organization,
    ):
        reshape_answers(tape, reshaping)
        scan_here(organization)
        scan = scan_here(organization)
        targets = scan.targets.filter(state="done").select_related("scan__organization", "account__organization")
        yield {target.account.name: prepare(target, reshaping) for target in targets}


def prepare(target: Target, reshaping: Reshaping) -> Omitting:
    made = Omitting(target, target_plan.prepare_scan_sessions(target, set(registry.collectors())), reshaping, {})
    ssm_nodes._encrypting.clear()
    made.evidences = blobs.load_manifest_evidence(blobs.load_manifest(target.manifest), set(registry.collectors()))
    return made


@pytest.mark.parametrize("kind", KINDS)
def test_no_kind_of_account_loses_a_fail(accounts: dict[str, Omitting], kind: str) -> None:
    account = accounts[kind]
    changes = [(call, path) for call in registry.calls() for path in account.find_optional_members(call)]
    rng = random.Random(f"{SEED} {kind}")
    if is_long():
        # All of them, of every kind of account, would take a quarter of an hour.
        chosen = [(call, path, "left out") for call, path in rng.sample(changes, min(LONG_SAMPLE, len(changes)))]
    else:
        few = rng.sample(changes, min(examples(25), len(changes)))
        chosen = [(call, path, rng.choice([*EVERYWHERE, *IN_THE_FIRST])) for call, path in few]
    wrong = [said for call, path, variant in chosen for said in account.find_hidden_fails(call, path, variant)]
    assert not wrong, "\n" + "\n".join(wrong)
