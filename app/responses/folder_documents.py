"""The documents that a folder's page shows: read by their own rules, rendered once for each tier, and kept."""

from __future__ import annotations

import asyncio
import os
import posixpath
import re
import sys
from functools import partial
from html import escape
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from markupsafe import Markup as SafeHtml

from app.cache.byte_cache import ByteCache
from app.catalog import FolderView
from app.domain.errors import StoreError
from app.domain.paths import ArtifactPath
from app.domain.texts import text_of
from app.domain.turns import MANY_ENTRIES, run_aside
from app.pages.contexts import Document
from app.pages.documents import STEMS, DocumentName, Markup, documents_among
from app.pages.markup import MAX_DOCUMENT_BYTES, is_quick, render
from app.policy.tier import Tier
from app.responses.shared_files import SharedFiles

_MOST_DOCUMENTS: Final = 12
_AT_ONCE: Final = 2
_PATIENCE_SECONDS: Final = 30.0
_DOCUMENT_OVERHEAD: Final = 500
_INCLUDE: Final = re.compile(
    r"<linaro:include\s+file=[\"']([^\"'<>]{1,255})[\"']\s*(?:/>|>[^<]{0,1000}</linaro:include>)",
    re.IGNORECASE,
)
_MOST_INCLUDES: Final = 8
_SPELLINGS: Final = {
    "HOWTO_",
    *(spelled for stem in STEMS for spelled in (stem, stem.upper(), stem.capitalize())),
}
_LOWERED: Final = {spelled.lower() for spelled in _SPELLINGS}
_MARKS: Final = tuple(
    stem for stem in _LOWERED if not any(other in stem for other in _LOWERED if other != stem)
)
"""Each of the spellings, in lower case, has one of these in it."""
_CODE: Final = str(Path(__file__).resolve().parents[2])


class _Key(NamedTuple):
    path: ArtifactPath
    tier: Tier
    kind: str = "documents"


class FolderDocuments(NamedTuple):
    """The documents of one folder.

    Attributes:
        shown: the folder's header first.
        is_complete: whether the store gave all files.
        version: of the folder.
    """

    shown: tuple[Document, ...] = ()
    is_complete: bool = True
    version: int = 0


class Documents(Protocol):
    """Gives the documents of folders."""

    def ready(self, view: FolderView) -> FolderDocuments | None:
        """What the page of a folder shows beside the list, without waiting. None where files have to be read for it."""
        ...

    async def of(self, view: FolderView) -> FolderDocuments:
        """The same. What the store does not give now is asked for the next time."""
        ...


class DocumentReader:
    """Gives the documents of folders. Implements `Documents`.

    Args:
        files: reads them.
        held: where they are kept, together with folders and pages.
    """

    def __init__(self, files: SharedFiles, held: ByteCache) -> None:
        self._files = files
        self._held = held
        self._slots = asyncio.Semaphore(_AT_ONCE)

    def ready(self, view: FolderView) -> FolderDocuments | None:
        """See `Documents.ready`. A large folder is not searched."""
        version = view.snapshot.version
        kept: FolderDocuments | None = self._held.get(_key(view))
        if kept is not None and kept.version == version:
            return kept
        if len(view.snapshot.entries) >= MANY_ENTRIES or _names(view):
            return None
        return self._kept(view, FolderDocuments(version=version))

    async def of(self, view: FolderView) -> FolderDocuments:
        """See `Documents.of`."""
        if (ready := self.ready(view)) is not None:
            return ready
        found = await run_aside(partial(_names, view), entries=len(view.snapshot.entries))
        names = documents_among(found)[:_MOST_DOCUMENTS]
        files = _FilesOf(self._files, view)
        texts = [(document, await files.text_of(document.name)) for document in names]
        shown = tuple(
            [
                Document(document.title, await self._rendered(files, document, text, f"doc{number}-"))
                for number, (document, text) in enumerate(texts, start=1)
                if text is not None
            ]
        )
        documents = FolderDocuments(shown, files.are_complete, view.snapshot.version)
        return self._kept(view, documents) if documents.is_complete else documents

    def _kept(self, view: FolderView, documents: FolderDocuments) -> FolderDocuments:
        cost = sum(len(document.html) + _DOCUMENT_OVERHEAD for document in documents.shown)
        self._held.put(_key(view), documents, cost)
        return documents

    async def _rendered(self, files: _FilesOf, document: DocumentName, text: str, prefix: str) -> SafeHtml:
        if document.markup == "html":
            text = await _with_includes(files, text)
        if is_quick(document.markup):
            html = await asyncio.to_thread(render, document.markup, text, prefix)
        else:
            async with self._slots:
                html = await _rendered_apart(document.markup, text, prefix)
        return SafeHtml(html)  # noqa: S704 - it was sanitised


class _FilesOf:
    """Files of one folder.

    Attributes:
        are_complete: whether the store has given all of those that were asked for.
    """

    def __init__(self, files: SharedFiles, view: FolderView) -> None:
        self.are_complete = True
        self._files = files
        self._view = view

    async def text_of(self, name: str) -> str | None:
        """The text of a file; None where it is not to be shown, or cannot be read now."""
        try:
            content = await self._files.read(self._view, name, MAX_DOCUMENT_BYTES)
        except StoreError:
            self.are_complete = False
            return None
        return None if content is None else text_of(content)


async def _with_includes(files: _FilesOf, text: str) -> str:
    """HTML with the text of files of the same folder in the places that ask for them."""
    texts = {}
    for name in [match[1] for match in _INCLUDE.finditer(text)][:_MOST_INCLUDES]:
        plain = posixpath.normpath(name)
        texts[name] = "" if "/" in plain else await files.text_of(plain) or ""
    return _INCLUDE.sub(lambda match: escape(texts.get(match[1], "")), text)[:MAX_DOCUMENT_BYTES]


def _key(view: FolderView) -> _Key:
    return _Key(view.snapshot.path, view.tier)


def _names(view: FolderView) -> list[str]:
    """Names of the folder's files that may be documents."""
    if not view.snapshot.entries.may_have_part(_MARKS):
        return []
    found = {entry.name for entry in view.snapshot.entries.with_part(*_SPELLINGS)}
    return sorted(name for name in found if view.find(name, is_folder=False) is not None)


async def _rendered_apart(markup: Markup, text: str, prefix: str) -> str:
    """A document, rendered in a process of its own: its library may take any time for what it does not expect."""
    try:
        html = await _asked_of_process(markup, text, prefix)
    except (OSError, TimeoutError):
        html = ""
    return html or await asyncio.to_thread(render, "text", text)


async def _asked_of_process(markup: Markup, text: str, prefix: str) -> str:
    """What the process prints; nothing where it fails.

    Raises:
        OSError: it cannot be started.
        TimeoutError: it takes too long.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "app.pages.markup",
        markup,
        prefix,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={"PYTHONPATH": _CODE, "PATH": os.environ.get("PATH", "")},
    )
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            html, _ = await process.communicate(text.encode())
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return html.decode() if process.returncode == 0 else ""
