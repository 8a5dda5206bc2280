"""The workflow's own refusals as answers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rest_framework.exceptions import ValidationError

from exceptions.errors import InvalidRequestError, StaleVersionError, WorkflowError
from governance.rest.problems import ConflictError, StaleError


@contextmanager
def translate_workflow_errors() -> Iterator[None]:
    """Bad fields are 400 with the field, a stale version 412, everything else that can't be done now 409."""
    try:
        yield
    except InvalidRequestError as error:
        raise ValidationError({name: [said] for name, said in error.fields.items()}) from error
    except StaleVersionError as error:
        raise StaleError(str(error)) from error
    except WorkflowError as error:
        raise ConflictError(str(error)) from error
