"""Makes botocore read JSON strictly: a body that isn't JSON is refused, and so is one with two members of one name.

botocore takes a body that isn't JSON for an empty answer: a body cut off behind a brace, or one with a number of 5,000
digits. Of two members of one name it takes the last. So a list, or a statement of a policy, that is there would look
empty.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote

from botocore.parsers import BaseJSONParser, JSONParser, ResponseParserError, RestJSONParser

POLICY_SHAPE = "policyDocumentType"


class StrictJson(BaseJSONParser):  # type: ignore[misc]
    def _parse_body_as_json(self, body_contents: bytes) -> Any:
        return parse_json_body(body_contents)

    def _do_error_parse(self, response: dict[str, Any], shape: Any) -> Any:
        try:
            return super()._do_error_parse(response, shape)
        except ResponseParserError:
            # The body of a refusal may be anything, such as a page of a proxy. Then its text is the message.
            text = response["body"].decode("utf-8", "replace")
            return super()._do_error_parse({**response, "body": json.dumps({"message": text}).encode()}, shape)


class StrictJsonParser(StrictJson, JSONParser):  # type: ignore[misc]
    """Of the protocol json."""


class StrictRestJsonParser(StrictJson, RestJSONParser):  # type: ignore[misc]
    """Of the protocol rest-json."""


STRICT_PARSERS = {"json": StrictJsonParser, "rest-json": StrictRestJsonParser}


def parse_json_body(body: bytes) -> Any:
    if not body:
        return {}
    try:
        return json.loads(body.decode("utf-8"), object_pairs_hook=make_object)
    except ValueError:
        raise ResponseParserError("the body is not JSON") from None  # from None: the error may quote the answer


def make_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ResponseParserError("two members of one name")
    return found


def decode_policy_documents(parsed: Any, model: Any, **_: Any) -> None:
    """Decode the policy documents in an answer of IAM, as botocore does. One that can't be read stays text, alone."""
    if model.output_shape is not None and isinstance(parsed, dict):
        decode_below(parsed, model.output_shape)


def decode_below(value: Any, shape: Any) -> None:
    if shape.type_name == "list":
        for item in value:
            decode_below(item, shape.member)
    elif shape.type_name == "structure":
        for name, member in shape.members.items():
            if name not in value:
                continue
            if member.name == POLICY_SHAPE:
                value[name] = decode_policy_document(value[name])
            else:
                decode_below(value[name], member)


def decode_policy_document(text: Any) -> Any:
    try:
        return json.loads(unquote(text), object_pairs_hook=make_object)
    except (ResponseParserError, RecursionError, TypeError, ValueError):
        return text
