"""Signed values: what is not ours, unaltered, in time and for this purpose never passes."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import OctKey

from app.auth.keys import MAX_TOKEN_BYTES, KeyRing, Purpose
from app.domain.errors import AuthenticationFailed

NOW = 1_700_000_000.0
KEYS = KeyRing(["a secret of some length"])
CLAIMS = {"exp": NOW + 60, "sub": "robot"}
TOKEN = KEYS.sign(Purpose.ACCESS, CLAIMS)
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def code(token: str, *, keys: KeyRing = KEYS, purpose: Purpose = Purpose.ACCESS, now: float = NOW) -> str:
    with pytest.raises(AuthenticationFailed) as caught:
        keys.verify(purpose, token, now)
    return caught.value.code


def b64(value: object) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def with_header(header: object, signature: str = "AAAA") -> str:
    return f"{b64(header)}.{b64(CLAIMS)}.{signature}"


def kid_of(token: str) -> str:
    head = token.partition(".")[0]
    kid = json.loads(base64.urlsafe_b64decode(head + "=="))["kid"]
    assert isinstance(kid, str)
    return kid


def test_what_was_signed_comes_back() -> None:
    assert KEYS.verify(Purpose.ACCESS, TOKEN, NOW) == CLAIMS


@given(st.data())
def test_no_altered_character_passes(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(TOKEN) - 1))
    other = data.draw(st.characters().filter(lambda ch: ch != TOKEN[at]))
    code(TOKEN[:at] + other + TOKEN[at + 1 :])


def test_a_signature_has_one_spelling() -> None:
    """The last character of 32 bytes in base64url has two spare bits, which a lax decoder would ignore."""
    others = [ch for ch in ALPHABET if ch != TOKEN[-1]]
    assert {code(TOKEN[:-1] + ch) for ch in others} == {"token-signature"}


@pytest.mark.parametrize("tail", ["=", "==", "A", ".", "\n", " ", "!"])
def test_nothing_may_follow(tail: str) -> None:
    code(TOKEN + tail)
    code(tail + TOKEN)


@given(st.integers(1, len(TOKEN) - 1))
def test_no_shortened_token_passes(length: int) -> None:
    code(TOKEN[:length])


@pytest.mark.parametrize("purpose", list(Purpose))
def test_a_token_serves_its_purpose_only(purpose: Purpose) -> None:
    token = KEYS.sign(purpose, CLAIMS)
    assert KEYS.verify(purpose, token, NOW) == CLAIMS
    for other in set(Purpose) - {purpose}:
        assert code(token, purpose=other) == "token-signature"


def test_relabelled_for_another_purpose_it_still_fails() -> None:
    """Even with the other key's name in its header."""
    form = KEYS.sign(Purpose.FORM, CLAIMS)
    _, payload, signature = TOKEN.split(".")
    header = {"alg": "HS256", "kid": kid_of(form), "typ": "JWT"}
    assert code(f"{b64(header)}.{payload}.{signature}", purpose=Purpose.FORM) == "token-signature"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.text(), values, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.text(), JSON, max_size=4))
def test_tokens_are_jws_as_a_library_makes_and_reads_them(claims: dict[str, Any]) -> None:
    kid, key = KEYS.first(Purpose.ACCESS)
    theirs = OctKey.import_key(key)
    claims |= {"exp": NOW + 60}
    assume(len(json.dumps(claims)) < MAX_TOKEN_BYTES / 2)  # base64 makes it longer
    ours = jws.deserialize_compact(KEYS.sign(Purpose.ACCESS, claims), theirs, algorithms=["HS256"])
    assert json.loads(ours.payload or b"") == claims
    header = {"alg": "HS256", "kid": kid}
    made = jws.serialize_compact(header, json.dumps(claims).encode(), theirs, algorithms=["HS256"])
    assert KEYS.verify(Purpose.ACCESS, made, NOW) == claims


def test_keys_rotate() -> None:
    before, during, after = KeyRing(["old"]), KeyRing(["new", "old"]), KeyRing(["new"])
    old, new = before.sign(Purpose.ACCESS, CLAIMS), during.sign(Purpose.ACCESS, CLAIMS)
    assert during.verify(Purpose.ACCESS, old, NOW) == CLAIMS
    assert after.verify(Purpose.ACCESS, new, NOW) == CLAIMS
    assert code(old, keys=after) == "token-signature"
    assert code(new, keys=before) == "token-signature"


@pytest.mark.parametrize("secrets", [[], [""], ["good", ""]])
def test_a_ring_needs_secrets(secrets: list[str]) -> None:
    with pytest.raises(ValueError, match="secret"):
        KeyRing(secrets)


def test_the_name_of_a_key_is_not_the_key() -> None:
    token = KeyRing(["s3cret"]).sign(Purpose.ACCESS, CLAIMS)
    assert "s3cret" not in repr(KeyRing(["s3cret"]))
    forged = hmac.digest(kid_of(token).encode(), token.rpartition(".")[0].encode(), "sha256")
    assert code(f"{token.rpartition('.')[0]}.{b64(forged)}", keys=KeyRing(["s3cret"])) == "token-signature"


@pytest.mark.parametrize(
    "alg", ["none", "None", "NONE", "hs256", "HS384", "HS512", "RS256", "ES256", "", None, 1, []]
)
@pytest.mark.parametrize("signature", ["", "AAAA", TOKEN.rpartition(".")[2]])
def test_only_hs256(alg: object, signature: str) -> None:
    assert code(with_header({"alg": alg, "kid": kid_of(TOKEN)}, signature)) == "token-algorithm"
    assert code(with_header({"kid": kid_of(TOKEN)}, signature)) == "token-algorithm"


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "..",
        "...",
        "a.b",
        f"{TOKEN}.x",
        "é" + TOKEN[1:],
        "\udcff" + TOKEN[1:],
        with_header([]),
        with_header("alg"),
        with_header(1),
        with_header(None),
        with_header(b"\xff\xfe"),
        with_header(b"{" * 300),
        with_header(b"[" * 5000),
        with_header(b'{"alg": ' + b"9" * 5000 + b"}"),
        with_header({"alg": "HS256", "kid": 1}),
        with_header({"alg": "HS256", "kid": [{}]}),
        with_header({"alg": "HS256", "crit": ["b64"], "b64": False}),
        with_header({"alg": "HS256", "jku": "https://keys.example/"}),
        "A" * (MAX_TOKEN_BYTES + 1),
    ],
)
def test_malformed(token: str) -> None:
    assert code(token) == "token-malformed"


@pytest.mark.parametrize("kid", ["", "unknown", "\ud800"])
def test_an_unknown_key(kid: str) -> None:
    assert code(with_header({"alg": "HS256", "kid": kid})) == "token-signature"
    assert code(with_header({"alg": "HS256"})) == "token-signature"


@given(st.text() | st.text(ALPHABET + ".=", max_size=80))
def test_garbage_raises_one_error_only(text: str) -> None:
    assert code(text) in {"token-malformed", "token-algorithm", "token-signature"}


def test_expiry_is_to_the_second_and_without_leeway() -> None:
    assert KEYS.verify(Purpose.ACCESS, TOKEN, NOW + 59.9)
    assert code(TOKEN, now=NOW + 60) == "token-expired"


def test_not_before_allows_for_a_replicas_clock() -> None:
    token = KEYS.sign(Purpose.ACCESS, {"exp": NOW + 60, "nbf": NOW + 5})
    assert KEYS.verify(Purpose.ACCESS, token, NOW)
    assert code(token, now=NOW - 0.1) == "token-not-yet-valid"


@pytest.mark.parametrize("value", [None, True, "1700000060", [], {}, [1]])
@pytest.mark.parametrize("name", ["exp", "nbf"])
def test_times_are_numbers(name: str, value: object) -> None:
    assert code(KEYS.sign(Purpose.ACCESS, {"exp": NOW + 60, name: value})) == "token-claims"


def test_a_token_without_expiry_is_none() -> None:
    assert code(KEYS.sign(Purpose.ACCESS, {"sub": "robot"})) == "token-claims"


def sign_raw(payload: bytes) -> str:
    """A token with our own signature over any payload."""
    secret = hmac.digest(b"a secret of some length", b"pierhead access", "sha256")
    kid = hashlib.sha256(secret).hexdigest()[:12]
    signed = f"{b64({'alg': 'HS256', 'kid': kid})}.{b64(payload)}"
    return f"{signed}.{b64(hmac.digest(secret, signed.encode(), 'sha256'))}"


@pytest.mark.parametrize(
    "payload",
    [b"", b"[]", b"1", b"\xff", b'{"exp": NaN}', b'{"exp": Infinity}', b'{"exp": 1e999}', b"[" * 4000],
)
def test_signed_nonsense_is_still_refused(payload: bytes) -> None:
    assert code(sign_raw(payload)) == "token-claims"


def test_what_is_beyond_all_numbers_is_no_time() -> None:
    assert code(sign_raw(b'{"exp": 1' + b"0" * 400 + b"}")) == "token-claims"


def test_the_longest_token_is_made_and_read_and_none_that_is_longer() -> None:
    shortest = KEYS.sign(Purpose.ACCESS, {"exp": NOW, "sub": ""})
    free = (8 * 1024 - len(shortest)) * 3 // 4
    token = KEYS.sign(Purpose.ACCESS, {"exp": NOW, "sub": "s" * free})
    assert len(token) == 8 * 1024
    assert KEYS.verify(Purpose.ACCESS, token, NOW - 1)
    with pytest.raises(ValueError, match=r"at most 8192 bytes, this one has 819[34]"):
        KEYS.sign(Purpose.ACCESS, {"exp": NOW, "sub": "s" * (free + 1)})
    assert code(with_header({"alg": "HS256", "kid": kid_of(TOKEN)}, "A" * 8 * 1024)) == "token-malformed"


def test_times_that_are_no_numbers_of_json_are_not_signed() -> None:
    with pytest.raises(ValueError, match="JSON"):
        KEYS.sign(Purpose.ACCESS, {"exp": float("nan")})


def test_claims_can_be_read_whatever_the_time_is() -> None:
    assert KEYS.verify(Purpose.ACCESS, TOKEN, None) == CLAIMS


def test_every_secret_tells_what_its_keys_are_called() -> None:
    ring = KeyRing(["new", "old"])
    first, second = ring.names()
    assert first == {purpose.value: ring.first(purpose).kid for purpose in Purpose}
    assert (second,) == KeyRing(["old"]).names()
