"""What a browser alone can read: the example of RFC 8291 byte for byte, and keys that are none."""

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from push_rig import Browser

from lot.core.errors import InvalidInputError
from lot.core.push import PushSubscription
from lot.push.encryption import MAX_PLAIN_BYTES, Receiver, encrypt, pack, unpack

# RFC 8291, section 5 and appendix A.
PLAIN = b"When I grow up, I want to be a watermelon"
AS_PRIVATE = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
UA_PRIVATE = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"
UA_PUBLIC = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
SALT = "DGv6ra1nlYgDCS1FRnbzlw"
AUTH = "BTBZMqHH6r4Tts7J_aSIgg"
ENCRYPTED = (
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_"
    "yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
)
ENDPOINT = "https://push.example.net/abc"


def private_key(packed: str) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(unpack(packed), "big"), ec.SECP256R1())


def subscription(p256dh: str = UA_PUBLIC, auth: str = AUTH) -> PushSubscription:
    return PushSubscription(endpoint=ENDPOINT, p256dh=p256dh, auth=auth)


def test_example_of_the_rfc_comes_out_byte_for_byte() -> None:
    receiver = Receiver.of(subscription())
    assert pack(encrypt(PLAIN, receiver, sender=private_key(AS_PRIVATE), salt=unpack(SALT))) == ENCRYPTED
    assert Browser(private_key(UA_PRIVATE), unpack(AUTH)).read(unpack(ENCRYPTED)) == PLAIN


def test_each_message_is_encrypted_anew_and_read_by_its_browser_alone() -> None:
    browser = Browser()
    receiver = Receiver.of(browser.subscription(ENDPOINT))
    one, other = encrypt(PLAIN, receiver), encrypt(PLAIN, receiver)
    assert one != other
    assert browser.read(one) == browser.read(other) == PLAIN
    with pytest.raises(InvalidTag):
        Browser(auth=browser.auth).read(one)


def test_longest_message_fits_what_push_services_take() -> None:
    body = encrypt(b"x" * MAX_PLAIN_BYTES, Receiver.of(subscription()))
    assert len(body) == 4096
    with pytest.raises(ValueError, match="at most 3993 bytes"):
        encrypt(b"x" * (MAX_PLAIN_BYTES + 1), Receiver.of(subscription()))


@pytest.mark.parametrize(
    "wrong",
    [
        subscription(p256dh=""),
        subscription(p256dh="not base64!"),
        subscription(p256dh="ü"),
        subscription(p256dh=UA_PUBLIC[:-4]),
        subscription(p256dh=pack(b"\x04" + bytes(64))),
        subscription(auth=""),
        subscription(auth="AAAA"),
    ],
)
def test_keys_that_are_none_are_refused(wrong: PushSubscription) -> None:
    with pytest.raises(InvalidInputError, match="the browser's"):
        Receiver.of(wrong)
