"""What `pierhead get` prints: progress for people, lines of JSON for programs."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any

from app.cli.progress import progress
from app.client.download import RemoteFile
from app.client.errors import FetchFailed, LicenceNeeded, RequiredLicence
from app.client.texts import many_lines, one_line
from app.client.transfer import Outcome
from app.domain.access import licence_phrase
from app.pages.formats import count_text


class Report:
    """Follows the downloads of one command. Answers go to standard output, all else to standard error.

    Args:
        is_json: whether each file is reported as JSON, without progress.

    Attributes:
        exit_status: of the command, by what was reported.
    """

    def __init__(self, *, is_json: bool) -> None:
        self.exit_status = 0
        self._is_json = is_json
        self._progress = progress(is_shown=not is_json)
        self._sizes: dict[str, int | None] = {}
        self._files = self._new = self._checked = self._bytes = 0

    def __enter__(self) -> Report:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()
        if self._files and not self._is_json:
            self.notice(
                f"{count_text(self._files, 'file is', 'files are')} there: {self._new} fetched "
                f"({count_text(self._bytes, 'byte', 'bytes')}), {self._checked} checked by a digest"
            )

    def began(self, file: RemoteFile, arrived: int, size: int | None) -> None:
        """See `Watcher`."""
        self._sizes[file.path.text] = size
        self._progress.show(one_line(file.path.text), arrived, size)

    def advanced(self, file: RemoteFile, arrived: int) -> None:
        """See `Watcher`."""
        self._progress.show(one_line(file.path.text), arrived, self._sizes[file.path.text])

    def ended(self, outcome: Outcome) -> None:
        """See `Reporter`."""
        self._sizes.pop(outcome.path, None)
        self._progress.remove(one_line(outcome.path))
        result = outcome.result
        if isinstance(result, FetchFailed):
            self._fail(result)
        else:
            self._files += 1
            self._new += result.is_new
            self._bytes += result.size if result.is_new else 0
            self._checked += result.checked_by is not None
        if self._is_json:
            print(json.dumps(_described(outcome)), flush=True)
        elif isinstance(result, FetchFailed):
            self.notice(str(result))

    def failed(self, error: FetchFailed) -> None:
        """See `Reporter`."""
        self._fail(error)
        if self._is_json:
            print(json.dumps(_failure(error)), flush=True)
        else:
            self.notice(str(error))

    def notice(self, text: str) -> None:
        """See `Reporter`."""
        self._progress.say(f"pierhead: {text}")

    def licence(self, licence: RequiredLicence, text: str) -> None:
        """See `Reporter`."""
        with self._paused():
            print(f"--- {licence_phrase(licence.name)}, digest {licence.digest}")
            print(f"--- sha256 {licence.sha256}\n")
            print(many_lines(text) + "\n", flush=True)

    def can_ask(self) -> bool:
        """See `Reporter`."""
        return not self._is_json and sys.stdin.isatty() and sys.stderr.isatty()

    async def accepts(self, licence: RequiredLicence) -> bool:
        """See `Reporter`."""
        question = f"Do you accept {licence_phrase(licence.name)}? Type 'yes' to accept: "
        with self._paused():
            print(question, end="", file=sys.stderr, flush=True)
            answer: str = await asyncio.to_thread(sys.stdin.readline)
        return answer.strip().lower() == "yes"

    @contextmanager
    def _paused(self) -> Iterator[None]:
        """Leave the terminal to something else."""
        self._progress.stop()
        yield
        self._progress.start()

    def _fail(self, error: FetchFailed) -> None:
        self.exit_status = max(self.exit_status, error.exit_status)


def _described(outcome: Outcome) -> dict[str, Any]:
    """A file as JSON: docs/get.md has the fields."""
    where = {"path": outcome.path, "url": outcome.url}
    result = outcome.result
    if isinstance(result, FetchFailed):
        return {**where, **_failure(result)}
    return {
        **where,
        "status": "fetched" if result.is_new else "present",
        "size": result.size,
        "sha256": result.sha256.hex() if result.sha256 else None,
        "checked_by": result.checked_by,
        "resumed_at": result.resumed_at,
    }


def _failure(error: FetchFailed) -> dict[str, Any]:
    described: dict[str, Any] = {"status": "failed", "exit_status": error.exit_status, "error": str(error)}
    if isinstance(error, LicenceNeeded):
        described["licences"] = [licence._asdict() for licence in error.licences]
    return described
