"""Parses requests strictly: unknown fields are refused, so that a misspelled filter can't widen a list."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import IO, Any, NoReturn

from django.conf import settings
from rest_framework import parsers, serializers
from rest_framework.exceptions import ParseError, ValidationError
from rest_framework.request import Request

from governance.rest.problems import TooLargeError

MAX_LISTED = 20  # unknown names that an error lists


class JSONParser(parsers.JSONParser):
    """JSON of at most DATA_UPLOAD_MAX_MEMORY_SIZE bytes, and no deeper than Python can read."""

    def parse(self, stream: IO[Any], media_type: str | None = None, parser_context: Any = None) -> Any:  # noqa: ARG002
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0
        # One byte more than the limit shows that the body is too large, without reading the rest into memory.
        raw = stream.read(limit + 1) if limit else stream.read()
        if limit and len(raw) > limit:
            raise TooLargeError(f"The request's body is larger than {limit} bytes. Send less in one request.")
        try:
            return json.loads(
                raw.decode((parser_context or {}).get("encoding", "utf-8")), parse_constant=refuse_json_constant
            )
        except (ValueError, LookupError) as error:
            raise ParseError(f"The body is not JSON: {error}") from error
        except RecursionError as error:
            raise ParseError("The body is nested too deeply. Send flatter JSON.") from error


def refuse_json_constant(name: str) -> NoReturn:
    # Python accepts NaN and Infinity in JSON; PostgreSQL and other clients don't.
    raise ValueError(f"{name} is not JSON")


class Strict(serializers.Serializer[Any]):
    """Fields of a query or a body. Undeclared ones are refused."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            known = [name for name, field in self.fields.items() if not field.read_only]
            unknown = sorted(set(map(str, data)) - set(known))[:MAX_LISTED]
            if unknown:
                possible = f"Use one of: {', '.join(known)}." if known else "No fields are allowed here."
                raise ValidationError({name: [f"There is no such field. {possible}"] for name in unknown})
        return super().to_internal_value(data)


class PageQuery(Strict):
    """The parameters of every list."""

    limit = serializers.IntegerField(min_value=1, max_value=500, default=100, help_text="The number of items per page.")
    cursor = serializers.CharField(default="", allow_blank=True, help_text="From `next` of the previous page.")


def read_query(request: Request, wanted: type[Strict]) -> dict[str, Any]:
    """The query's validated values. Raises ValidationError for unknown, repeated or invalid ones."""
    given = request.query_params
    repeated = [name for name in given if len(given.getlist(name)) > 1][:MAX_LISTED]
    if repeated:
        raise ValidationError({name: ["Give this parameter only once."] for name in repeated})
    return validate_fields(wanted, given.dict())


def validate_fields(wanted: type[Strict], data: Any) -> dict[str, Any]:
    serializer = wanted(data=data)
    serializer.is_valid(raise_exception=True)
    found: dict[str, Any] = serializer.validated_data
    return found
