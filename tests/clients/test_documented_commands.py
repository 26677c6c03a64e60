"""The commands of docs/login.md and docs/access.md, run as they stand there against a site like that of the text."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from subprocess import CompletedProcess
from typing import Final, NamedTuple

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

import app
from tests.support.fake_provider import FakeProvider, fake_provider
from tests.support.live_server import SECRET, live_server, token
from tests.support.programs import environment, run
from tests.support.site_trees import DirectoryTree

DOCS: Final = Path(__file__).parents[2] / "docs"
LOGIN, ACCESS = ((DOCS / name).read_text("utf-8") for name in ("login.md", "access.md"))
SITE: Final = "https://releases.example.org"
ALICE: Final = "curl -u alice "
COMMANDS: Final = tuple(
    dict.fromkeys(
        re.findall(
            r"^    (?:\$ )?((?:pierhead|curl) .*?)(?: +#.*)?$|`(curl .*?)`", LOGIN + ACCESS, re.MULTILINE
        )
    )
)
PRINTED: Final = {
    "pierhead explain releases/": r"board\.img",
    "pierhead token inspect": r'"subject": "robot"',
    "pierhead token revoke": r"^t1$",
    "pierhead token list-revoked": r"^t0 earlier$",
    "pierhead link": rf"^{SITE}/members/plan\.txt\?link=eyJ",
    ALICE: r"plan\.txt",
    "curl --fail-with-body -LO -H 'License-Accepted": "",
}
"""What each command prints, by its beginning. One that is missing here fails."""


class Described(NamedTuple):
    """The site of the text.

    Attributes:
        home: where commands run, with the settings of the site.
        issuer: of jobs' tokens.
    """

    url: str
    home: Path
    issuer: FakeProvider

    def run(self, script: str, **variables: str) -> CompletedProcess[bytes]:
        """Run lines of the text, for which the site is where it is named."""
        given = environment(self.home) | variables
        given["PATH"] = f"{Path(sys.executable).parent}:{given['PATH']}"
        given["PYTHONPATH"] = str(Path(app.__file__).parents[1])
        words = (f"{name}={value}" for name, value in given.items())
        return run("env", *words, "bash", "-e", "-c", script.replace(SITE, self.url), home=self.home)


def policy_of(issuer: str, name: str) -> str:
    """The site policy, with the table of an example for its issuer."""
    (table,) = (
        text for text in re.findall(r"^```toml\n(.*?)^```$", LOGIN, re.DOTALL | re.MULTILINE) if name in text
    )
    rule = '[[rule]]\npath = "members"\ntier = "private"\ngroups = ["firmware-ci", "release-team"]\n'
    return rule + re.sub('issuer = ".*"', f'issuer = "{issuer}"', table)


@pytest.fixture(params=["githubusercontent"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Described]:
    home, root = tmp_path / "home", tmp_path / "tree"
    home.mkdir()
    root.mkdir()
    tree = DirectoryTree(root)
    (build_info,) = re.findall(r"^```build-info\n(.*?)^```$", ACCESS, re.DOTALL | re.MULTILINE)
    tree.put("board/BUILD-INFO.txt", build_info.encode())
    for path in ("board/boot.img", "members/boot.img", "members/plan.txt", "releases/2026.03/board.img"):
        tree.put(path, path.encode())
    with fake_provider() as issuer:
        policy = policy_of(issuer.url, request.param)
        (home / "policy.toml").write_text(policy)
        (home / "revoked").write_text("t0 earlier\n")
        (home / "pierhead.toml").write_text(
            f'storage = "{root}"\nsecret_keys = ["{SECRET}"]\npolicy_file = "policy.toml"\n'
            'site_hosts = ["releases.example.org"]\nrevoked_file = "revoked"\n'
        )
        with live_server(tree.app(policy=policy, demo_login_groups=("release-team",))) as server:
            yield Described(server.url, home, issuer)


@pytest.mark.parametrize("command", [first or second for first, second in COMMANDS])
def test_a_command_does_what_the_text_says(site: Described, command: str) -> None:
    (printed,) = (text for beginning, text in PRINTED.items() if command.startswith(beginning))
    made = token("release-team", now=time.time(), id="t1")
    script = command.replace("TOKEN", made).replace(ALICE, "curl -u alice:alice ")  # which it would ask for
    done = site.run(script)
    assert done.returncode == 0, done.stderr
    assert re.search(printed, done.stdout.decode(), re.MULTILINE)
    if "-fLO" in command:
        assert (site.home / "boot.img").read_bytes() == b"board/boot.img"


def test_all_of_them_are_found() -> None:
    """Commands are found by how they are written. If that changes, hardly any would be."""
    assert len(COMMANDS) == len(PRINTED)


def snippet_of(language: str, name: str) -> str:
    """The lines of a job, without their indentation and the quotes around them."""
    pattern = rf"^```toml\n(?:(?!```).)*?{name}.*?^```\n\n```yaml\n(.*?)^```$"
    found = re.search(pattern, LOGIN, re.DOTALL | re.MULTILINE)
    assert found, name
    _, _, lines = found[1].partition(language)
    return "\n".join(line.strip().removeprefix("- ").strip("'") for line in lines.splitlines())


def test_a_job_of_github_downloads_as_the_text_says(site: Described) -> None:
    async def give(request: Request) -> Response:
        assert request.headers["authorization"] == "Bearer of the job"
        assert dict(request.query_params) == {"api-version": "2.0", "audience": site.url}
        job = {"sub": "repo:example/firmware:pull_request", "repository": "example/firmware"}
        return JSONResponse({"value": site.issuer.token(aud=SITE, **job)})

    with live_server(Starlette(routes=[Route("/token", give)])) as github:
        done = site.run(
            snippet_of("run: |", "githubusercontent"),
            ACTIONS_ID_TOKEN_REQUEST_URL=f"{github.url}/token?api-version=2.0",
            ACTIONS_ID_TOKEN_REQUEST_TOKEN="of the job",
        )
    assert done.returncode == 0, done.stderr
    assert (site.home / "boot.img").read_bytes() == b"members/boot.img"


@pytest.mark.parametrize("site", ["gitlab"], indirect=True)
def test_a_job_of_gitlab_downloads_as_the_text_says(site: Described) -> None:
    job = {"sub": "project_path:example/firmware:ref_type:tag:ref:v1", "project_path": "example/firmware"}
    given = site.issuer.token(aud=SITE, **job)
    done = site.run(snippet_of("script:", "gitlab"), PIERHEAD_TOKEN=given)
    assert done.returncode == 0, done.stderr
    assert (site.home / "boot.img").read_bytes() == b"members/boot.img"
