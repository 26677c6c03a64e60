"""Conditional requests (RFC 9110 section 13)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple

from app.http_semantics.dates import http_date, parse_http_date, whole_seconds
from app.http_semantics.fields import FieldLines

_LISTED_TAG = re.compile(r'[ \t,]*(?P<weak>W/)?"(?P<opaque>[\x21\x23-\x7e\x80-\xff]*)"[ \t]*(?:,|$)')
"""An entity-tag (section 8.8.3) as a list member. A comma or a backslash is part of the opaque tag, so that
splitting at commas, or reading it as a quoted-string, would be wrong."""

_NO_SELECTION = frozenset({"CONNECT", "OPTIONS", "TRACE"})


class Verdict(Enum):
    """The result of the preconditions of a request."""

    PROCEED = "proceed"
    NOT_MODIFIED = "304"
    PRECONDITION_FAILED = "412"


class Validators(NamedTuple):
    """The validators of a representation (section 8.8).

    Attributes:
        e_tag: opaque tag without its quotes, strong; None where there is none.
        modified: seconds since the epoch, UTC; compared at whole seconds, as header fields show them. None where it
            is not known: then conditions by a time are ignored (sections 13.1.3 and 13.1.4).
    """

    e_tag: str | None
    modified: float | None

    @property
    def etag(self) -> str:
        """Value of the `ETag` field; empty where there is none."""
        return "" if self.e_tag is None else f'"{self.e_tag}"'

    def last_modified(self, now: float) -> str:
        """Value of the `Last-Modified` field, never later than now (section 8.8.2.1); empty where there is none.

        Args:
            now: seconds since the epoch, UTC.
        """
        return "" if self.modified is None else http_date(min(self.modified, now))

    def is_changed_since(self, limit: float | None) -> bool | None:
        """Whether it was changed after a time of a header field; None where one of the two is not known."""
        if self.modified is None or limit is None:
            return None
        return whole_seconds(self.modified) > limit


def evaluate_preconditions(
    method: str, headers: FieldLines, validators: Validators, *, now: float
) -> Verdict:
    """Evaluate the preconditions of a request for an existing representation (section 13.2.2).

    Call it when everything else would succeed: redirects and failures come first (section 13.2.1).
    `If-Range`, step 5, is `if_range_holds`.

    Args:
        method: request method, upper case.
        headers: the request's header fields.
        validators: of the selected representation.
        now: seconds since the epoch, UTC.
    """
    if method in _NO_SELECTION:  # section 13.2.1
        return Verdict.PROCEED
    if not _may_act(headers, validators, now):  # steps 1 and 2
        return Verdict.PRECONDITION_FAILED
    is_read = method in ("GET", "HEAD")
    if none_match := headers("if-none-match"):  # step 3
        if _matches(none_match, validators, weakly=True):
            return Verdict.NOT_MODIFIED if is_read else Verdict.PRECONDITION_FAILED
    elif is_read:  # step 4
        since = _single_date(headers("if-modified-since"), now)
        if validators.is_changed_since(since) is False:  # section 13.1.3
            return Verdict.NOT_MODIFIED
    return Verdict.PROCEED


def if_range_holds(lines: Sequence[str], validators: Validators, *, now: float) -> bool:
    """Whether a `Range` field may be honoured (section 13.1.5). If not, everything is sent with 200.

    Args:
        lines: every line of `If-Range`; without any, the condition holds.
        validators: of the selected representation.
        now: seconds since the epoch, UTC.
    """
    if not lines:
        return True
    # Not a list field, and a time alone is no strong validator: nothing proves that the client's part is of this
    # representation.
    if len(lines) > 1 or validators.e_tag is None:
        return False
    value = lines[0].strip(" \t")
    if '"' in value[:3]:  # section 13.1.5: that far in, a DQUOTE tells an entity-tag from a date
        return value == validators.etag  # strong comparison: W/ never matches (section 8.8.3.2)
    if validators.modified is None:
        return False
    modified = whole_seconds(validators.modified)
    if now - modified < 1:  # it may still change within that second: a weak validator (section 8.8.2.2)
        return False
    return parse_http_date(value, now=now) == modified  # exact match, not "since"


def _may_act(headers: FieldLines, validators: Validators, now: float) -> bool:
    if match := headers("if-match"):
        return _matches(match, validators, weakly=False)  # section 13.1.1
    limit = _single_date(headers("if-unmodified-since"), now)
    return validators.is_changed_since(limit) is not True  # section 13.1.4


def _matches(lines: Sequence[str], validators: Validators, *, weakly: bool) -> bool:
    """Whether `*` or a list of entity tags names this representation. A malformed list names nothing, so
    that it fails `If-Match` and passes `If-None-Match`: neither ever does more than the client asked."""
    text = ",".join(lines)  # section 5.3
    if text.strip(" \t") == "*":
        return True
    return any(
        opaque == validators.e_tag and (weakly or not is_weak)  # section 8.8.3.2
        for is_weak, opaque in _entity_tags(text)
    )


def _entity_tags(text: str) -> list[tuple[bool, str]]:
    """The tags of a list as (is weak, opaque tag); none at all when the list is malformed."""
    tags = []
    text = text.rstrip(" \t,")  # empty members are legal (section 5.6.1.2)
    at = 0
    while at < len(text):
        match = _LISTED_TAG.match(text, at)
        if match is None:
            return []
        tags.append((match["weak"] is not None, match["opaque"]))
        at = match.end()
    return tags


def _single_date(lines: Sequence[str], now: float) -> float | None:
    """The date in a field; None if it is absent, invalid or repeated, and so to be ignored
    (sections 13.1.3 and 13.1.4)."""
    return parse_http_date(lines[0].strip(" \t"), now=now) if len(lines) == 1 else None
