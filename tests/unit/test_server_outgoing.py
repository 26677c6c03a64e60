"""A body in memory goes out in pieces, so that others have a turn between them."""

from __future__ import annotations

import asyncio

import pytest
from starlette.types import Message

from app.responses.caching import Variation
from app.responses.record import RequestRecord
from app.responses.streaming import PIECE_BYTES
from app.server.outgoing import OutgoingAnswer
from app.telemetry.trace import Trace


class Sent:
    """What was sent, and how often another task had its turn before each piece."""

    def __init__(self) -> None:
        self.pieces: list[tuple[bytes | memoryview, bool]] = []
        self.turns: list[int] = []
        self._turn = 0

    async def send(self, message: Message) -> None:
        self.pieces.append((message["body"], message.get("more_body", False)))
        self.turns.append(self._turn)

    async def count_turns(self) -> None:
        """Count for as long as it is let."""
        while True:
            self._turn += 1
            await asyncio.sleep(0)


@pytest.mark.parametrize("size", [0, 1, PIECE_BYTES, PIECE_BYTES + 1, 2 * PIECE_BYTES, 3 * PIECE_BYTES - 1])
async def test_a_large_body_goes_out_in_pieces_with_turns_between(size: int) -> None:
    sent, body = Sent(), bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    answer = OutgoingAnswer(sent.send, {}, Variation(), (), RequestRecord(), Trace("id"))
    counting = asyncio.create_task(sent.count_turns())
    try:
        await answer.send({"type": "http.response.body", "body": body})
    finally:
        counting.cancel()
    assert b"".join(piece for piece, _ in sent.pieces) == body
    assert [more for _, more in sent.pieces] == [True] * (len(sent.pieces) - 1) + [False]
    assert max(len(piece) for piece, _ in sent.pieces) <= PIECE_BYTES
    assert all(memoryview(piece).obj is body for piece, _ in sent.pieces), "no piece is a copy"
    assert sent.turns == sorted(set(sent.turns)), "a turn between any two pieces"
    assert answer.body_bytes == size


async def test_an_answer_to_head_has_no_piece() -> None:
    sent = Sent()
    record = RequestRecord(is_head=True)
    answer = OutgoingAnswer(sent.send, {}, Variation(), (), record, Trace("id"))
    await answer.send({"type": "http.response.body", "body": bytes(2 * PIECE_BYTES)})
    assert sent.pieces == [(b"", False)]
