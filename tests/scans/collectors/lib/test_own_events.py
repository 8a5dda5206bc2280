"""Operations that only SSM Agent calls (C6)."""

from __future__ import annotations

import botocore.session

from scans.collectors.lib.own_events import AGENT_OPERATIONS


def test_no_client_can_call_what_is_left_out_as_the_agents() -> None:
    model = botocore.session.get_session().get_service_model("ssm")
    assert set(AGENT_OPERATIONS).isdisjoint(model.operation_names)
