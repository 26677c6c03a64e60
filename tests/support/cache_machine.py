"""A machine that does anything in any order to a server with a cache, and has the oracle judge every answer."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from tests.support.cache_secrets import SECRETS, Secret, asks_for
from tests.support.cache_sites import (
    ASKERS,
    CONTENTS,
    CONTROL_FILES,
    FAULTS,
    FILES,
    FOLDERS,
    GRACE,
    LINK_FILE,
    TTL,
    Sites,
)
from tests.support.cache_world import World
from tests.support.in_process import Ask, Asker

CHANGES = st.one_of(
    st.tuples(st.sampled_from(FILES), st.sampled_from((*CONTENTS, None))),
    st.builds(
        lambda folder, control: (folder + control[0], control[1]),
        st.sampled_from(FOLDERS),
        st.sampled_from(CONTROL_FILES),
    ),
    st.tuples(st.just(LINK_FILE), st.sampled_from((b"a", b"b", b"gone", b"latest", None))),
)
SECONDS = st.sampled_from((1, 3, 30, 61, 121, 130, 700, 4000))

PLAIN_QUERIES = ("", "format=html", "format=json", "format=ndjson", "format=text")
OTHER_QUERIES = (
    "limit=1",
    "limit=2&format=json",
    "after=one.txt&format=text",
    "after=../&format=text",
    "recursive=true",
    "recursive=true&limit=2",
    "format=nonsense",
)
HEADERS = st.lists(
    st.sampled_from(
        (
            ("Accept", "text/html"),
            ("Accept", "application/json"),
            ("Accept", "text/plain"),
            ("Accept-Encoding", "gzip"),
            ("Accept-Encoding", "br"),
            ("Accept-Encoding", "zstd, gzip"),
            ("Range", "bytes=1-3"),
            ("Range", "bytes=-2"),
        )
    ),
    max_size=2,
    unique_by=lambda field: field[0],
).map(tuple)
METHODS = st.sampled_from(("GET", "GET", "GET", "HEAD"))
NOTHING = st.just(b"")
PLAIN_ASKS = st.builds(
    Ask,
    st.sampled_from(["/" + folder for folder in FOLDERS]),
    st.sampled_from(PLAIN_QUERIES),
    st.just("GET"),
    st.just(()),
    NOTHING,
)
FOLDER_ASKS = st.builds(
    Ask,
    st.sampled_from(["/" + folder for folder in (*FOLDERS, "latest/", "latest/sub/", "gone/")]),
    st.sampled_from(PLAIN_QUERIES + OTHER_QUERIES),
    METHODS,
    HEADERS,
    NOTHING,
)
FILE_ASKS = st.builds(
    Ask,
    st.sampled_from(
        ["/" + f for f in (*FILES, "a/*.img", "a", "a/EULA.txt", "latest/one.txt", "a/gone.txt")]
    ),
    st.just(""),
    METHODS,
    HEADERS,
    NOTHING,
)
API_ASKS = st.builds(
    Ask,
    st.sampled_from(
        [
            *(f"/api/ls/{path}" for path in (*FOLDERS, *FILES, "latest/")),
            *(f"/api/license/{path}" for path in ("a/", *FILES)),
        ]
    ),
    st.just(""),
    METHODS,
    HEADERS,
    NOTHING,
)
ASKS = st.one_of(PLAIN_ASKS, FOLDER_ASKS, FILE_ASKS, API_ASKS)
WHO = st.sampled_from(ASKERS)
KNOWN_TO_THE_SERVER = [who for who in ASKERS if who.name != "liar"]
SOUGHT = st.sampled_from(list(SECRETS.values())).flatmap(
    lambda secret: st.tuples(
        st.just(secret), st.lists(st.sampled_from(asks_for(secret)), min_size=6, max_size=8, unique=True)
    )
)
WITHOUT_TOKEN = [who for who in ASKERS if "Authorization" not in dict(who.headers)]
"""Who is redirected to the store, where that is done."""
LICENCES = [(name, content) for name, content in CONTROL_FILES if "EULA" in name and content is not None]


class CacheMachine(RuleBasedStateMachine):
    """Drives one world.

    Attributes:
        sites: what it is built on; set by `machine_on`.
    """

    sites: Sites

    def __init__(self) -> None:
        super().__init__()
        self._world: World | None = None
        self._asked: list[tuple[Ask, Asker]] = []

    @initialize(number=st.integers(0, 15))
    def build(self, number: int) -> None:
        self._world = World(self.sites[number])

    @property
    def world(self) -> World:
        assert self._world is not None
        return self._world

    def teardown(self) -> None:
        if self._world is not None:
            self._world.close()

    def _ask(self, ask: Ask, who: Asker) -> None:
        self.world.ask(ask, who)
        self._asked.append((ask, who))

    @rule(change=CHANGES)
    def change(self, change: tuple[str, bytes | None]) -> None:
        self.world.put(*change)

    @rule(
        folder=st.sampled_from(FOLDERS),
        control=st.sampled_from(CONTROL_FILES),
        name=st.sampled_from(("one.txt", "two.img", "new.img")),
        content=st.sampled_from(CONTENTS),
        rules_first=st.booleans(),
        who=WHO,
    )
    def publish(
        self,
        folder: str,
        control: tuple[str, bytes | None],
        name: str,
        content: bytes,
        rules_first: bool,
        who: Asker,
    ) -> None:
        """As builds are published: a file and its rules, one after the other, and somebody waits for them."""
        changes: list[tuple[str, bytes | None]] = [
            (folder + control[0], control[1]),
            (folder + name, content),
        ]
        for path, new in changes if rules_first else reversed(changes):
            self.world.put(path, new)
        for path in (f"/{folder}{name}", f"/api/license/{folder}{name}", f"/{folder}"):
            self._ask(Ask(path), who)

    @rule(sought=SOUGHT, control=st.sampled_from(CONTROL_FILES), who=st.sampled_from(KNOWN_TO_THE_SERVER))
    def seek(self, sought: tuple[Secret, list[Ask]], control: tuple[str, bytes | None], who: Asker) -> None:
        """What strangers must not know of is there, and then it is not."""
        self.world.put(f"a/members/{control[0]}", control[1])
        self.world.seek(*sought, who)

    @rule(seconds=SECONDS)
    def wait(self, seconds: float) -> None:
        self.world.wait(seconds)

    @rule(number=st.integers(0, len(FAULTS) - 1))
    def fail(self, number: int) -> None:
        self.world.fail(FAULTS[number])

    @rule()
    def recover(self) -> None:
        self.world.fail(None)

    @rule(path=st.sampled_from(FILES), content=st.sampled_from((*CONTENTS, None)), who=WHO)
    def tell(self, path: str, content: bytes | None, who: Asker) -> None:
        """A change of what somebody has just seen, which the server is told of."""
        folder = Ask(f"/{path[: path.rfind('/') + 1]}")
        self._ask(folder, who)
        self.world.put(path, content)
        self.world.tell(path)
        self._ask(folder, who)

    @rule(folder=st.sampled_from(FOLDERS))
    def ask_for_new(self, folder: str) -> None:
        self.world.ask_for_new(folder)

    @rule(ask=ASKS, who=WHO)
    def ask(self, ask: Ask, who: Asker) -> None:
        self._ask(ask, who)

    @rule(ask=st.one_of(PLAIN_ASKS, FOLDER_ASKS, FILE_ASKS))
    def ask_as_everybody(self, ask: Ask) -> None:
        for who in ASKERS:
            self.world.ask(ask, who)
        self._asked.append((ask, ASKERS[0]))

    @rule(number=st.integers(0, 99), who=st.none() | WHO)
    def ask_again(self, number: int, who: Asker | None) -> None:
        """The same as before, or as somebody else did."""
        if self._asked:
            ask, before = self._asked[number % len(self._asked)]
            self.world.ask(ask, who or before)

    @rule(
        name=st.sampled_from(("one.txt", "two.img")),
        licence=st.sampled_from(LICENCES),
        between=st.none() | st.sampled_from(CONTROL_FILES),
        order=st.permutations(WITHOUT_TOKEN),
    )
    def fetch_one_after_another(
        self,
        name: str,
        licence: tuple[str, bytes | None],
        between: tuple[str, bytes | None] | None,
        order: list[Asker],
    ) -> None:
        """What some are given after a licence is asked for by others, and again when other rules may be in force."""
        self.world.put("a/BUILD-INFO.txt", None)  # licences count only without it
        for control in (licence, between):
            if control is not None:
                self.world.put(f"a/{control[0]}", control[1])
                self.world.wait(TTL + GRACE)
                self._ask(Ask("/a/"), order[0])
            for who in order:
                self._ask(Ask(f"/a/{name}"), who)

    @rule(number=st.integers(0, 99), ask=st.one_of(PLAIN_ASKS, FILE_ASKS), who=WHO)
    def ask_with_a_tag(self, number: int, ask: Ask, who: Asker) -> None:
        """If-None-Match, with a tag that anybody was given for anything."""
        if tags := self.world.e_tags:
            self.world.ask(ask._replace(headers=(("If-None-Match", tags[number % len(tags)]),)), who)

    @rule(
        asks=st.lists(st.tuples(ASKS, WHO), min_size=2, max_size=5),
        change=st.none() | CHANGES,
        seconds=st.sampled_from((0, 0, 70, 200)),
        gone=st.integers(0, 2),
    )
    def ask_together(
        self,
        asks: list[tuple[Ask, Asker]],
        change: tuple[str, bytes | None] | None,
        seconds: float,
        gone: int,
    ) -> None:
        self.world.ask_together(asks, change, seconds, gone)


def machine_on(sites: Sites) -> type[CacheMachine]:
    """The machine for these sites, as hypothesis takes it."""
    return type("CacheMachine", (CacheMachine,), {"sites": sites})
