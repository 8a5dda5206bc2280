"""What a scan costs, counted: API calls, and clients built."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from math import ceil
from typing import Any

import pytest

from accounts.aws import session
from demo import company
from demo.company import Running, documents, identity, network, parameters, runs, watch
from demo.company.builder import Place
from demo.company.recipes import empty_place
from scans.collectors import ssm_nodes
from tests.whole import one_account
from tests.whole.scene import connected, scan_here

pytestmark = [pytest.mark.slow, pytest.mark.django_db]

HOME = "us-east-1"  # where what is global is asked
P, D, A, C, W, NODES, BS, ALL_BUCKETS, K = 230, 12, 60, 55, 3, 60, 6, 56, 5


def calls(running: Running) -> Counter[str]:
    """Calls of the Targets by region. Discovery, which isn't a Target's, speaks to Organizations only."""
    counted: Counter[str] = Counter()
    for line in running.server.front.faults.counted():
        if not line["api"].startswith("organizations."):
            counted[line["region"]] += line["count"]
    return counted


def only_root(place: Place) -> None:
    identity.root(place)


@contextmanager
def scanned(region: one_account.Recipe) -> Iterator[Running]:
    ssm_nodes._encrypting.clear()
    with one_account.served(region, only_root) as running, connected(running, remembering=True) as organization:
        running.server.front.faults.forget_requests()
        scan = scan_here(organization)
        assert scan.state == "done"
        assert sum(calls(running).values()) == scan.totals["calls"] + 2  # AssumeRole, once a session, is the hub's call
        yield running


def test_an_empty_region_takes_27_calls_and_an_account_14() -> None:
    with scanned(empty_place) as running:
        counted = calls(running)
        assert set(counted) == {HOME, running.plan.regions[0]}
        made = [line for line in running.server.front.faults.counted() if line["region"] != HOME]
        assert counted[running.plan.regions[0]] <= 27, [line["api"] for line in made]
        assert counted[HOME] <= 14


def busy(place: Place, _central: str = "") -> None:
    """The catalogue's worked example: 6 of 56 buckets are written to, 5 keys are used, each window has a task."""
    place.account.blocks_public_access = False
    watch.disks(place, encrypted=True)
    watch.macie(place, "ENABLED")
    watch.events(place)
    documents.settings(place, public=False)
    keys = [place.key("parameter", alias=f"alias/data-{n}") for n in range(K)]
    for n in range(P):
        secure = {"type": "SecureString", "key": keys[n % K].arn} if n % 2 else {}
        made = parameters.parameter(place, f"/apps/item-{n:04d}", **secure)
        made.data["tags"] = {"team": "orders"}
    for n in range(D):
        documents.command(place, f"Batch-{n:02d}")
    buckets = [place.bucket(f"store-{n:02d}", "sse-s3").name for n in range(ALL_BUCKETS)]
    for n in range(A):
        runs.association(place, f"to-{n}", bucket=buckets[n % BS])
    for n in range(C):
        runs.command(place, bucket=buckets[n % BS])
    for n in range(W):
        runs.window_task(place, runs.window(place, f"window-{n}"), bucket=buckets[n % BS])
    network.vpc(place, ("c5n.large", "m5.large") * (NODES // 2), network.GOOD)


def formula() -> int:
    tasks, vpcs, tagged = W, 1, P
    pages = ceil(P / 50) + ceil(C / 50) + ceil(NODES / 50) + ceil(tagged / 100)
    # What a region takes by itself, and with nodes: volumes, services of endpoints, encryption of VPCs.
    regional = 25 + 3 + pages + 8 * BS + K + 2 * K + 2 * vpcs
    # Documents and associations also take a call for their versions, windows one for their targets, nodes one for user data.
    return regional + 3 * D + 2 * A + 2 * W + tasks + NODES


def test_worked_example_is_within_five_percent_of_formula() -> None:
    assert formula() == 330
    with scanned(busy) as running:
        assert abs(calls(running)[running.plan.regions[0]] - formula()) <= 0.05 * formula()


def test_client_count_does_not_depend_on_account_count() -> None:
    with company.serve(seed=7, accounts=6, regions=2, shape="bench") as running, connected(running) as organization:
        running.server.front.faults.forget_requests()
        first = organization.accounts.order_by("account_id")[0]
        scan_here(organization, accounts=[first.account_id])
        after_one = sorted(session.clients_built())
        scan = scan_here(organization)
        assert scan.targets.filter(state="done").count() == 6
        assert sorted(session.clients_built()) == after_one
        assert len(set(after_one)) == len(after_one)
        asked = {(line["api"].partition(".")[0], line["region"]) for line in running.server.front.faults.counted()}
        assert set(after_one) - {("organizations", HOME)} == asked


def test_a_second_scan_makes_the_same_calls() -> None:
    with scanned(busy) as running:
        first = Counter({line["api"]: line["count"] for line in running.server.front.faults.counted()})
        running.server.front.faults.forget_requests()
        scan_here(organization_of())
        second = Counter({line["api"]: line["count"] for line in running.server.front.faults.counted()})
        # What instance types can do is asked once a process, and user data once for each start of an instance.
        assert first - second == Counter({"ec2.DescribeInstanceTypes": 1, "ec2.DescribeInstanceAttribute": NODES})
        assert second - first == Counter()


def organization_of() -> Any:
    from accounts.models import Organization

    return Organization.objects.get()
