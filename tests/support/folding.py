"""What engines and file systems do that take several spellings for the same, and fakes of such."""

from __future__ import annotations

import asyncio
import os
import unicodedata
from collections.abc import Callable, Iterator
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

import pytest

from tests.support.fake_s3 import Request, status, stored, xml

Fold = Callable[[str], str]
"""Gives what two spellings of one thing have in common."""


def _without_last_dots(text: str) -> str:
    return "/".join(name.rstrip(".") for name in text.split("/"))


FOLDS: Final[dict[str, Fold]] = {
    "case": str.casefold,
    "composition": lambda text: unicodedata.normalize("NFD", text),
    "dots": _without_last_dots,
    "everything": lambda text: _without_last_dots(unicodedata.normalize("NFKD", text).casefold()),
}
"""As file systems do it."""
ENGINE_FOLDS: Final[dict[str, Fold]] = {
    **FOLDS,
    "backslash": lambda text: text.replace("\\", "/"),
    "slashes": lambda text: "/".join(name for name in text.split("/") if name),
}
"""As S3 engines do it, above such file systems too."""


def fold_file_system(monkeypatch: pytest.MonkeyPatch, fold: Fold) -> None:
    """Let whatever is looked up in an open directory be found in any spelling, as a file system that folds names does."""

    def folding(call: Callable[..., Any]) -> Callable[..., Any]:
        def folded(path: Any, *args: Any, dir_fd: int | None = None, **options: Any) -> Any:
            if dir_fd is None:
                return call(path, *args, **options)
            names = (name for name in os.listdir(dir_fd) if fold(name) == fold(path))  # noqa: PTH208
            return call(next(names, path), *args, dir_fd=dir_fd, **options)

        return folded

    for name in ("open", "stat"):
        monkeypatch.setattr(os, name, folding(getattr(os, name)))


class FoldingS3:
    """An S3 that answers for every spelling of a key. To be the `answer` of a `FakeS3`.

    Args:
        fold: how it takes keys.
        repeats_prefix: whether listings name the folder as it was asked for, as those of file gateways do, and not as it
            is stored.
    """

    def __init__(self, fold: Fold, *, repeats_prefix: bool) -> None:
        self.objects: dict[str, bytes] = {}
        self._fold = fold
        self._repeats_prefix = repeats_prefix

    async def __call__(self, request: Request, writer: asyncio.StreamWriter) -> None:
        target = urlsplit(request.target)
        key = unquote(target.path).removeprefix("/artifacts").removeprefix("/")
        if not key:
            query = {name: values[0] for name, values in parse_qs(target.query).items()}
            answer = xml(self._listing(query))
        elif (body := self._find(key)) is not None:
            answer = stored(body)
        else:
            answer = status(404, "NoSuchKey")
        await answer(request, writer)

    def _find(self, key: str) -> bytes | None:
        return next(
            (body for other, body in self.objects.items() if self._fold(other) == self._fold(key)), None
        )

    def _listing(self, query: dict[str, str]) -> str:
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter")
        shown = set()
        for key in self._keys_with(prefix):
            rest = key[len(prefix) :]
            is_below = delimiter is not None and delimiter in rest
            shown.add(key[: len(prefix) + rest.index("/") + 1] if is_below else key)
        behind = sorted(key for key in shown if key > query.get("continuation-token", ""))
        page = behind[: int(query.get("max-keys", 1000))]
        is_cut = len(page) < len(behind)
        token = f"<NextContinuationToken>{escape(page[-1])}</NextContinuationToken>" if is_cut else ""
        items = "".join(map(_item, page))
        return (
            f"<ListBucketResult><Name>artifacts</Name><IsTruncated>{str(is_cut).lower()}</IsTruncated>"
            f"{token}{items}</ListBucketResult>"
        )

    def _keys_with(self, prefix: str) -> Iterator[str]:
        """The keys that begin with a prefix in this engine's eyes, as it lists them."""
        if not self._repeats_prefix:
            begin = self._fold(prefix)
            yield from (key for key in self.objects if self._fold(key).startswith(begin))
            return
        folder, _, beginning = prefix.rpartition("/")
        depth = len(self._fold(folder + "/x").split("/")) - 1 if folder else 0
        for key in self.objects:
            names = key.split("/")
            above, rest = "/".join(names[:depth]), "/".join(names[depth:])
            if self._fold(above) == self._fold(folder) and rest.startswith(beginning):
                yield f"{folder}/{rest}" if folder else rest


def _item(key: str) -> str:
    if key.endswith("/"):
        return f"<CommonPrefixes><Prefix>{escape(key)}</Prefix></CommonPrefixes>"
    return (
        f"<Contents><Key>{escape(key)}</Key><LastModified>2022-10-12T17:50:00.000Z</LastModified>"
        "<ETag>&quot;tag&quot;</ETag><Size>1</Size></Contents>"
    )
