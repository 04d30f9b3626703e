"""The envelope: known answers, and no byte of it may change."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backup.errors import DamagedError
from backup.format.crypto import OVERHEAD, Envelope, MasterKey, generate_master_key

KEY = MasterKey(bytes(range(32)), bytes(range(16)), bytes(range(100, 116)))


def test_known_answers_of_the_parts() -> None:
    """The first vector of "The Poly1305-AES message-authentication code", appendix B."""
    key = MasterKey(
        bytes(32),
        bytes.fromhex("ec074c835580741701425b623235add6"),
        bytes.fromhex("851fc40c3467ac0be05cc20404f3f700"),
    )
    message = bytes.fromhex("f3f6")
    nonce = bytes.fromhex("fb447350c4e868c52ac3275cf9d4327e")
    tag = bytes.fromhex("f4c633c3044fc145f84f335cb81953de")
    opened = Envelope(key).open(nonce + message + tag)
    assert len(opened) == 2
    with pytest.raises(DamagedError):
        Envelope(key).open(nonce + message + tag[:-1] + b"\0")


@given(st.binary(max_size=300))
def test_what_was_sealed_is_opened(plaintext: bytes) -> None:
    sealed = Envelope(KEY).seal(plaintext)
    assert len(sealed) == len(plaintext) + OVERHEAD
    assert Envelope(KEY).open(sealed) == plaintext
    assert Envelope(KEY).open(memoryview(bytearray(sealed))) == plaintext


def test_one_envelope_seals_many_messages_each_under_its_own_iv() -> None:
    envelope = Envelope(KEY)
    sealed = [envelope.seal(b"the same") for _ in range(50)]
    assert len({each[:16] for each in sealed}) == 50
    assert len({each[16:24] for each in sealed}) == 50, "a keystream was used twice"
    assert {envelope.open(each) for each in reversed(sealed)} == {b"the same"}


def test_every_flipped_bit_is_seen() -> None:
    envelope = Envelope(KEY)
    sealed = bytearray(envelope.seal(b"xin chao"))
    for at in range(8 * len(sealed)):
        sealed[at // 8] ^= 1 << at % 8
        with pytest.raises(DamagedError):
            envelope.open(sealed)
        sealed[at // 8] ^= 1 << at % 8
    assert envelope.open(sealed) == b"xin chao"


@pytest.mark.parametrize("length", [0, 1, 15, 16, 31])
def test_what_is_too_short_is_damage(length: int) -> None:
    with pytest.raises(DamagedError):
        Envelope(KEY).open(bytes(length))


def test_other_keys_open_nothing() -> None:
    sealed = Envelope(KEY).seal(b"secret")
    for other in (KEY._replace(mac_k=bytes(16)), KEY._replace(mac_r=bytes(16))):
        with pytest.raises(DamagedError):
            Envelope(other).open(sealed)
    assert Envelope(KEY._replace(encrypt=bytes(32))).open(sealed) != b"secret"


def test_keys_are_random_and_never_shown() -> None:
    keys = [generate_master_key() for _ in range(3)]
    assert len(set(keys)) == 3
    assert [len(part) for part in keys[0]] == [32, 16, 16]
    assert keys[0].encrypt.hex()[:6] not in repr(keys[0])
    assert repr(keys[0].encrypt) not in f"{keys[0]} {keys}"
