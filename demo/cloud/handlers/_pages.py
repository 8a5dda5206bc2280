"""Pages as AWS gives them: a token while there is more, none at the end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from demo.cloud.protocol import AwsError, Request


def page(
    request: Request,
    items: Sequence[Any],
    key: str,
    shape: Callable[[Any], Any] | None = None,
    *,
    default: int = 50,
    most: int = 50,
    size: str = "MaxResults",
    token: str = "NextToken",
    following: str = "",
) -> dict[str, Any]:
    """shape is applied to the items of this page only. following: the answer's token, if named otherwise."""
    asked = whole(request, size, default)
    if not 1 <= asked <= most:
        message = f"Value '{asked}' at '{size}' failed to satisfy constraint: it must be from 1 to {most}"
        raise AwsError("ValidationException", message)
    start = whole(request, token, 0)
    found = list(items[start : start + asked])
    answer: dict[str, Any] = {key: [shape(item) for item in found] if shape else found}
    if start + asked < len(items):
        answer[following or token] = str(start + asked)
    return answer


def whole(request: Request, name: str, default: int) -> int:
    try:
        return int(request.params.get(name) or default)
    except ValueError as error:
        raise AwsError("ValidationException", f"Value at '{name}' is not valid") from error
