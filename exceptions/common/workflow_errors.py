"""Translates the workflow's errors into the API's problems."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rest_framework.exceptions import ValidationError

from exceptions.errors import InvalidRequestError, StaleVersionError, WorkflowError
from governance.rest.problems import ConflictError, StaleError


@contextmanager
def translate_workflow_errors() -> Iterator[None]:
    """400 with the fields for invalid input, 412 for a stale version, 409 for every other error of the workflow."""
    try:
        yield
    except InvalidRequestError as error:
        raise ValidationError({name: [message] for name, message in error.fields.items()}) from error
    except StaleVersionError as error:
        raise StaleError(str(error)) from error
    except WorkflowError as error:
        raise ConflictError(str(error)) from error
