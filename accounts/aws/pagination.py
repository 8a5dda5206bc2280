"""Finds how an operation is paginated: by botocore's paginator data, otherwise by a token with a usual name."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import cache
from typing import Any

import jmespath  # type: ignore[import-untyped]
from botocore.exceptions import DataNotFoundError
from botocore.loaders import Loader, create_loader

USUAL_TOKENS = (("NextToken", "NextToken"), ("nextToken", "nextToken"), ("Marker", "NextMarker"), ("Marker", "Marker"))
_lock = threading.Lock()


class TokenMissingError(ValueError):
    """A page that isn't the last, without the token of the next one."""


@dataclass(frozen=True, slots=True)
class Paging:
    """Names of the token in requests and answers; empty if the operation has one page."""

    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    more: str = ""

    def following(self, answer: dict[str, Any]) -> dict[str, Any] | None:
        """The parameters that ask for the next page, or None at the end.

        The member that says whether there is more is optional: where it is left out, a token means that there is.
        Raises TokenMissingError if there is more, and nothing to ask for it with."""
        tokens = {name: find_in_answer(output, answer) for name, output in zip(self.inputs, self.outputs, strict=True)}
        # Some services end with an empty token instead of a missing one.
        given = {name: token for name, token in tokens.items() if token}
        more = find_in_answer(self.more, answer) if self.more else None
        if more is False:
            return None
        if more and not given:
            raise TokenMissingError
        return given or None


def find_in_answer(expression: str, answer: dict[str, Any]) -> Any:
    return answer.get(expression) if expression.isidentifier() else jmespath.search(expression, answer)


def find_paging(client: Any, operation: str) -> Paging:
    known = load_paginators(client.meta.service_model.service_name).get(operation)
    if known is not None:
        return Paging(
            as_name_tuple(known["input_token"]), as_name_tuple(known["output_token"]), known.get("more_results", "")
        )
    model = client.meta.service_model.operation_model(operation)
    ins = model.input_shape.members if model.input_shape else {}
    outs = model.output_shape.members if model.output_shape else {}
    for given, returned in USUAL_TOKENS:
        if given in ins and returned in outs:
            return Paging((given,), (returned,))
    return Paging()


def load_paginators(service: str) -> dict[str, Any]:
    # One loader and one thread at a time: the first lookup walks through the folders of all 400 services.
    with _lock:
        return read_paginator_model(service)


@cache
def read_paginator_model(service: str) -> dict[str, Any]:
    try:
        pagination: dict[str, Any] = build_loader().load_service_model(service, "paginators-1")["pagination"]
    except DataNotFoundError:
        return {}
    return pagination


@cache
def build_loader() -> Loader:
    return create_loader()


def as_name_tuple(value: str | list[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)
