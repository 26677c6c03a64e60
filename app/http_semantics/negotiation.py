"""Content negotiation (RFC 9110 section 12)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from app.http_semantics.fields import list_members

_TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 (section 5.6.2, nothing secret)
_PARAMETER = re.compile(rf'[ \t]*;[ \t]*(?:({_TOKEN})=({_TOKEN}|"(?:[^"\\]|\\.)*"))?')
_MEDIA_RANGE = re.compile(rf"\*/\*|(?!\*/){_TOKEN}/{_TOKEN}")
_CODING = re.compile(_TOKEN)
_WEIGHT = re.compile(r"0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?")

_ALIASES = {"x-gzip": "gzip"}  # section 8.4.1.3

_UNSTATED_IDENTITY = 0.0001
"""The weight of the identity coding if it is not named: acceptable, but less than any named coding."""


class _Weighted(NamedTuple):
    """A member of an Accept or Accept-Encoding list."""

    value: str
    parameters: Mapping[str, str]
    weight: float


def choose_media_type(accept_lines: Sequence[str], offered: Sequence[str]) -> str | None:
    """Choose the representation that `Accept` prefers (section 12.5.1).

    Args:
        accept_lines: every line of the field.
        offered: media types in the server's order of preference, lower case, without parameters; at least
            one. The first is served to those who have no preference.

    Returns:
        One of `offered`, or None when the client excludes them all. A malformed field counts as absent: some
        clients always send one (`*; q=.2`).
    """
    ranges = _weighted(accept_lines, _MEDIA_RANGE)
    if not ranges:  # absent: any type will do
        return offered[0]
    weights = [_type_weight(media_type, ranges) for media_type in offered]
    best = max(weights)
    return offered[weights.index(best)] if best > 0 else None  # section 12.4.2: 0 is "not acceptable"


def choose_encoding(accept_encoding_lines: Sequence[str], offered: Sequence[str]) -> str:
    """Choose the content coding that `Accept-Encoding` prefers (section 12.5.3).

    Args:
        accept_encoding_lines: every line of the field.
        offered: available codings beside identity, in the server's order of preference, lower case.

    Returns:
        One of `offered`, or `identity`: without the field, when it is malformed, and also when the client
        excludes everything, because the section prefers an unencoded answer over none.
    """
    codings = _weighted(accept_encoding_lines, _CODING)
    if not codings:
        return "identity"
    weights = {_ALIASES.get(coding.value, coding.value): coding.weight for coding in codings}
    others = weights.get("*")
    weights.setdefault("identity", _UNSTATED_IDENTITY if others is None else others)
    candidates = [*offered, "identity"]
    found = [weights.get(coding, others or 0) for coding in candidates]
    best = max(found)
    return candidates[found.index(best)] if best > 0 else "identity"


def _type_weight(media_type: str, ranges: Sequence[_Weighted]) -> float:
    """The weight that the most specific matching range gives a type; 0 when none matches."""
    main, _, _ = media_type.partition("/")
    specificity = {"*/*": 0, f"{main}/*": 1, media_type: 2}
    matching = [
        (specificity[item.value], item.weight)
        for item in ranges
        if item.value in specificity and not item.parameters.keys() - {"charset"}
    ]
    # The offered types have no parameters, so a range with parameters asks for something else. Except `charset`:
    # all offered types are UTF-8, and many clients write it after application/json.
    return max(matching, default=(0, 0.0))[1]


def _weighted(lines: Sequence[str], value_form: re.Pattern[str]) -> list[_Weighted]:
    """The members of a list with weights; empty when the field is absent, empty or malformed."""
    members = []
    for text in list_members(lines):
        member = _parse_member(text, value_form)
        if member is None:
            return []
        members.append(member)
    return members


def _parse_member(text: str, value_form: re.Pattern[str]) -> _Weighted | None:
    value = value_form.match(text)
    if value is None:
        return None
    parameters = {}
    at = value.end()
    while at < len(text):
        parameter = _PARAMETER.match(text, at)
        if parameter is None:
            return None
        if parameter[1]:  # an empty parameter is legal (section 5.6.6)
            parameters[parameter[1].lower()] = parameter[2]
        at = parameter.end()
    weight = parameters.pop("q", "1")  # wherever it stands (section 12.5.1)
    if not _WEIGHT.fullmatch(weight):
        return None
    return _Weighted(value.group().lower(), parameters, float(weight))
