"""Journals: every byte has one number for ever, whatever is forgotten, full or started anew."""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lot.guest.journal import Journal


def journal_in(folder: Path, limit: int = 8000, blocks: bool = False) -> Journal:
    journal = Journal(str(folder), "out")
    journal.configure(limit, blocks)
    return journal


def everything(journal: Journal, offset: int = 0) -> tuple[int, bytes]:
    first, data = journal.read(offset, 1000)
    parts, position = [data], first + len(data)
    while data:
        at, data = journal.read(position, 1000)
        assert at == position
        parts.append(data)
        position += len(data)
    return first, b"".join(parts)


@settings(deadline=None, max_examples=50)
@given(writes=st.lists(st.binary(max_size=3000), max_size=20), cut=st.integers(0, 20))
def test_what_is_kept_is_the_tail_also_after_a_new_start(
    tmp_path_factory: pytest.TempPathFactory, writes: list[bytes], cut: int
) -> None:
    folder = tmp_path_factory.mktemp("journal")
    journal = journal_in(folder)
    for number, data in enumerate(writes):
        if number == cut:
            journal = journal_in(folder)
        assert journal.append(memoryview(data)) == len(data)
    whole = b"".join(writes)
    assert journal.end == len(whole)
    assert journal.end - journal.start <= 8000
    first, kept = everything(journal)
    assert kept == whole[journal.start :]
    assert not kept or first == journal.start
    assert sum(path.stat().st_size for path in folder.iterdir()) == len(kept)


def test_blocking_journal_has_no_room_until_bytes_are_acknowledged(tmp_path: Path) -> None:
    journal = journal_in(tmp_path, blocks=True)
    journal.append(memoryview(bytes(7000)))
    assert journal.room() == 1000
    journal.append(memoryview(bytes(1000)))
    assert (journal.room(), journal.start) == (0, 0)
    journal.acknowledge(2500)
    assert journal.room() == 2500
    assert journal.start == 2000  # whole segments of an eighth are forgotten
    journal.acknowledge(10**9)
    assert journal.room() == 8000


def test_unacknowledged_bytes_are_kept_over_a_new_start(tmp_path: Path) -> None:
    journal = journal_in(tmp_path, blocks=True)
    journal.append(memoryview(bytes(8000)))
    journal.acknowledge(1500)
    assert journal_in(tmp_path, blocks=True).room() == 1000  # counted from the oldest byte that is kept


def test_full_disk_takes_what_fits_and_goes_on_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = journal_in(tmp_path, blocks=True)
    journal.append(memoryview(b"before"))
    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", _full)
        assert journal.append(memoryview(b"after")) == 0
    assert journal.append(memoryview(b"after")) == 5
    assert everything(journal) == (0, b"beforeafter")


def test_full_disk_makes_a_log_forget_its_oldest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = journal_in(tmp_path)
    journal.append(memoryview(bytes(5000)))
    write = os.pwrite

    def full_above_3000(file: int, data: memoryview, offset: int) -> int:
        if sum(path.stat().st_size for path in tmp_path.iterdir()) + len(data) > 3000:
            _full()
        return write(file, data, offset)

    monkeypatch.setattr(os, "pwrite", full_above_3000)
    assert journal.append(memoryview(b"x" * 1000)) == 1000
    assert (journal.start, journal.end) == (3000, 6000)


def test_numbers_skipped_are_never_given(tmp_path: Path) -> None:
    journal = journal_in(tmp_path)
    journal.append(memoryview(b"old"))
    journal.skip_to(100)
    journal.append(memoryview(b"new"))
    assert everything(journal, 100) == (100, b"new")
    assert journal.read(0, 1000) == (0, b"old")
    assert journal.read(50, 1000) == (100, b"new")
    assert journal_in(tmp_path).end == 103


def test_what_is_forgotten_at_will_keeps_its_numbers(tmp_path: Path) -> None:
    journal = journal_in(tmp_path)
    journal.append(memoryview(bytes(3000)))
    journal.forget_all()
    assert (journal.start, journal.end) == (3000, 3000)
    journal.forget_all()
    assert journal_in(tmp_path).end == 3000
    journal.append(memoryview(b"on"))
    assert everything(journal) == (3000, b"on")


def test_foreign_files_in_the_folder_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "out.notes").write_text("x")
    assert journal_in(tmp_path).end == 0


def _full(*_: object) -> int:
    raise OSError(28, "No space left on device")
