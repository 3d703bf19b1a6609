"""Encryption at rest, and where its key comes from."""

import base64
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from lot.config import Settings
from lot.core.errors import InvalidInputError, SetupError, UnavailableError
from lot.store.keys import KEY_FILE, load_box
from lot.store.secrets import KEY_BYTES, SecretBox

KEY = bytes(range(KEY_BYTES))


@given(st.text(alphabet=st.characters()), st.text())
def test_what_was_encrypted_comes_back(plain: str, context: str) -> None:
    assert SecretBox(KEY).decrypt(SecretBox(KEY).encrypt(plain, context), context) == plain


def test_same_text_is_never_encrypted_the_same_way() -> None:
    box = SecretBox(KEY)
    assert box.encrypt("plain", "here") != box.encrypt("plain", "here")


@pytest.mark.parametrize("stored", ["", "1:", "1:%", "nonsense", "1:" + "A" * 60])
def test_damaged_value_does_not_open(stored: str) -> None:
    with pytest.raises(UnavailableError, match="does not open"):
        SecretBox(KEY).decrypt(stored, "here")


def test_value_opens_with_its_key_and_in_its_place_only() -> None:
    stored = SecretBox(KEY).encrypt("plain", "here")
    with pytest.raises(UnavailableError, match="there"):
        SecretBox(KEY).decrypt(stored, "there")
    with pytest.raises(UnavailableError):
        SecretBox(bytes(KEY_BYTES)).decrypt(stored, "here")


def test_key_file_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    stored = load_box(settings).encrypt("plain", "here")
    assert load_box(settings).decrypt(stored, "here") == "plain"
    file = tmp_path / "data" / KEY_FILE
    assert file.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in file.parent.iterdir()] == [KEY_FILE]


def test_two_processes_that_make_the_key_file_at_once_share_it(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    with ThreadPoolExecutor(8) as pool:
        boxes = list(pool.map(lambda _: load_box(settings), range(8)))
    stored = boxes[0].encrypt("plain", "here")
    assert {box.decrypt(stored, "here") for box in boxes} == {"plain"}


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_key_of_the_settings_goes_before_the_file(tmp_path: Path, encode) -> None:
    key = bytes([0xFB] * KEY_BYTES)
    box = load_box(Settings(data_dir=tmp_path, secret_key=SecretStr(encode(key).decode())))
    assert SecretBox(key).decrypt(box.encrypt("plain", "here"), "here") == "plain"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("key", ["", "%%%", base64.b64encode(b"short").decode()])
def test_wrong_key_of_the_settings_is_refused_without_being_shown(tmp_path: Path, key: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        load_box(Settings(data_dir=tmp_path, secret_key=SecretStr(key)))
    assert key == "" or key not in str(caught.value)


@pytest.mark.parametrize("content", ["", "nonsense%", "c2hvcnQ=", "é"])
def test_damaged_key_file_is_never_replaced(tmp_path: Path, content: str) -> None:
    file = tmp_path / KEY_FILE
    file.write_text(content)
    file.chmod(0o600)
    with pytest.raises(SetupError, match="restore"):
        load_box(Settings(data_dir=tmp_path))
    assert file.read_text() == content


def test_key_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    load_box(Settings(data_dir=tmp_path))
    (tmp_path / KEY_FILE).chmod(0o640)
    with pytest.raises(SetupError, match="chmod 600"):
        load_box(Settings(data_dir=tmp_path))


def test_newest_key_seals_and_every_key_opens() -> None:
    new, old, other = SecretBox(bytes(KEY_BYTES)), SecretBox(KEY), SecretBox(bytes([7] * KEY_BYTES))
    both = SecretBox(bytes(KEY_BYTES), KEY)
    before, now = old.encrypt("before", "here"), both.encrypt("now", "here")
    assert (both.decrypt(before, "here"), both.decrypt(now, "here"), new.decrypt(now, "here")) == (
        "before",
        "now",
        "now",
    )
    assert (both.is_newest(before), both.is_newest(now)) == (False, True)
    for box in (old, other):
        with pytest.raises(UnavailableError):
            box.decrypt(now, "here")


def test_value_of_before_keys_were_named_opens_with_whichever_key_it_was_sealed() -> None:
    stored = "1:DDKODSRzdN85mhvlblcrvFha2yeLcnWQMhR8joX3AekL2apMlet5OSDhh8dJ"
    box = SecretBox(bytes(KEY_BYTES), KEY)
    assert box.decrypt(stored, "the credential anthropic") == "golden-credential"
    assert not box.is_newest(stored)


def test_sealed_value_says_nothing_of_its_key() -> None:
    stored = SecretBox(KEY).encrypt("plain", "here")
    assert KEY.hex()[:8] not in stored
    assert stored.split(":")[1] == SecretBox(KEY).encrypt("other", "there").split(":")[1]
