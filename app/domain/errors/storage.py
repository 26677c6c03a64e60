"""Faults of the storage."""

from __future__ import annotations

from app.domain.errors.base import PierheadError


class StoreError(PierheadError):
    """The storage did not answer as it should.

    Attributes:
        explanation: the cause and what to do, only for operators; empty if the store does not know.
    """

    explanation = ""


class StoreUnavailable(StoreError):
    """Refused, timed out, throttled or broken: the same request may succeed later.

    Args:
        reason: short, stable words such as `timeout` or `throttled`, used as a metric label too.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"the storage does not answer at the moment ({reason})")
        self.reason = reason


class RulesUnreadable(StoreUnavailable):
    """A folder has a control file that cannot be read. The rules of another store are never used instead."""

    def __init__(self) -> None:
        super().__init__("rules-unreadable")


class StoreDenied(StoreError):
    """The storage refuses the server's own credentials; a retry does not help.

    Args:
        what: was refused, for clients.
    """

    def __init__(self, what: str = "the storage rejects this server's credentials") -> None:
        super().__init__(what)


class ListingUnavailable(StoreError):
    """The storage gives files by their exact paths, and never says which there are."""

    def __init__(self) -> None:
        super().__init__("the storage of this site does not list folders; ask for a file by its exact path")


class ObjectArchived(StoreError):
    """The object must be restored from an archive before anybody can read it.

    Args:
        storage_class: such as `GLACIER`; None where the store does not say.
    """

    def __init__(self, storage_class: str | None) -> None:
        named = f" (storage class {storage_class})" if storage_class else ""
        super().__init__(
            f"this file is archived{named} and cannot be read; ask the operator of this site to restore it"
        )
        self.storage_class = storage_class


class ObjectEncrypted(StoreError):
    """The object is encrypted with a key that this server does not have or may not use."""

    def __init__(self) -> None:
        super().__init__(
            "this file is encrypted with a key that this server cannot use; ask the operator of this site for it"
        )


class ObjectChanged(StoreError):
    """The object was replaced or removed between two requests for it."""

    def __init__(self) -> None:
        super().__init__("the file was replaced while it was being read")
