"""Identifiers."""

import re

from lot.core.ids import new_id


def test_ids_are_safe_in_host_names_and_easy_to_read() -> None:
    ids = {new_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(re.fullmatch(r"[a-km-np-z][a-km-np-z2-9]{9}", one) for one in ids)


def test_length_is_as_asked() -> None:
    assert [len(new_id(length)) for length in (1, 10, 20)] == [1, 10, 20]
