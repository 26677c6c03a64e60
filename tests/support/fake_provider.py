"""An OpenID Connect provider that does as it is told, also what none should do."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, unquote_plus, urlencode

from joserfc import jwt
from joserfc.jwk import ECKey, Key, KeyParameters, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.support.live_server import live_server

CLIENT_ID = "artifacts"
CLIENT_SECRET = "a secret: with odd+characters"


class FakeProvider:
    """The state of a provider, which a test changes as it likes.

    Attributes:
        url: of the issuer.
        user: who is logged in there; None for nobody, and then a page asks who it is.
        claims: put into ID tokens over those that belong there; None takes one out.
        userinfo: what is told beside the token.
        keys: published; the last one signs.
        is_down: whether everything is answered with 503.
        names_itself: whether its redirects say who gave them.
        make_token: makes an ID token of its claims.
        asked: the parameters of the last login.
        endpoints: changes to what it says of itself.
        now: seconds since the epoch.
    """

    def __init__(self) -> None:
        self.url = ""
        self.user: str | None = "alice"
        self.claims: dict[str, Any] = {"groups": ["staff"]}
        self.userinfo: dict[str, Any] = {}
        self.keys: list[Key] = [new_key("first")]
        self.is_down = False
        self.names_itself = True
        self.make_token: Callable[[dict[str, Any]], str] = self.sign
        self.asked: dict[str, str] = {}
        self.endpoints: dict[str, Any] = {}
        self.now: Callable[[], float] = time.time
        self.times_asked = 0
        self._codes: dict[str, dict[str, str]] = {}

    def sign(self, claims: dict[str, Any], key: Key | None = None) -> str:
        """A token of these claims."""
        key = key or self.keys[-1]
        alg = "ES256" if key.key_type == "EC" else "RS256"
        return jwt.encode({"alg": alg, "kid": key.kid}, claims, key, algorithms=[alg])

    def token(self, **claims: Any) -> str:
        """A token that holds now, such as a CI job gets."""
        now = int(self.now())
        return self.sign({"iss": self.url, "iat": now, "exp": now + 300} | claims)

    def app(self) -> ASGIApp:
        """The provider itself."""
        routes = [
            Route("/.well-known/openid-configuration", self._discovery),
            Route("/jwks", self._jwks),
            Route("/authorize", self._authorize),
            Route("/token", self._token, methods=["POST"]),
            Route("/userinfo", self._userinfo),
        ]
        inner = Starlette(routes=routes)

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            self.times_asked += 1
            answer: ASGIApp = PlainTextResponse("down", 503) if self.is_down else inner
            await answer(scope, receive, send)

        return app

    async def _discovery(self, request: Request) -> Response:
        said = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "userinfo_endpoint": f"{self.url}/userinfo",
            "jwks_uri": f"{self.url}/jwks",
            "end_session_endpoint": f"{self.url}/logout",
            "authorization_response_iss_parameter_supported": self.names_itself,
        }
        return JSONResponse(said | self.endpoints)

    async def _jwks(self, request: Request) -> Response:
        return JSONResponse({"keys": [key.as_dict(private=False) for key in self.keys]})

    async def _authorize(self, request: Request) -> Response:
        self.asked = asked = dict(request.query_params)
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        back = {"state": asked["state"]} | ({"iss": self.url} if self.names_itself else {})
        if self.user is None:
            if asked.get("prompt") != "none":
                return PlainTextResponse("Who are you?")
            return _redirect(asked["redirect_uri"], back | {"error": "login_required"})
        code = secrets.token_urlsafe(8)
        self._codes[code] = asked
        return _redirect(asked["redirect_uri"], back | {"code": code})

    async def _token(self, request: Request) -> Response:
        form = {name: value[0] for name, value in parse_qs((await request.body()).decode()).items()}
        scheme, _, pair = request.headers.get("authorization", "").partition(" ")
        client, _, secret = base64.b64decode(pair).decode().partition(":")
        if (scheme, unquote_plus(client), unquote_plus(secret)) != ("Basic", CLIENT_ID, CLIENT_SECRET):
            return JSONResponse({"error": "invalid_client"}, 401)
        asked = self._codes.pop(form["code"], None)  # good for once
        challenge = _challenge(form["code_verifier"])
        if (
            asked is None
            or asked["code_challenge"] != challenge
            or asked["redirect_uri"] != form["redirect_uri"]
        ):
            return JSONResponse({"error": "invalid_grant"}, 400)
        now = int(self.now())
        claims = {
            "iss": self.url,
            "sub": self.user,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 300,
            "nonce": asked["nonce"],
        }
        told = {name: value for name, value in (claims | self.claims).items() if value is not None}
        return JSONResponse(
            {"access_token": f"for {self.user}", "token_type": "Bearer", "id_token": self.make_token(told)}
        )

    async def _userinfo(self, request: Request) -> Response:
        assert request.headers["authorization"] == f"Bearer for {self.user}"
        return JSONResponse({"sub": self.user} | self.userinfo)


@contextmanager
def fake_provider() -> Iterator[FakeProvider]:
    """A provider that runs until the block ends."""
    provider = FakeProvider()
    with live_server(provider.app()) as server:
        provider.url = server.url
        yield provider


def new_key(kid: str, *, is_rsa: bool = False) -> Key:
    """A key to sign with."""
    parameters: KeyParameters = {"kid": kid, "use": "sig"}
    return RSAKey.generate_key(2048, parameters) if is_rsa else ECKey.generate_key("P-256", parameters)


def unsigned(claims: dict[str, Any]) -> str:
    """A token with the algorithm `none`."""
    return f"{_b64({'alg': 'none'})}.{_b64(claims)}."


def _b64(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _redirect(url: str, fields: dict[str, str]) -> Response:
    return RedirectResponse(f"{url}?{urlencode(fields)}", 302)
