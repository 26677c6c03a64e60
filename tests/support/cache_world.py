"""A tree that changes, a store that fails, a clock, and people who ask: with the oracle's word on each answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from itertools import product
from typing import Final, NamedTuple

from app.catalog.catalog import REREAD_SECONDS
from app.domain.paths import ArtifactPath
from tests.support.cache_asks import folder_asked_for, folders_on_the_way, mixed, part_of, tells_nothing
from tests.support.cache_secrets import Secret
from tests.support.cache_sites import FIRST, GRACE, MAX_STALE, PUBLISHER, TTL
from tests.support.gated_store import GatedStore, QuickStore
from tests.support.in_process import Answer, Ask, Asker, send
from tests.support.nearby import nearby, without_nearby
from tests.support.oracle import Fault, Site, State, plant, principal_of

DENIED: Final = (401, 403, 404)


class Clock:
    """Seconds, which pass only when told to; but no two moments are the same."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        self.now += 1e-6
        return self.now


class Past(NamedTuple):
    """A state of the tree, and the moment in which it ended."""

    state: State
    until: float


class World:
    """One server with a cache, and everything that it was ever served from.

    Attributes:
        clock: by which the server tells ages.
        e_tags: every entity tag that anybody was given.
    """

    def __init__(self, site: Site) -> None:
        self.clock = Clock()
        self.e_tags: list[str] = []
        self.store = QuickStore() if site.settings.delivery == "proxy" else GatedStore()
        self._site = site
        self._oracle = site.oracle
        self._state: State = frozenset()
        self._past: list[Past] = []
        self._fault: Fault | None = None
        self._failed_until = 0.0
        self._told: dict[str, float] = {}
        self._asked_for_new: dict[str, float] = {}
        self._server = site.cached(self.store, self.clock)
        self._loop = asyncio.new_event_loop()
        for path, content in FIRST:
            self.put(path, content)
        self._past.clear()

    def close(self) -> None:
        """End everything that still runs."""
        self.store.release()
        self._loop.run_until_complete(self._server.catalog.aclose())
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    def put(self, path: str, content: bytes | str | None) -> None:
        """Store a file or a link, or take it away."""
        self.settle()
        self._put(path, content)

    def seek(self, secret: Secret, asks: list[Ask], asker: Asker) -> None:
        """Ask for something that is there, and again when it is not: those who may not know get the same answers."""
        self.fail(None)
        for path, content in secret.links.items():
            self.put(path, content)
        answers = []
        for content_of in (secret.files.get, lambda _: None):
            for path in secret.files:
                self.put(path, content_of(path))
            self.wait(TTL + GRACE + 1)
            answers.append([self.ask(ask, asker) for ask in asks])
        for path in secret.links:
            self.put(path, None)
        self.wait(TTL + GRACE + 1)
        with_it = self._state | frozenset(secret.files.items())
        principal = principal_of(self._server, asker)
        if secret.is_kept_from(principal, self._site, with_it):
            for ask, there, gone in zip(asks, *answers, strict=True):
                assert there.is_like(gone), f"{asker.name} is told of {secret.path} by {ask}: {there}, {gone}"

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.settle()
        self.clock.now += seconds

    def _put(self, path: str, content: bytes | str | None) -> None:
        known = dict(self._state)
        if known.pop(path, None) is not None and content is None:
            self.store.remove(path)
        if content is not None:
            plant(self.store, path, content)
            known[path] = content
        self._past.append(Past(self._state, self.clock()))
        self._state = frozenset(known.items())

    def fail(self, fault: Fault | None) -> None:
        """Let the store fail at something, and at nothing else."""
        self.settle()
        if self._fault is not None:
            self.store.fail_on(self._fault.operation, None, path=self._fault.path)
            self._failed_until = self.clock()
        if fault is not None:
            self.store.fail_on(fault.operation, fault.error, path=fault.path)
        self._fault = fault

    def settle(self) -> None:
        """Let what goes on behind the scenes come to its end.

        A folder is listed, and then its control files are read. What changes in between is seen in part, by
        any server; nothing here is about that.
        """
        self._loop.run_until_complete(_idle())

    def ask(self, ask: Ask, asker: Asker) -> Answer:
        """Send a request, and see that the answer is right."""
        asked_at = self.clock()
        answer = self._loop.run_until_complete(send(self._server.front_door, ask, asker))
        self._check(ask, asker, answer, asked_at)
        return answer

    def tell(self, path: str) -> None:
        """Let the storage say that a path has changed."""
        told_at = self.clock()
        body = json.dumps(
            {"Records": [{"s3": {"bucket": {"name": "any"}, "object": {"key": path}}}]}
        ).encode()
        fields = (("Content-Type", "application/json"),)
        ask = Ask("/api/v1/invalidate", method="POST", headers=fields, body=body)
        answer = self._loop.run_until_complete(send(self._server.front_door, ask, PUBLISHER))
        assert answer.status == 200, answer
        folders = ArtifactPath.from_text(path).segments[:-1]
        self._told |= {
            "".join(f"{name}/" for name in folders[:depth]): told_at for depth in range(len(folders) + 1)
        }

    def ask_for_new(self, folder: str) -> None:
        """Ask for a folder as it is now, which is heard once a second."""
        asked_at = self.clock()
        is_heard = asked_at - self._asked_for_new.get(folder, 0.0) > REREAD_SECONDS + 0.1
        ask = Ask(f"/{folder}", headers=(("Cache-Control", "no-cache"),))
        answer = self.ask(ask, PUBLISHER)
        self._asked_for_new[folder] = self.clock()
        if is_heard and answer.status == 200:
            self._told[folder] = asked_at
            self._check(ask, PUBLISHER, answer, asked_at)

    def ask_together(
        self,
        asks: list[tuple[Ask, Asker]],
        change: tuple[str, bytes | None] | None,
        seconds: float,
        gone: int,
    ) -> None:
        """Send requests at the same time, while the store takes long and the tree is changed.

        Args:
            change: path, and content or None.
            seconds: how long the store takes.
            gone: how many of the clients go away meanwhile.
        """
        asked_at = self.clock()

        async def all_of_them() -> list[Answer | BaseException]:
            self.store.hold("list", "head")
            tasks = [asyncio.create_task(send(self._server.front_door, *pair)) for pair in asks]
            await _idle()
            if change is not None:
                self._put(*change)
            self.clock.now += seconds
            for task in tasks[:gone]:
                task.cancel()
            self.store.release()
            return await asyncio.gather(*tasks, return_exceptions=True)

        answers = self._loop.run_until_complete(all_of_them())
        for number, (answer, (ask, asker)) in enumerate(zip(answers, asks, strict=True)):
            if isinstance(answer, Answer):
                self._check(ask, asker, answer, asked_at, is_alone=False)
            else:
                assert number < gone, answer

    def _check(
        self, ask: Ask, asker: Asker, answer: Answer, asked_at: float, *, is_alone: bool = True
    ) -> None:
        if (tag := answer.header(b"etag")) is not None:
            self.e_tags.append(tag.decode("ascii"))
        oldest = self._oldest(ask, asked_at)
        assert answer.age is None or answer.age <= self.clock.now - oldest, f"{answer} is too old"
        states = self._states_since(oldest)
        if answer.status == 200 and "recursive=true" in ask.query:
            assert self._is_a_walk(ask, asker, answer, states), self._complaint(ask, asker, answer, states)
            return
        if not is_alone and tells_nothing(answer):
            return  # the file went or changed between two looks at it
        known = self._states_since(self._oldest_of_all(asked_at))
        folder, names = nearby(answer)
        if folder is not None:
            assert any(self._oracle.lists(state, folder, asker) for state in known), (
                f"{asker.name} is told of {folder}"
            )
        for name in names:
            assert any(self._oracle.shows(state, name, asker) for state in known), (
                f"{asker.name} is told of {name}"
            )
        plain = without_nearby(answer)
        right = self._right_answers(ask, asker, states)
        if any(plain.is_like(without_nearby(other)) for other in right):
            return
        denials = self._denials_from_above(ask, asker, known)
        assert any(plain.is_like(without_nearby(other)) for other in denials), self._complaint(
            ask, asker, answer, states
        )

    def _oldest_of_all(self, asked_at: float) -> float:
        """The moment since which everything without news must have been so."""
        # For as long as it may be stale, an old value is used after a failure without another attempt.
        is_failing = self._fault is not None or asked_at - self._failed_until < GRACE
        return asked_at - (MAX_STALE if is_failing else TTL + GRACE)

    def _oldest(self, ask: Ask, asked_at: float) -> float:
        """The moment since which everything that an answer is made of must have been so."""
        oldest = self._oldest_of_all(asked_at)
        folder = folder_asked_for(ask)
        if folder is None or self._fault is not None:
            return oldest
        told = self._told.get(folder, 0.0)
        return max(told, oldest) if told > self._failed_until else oldest

    def _states_since(self, moment: float) -> tuple[State, ...]:
        """Every state of the tree since a moment, the last one first."""
        earlier = [past.state for past in self._past if past.until > moment]
        return tuple(dict.fromkeys((self._state, *reversed(earlier))))

    def _right_answers(self, ask: Ask, asker: Asker, states: tuple[State, ...]) -> Iterator[Answer]:
        if "latest" in ask.path:
            # Two folders are looked at, the link and its target, each kept for a while of its own.
            states = tuple(dict.fromkeys(mixed(one, other) for one in states for other in states))
        for state in states:
            yield self._oracle.answer(state, None, ask, asker)
            if self._fault is not None:
                yield self._oracle.answer(state, self._fault, ask, asker)
        if "*" in ask.path:
            # What a pattern stood for may be gone.
            yield self._oracle.answer(frozenset(), None, ask, asker)

    def _denials_from_above(self, ask: Ask, asker: Asker, states: tuple[State, ...]) -> Iterator[Answer]:
        """What somebody is told who may not know of a path: that is up to each folder above it, as each was then.

        Denials only: whatever else an answer is made of is of one moment.
        """
        folders = folders_on_the_way(ask)
        versions = [dict.fromkeys(part_of(state, folder, folders) for state in states) for folder in folders]
        for parts in product(*versions):
            answer = self._oracle.answer(frozenset().union(*parts), None, ask, asker)
            if answer.status in DENIED:
                yield answer

    def _is_a_walk(self, ask: Ask, asker: Asker, answer: Answer, states: tuple[State, ...]) -> bool:
        located = answer.header(b"content-location")
        if located is not None and not any(
            right.header(b"content-location") == located for right in self._right_answers(ask, asker, states)
        ):
            return False  # no link has led there
        folder = ArtifactPath.parse(located or ask.path.encode("ascii"))
        links = [
            value for name, value in answer.headers if name == b"link"
        ]  # of a walk below a link there are two
        is_all = answer.is_whole and not any(b'rel="next"' in link for link in links)
        if ask.method == "HEAD":
            return answer.body == b"" and any(True for _ in self._oracle.walks(states, folder, asker))
        return any(
            walk == answer.body if is_all else walk.startswith(answer.body)
            for walk in self._oracle.walks(states, folder, asker)
        )

    def _complaint(self, ask: Ask, asker: Asker, answer: Answer, states: tuple[State, ...]) -> str:
        right = [
            (x.status, sorted(x.headers), x.body[-600:]) for x in self._right_answers(ask, asker, states)
        ]
        shown = "\n".join(map(repr, right[:4]))
        return f"{asker.name} asked {ask} and got {answer}\n{len(right)} answers would be right:\n{shown}"


async def _idle() -> None:
    """Until all tasks wait for something that only the test can bring about."""
    is_alone = False
    for _ in range(30):
        was_alone, is_alone = is_alone, len(asyncio.all_tasks()) == 1
        if (
            was_alone and is_alone
        ):  # and what the last of the others left to be called has been called in between
            return
        await asyncio.sleep(0)
