"""The errors of exception requests and tickets. Every message says what is wrong and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from governance.core.policy import NotPermittedError


class WorkflowError(ValueError):
    """The act isn't possible in the present state."""


class InvalidRequestError(WorkflowError):
    """Fields that can't be accepted: field -> message."""

    def __init__(self, **fields: str) -> None:
        super().__init__(" ".join(fields.values()))
        self.fields = fields


class ScopeNotPermittedError(NotPermittedError):
    """The actor may request exceptions, but not for this scope. Forms show it beside the scope, as a field's error."""

    @property
    def fields(self) -> dict[str, str]:
        return {"scope_kind": str(self)}


class ConflictOfInterestError(WorkflowError):
    """A conflict of interest keeps this person from deciding, whatever their grants allow."""


class StaleVersionError(WorkflowError):
    """The object was changed after the caller read it."""


class ChangedSinceShownError(WorkflowError):
    """The request differs from what the decider saw. changes: key -> {was, is}."""

    def __init__(self, changes: Mapping[str, Mapping[str, Any]]) -> None:
        super().__init__(
            "The request changed since you opened it: " + ", ".join(sorted(changes)) + ". Review it, then decide."
        )
        self.changes = changes
