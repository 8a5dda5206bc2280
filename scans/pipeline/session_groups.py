"""Groups collectors by session: STS limits a session policy, so a scan role may need several sessions in one account."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from accounts.aws.calls import Call
from accounts.aws.session_policy import SESSION_LIMIT, render_session_policy
from scans import registry
from scans.domain.collector import SCAN_ROLE
from scans.domain.regions import REGION_CALLS


@dataclass(slots=True)
class SessionGroup:
    """The collectors that share a session, and the calls that its policy allows."""

    collectors: list[str] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)

    @property
    def actions(self) -> set[str]:
        return {call.action for call in self.calls}

    def has_room_for(self, calls: Collection[Call]) -> bool:
        wanted = self.actions | {call.action for call in calls}
        return len(render_session_policy(wanted)) <= SESSION_LIMIT


def group_by_session(names: Collection[str], role: str = SCAN_ROLE) -> list[SessionGroup]:
    """The sessions that these collectors need, in the order in which they are used. Never empty.

    The first one lists the account's regions. Collectors come by stage and then by name, each goes into the first session
    that has room for it, and a new session begins only when none has. So the same collectors always make the same groups,
    few sessions are needed, and those of later stages are asked for late or never.
    """
    first = SessionGroup(calls=list(REGION_CALLS) if role == SCAN_ROLE else [])
    groups = [first]
    for stage in registry.group_by_stage(set(names)):
        for declared in (item.collector for item in stage if item.collector.role == role):
            group = next((each for each in groups if each.has_room_for(declared.calls)), None)
            if group is None:
                groups.append(group := SessionGroup())
            group.collectors.append(declared.name)
            group.calls += [call for call in declared.calls if call not in group.calls]
    return groups
