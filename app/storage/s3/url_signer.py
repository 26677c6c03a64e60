"""Signs URLs of a bucket, with the credentials and the address that botocore finds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import parse_qs, urlsplit

from botocore.exceptions import NoCredentialsError

from app.domain.errors import StoreDenied
from app.domain.storage_urls import check_endpoint
from app.storage.s3.clients import UNLIMITED, Timeouts, open_client
from app.storage.s3.errors import s3_errors_translated
from app.storage.s3.sigv4 import Address, Credentials, Presigner, Term, encoded_pairs
from app.storage.store import SignedUrl

if TYPE_CHECKING:
    import aioboto3
    from types_aiobotocore_s3.client import S3Client

LENT_SECONDS: Final = 60
"""Seconds that a URL is reused before new credentials are looked for, if the present ones are temporary."""

_PROBE: Final = "probe"


class UrlMaker(Protocol):
    """Makes URLs that allow anybody one kind of request to a bucket."""

    async def presign(self, method: str, key: str, query: Mapping[str, str], *, seconds: int) -> SignedUrl:
        """A URL that holds for at least so many seconds. As `UrlSigner.presign`."""
        ...


class PlainUrls:
    """The `UrlMaker` of a bucket that is open to everybody: its URLs need no signature.

    Args:
        address: of the bucket.
        clock: seconds since the epoch, UTC.
    """

    def __init__(self, address: Address, *, clock: Callable[[], float]) -> None:
        self._address = address
        self._clock = clock

    async def presign(self, method: str, key: str, query: Mapping[str, str], *, seconds: int) -> SignedUrl:
        """See `UrlMaker.presign`. S3 refuses `response-*` without a signature, so they are left out."""
        del method
        pairs = encoded_pairs(
            {name: value for name, value in query.items() if not name.startswith("response-")}
        )
        url = f"{self._address.origin}{self._address.path_of(key)}"
        return SignedUrl(f"{url}?{'&'.join(pairs)}" if pairs else url, self._clock() + seconds)


class UrlSigner:
    """Signs with the current credentials.

    Args:
        session: has the credentials, and renews temporary ones before they expire.
        presigner: of the bucket.
        clock: seconds since the epoch, UTC.
    """

    def __init__(
        self, session: aioboto3.Session, presigner: Presigner, *, clock: Callable[[], float]
    ) -> None:
        self._session = session
        self._presigner = presigner
        self._clock = clock

    async def presign(self, method: str, key: str, query: Mapping[str, str], *, seconds: int) -> SignedUrl:
        """A URL that is valid for at least this time, or until the credentials expire. It stays the same for a while.

        It changes as soon as the credentials do.

        Args:
            method, key, query: as `Presigner.presign` takes them.
            seconds: 1 to `MAX_SECONDS`; see `Term.around`.

        Raises:
            StoreDenied: there are no credentials, or only some that have expired.
            StoreUnavailable: they cannot be fetched.
        """
        credentials, now = await self._credentials(), self._clock()
        try:
            term = Term.around(now, seconds, ends_by=credentials.expires_at)
        except ValueError as error:
            raise StoreDenied from error
        url = self._presigner.presign(credentials, method, key, query, term)
        if credentials.expires_at is None:
            return SignedUrl(url, term.shared_until)
        # New ones may come at any time, and their URLs are valid for longer.
        return SignedUrl(url, min(term.shared_until, now + LENT_SECONDS, credentials.expires_at))

    async def _credentials(self) -> Credentials:
        with s3_errors_translated():
            source = await self._session.get_credentials()  # type: ignore[misc]  # its stub lacks the `async`
            if source is None:
                raise NoCredentialsError
            try:
                frozen = await source.get_frozen_credentials()
            except RuntimeError as error:  # raised by botocore for new credentials that have expired already
                raise StoreDenied from error
        # There is no public way to learn when they expire. Permanent ones have no such attribute.
        expiry = getattr(source, "_expiry_time", None)
        expires_at = None if expiry is None else expiry.timestamp()
        return Credentials(frozen.access_key, frozen.secret_key, frozen.token, expires_at)


async def address_of(client: S3Client, bucket: str) -> Address:
    """The address of a bucket, taken from a URL that botocore makes. Does not call S3.

    So an endpoint that is configured gets path style, Amazon virtual-host style where the bucket's name allows
    that, and `addressing_style` in the AWS configuration overrules both.

    Args:
        client: with any credentials; only the address counts.
    """
    url = await client.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": _PROBE})
    parts = urlsplit(url)
    scope = parse_qs(parts.query)["X-Amz-Credential"][0]
    return Address(
        origin=f"{parts.scheme}://{parts.netloc}",
        path=parts.path.removesuffix(f"/{_PROBE}"),
        region=scope.split("/")[-3],
    )


async def find_address(
    session: aioboto3.Session, timeouts: Timeouts, bucket: str, endpoint: str | None
) -> Address:
    """The address of a bucket, as `address_of` gives it.

    Args:
        endpoint: URL of the S3 engine; None for the one that the environment names.

    Raises:
        ValueError: the endpoint that the environment names is not a URL, or has credentials in it. Names the setting,
            and quotes nothing of it: botocore's own message would.
    """
    try:
        async with open_client(session, timeouts, UNLIMITED, endpoint, access_key="none") as nobody:
            check_endpoint(nobody.meta.endpoint_url)
            return await address_of(nobody, bucket)
    except ValueError as error:
        is_url = not str(error).startswith("Invalid endpoint")
        fault = str(error).removeprefix("storage ") if is_url else "must be a URL"
        raise ValueError(
            f"AWS_ENDPOINT_URL_S3, or the endpoint in the AWS configuration file: {fault}"
        ) from None
