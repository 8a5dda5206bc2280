"""C10: one odd item never spoils a batch. Every batch of every collector is found here, those of later days too."""

from __future__ import annotations

import importlib
import math
import pkgutil
from collections.abc import Callable
from typing import Any

import pytest

from accounts.aws.gaps import DENIAL_KINDS, GapKind
from scans import collectors
from scans.collectors.lib.batches import MOST_SPLITS, Batch, read_batch
from tests.scans.collectors.fake_reader import FakeReader, Refusal, input_shape

REJECTED = Refusal("InvalidThing", "", GapKind.REJECTED, 400)
DENIED = Refusal("AccessDeniedException", "", GapKind.DENIED, 400)
DENIALS = [Refusal("AccessDeniedException", "", kind, 400) for kind in sorted(DENIAL_KINDS)]


def find_batches() -> dict[str, Batch]:
    """Every Batch that a module of a collector declares, by its place and name."""
    names = [each.name for each in pkgutil.walk_packages(collectors.__path__, f"{collectors.__name__}.")]
    modules = [importlib.import_module(name) for name in names]
    held = [(f"{m.__name__}.{name}", value) for m in modules for name, value in vars(m).items()]
    return {name: value for name, value in held if isinstance(value, Batch)}


BATCHES = find_batches()
EACH = pytest.mark.parametrize("batch", BATCHES.values(), ids=[name.removeprefix("scans.") for name in BATCHES])


def asked_of(batch: Batch, params: dict[str, Any]) -> list[str]:
    given: list[Any] = params[batch.member]
    return given[0]["Values"] if batch.filter else given


def given(batch: Batch, odd: dict[str, Refusal]) -> FakeReader:
    """Answers with what is asked for, and refuses a call that names something odd."""

    def answer(params: dict[str, Any]) -> Any:
        asked = asked_of(batch, params)
        refused = [odd[id] for id in asked if id in odd]
        return refused[0] if refused else {batch.items or "Things": [{"id": id} for id in asked]}

    return FakeReader([batch.call]).answer(batch.call.service, batch.call.operation, answer)


def listed(batch: Batch, items: list[Any]) -> list[str]:
    found = items if batch.items else [one for answer in items for one in answer["Things"]]
    return sorted(one["id"] for one in found)


def ids(count: int) -> list[str]:
    return [f"id-{n:04d}" for n in range(count)]


def test_batches_are_found() -> None:
    assert {batch.call.operation for batch in BATCHES.values()} >= {"DescribeInstanceTypes", "DescribeLogGroups"}


@EACH
def test_one_odd_item_spoils_no_other(batch: Batch) -> None:
    wanted = ids(batch.size + 3)
    odd = wanted[batch.size // 3]
    reader = given(batch, {odd: REJECTED})
    answer = read_batch(reader, batch, wanted)
    assert listed(batch, answer.items) == [id for id in wanted if id != odd]
    assert {id: gap.code for id, gap in answer.gaps.items()} == {odd: "InvalidThing"}
    # Two calls without the odd item, and two for each time that a batch is halved.
    assert reader.count() <= 2 + 2 * math.ceil(math.log2(batch.size))


@EACH
def test_item_that_is_gone_is_no_gap(batch: Batch) -> None:
    wanted = ids(min(batch.size, 20))
    for code in batch.gone:
        answer = read_batch(given(batch, {wanted[7]: Refusal(code, "", GapKind.REJECTED, 400)}), batch, wanted)
        assert (answer.gone, answer.gaps) == ({wanted[7]}, {})
        assert len(listed(batch, answer.items)) == len(wanted) - 1


@EACH
def test_sizes_are_within_the_models_limits(batch: Batch) -> None:
    shape = input_shape(batch.call.service, batch.call.operation).members[batch.member]
    assert batch.size <= shape.metadata.get("max", batch.size)
    assert read_batch(given(batch, {}), batch, ids(batch.size)).gaps == {}


@EACH
def test_denied_batch_is_one_gap_for_each(batch: Batch) -> None:
    wanted = ids(min(batch.size, 8))
    reader = given(batch, dict.fromkeys(wanted, DENIED))
    answer = read_batch(reader, batch, wanted)
    assert set(answer.gaps) == set(wanted)
    # A call that isn't authorized for each item is refused as a whole, so asking again is no use.
    assert batch.by_item or reader.count() == 1


@pytest.mark.parametrize("kind", sorted(DENIAL_KINDS))
def test_a_denied_item_hides_no_other_whatever_denies(kind: GapKind) -> None:
    """Also a permissions boundary or a resource control policy."""
    refusal = Refusal("AccessDeniedException", "", kind, 400)
    answer = read_batch(given(by_id(), {"1": refusal}), by_id(by_item=True), ["0", "1", "2"])
    assert (set(answer.gaps), len(answer.items)) == ({"1"}, 2)


def by_id(**more: Any) -> Batch:
    batch = next(each for each in BATCHES.values() if each.call.operation == "DescribeLogGroups")
    return Batch(batch.call, batch.items, batch.member, size=50, **more)


def test_odd_items_are_asked_about_a_bounded_number_of_times() -> None:
    wanted = ids(1000)
    reader = given(by_id(), dict.fromkeys(wanted, REJECTED))
    assert set(read_batch(reader, by_id(), wanted).gaps) == set(wanted)
    assert reader.count() == 1000 / 50 + 2 * MOST_SPLITS


def test_every_second_item_odd_leaves_the_others_exact() -> None:
    wanted = ids(50)
    answer = read_batch(given(by_id(), dict.fromkeys(wanted[::2], REJECTED)), by_id(), wanted)
    assert listed(by_id(), answer.items) == wanted[1::2]
    assert set(answer.gaps) == set(wanted[::2])


def test_malformed_answer_for_one_item_hides_no_other() -> None:
    wanted = ids(10)

    def answer(params: dict[str, Any]) -> Any:
        asked = params["logGroupIdentifiers"]
        return None if wanted[4] in asked else {"logGroups": [{"id": id} for id in asked]}

    found = read_batch(FakeReader([by_id().call]).answer("logs", "DescribeLogGroups", answer), by_id(), wanted)
    assert {id: gap.kind for id, gap in found.gaps.items()} == {wanted[4]: GapKind.MALFORMED}
    assert len(found.items) == 9


@pytest.mark.parametrize("kind", [GapKind.THROTTLED, GapKind.TIMEOUT, GapKind.OUT_OF_TIME, GapKind.SERVER_ERROR])
def test_failures_of_the_service_are_not_asked_again(kind: GapKind) -> None:
    wanted = ids(10)
    reader = given(by_id(), {wanted[0]: Refusal("Later", "", kind, 400)})
    assert set(read_batch(reader, by_id(), wanted).gaps) == set(wanted)
    assert reader.count() == 1


def test_what_runs_before_each_call_runs_before_each() -> None:
    wanted, ran = ids(10), []
    before: Callable[[], None] = lambda: ran.append(1)  # noqa: E731
    reader = given(by_id(), {wanted[0]: REJECTED})
    read_batch(reader, by_id(), wanted, before=before)
    assert len(ran) == reader.count()
