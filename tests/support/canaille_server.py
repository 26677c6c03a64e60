"""Runs Canaille, a real OpenID Connect provider that keeps everything in memory, and changes it as it is told on standard input.

Usage: python canaille_server.py PORT. Each line of input is a JSON object; each is answered with a line.
"""

from __future__ import annotations

import datetime
import json
import sys
import threading
from collections.abc import Callable, Iterable
from typing import Any

from canaille import create_app
from canaille.app import models
from canaille.backends import Backend
from joserfc.jwk import RSAKey
from werkzeug.serving import make_server

PASSWORD = "correct horse"
GROUPS = ("staff", "everybody")


class Provider:
    """The provider, and what a test may do to it.

    Args:
        port: on the loopback.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._is_down = False
        self._app = create_app(
            {
                "SECRET_KEY": "a key of the provider, for its own cookies",
                "SERVER_NAME": f"localhost:{port}",
                "PREFERRED_URL_SCHEME": "http",
                "CANAILLE_OIDC": {"REQUIRE_NONCE": True, "ACTIVE_JWKS": [_new_key()]},
                "CANAILLE": {
                    "LANGUAGE": "en",
                    "ACL": {
                        "DEFAULT": {
                            "PERMISSIONS": ["edit_self", "use_oidc"],
                            "READ": ["user_name", "groups"],
                            "WRITE": [],
                        }
                    },
                },
            }
        )

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer a request (WSGI)."""
        if self._is_down:
            start_response("503 Service Unavailable", [("Content-Type", "text/plain")])
            return [b"down"]
        answer: Iterable[bytes] = self._app(environ, start_response)
        return answer

    def serve(self) -> None:
        """Answer requests, and obey lines of input, until that ends."""
        server = make_server("127.0.0.1", self._port, self, threaded=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for line in sys.stdin:
            self._obey(**json.loads(line))
            print("done", flush=True)
        server.shutdown()

    def _obey(
        self,
        *,
        callbacks: list[str] | None = None,
        staff: list[str] | None = None,
        is_down: bool | None = None,
        new_keys: bool = False,
    ) -> None:
        if is_down is not None:
            self._is_down = is_down
        if new_keys:
            self._app.config["CANAILLE_OIDC"]["ACTIVE_JWKS"] = [_new_key()]
        with self._app.app_context(), Backend.instance.session():
            if callbacks is not None:
                if not Backend.instance.query(models.User):
                    self._add_people()
                for former in Backend.instance.query(models.Client):
                    Backend.instance.delete(former)
                self._add_client(callbacks)
            if staff is not None:
                group = Backend.instance.get(models.Group, display_name="staff")
                people = [Backend.instance.get(models.User, user_name=name) for name in (*staff, "root")]
                Backend.instance.update(group, members=people)
                Backend.instance.save(group)

    def _add_people(self) -> None:
        people = [
            models.User(
                user_name=name,
                formatted_name=name.title(),
                given_name=name,
                family_name=name.title(),
                emails=[f"{name}@example.test"],
                password=PASSWORD,
            )
            for name in ("root", "alice", "bob")
        ]
        for person in people:
            Backend.instance.save(person)
        Backend.instance.save(models.Group(display_name="staff", members=people[:2]))
        Backend.instance.save(models.Group(display_name="everybody", members=people))

    def _add_client(self, callbacks: list[str]) -> None:
        client = models.Client(
            client_id="artifacts",
            client_secret="a-secret-of-the-site",
            client_name="artifacts",
            client_uri=callbacks[0].removesuffix("/login/callback"),
            redirect_uris=callbacks,
            post_logout_redirect_uris=[url.removesuffix("login/callback") for url in callbacks],
            grant_types=["authorization_code"],
            response_types=["code"],
            scope=["openid", "profile", "groups"],
            token_endpoint_auth_method="client_secret_basic",
            client_id_issued_at=datetime.datetime.now(datetime.UTC),
        )
        Backend.instance.save(client)
        client.audience = [client]
        Backend.instance.save(client)


def _new_key() -> dict[str, Any]:
    return dict(RSAKey.generate_key(2048, auto_kid=True).as_dict(private=True))


if __name__ == "__main__":
    Provider(int(sys.argv[1])).serve()
