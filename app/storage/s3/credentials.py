"""Finds credentials when the first call needs them.

botocore looks for them when a client is made. A metadata service that hangs, or a `credential_process` that fails,
would then stop the server from starting. Here only the calls fail, and the log says why.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, CredentialRetrievalError, NoCredentialsError

if TYPE_CHECKING:
    from aiobotocore.credentials import AioCredentialResolver, AioCredentials
    from aiobotocore.session import AioSession

SECONDS: Final = 2.0
"""How long a call waits for credentials. Less than the call's own limit, so that the error names them."""


class LateCredentials:
    """Credentials for botocore's clients, found at their first use.

    Args:
        resolver: finds them.
    """

    method = "late"

    def __init__(self, resolver: AioCredentialResolver) -> None:
        self._resolver = resolver
        self._finding: asyncio.Task[AioCredentials] | None = None

    async def get_frozen_credentials(self) -> Any:
        """The current credentials. Temporary ones are renewed before they expire.

        Raises:
            NoCredentialsError: there are none.
            CredentialRetrievalError: their source failed, or was too slow.
        """
        try:
            async with asyncio.timeout(SECONDS):
                return await (await self._found()).get_frozen_credentials()
        except (NoCredentialsError, CredentialRetrievalError):
            raise
        except TimeoutError as error:
            raise _failure(f"no answer within {SECONDS:g} seconds") from error
        except (BotoCoreError, OSError, ValueError) as error:
            raise _failure(str(error)) from error

    async def get_account_id(self) -> None:
        """The account that they belong to. botocore requires the method; its endpoint rules for S3 never use it."""

    def get_deferred_property(self, name: str) -> Callable[[], Awaitable[None]]:
        """The same for one property, which is `account_id`."""
        del name
        return self.get_account_id

    @property
    def _expiry_time(self) -> Any:
        """When they expire, under botocore's name; None if they do not."""
        finding = self._finding
        if finding is None or not finding.done() or finding.cancelled() or finding.exception() is not None:
            return None
        return getattr(finding.result(), "_expiry_time", None)

    async def _found(self) -> AioCredentials:
        """One search at a time for all calls. It outlives them, because a slow source may need longer than a call waits."""
        if self._finding is None:
            self._finding = asyncio.create_task(self._find())
            self._finding.add_done_callback(_note_result)
        finding = self._finding
        try:
            return await asyncio.shield(finding)
        except BaseException:
            if finding.done() and self._finding is finding:
                self._finding = None  # the next call looks again
            raise

    async def _find(self) -> AioCredentials:
        found = await self._resolver.load_credentials()
        if found is None:
            raise NoCredentialsError
        return found


def _note_result(finding: asyncio.Task[AioCredentials]) -> None:
    """Mark the error as seen: the waiting calls may have given up. The next call looks again and logs."""
    if not finding.cancelled():
        finding.exception()


class _LateProvider:
    def __init__(self, resolver: AioCredentialResolver) -> None:
        self._credentials = LateCredentials(resolver)

    async def load_credentials(self) -> LateCredentials:
        return self._credentials


def find_late(session: AioSession) -> None:
    """Make a session look for credentials at their first use.

    Raises:
        BotoCoreError: the AWS configuration files cannot be used.
    """
    resolver = session.get_component("credential_provider")
    session.register_component("credential_provider", _LateProvider(resolver))


def _failure(text: str) -> CredentialRetrievalError:
    return CredentialRetrievalError(provider="the AWS configuration", error_msg=text)
