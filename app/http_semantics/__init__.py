"""What HTTP itself asks of a server, as pure functions of the RFCs' text: no I/O, no framework, no clock."""

from app.http_semantics.conditionals import Validators, Verdict, evaluate_preconditions, if_range_holds
from app.http_semantics.content import (
    DispositionKind,
    content_disposition,
    disposition_kind,
    known_media_type,
    media_type_for,
)
from app.http_semantics.dates import http_date, parse_http_date
from app.http_semantics.digests import digest_fields
from app.http_semantics.fields import FieldLines, list_members
from app.http_semantics.negotiation import choose_encoding, choose_media_type
from app.http_semantics.plain import is_plain
from app.http_semantics.ranges import (
    MultipartPlan,
    Part,
    RangeResult,
    Span,
    UnsatisfiableRange,
    multipart_plan,
    parse_range,
)
from app.http_semantics.stored_fields import (
    content_coding,
    content_language,
    disposition_with,
    stricter_cache_control,
)

__all__ = [
    "DispositionKind",
    "FieldLines",
    "MultipartPlan",
    "Part",
    "RangeResult",
    "Span",
    "UnsatisfiableRange",
    "Validators",
    "Verdict",
    "choose_encoding",
    "choose_media_type",
    "content_coding",
    "content_disposition",
    "content_language",
    "digest_fields",
    "disposition_kind",
    "disposition_with",
    "evaluate_preconditions",
    "http_date",
    "if_range_holds",
    "is_plain",
    "known_media_type",
    "list_members",
    "media_type_for",
    "multipart_plan",
    "parse_http_date",
    "parse_range",
    "stricter_cache_control",
]
