"""Small files that go out at once, from a folder that is in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from app.cache.byte_cache import ByteCache
from app.cache.response_cache import RESPONSE_OVERHEAD, StoredResponse
from app.catalog import Catalog
from app.domain.access import Principal
from app.domain.mounts import Mount
from app.domain.paths import ArtifactPath
from app.http_semantics import Validators
from app.policy.serving import DeliveryMode, ServingRules
from app.responses.caching import Variation
from app.responses.file_headers import file_headers
from app.responses.listed_digests import ListedDigests
from app.storage.store import ObjectStore, QuickRead, QuickReads

SMALL_BYTES: Final = 64 * 1024
"""More would hold up other requests while it is copied."""


class _FileKey(NamedTuple):
    path: ArtifactPath
    principal: Principal
    kind: str = "file"


class _JudgedFile(NamedTuple):
    """A file that a principal may have, by one version of its folder; without its bytes."""

    version: int
    head: StoredResponse
    read: QuickRead


class SmallFile(NamedTuple):
    """The answer to a plain GET.

    Attributes:
        head: without a body.
        read: gives the bytes, each time anew.
        fresh_for: seconds for which it stays the same if the cache does not change.
    """

    head: StoredResponse
    read: QuickRead
    fresh_for: float


class SmallFiles:
    """Gives what the full path would answer to a plain GET.

    Decisions and header fields are cached, each for the version of the folder that they were made by. Bytes are
    not: the system has them in memory, and knows when they change.

    Attributes:
        are_possible: whether there may be any. A store that has them has no URLs to redirect to.

    Args:
        store: where the bytes are. Only one with `QuickReads` has such files.
        held: where decisions are kept, together with folders and pages.
        digests: say what header fields the full path gives.
        serving: what the operator says of single paths.
        mode: how the bytes of files go out elsewhere.
        root_path: below which the site is, by its setting; for another one, the full path answers.
        variation: says on what else answers depend.
        shared: header fields that every answer has.
        clock: seconds since the epoch, UTC.
    """

    def __init__(
        self,
        catalog: Catalog,
        store: ObjectStore,
        held: ByteCache,
        digests: ListedDigests,
        *,
        serving: ServingRules,
        mode: DeliveryMode,
        root_path: str,
        variation: Variation,
        shared: Mapping[str, str],
        clock: Callable[[], float],
    ) -> None:
        self._catalog = catalog
        self._store = store if isinstance(store, QuickReads) else None
        self.are_possible = self._store is not None
        self._held = held
        self._digests = digests
        self._serving = serving
        self._mode = mode
        self._root_path = root_path
        self._variation = variation
        self._shared = shared
        self._clock = clock

    def ready(self, path: ArtifactPath, principal: Principal, mount: Mount) -> SmallFile | None:
        """The answer to a plain GET of a file; None where it takes the full path to tell."""
        if mount.root_path != self._root_path or principal.link is not None:
            return None
        if (folder := self._catalog.fresh_version(path.parent)) is None:
            return None
        key = _FileKey(path, principal)
        judged: _JudgedFile | None = self._held.get(key)
        if judged is None or judged.version != folder.version:
            if (judged := self._judge(path, principal)) is None:
                return None
            self._held.put(key, judged, 2 * len(judged.head.fields) + RESPONSE_OVERHEAD)
        return SmallFile(judged.head, judged.read, folder.fresh_for)

    def _judge(self, path: ArtifactPath, principal: Principal) -> _JudgedFile | None:
        store, opened = self._store, self._catalog.ready_file(path, principal)
        if store is None or opened is None or opened.version is None:
            return None
        if (opened := self._digests.completed_at_once(opened, principal)) is None or opened.version is None:
            return None
        info, options = opened.info, self._serving.options_for(path)
        is_left_to_nginx = (options.delivery or self._mode) == "accel"
        # A time to come is shown as now.
        is_settled = info.modified is not None and info.modified < self._clock()
        if is_left_to_nginx or not 0 < info.size <= SMALL_BYTES or not is_settled:
            return None
        validators = Validators(info.e_tag, info.modified)
        fields = {**file_headers(opened, options, validators, self._clock()), **self._shared}
        fields["Vary"] = self._variation.of(fields["Vary"], self._root_path)
        headers = tuple((name.lower().encode("latin-1"), fields[name].encode("latin-1")) for name in fields)
        head = StoredResponse.of(b"", headers, validators.etag)
        return _JudgedFile(opened.version, head, store.quick_reader(path, info))
