"""Which organization an account is in, and the control policies above it. Reads moto's Organizations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from moto.organizations.models import organizations_backends


@dataclass(frozen=True, slots=True)
class Membership:
    """An account as a member of an organization."""

    backend: Any
    account: Any

    @property
    def id(self) -> str:
        return str(self.backend.org.id)

    @property
    def master_account_id(self) -> str:
        return str(self.backend.org.master_account_id)

    @property
    def is_management(self) -> bool:
        return str(self.account.id) == self.master_account_id

    @property
    def may_read_organization(self) -> bool:
        """The management account and delegated administrators."""
        return self.is_management or any(a.account.id == self.account.id for a in self.backend.admins)

    @property
    def control_policies(self) -> list[str]:
        """The service control policies on the account and on everything above it, as text."""
        return self._policies("SERVICE_CONTROL_POLICY")

    @property
    def resource_policies(self) -> list[str]:
        """The same of resource control policies, which bind who uses the account's resources."""
        return self._policies("RESOURCE_CONTROL_POLICY")

    def _policies(self, type: str) -> list[str]:
        above, parent = {self.account.id}, self.account.parent_id
        while parent and parent not in above:
            above.add(parent)
            parent = next((unit.parent_id for unit in self.backend.ou if unit.id == parent), None)
        return [
            policy.content
            for policy in self.backend.policies
            if policy.type == type and any(target.id in above for target in policy.attachments)
        ]


class Directory:
    """Finds an account's organization without looking through all accounts at every request."""

    def __init__(self) -> None:
        self._known: dict[str, Membership] = {}
        self._seen: list[tuple[Any, int, str]] = []

    def find(self, account: str) -> Membership | None:
        now = [
            (backend, len(backend.accounts), str(backend.accounts[-1].id) if backend.accounts else "")
            for partitions in list(organizations_backends.values())
            for backend in list(partitions.values())
            if backend.org
        ]
        if now != self._seen:
            # Filled aside and swapped in, as other threads read meanwhile.
            self._known = {str(a.id): Membership(backend, a) for backend, _, _ in now for a in backend.accounts}
            self._seen = now
        return self._known.get(account)


_directory = Directory()


def organization_of(account: str) -> Membership | None:
    return _directory.find(account)
