"""Reading `git diff` as a stranger's data."""

from hypothesis import given
from hypothesis import strategies as st

from lot.runner.workspace import read_diff

ZERO, ONE = b"0" * 40, b"1" * 40


def raw(status: bytes, *paths: bytes) -> bytes:
    return b":100644 100644 " + ZERO + b" " + ONE + b" " + status + b"\0" + b"".join(path + b"\0" for path in paths)


RENAMED = (
    raw(b"M", b"a")
    + raw(b"R090", b"old\n1", b"new\n1")
    + b"1\t2\ta\x00"
    + b"-\t-\t\0old\n1\0new\n1\0"
    + b"\0patch\0more"
)


def test_renamed_and_binary_files_and_a_patch_with_nuls() -> None:
    files, patch = read_diff(RENAMED)
    assert [(f.path, f.old_path, f.status, f.added, f.removed) for f in files] == [
        ("a", None, "modified", 1, 2),
        ("new\n1", "old\n1", "renamed", None, None),
    ]
    assert patch == b"patch\0more"


def test_nothing_changed() -> None:
    assert read_diff(b"") == ((), b"")


def test_names_in_no_encoding_become_text() -> None:
    assert read_diff(raw(b"A", b"\xff\xfe"))[0][0].path == "\ufffd\ufffd"


@given(st.integers(0, len(RENAMED)))
def test_cut_off_output_gives_what_is_there(length: int) -> None:
    files, _ = read_diff(RENAMED[:length])
    assert len(files) <= 2
    assert all(file.path for file in files)


@given(st.binary(max_size=300) | st.lists(st.sampled_from([b":", b"\0", b"\t", b" R", b"a", b"1"])).map(b"".join))
def test_nonsense_is_read_without_harm(data: bytes) -> None:
    files, patch = read_diff(data)
    assert len(patch) <= len(data)
    for file in files:
        file.model_dump_json()
