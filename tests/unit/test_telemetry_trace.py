"""What a request says of itself is taken only where it is well formed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.telemetry.trace import Trace, name_request, trace_of, traced, traced_fields

TRACE_ID, CALLER = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
PARENT = f"00-{TRACE_ID}-{CALLER}-01"


def of(**fields: str | list[str]) -> Trace:
    lines = [
        (name.replace("_", "-").encode(), value.encode("latin-1"))
        for name, values in fields.items()
        for value in ([values] if isinstance(values, str) else values)
    ]
    return trace_of(lines)


def test_a_request_without_an_id_gets_one_of_its_own() -> None:
    one, two = of(), of()
    assert not one.is_given
    assert len(one.request_id) == 32
    assert one.request_id != two.request_id


@pytest.mark.parametrize("text", ["a", "7f3e-1.2_X", "x" * 128])
def test_the_id_of_the_client_is_taken(text: str) -> None:
    assert of(x_request_id=text) == Trace(text, is_given=True)


@pytest.mark.parametrize("text", ["", "x" * 129, "a b", 'a"', "a\r\nb", "ä", "<script>", ["a", "b"]])
def test_an_id_of_another_form_is_replaced(text: str) -> None:
    assert not of(x_request_id=text).is_given


def test_a_trace_is_passed_on_as_it_came() -> None:
    trace = of(
        x_request_id="a", traceparent=PARENT, tracestate=["congo=t61rcWkgMzE", "rojo=00f067aa0ba902b7"]
    )
    assert (trace.trace_id, trace.parent) == (TRACE_ID, PARENT)
    assert trace.fields == {
        "X-Request-Id": "a",
        "traceparent": PARENT,
        "tracestate": "congo=t61rcWkgMzE,rojo=00f067aa0ba902b7",
    }


@pytest.mark.parametrize(
    "text",
    [
        "",
        PARENT.upper(),
        PARENT[:-1],
        f"{PARENT}-more",
        f"ff{PARENT[2:]}",
        f"00-{'0' * 32}-{CALLER}-01",
        f"00-{TRACE_ID}-{'0' * 16}-01",
        f"00_{PARENT[3:]}",
        [PARENT, PARENT],
    ],
)
def test_a_malformed_trace_is_none_and_neither_is_its_state(text: str) -> None:
    trace = of(traceparent=text, tracestate="a=b")
    assert (trace.trace_id, trace.parent, trace.state) == ("", "", "")


def test_of_a_version_to_come_the_known_part_is_read() -> None:
    assert of(traceparent=f"cc{PARENT[2:]}-more").parent == PARENT


@pytest.mark.parametrize("state", ["x" * 513, "a=\x01", "a=ä"])
def test_a_state_that_cannot_be_passed_on_is_left_out(state: str) -> None:
    assert of(traceparent=PARENT, tracestate=state).fields.get("tracestate") is None


@given(
    st.dictionaries(st.sampled_from(["x-request-id", "traceparent", "tracestate"]), st.binary(max_size=200))
)
def test_nothing_that_is_passed_on_can_break_a_header(fields: dict[str, bytes]) -> None:
    trace = trace_of([(name.encode(), value) for name, value in fields.items()])
    assert all(value.isascii() and value.isprintable() for value in trace.fields.values())


def test_what_is_done_for_a_request_says_so_and_nothing_else_does() -> None:
    with traced(of(x_request_id="a", traceparent=PARENT)):
        assert name_request(None, "", {"event": "x"}) == {
            "event": "x",
            "request_id": "a",
            "trace_id": TRACE_ID,
        }
        assert traced_fields()["X-Request-Id"] == "a"
    assert name_request(None, "", {"event": "x"}) == {"event": "x"}
    assert traced_fields() == {}
