"""Requests that cannot be answered as they stand, or that come too often."""

from __future__ import annotations

from app.domain.errors.base import PierheadError


class RequestError(PierheadError):
    """The request cannot be answered as it stands."""


class ImpossiblePath(RequestError):
    """No tree can hold this path."""


class PathTooLong(RequestError):
    """The path is too long for any tree.

    Args:
        limit: bytes that a path may have.
    """

    def __init__(self, limit: int) -> None:
        super().__init__(f"a path has at most {limit} bytes")


class PathAboveRoot(RequestError):
    """The dot segments of a path lead out of the site."""

    def __init__(self) -> None:
        super().__init__("the path leads above the root of the site")


class BadParameter(RequestError):
    """A query parameter, header or form field is malformed.

    Args:
        name: what was wrong.
        allowed: what is allowed, to complete "must be ...".
    """

    def __init__(self, name: str, allowed: str) -> None:
        super().__init__(f"{name} must be {allowed}")
        self.name = name


class TooManyRequests(PierheadError):
    """A client or user sends too many requests.

    Args:
        seconds: until the next attempt.
    """

    def __init__(self, seconds: int) -> None:
        super().__init__(f"this was requested too often; try again in {seconds} seconds")
        self.seconds = seconds


class TooManyLogins(TooManyRequests):
    """A client or user tries to log in too often.

    Args:
        seconds: until the next attempt.
        subject: the user name that was given; empty if it is not known.
    """

    def __init__(self, seconds: int, subject: str) -> None:
        super().__init__(seconds)
        self.subject = subject
