"""The command: looks at everything, shows what it has found, and says by its status how bad it is."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from typing import Final

from app import __version__
from app.cli.arguments import Commands, add_command, add_storage, load
from app.cli.doctor.finding import Finding, Level, error, well, worst_of
from app.config import ConfigError, LoadedSettings

STATUS_ERRORS: Final = 1
STATUS_SETTINGS: Final = 2
STATUS_WARNINGS: Final = 3

_NOTES: Final = """\
exit status: 0 no problems, 3 warnings only, 1 something does not work, 2 the settings cannot be used.
It calls the storage as the server does, and changes nothing."""
_EXAMPLES: Final = """\
pierhead doctor
pierhead doctor --url https://releases.example.org/ --json
sudo -u pierhead pierhead doctor --config /etc/pierhead/pierhead.toml"""


def add_doctor(commands: Commands, common: argparse.ArgumentParser) -> None:
    """Add the command to the command line."""
    parser = add_command(
        commands,
        "doctor",
        "check settings, storage, clocks, keys, certificates, files, proxies and limits",
        parents=[common],
        examples=_EXAMPLES,
        notes=_NOTES,
    )
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")
    parser.add_argument("--url", help="URL that clients use: check what the proxy in front passes on")
    add_storage(parser)
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    try:
        findings = asyncio.run(_look(load(options, "storage"), options.url))
        status = {Level.WELL: 0, Level.WARNING: STATUS_WARNINGS, Level.ERROR: STATUS_ERRORS}[
            worst_of(findings)
        ]
    except ConfigError as failure:
        findings = [error("settings", fault, "correct it, and run this again") for fault in failure.faults]
        status = STATUS_SETTINGS
    print(_as_json(findings) if options.json else _as_text(findings))
    return status


async def _look(loaded: LoadedSettings, url: str | None) -> list[Finding]:
    """All findings.

    Raises:
        ConfigError: the settings cannot be used, so nothing else was looked at.
    """
    from app.telemetry import configure_logging  # here, so that other commands start fast

    configure_logging("error", loaded.settings.log_format)
    return [finding async for finding in _look_at_all(loaded, url)]


async def _look_at_all(loaded: LoadedSettings, url: str | None) -> AsyncIterator[Finding]:
    from app.cli.checks import check_all
    from app.cli.doctor.certificate import look_at_certificate
    from app.cli.doctor.files import look_at_files
    from app.cli.doctor.host import look_at_host
    from app.cli.doctor.keys import look_at_keys
    from app.cli.doctor.proxies import look_at_networks, look_through_proxy
    from app.cli.doctor.stores import look_at_stores

    await check_all(loaded)
    yield well("settings", f"read from {loaded.file or 'the environment'}; the site policy too")
    for notice in loaded.notices:
        yield Finding(Level.WARNING, "settings", notice, "use the new name")
    async for finding in look_at_stores(loaded):
        yield finding
    for look in (look_at_keys, look_at_certificate, look_at_files, look_at_networks, look_at_host):
        for finding in look(loaded):
            yield finding
    if url is not None:
        yield await asyncio.to_thread(look_through_proxy, url)


def _as_text(findings: Iterable[Finding]) -> str:
    lines: list[str] = []
    for finding in findings:
        lines.append(f"{finding.level.word:8} {finding.area:12} {finding.text}")
        if finding.advice:
            lines.append(f"{'':21} do: {finding.advice}")
    return "\n".join(lines)


def _as_json(findings: list[Finding]) -> str:
    shown = [finding._asdict() | {"level": finding.level.word} for finding in findings]
    return json.dumps({"version": __version__, "worst": worst_of(findings).word, "findings": shown}, indent=2)
