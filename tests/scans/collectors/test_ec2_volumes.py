"""Reading the volumes of managed nodes."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.aws.gaps import Gap, GapKind
from scans.collectors.ec2_volumes import COLLECTOR, collect
from scans.domain.collector import EarlierEvidence
from scans.domain.evidence import serialize_evidence
from tests.scans.collectors.fake_reader import FakeReader
from tests.scans.collectors.looking import DENIED, a, all_of, kinds, one_of, seen

HOME = "arn:aws:ec2:eu-west-1:111122223333:"
NODE = a("ssm.node", f"{HOME}instance/i-1", volumes=["vol-1", "vol-2"])
OTHER = a("ssm.node", f"{HOME}instance/i-2", volumes=["vol-2"])


def region(*volumes: Any) -> FakeReader:
    return FakeReader(COLLECTOR).answer("ec2", "DescribeVolumes", {"Volumes": list(volumes)})


def volume(id: str, encrypted: Any = True) -> dict[str, Any]:
    return {"VolumeId": id, "Encrypted": encrypted}


def test_region_without_volumes_takes_no_call() -> None:
    reader = region()
    nodes = (a("ssm.node", "mi", volumes=None), a("ssm.node", "i", volumes=[]))
    assert not collect(reader, EarlierEvidence()).resources
    assert not collect(reader, seen(*nodes)).resources
    assert reader.count() == 0


def test_volumes_of_nodes() -> None:
    reader = region(volume("vol-1"), volume("vol-2", encrypted=False))
    evidence = collect(reader, seen(NODE, OTHER))
    assert all_of(evidence, "ec2.volume") == {
        f"{HOME}volume/vol-1": {"id": "vol-1", "encrypted": True, "nodes": [NODE.arn]},
        f"{HOME}volume/vol-2": {"id": "vol-2", "encrypted": False, "nodes": [NODE.arn, OTHER.arn]},
    }
    asked = [{"Name": "volume-id", "Values": ["vol-1", "vol-2"]}]
    assert reader.asked("ec2", "DescribeVolumes")[0].params == {"Filters": asked, "MaxResults": 500}
    assert serialize_evidence(evidence) == serialize_evidence(collect(reader, seen(NODE, OTHER)))


def test_denied_volumes_are_unknown() -> None:
    reader = region().refuse("ec2", "DescribeVolumes", "UnauthorizedOperation")
    found = one_of(collect(reader, seen(OTHER)), "ec2.volume")
    assert found["encrypted"] == reader.gap("ec2", "DescribeVolumes", "UnauthorizedOperation")


@pytest.mark.parametrize(
    ("items", "kind"),
    [
        ([], GapKind.NOT_READ),
        (["x"], GapKind.MALFORMED),
        ([volume("vol-2", None)], GapKind.MALFORMED),
        ([{"VolumeId": "vol-2"}], GapKind.MALFORMED),
    ],
)
def test_volume_that_is_not_described_is_unknown(items: list[Any], kind: GapKind) -> None:
    """C10: one odd volume hides no other."""
    found = all_of(collect(region(*items, volume("vol-1")), seen(NODE)), "ec2.volume")
    assert found[f"{HOME}volume/vol-1"]["encrypted"] is True
    gap = found[f"{HOME}volume/vol-2"]["encrypted"]
    assert isinstance(gap, Gap)
    assert gap.kind is kind


def test_unread_nodes_leave_the_list_incomplete() -> None:
    nodes = (a("ssm.node", "i-3", volumes=DENIED), OTHER)
    assert kinds(collect(region(volume("vol-2")), seen(*nodes)), "ec2.volume") == ["denied"]
    assert kinds(collect(region(), seen(gaps={"ssm.node": [DENIED]})), "ec2.volume") == ["denied"]
