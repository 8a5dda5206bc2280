"""A Reader with scripted answers, for the tests of collectors.

    reader = FakeReader(COLLECTOR)
    reader.answer("ssm", "ListDocuments", {"DocumentIdentifiers": [...]}, {"DocumentIdentifiers": [...]})  # two pages
    reader.answer("ssm", "GetDocument", {...}, when={"Name": "one"})
    reader.refuse("ssm", "GetDocument", when={"Name": "two"})  # AccessDeniedException
    evidence = collect(reader, Seen())
    reader.count("ssm", "GetDocument")

It refuses undeclared calls, checks each call's parameters against botocore's service model, and
records what was asked. A call that has no answer is a defect of the test: AssertionError. The last
scripted answer wins where several match; a non-paginated call takes its answers in turn and then
repeats the last one. An answer may be a function of the parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from typing import Any

import botocore.session
from botocore.validate import ParamValidator

from accounts.aws.calls import Call, CallError, Listing
from accounts.aws.gaps import Gap, GapKind
from scans.domain.collector import Collector

ACCOUNT = "111122223333"
REGION = "eu-west-1"


@dataclass(frozen=True)
class Refusal:
    code: str
    message: str
    kind: GapKind
    status: int
    bucket_region: str = ""


@dataclass
class Rule:
    when: dict[str, Any]
    region: str | None
    answers: list[Any]
    taken: int = 0

    def matches(self, params: dict[str, Any], region: str) -> bool:
        return self.region in {None, region} and all(params.get(name) == value for name, value in self.when.items())


@dataclass(frozen=True)
class Made:
    service: str
    operation: str
    region: str
    params: dict[str, Any]


class FakeReader:
    def __init__(
        self,
        collector: Collector | Iterable[Call],
        *,
        account: str = ACCOUNT,
        partition: str = "aws",
        region: str | None = None,
    ) -> None:
        is_global = isinstance(collector, Collector) and collector.scope == "global"
        declared = collector.calls if isinstance(collector, Collector) else collector
        self.account = account
        self.partition = partition
        self.region = region or ("global" if is_global else REGION)
        self.made: list[Made] = []
        self.replaced: list[Gap] = []
        self._declared = {(call.service, call.operation): call for call in declared}
        self._rules: dict[tuple[str, str], list[Rule]] = {}

    # Scripting
    def answer(
        self,
        service: str,
        operation: str,
        *answers: dict[str, Any] | Callable[[dict[str, Any]], Any],
        when: dict[str, Any] | None = None,
        region: str | None = None,
    ) -> FakeReader:
        """Answers of a call in turn, or the pages of a paginated one."""
        self._rules.setdefault((service, operation), []).insert(0, Rule(when or {}, region, list(answers)))
        return self

    def refuse(
        self,
        service: str,
        operation: str,
        code: str = "AccessDeniedException",
        *,
        message: str = "",
        kind: GapKind = GapKind.DENIED,
        status: int = 400,
        when: dict[str, Any] | None = None,
        region: str | None = None,
        after: Iterable[dict[str, Any]] = (),
        bucket_region: str = "",
    ) -> FakeReader:
        """A refusal; `after` that many pages of a paginated call."""
        refusal: Any = Refusal(code, message, kind, status, bucket_region)
        return self.answer(service, operation, *after, refusal, when=when, region=region)

    # What was asked
    def count(self, service: str = "", operation: str = "") -> int:
        return len(self.asked(service, operation))

    def asked(self, service: str = "", operation: str = "") -> list[Made]:
        return [m for m in self.made if service in {"", m.service} and operation in {"", m.operation}]

    def gap(self, service: str, operation: str, code: str = "AccessDeniedException", **more: Any) -> Gap:
        """The Gap that a refusal of this call becomes."""
        call = self._declared[service, operation]
        kind = more.get("kind", GapKind.DENIED)
        return Gap(kind, call.api, call.action, more.get("region", self.region), code)

    # The Reader
    def call(self, service: str, operation: str, *, region: str | None = None, **params: Any) -> dict[str, Any]:
        place = region or self.region
        rule = self._ask(service, operation, place, params)
        given = rule.answers[min(rule.taken, len(rule.answers) - 1)]
        rule.taken += 1
        answer = self._give(given, service, operation, place, params)
        if not isinstance(answer, dict):
            raise self._malformed(service, operation, place)
        return answer

    def pages(self, service: str, operation: str, key: str, *, region: str | None = None, **params: Any) -> Listing:
        place = region or self.region
        rule = self._ask(service, operation, place, params)
        items: list[Any] = []
        try:
            for number, given in enumerate(rule.answers):
                if number:
                    self.made.append(Made(service, operation, place, {**params, "page": number + 1}))
                page = self._give(given, service, operation, place, params)
                items += [page] if key == "" else self._items(page, key, service, operation, place)
        except CallError as error:
            return Listing(items, error.gap)
        return Listing(items)

    def _items(self, page: Any, key: str, service: str, operation: str, place: str) -> list[Any]:
        found = page.get(key) if isinstance(page, dict) else None
        if not isinstance(found, list):
            raise self._malformed(service, operation, place)
        return found

    def _ask(self, service: str, operation: str, place: str, params: dict[str, Any]) -> Rule:
        assert (service, operation) in self._declared, f"{service}.{operation} is not declared"
        shape = input_shape(service, operation)
        if shape is None:
            assert not params, f"{service}.{operation} takes no parameters"
        else:
            report = ParamValidator().validate(params, shape)
            assert not report.has_errors(), f"{service}.{operation}: {report.generate_report()}"
        self.made.append(Made(service, operation, place, params))
        for rule in self._rules.get((service, operation), []):
            if rule.matches(params, place):
                return rule
        raise AssertionError(f"no answer scripted for {service}.{operation} {params} in {place}")

    def _give(self, given: Any, service: str, operation: str, place: str, params: dict[str, Any]) -> Any:
        if callable(given):
            given = given(params)
        if isinstance(given, Refusal):
            gap = self.gap(service, operation, given.code, kind=given.kind, region=place)
            raise CallError(gap, given.message, given.status, given.bucket_region)
        return deepcopy(given)

    def _malformed(self, service: str, operation: str, place: str) -> CallError:
        return CallError(self.gap(service, operation, "MalformedAnswer", kind=GapKind.MALFORMED, region=place))


@cache
def input_shape(service: str, operation: str) -> Any:
    model = botocore.session.get_session().get_service_model(service)
    return model.operation_model(operation).input_shape
