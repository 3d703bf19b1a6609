"""Secret values are found wherever they are in a folder's files."""

from pathlib import Path

import pytest

from lot.engine.secret_scan import find_secrets

ENVIRONMENT = {"TOKEN": "s3cret-välue", "PORT": "3000", "OTHER": "not there"}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le"])
def test_value_is_found_in_the_middle_of_a_large_file(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "deep").mkdir()
    content = bytes(3 << 20) + ENVIRONMENT["TOKEN"].encode(encoding) + b"3000" + bytes(1 << 20)
    (tmp_path / "deep" / "pages.img").write_bytes(content)
    assert find_secrets(tmp_path, ENVIRONMENT) == ["TOKEN"]


def test_nothing_is_found_where_nothing_is(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    (tmp_path / "elsewhere").symlink_to("/etc/passwd")
    (tmp_path / "pages.img").write_bytes(b"s3cret-v" + bytes(64) + b"lue 3000")
    assert find_secrets(tmp_path, ENVIRONMENT) == []
    assert find_secrets(tmp_path / "missing", ENVIRONMENT) == []
