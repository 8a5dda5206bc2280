"""What can go wrong in the workflow. Every message says what is wrong and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from governance.core.policy import NotPermittedError


class WorkflowError(ValueError):
    """The act can't be done as things are."""


class InvalidRequestError(WorkflowError):
    """Fields that can't be accepted: field -> message."""

    def __init__(self, **fields: str) -> None:
        super().__init__(" ".join(fields.values()))
        self.fields = fields


class ScopeNotPermittedError(NotPermittedError):
    """Who may ask for exceptions, but not for this scope: something to mend in what they typed."""

    @property
    def fields(self) -> dict[str, str]:
        return {"scope_kind": str(self)}


class ConflictOfInterestError(WorkflowError):
    """This person may not decide this, whatever their grants."""


class StaleVersionError(WorkflowError):
    """Somebody changed the object since it was read."""


class ChangedSinceShownError(WorkflowError):
    """What would be decided is no longer what was on the screen. changes: what -> {was, is}."""

    def __init__(self, changes: Mapping[str, Mapping[str, Any]]) -> None:
        super().__init__(
            "What you were shown has changed since: " + ", ".join(sorted(changes)) + ". Look at it again, then decide."
        )
        self.changes = changes
