"""Names the canonical URL in answers to requests by another URL."""

from __future__ import annotations

from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.domain.mounts import Mount
from app.domain.paths import ArtifactPath

_OF_THE_CONTENT: Final = frozenset({200, 206, 304})


class Located:
    """Add the real path to an answer.

    `Content-Location` if the content is in the answer (RFC 9110 section 8.7), and `Link` with `rel="canonical"`
    (RFC 6596) with every status.

    Args:
        answer: that is sent.
        path: the real path.
        mount: where it was asked for. The canonical URL is never one of the whole tree where there is another.
    """

    def __init__(self, answer: ASGIApp, path: ArtifactPath, mount: Mount) -> None:
        self._answer = answer
        self._canonical = mount.site.url(path).encode("ascii")
        self._url = mount.url(path).encode("ascii")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_located(message: Message) -> None:
            if message["type"] == "http.response.start":
                fields = [(b"link", b'<%s>; rel="canonical"' % self._canonical)]
                if message["status"] in _OF_THE_CONTENT:
                    fields.append((b"content-location", self._url))
                message = {**message, "headers": [*message["headers"], *fields]}
            await send(message)

        await self._answer(scope, receive, send_located)
