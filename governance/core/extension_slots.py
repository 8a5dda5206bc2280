"""Where an app lets the apps above it take part: filled once, when Django is ready, and not changed after that."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Installed = TypeVar("Installed", bound="DataclassInstance")


class ExtensionError(RuntimeError):
    """The apps are put together wrongly: extensions are missing, or are installed twice."""


class ExtensionSlot(Generic[Installed]):
    """Holds one frozen dataclass of extensions. empty: the one that holds nothing."""

    def __init__(self, empty: Installed) -> None:
        self._empty = empty
        self._installed: Installed | None = None

    def install(self, extensions: Installed) -> None:
        """Called by the app above from AppConfig.ready. Raises ExtensionError the second time."""
        if self._installed is not None:
            raise ExtensionError(f"{type(extensions).__name__} are installed already.")
        self._installed = extensions

    def current(self) -> Installed:
        """For what only adds to a page: before the installation, nothing is added."""
        return self._empty if self._installed is None else self._installed

    def required(self) -> Installed:
        """For work that must not be left out without notice. Raises ExtensionError before the installation."""
        if self._installed is None:
            raise ExtensionError(f"{type(self._empty).__name__} are not installed yet.")
        return self._installed

    @contextmanager
    def override(self, **changes: Any) -> Iterator[Installed]:
        """For tests: other extensions in the fields that are named, until the block ends."""
        before = self._installed
        changed = replace(self.current(), **changes)
        self._installed = changed
        try:
            yield changed
        finally:
            self._installed = before
