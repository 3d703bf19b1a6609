"""Framing: what fits is carried unchanged, what does not is refused by the prefix alone."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lot.guest import wire

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@settings(deadline=None, max_examples=30)
@given(st.dictionaries(st.text(), JSON), st.binary())
def test_message_comes_back_as_it_was_encoded(head: dict[str, object], body: bytes) -> None:
    message = wire.encode(head, body)
    head_bytes, body_bytes = wire.lengths(message[: wire.PREFIX.size], max_body_bytes=len(body))
    rest = message[wire.PREFIX.size :]
    assert wire.decode(rest[:head_bytes]) == head
    assert rest[head_bytes:] == body
    assert body_bytes == len(body)


@pytest.mark.parametrize("lengths", [(wire.MAX_HEAD_BYTES + 1, 0), (0, 11), (2**32 - 1, 2**32 - 1)])
def test_oversize_message_is_refused_before_it_is_read(lengths: tuple[int, int]) -> None:
    with pytest.raises(wire.WireError):
        wire.lengths(wire.PREFIX.pack(*lengths), max_body_bytes=10)


def test_head_that_is_too_large_is_not_sent() -> None:
    with pytest.raises(wire.WireError):
        wire.encode({"text": "x" * wire.MAX_HEAD_BYTES})


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 100_000])
def test_head_that_is_no_object_is_refused(text: bytes) -> None:
    with pytest.raises(wire.WireError):
        wire.decode(text)
