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
from typing import Final, NamedTuple

from markupsafe import Markup as SafeHtml

from app.cache.byte_cache import ByteCache
from app.catalog import FolderView
from app.domain.errors import StoreError
from app.domain.paths import ArtifactPath
from app.domain.texts import text_of
from app.domain.turns import run_aside
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
_CODE: Final = str(Path(__file__).resolve().parents[2])


class _Key(NamedTuple):
    path: ArtifactPath
    tier: Tier
    kind: str = "documents"


class KeptDocuments(NamedTuple):
    """The documents of one folder.

    Attributes:
        version: of the folder.
    """

    documents: tuple[Document, ...]
    version: int


class FolderDocuments:
    """Gives the documents of folders.

    Args:
        files: reads them.
        held: where they are kept, together with folders and pages.
    """

    def __init__(self, files: SharedFiles, held: ByteCache) -> None:
        self._files = files
        self._held = held
        self._slots = asyncio.Semaphore(_AT_ONCE)

    async def of(self, view: FolderView) -> tuple[Document, ...]:
        """What the page of a folder shows beside the list, its header first; nothing that cannot be read now."""
        key, version = _Key(view.snapshot.path, view.tier), view.snapshot.version
        kept: KeptDocuments | None = self._held.get(key)
        if kept is not None and kept.version == version:
            return kept.documents
        found = await run_aside(partial(_names, view), entries=len(view.snapshot.entries))
        names = documents_among(found)[:_MOST_DOCUMENTS]
        texts = [(document, await self._read(view, document.name)) for document in names]
        documents = tuple(
            [
                Document(document.title, await self._rendered(view, document, text, f"doc{number}-"))
                for number, (document, text) in enumerate(texts, start=1)
                if text is not None
            ]
        )
        cost = sum(len(document.html) + _DOCUMENT_OVERHEAD for document in documents)
        self._held.put(key, KeptDocuments(documents, version), cost)
        return documents

    async def _rendered(self, view: FolderView, document: DocumentName, text: str, prefix: str) -> SafeHtml:
        if document.markup == "html":
            text = await self._with_includes(view, text)
        if is_quick(document.markup):
            html = await asyncio.to_thread(render, document.markup, text, prefix)
        else:
            async with self._slots:
                html = await _rendered_apart(document.markup, text, prefix)
        return SafeHtml(html)  # noqa: S704 - it was sanitised

    async def _with_includes(self, view: FolderView, text: str) -> str:
        """HTML with the text of files of the same folder in the places that ask for them."""
        texts = {}
        for name in [match[1] for match in _INCLUDE.finditer(text)][:_MOST_INCLUDES]:
            plain = posixpath.normpath(name)
            texts[name] = "" if "/" in plain else await self._read(view, plain) or ""
        return _INCLUDE.sub(lambda match: escape(texts.get(match[1], "")), text)[:MAX_DOCUMENT_BYTES]

    async def _read(self, view: FolderView, name: str) -> str | None:
        try:
            content = await self._files.read(view, name, MAX_DOCUMENT_BYTES)
        except StoreError:
            return None
        return None if content is None else text_of(content)


def _names(view: FolderView) -> list[str]:
    """Names of the folder's files that may be documents."""
    spellings = {spelled for stem in STEMS for spelled in (stem, stem.upper(), stem.capitalize())} | {
        "HOWTO_"
    }
    found = {entry.name for part in spellings for entry in view.snapshot.entries.with_part(part)}
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
