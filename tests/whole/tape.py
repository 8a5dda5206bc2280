"""Remembers what a served organization answered, so that reading an account again costs no request.

What wasn't asked before is asked of the organization.
"""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape

from accounts.aws.credentials import acting_role
from tests.contract.wire import Response

Key = tuple[str, str, str, str]


class Tape:
    def __init__(self) -> None:
        self.answers: dict[Key, tuple[int, dict[str, Any]]] = {}

    def attach(self, session: Any) -> None:
        """To a botocore session, for the clients that it will make. Before what changes answers is attached."""
        session.register("before-parameter-build", self.note)
        session.register("before-call", self.play)
        session.register("after-call", self.keep)

    def note(self, params: dict[str, Any], model: OperationModel, context: dict[str, Any], **_: Any) -> None:
        role = acting_role()
        if role is not None:
            asked = json.dumps(params, sort_keys=True, default=str)
            api = f"{model.service_model.service_name}.{model.name}"
            context["tape"] = (role.account_id, api, context["client_region"], asked)

    def play(self, context: dict[str, Any], **_: Any) -> tuple[Response, dict[str, Any]] | None:
        held = self.answers.get(context.get("tape", ()))  # type: ignore[call-overload]
        return None if held is None else (Response(held[0]), deepcopy(held[1]))

    def keep(
        self, http_response: Any, parsed: dict[str, Any], model: OperationModel, context: dict[str, Any], **_: Any
    ) -> None:
        key = context.get("tape")
        if key is not None and key not in self.answers:
            sent = as_sent(model.output_shape, parsed)
            self.answers[key] = (http_response.status_code, deepcopy({**sent, "ResponseMetadata": {}}))


def as_sent(shape: Shape | None, value: Any) -> Any:
    """An answer in which botocore's handlers have decoded policies, with the texts that AWS sent."""
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        return {name: as_sent(shape.members.get(name), item) for name, item in value.items()}
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [as_sent(shape.member, item) for item in value]
    if isinstance(shape, MapShape) and isinstance(value, dict):
        return {name: as_sent(shape.value, item) for name, item in value.items()}
    decoded = shape is not None and shape.type_name == "string" and isinstance(value, dict)
    return json.dumps(value) if decoded else value
