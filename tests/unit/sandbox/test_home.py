"""Names: all of a sandbox is found from its id, and two installations never mix."""

from pathlib import Path

import pytest

from lot.core.errors import InvalidInputError
from lot.core.ids import SandboxId, new_id
from lot.sandbox import home as homes
from lot.sandbox.home import Installation, read_record, write_record


def test_names_fit_the_kernels_limits() -> None:
    home = Installation(Path("/a/very/long/path" * 10)).home(SandboxId(new_id()))
    assert len(home.uplink) <= 15
    assert len(str(home.state / "runsc" / "runsc-s.sock")) < 108


def test_two_installations_share_no_name(tmp_path: Path) -> None:
    one, two = (Installation(tmp_path / name).home(SandboxId("box")) for name in ("one", "two"))
    for name in ("folder", "state", "cgroup", "host_namespace", "guest_namespace", "uplink"):
        assert getattr(one, name) != getattr(two, name)


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "A", "-a", "a" * 41, "a\n"])
def test_what_cannot_be_a_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidInputError):
        Installation(tmp_path).home(SandboxId(name))


def test_whatever_is_left_makes_a_sandbox_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(homes, "RUN_DIR", tmp_path / "run")
    installation = Installation(tmp_path)
    installation.home(SandboxId("folder")).folder.mkdir(parents=True)
    installation.home(SandboxId("state")).state.mkdir(parents=True)
    namespaces = [installation.home(SandboxId("inner")).guest_namespace, "lot-ffffff-other-s", "unrelated"]
    assert installation.known(namespaces, ["group"]) == ("folder", "group", "inner", "state")


def test_record_is_read_whole_or_not_at_all(tmp_path: Path) -> None:
    record = tmp_path / "record.json"
    assert read_record(record) is None
    write_record(record, {"pid": 1})
    assert read_record(record) == {"pid": 1}
    for text in ("", '{"pid"', "[]"):
        record.write_text(text)
        assert read_record(record) is None
