"""What a 404 says of folders and names nearby: it depends on which folders are in memory, unlike all else."""

from __future__ import annotations

import json
import re
from typing import Final
from urllib.parse import urlsplit

from app.domain.paths import ArtifactPath
from tests.support.in_process import Answer

_NAMES_IN_PAGE: Final = re.compile(rb"<p>Did you mean .*?</p>\n", re.DOTALL)
_WAYS_IN_PAGE: Final = re.compile(rb'<p class="actions">.*?</p>\n', re.DOTALL)
_LINK: Final = re.compile(rb'href="([^"]*)"')
_MEMBERS: Final = ("parent", "near")


def nearby(answer: Answer) -> tuple[ArtifactPath | None, list[ArtifactPath]]:
    """The folder and the names in it that a 404 offers instead of what is not there. Pages tell the names alone."""
    if answer.status != 404 or not answer.body:
        return None, []
    if _is_problem(answer):
        members = json.loads(answer.body)
        folder, urls = members.get("parent"), members.get("near", [])
    else:
        pages = _NAMES_IN_PAGE.findall(answer.body)
        folder, urls = None, [link.decode() for page in pages for link in _LINK.findall(page)]
    return None if folder is None else _path_of(folder), [_path_of(url) for url in urls]


def without_nearby(answer: Answer) -> Answer:
    """The same answer without them."""
    if answer.status != 404:
        return answer
    body = answer.body
    if body and _is_problem(answer):
        members = json.loads(body)
        body = json.dumps({name: members[name] for name in members if name not in _MEMBERS}).encode()
    else:
        body = _WAYS_IN_PAGE.sub(b"", _NAMES_IN_PAGE.sub(b"", body))
    headers = frozenset(field for field in answer.headers if field[0] != b"content-length")
    return answer._replace(headers=headers, body=body)


def _path_of(url: str) -> ArtifactPath:
    return ArtifactPath.parse(urlsplit(url).path.encode("ascii"))


def _is_problem(answer: Answer) -> bool:
    return answer.header(b"content-type") == b"application/problem+json"
