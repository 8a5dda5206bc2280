"""Reads AWS as one account's scan role, in one region. Every failure is a named Gap."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from botocore import xform_name

from accounts.aws import deadline, session
from accounts.aws.call_rates import Pacer
from accounts.aws.calls import Call, CallError, Listing
from accounts.aws.credentials import acting_role
from accounts.aws.endpoints import actual_region
from accounts.aws.errors import CALL_EXCEPTIONS, classify_error, malformed_answer
from accounts.aws.gaps import TEXT_REPLACED, Gap, GapKind
from accounts.aws.pagination import Paging, TokenMissingError, find_paging
from accounts.aws.retry import Retrier
from governance.core.storable import TooDeepError, as_storable, is_storable

# Of one list. The longest that AWS's quotas allow, a million of anything in pages of 100, has as many.
MAX_PAGES = 10_000
BuildClient = Callable[[str, str], Any]
OnCall = Callable[[str, str, str], None]
Method = Callable[..., dict[str, Any]]
# Is told of every call after its retries: the call, where, the parameters, and the answer or the failure.
Observe = Callable[[Call, str, dict[str, Any], "dict[str, Any] | CallError"], None]


class UndeclaredCallError(Exception):
    """A collector made an undeclared call, which the scan role would not allow."""


class WrongCredentialsError(Exception):
    """A read of one account would have been signed as another, or as the hub."""


class Counters:
    """Counts the calls of one Target, and holds its retry budgets and pace. Shared by its threads.

    answered: region -> the IAM actions of the calls that AWS answered there."""

    def __init__(self, retrier: Retrier | None = None, pacer: Pacer | None = None) -> None:
        self.by_api: Counter[str] = Counter()
        self.calls = 0
        self.retries = 0
        self.answered: dict[str, set[str]] = {}
        self.retrier = retrier or Retrier()
        self.pacer = pacer or Pacer()
        self._lock = threading.Lock()

    def count_call(self, api: str) -> None:
        with self._lock:
            self.calls += 1
            self.by_api[api] += 1

    def record_answer(self, call: Call, place: str) -> None:
        with self._lock:
            self.answered.setdefault(place, set()).add(call.action)

    def count_retry(self) -> None:
        with self._lock:
            self.retries += 1


class AwsReader:
    """The Reader that collectors are given (scans.domain.collector.Reader).

    as_hub allows reading with the hub's own credentials; otherwise the context must act as a role of `account`, so that
    a thread without its context can't read the wrong account. slots: held during a call, but not while it waits for its
    turn. replaced: the gaps for answers with parts that could not be stored.
    """

    def __init__(
        self,
        account: str,
        partition: str,
        region: str,
        calls: Iterable[Call],
        build: BuildClient = session.client,
        *,
        counters: Counters | None = None,
        on_call: OnCall | None = None,
        observe: Observe | None = None,
        as_hub: bool = False,
        slots: AbstractContextManager[Any] | None = None,
    ) -> None:
        self.account = account
        self.partition = partition
        self.region = region
        self.counters = counters or Counters()
        self._client = build
        self._declared = {(call.service, call.operation): call for call in calls}
        self._on_call = on_call
        self._observe = observe
        self._as_hub = as_hub
        self._slots = slots or nullcontext()
        self.replaced: list[Gap] = []

    def call(self, service: str, operation: str, *, region: str | None = None, **params: Any) -> dict[str, Any]:
        """One call's answer. Raises CallError (with gap, code, message, status)."""
        declared = self._find_declaration(service, operation)
        self._refuse_wrong_credentials()
        place = region or self.region
        method, _ = self._find_method(declared, place)
        return self._run(declared, place, method, params)

    def pages(self, service: str, operation: str, key: str, *, region: str | None = None, **params: Any) -> Listing:
        """All items under `key` of a paginated operation ("" for the pages themselves).

        Never raises for a refusal: the Listing then has the items before it, and the gap.
        """
        declared = self._find_declaration(service, operation)
        self._refuse_wrong_credentials()
        place = region or self.region
        items: list[Any] = []
        try:
            method, paged = self._find_method(declared, place)
            asked, pages = params, 0
            while True:
                if pages == MAX_PAGES:
                    # Ever new tokens would loop until the deadline, and fill the memory.
                    return Listing(items, make_endless_gap(declared, place))
                pages += 1
                answer = self._run(declared, place, method, asked)
                try:
                    following = paged.following(answer)
                except TokenMissingError:
                    items += read_page_items(answer, key, None, declared, place) if key else [answer]
                    raise malformed_answer(declared, place) from None
                items += [answer] if key == "" else read_page_items(answer, key, following, declared, place)
                if following is None:
                    return Listing(items)
                if all(asked.get(name) == token for name, token in following.items()):
                    # The same token again would loop forever.
                    raise malformed_answer(declared, place)
                asked = {**params, **following}
        except CallError as error:
            return Listing(items, error.gap)

    def _find_declaration(self, service: str, operation: str) -> Call:
        try:
            return self._declared[service, operation]
        except KeyError:
            raise UndeclaredCallError(
                f"{service}.{operation} is not declared; add Call({service!r}, {operation!r}, <its IAM action>) "
                "to the collector's calls."
            ) from None

    def _refuse_wrong_credentials(self) -> None:
        role = acting_role()
        if role is None and self._as_hub:
            return
        if role is None or role.account_id != self.account:
            acting = f"a role in {role.account_id}" if role else "the hub"
            raise WrongCredentialsError(f"A read of {self.account} would have been signed as {acting}.")

    def _find_method(self, call: Call, place: str) -> tuple[Method, Paging]:
        try:
            client = self._client(call.service, actual_region(self.partition, place))
        except CALL_EXCEPTIONS as exc:
            raise classify_error(exc, call, place, partition=self.partition) from exc
        # Kept with the clients, so that a reset drops both.
        key = (client, call.operation)
        if key not in session.methods:
            session.methods[key] = (getattr(client, xform_name(call.operation)), find_paging(client, call.operation))
        found: tuple[Method, Paging] = session.methods[key]
        return found

    def _run(self, call: Call, place: str, method: Method, params: dict[str, Any]) -> dict[str, Any]:
        def attempt() -> dict[str, Any]:
            # Checked before every attempt: a retry may start too late, too.
            deadline.refuse_late(call, place)
            if call.per_second:
                self.counters.pacer.wait(self.account, actual_region(self.partition, place), call)
            self.counters.count_call(call.api)
            if self._on_call is not None:
                self._on_call(call.service, call.operation, place)
            try:
                with self._slots:
                    answer = method(**params)
            except CALL_EXCEPTIONS as exc:
                raise classify_error(exc, call, place, partition=self.partition) from exc
            if not isinstance(answer, dict):
                raise malformed_answer(call, place)
            self.counters.record_answer(call, place)
            return answer if is_storable(answer) else self._make_answer_storable(answer, call, place)

        budget = self.counters.retrier.budget_for(self.account, place, call.service)
        try:
            answer = self.counters.retrier.run(budget, attempt, self.counters.count_retry)
        except CallError as error:
            if self._observe is not None:
                self._observe(call, place, params, error)
            raise
        if self._observe is not None:
            self._observe(call, place, params, answer)
        return answer

    def _make_answer_storable(self, answer: dict[str, Any], call: Call, place: str) -> dict[str, Any]:
        """Replace unstorable text in an answer, here only, and record it as a gap."""
        try:
            found: dict[str, Any] = as_storable(answer)
        except TooDeepError:
            raise malformed_answer(call, place) from None
        gap = Gap(GapKind.REPLACED, call.api, call.action, place, TEXT_REPLACED)
        if gap not in self.replaced:
            self.replaced.append(gap)
        return found


def make_endless_gap(call: Call, place: str) -> Gap:
    return Gap(GapKind.TOO_COSTLY, call.api, call.action, place, f"Over{MAX_PAGES}Pages")


def read_page_items(answer: dict[str, Any], key: str, following: object, call: Call, place: str) -> list[Any]:
    """The items of one page. A page may lack them only if others follow."""
    items = answer.get(key)
    if items is None and following is not None:
        return []
    if not isinstance(items, list):
        raise malformed_answer(call, place)
    return items
