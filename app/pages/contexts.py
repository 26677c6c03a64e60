"""The values that pages are made from. They are immutable and do not depend on the request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from markupsafe import Markup

from app.domain.access import Licence, VisibleEntry
from app.domain.entries import Digest
from app.domain.mounts import AT_ROOT, Mount, with_link
from app.domain.order import Order
from app.domain.paths import ArtifactPath
from app.domain.totals import Totals


@dataclass(frozen=True)
class Site:
    """What every page says about its site.

    Attributes:
        title: shown first in the breadcrumbs and last in the window title.
        has_login: whether people can log in.
        has_tokens: whether people can make tokens for themselves.
        contact: URL to ask for access; empty if there is none.
        may_share: whether members make links to private files.
        root_path: of the site in this request.
        shown: settings of how pages look, by their names, for templates.
    """

    title: str
    has_login: bool = False
    contact: str = ""
    may_share: bool = False
    has_tokens: bool = False
    root_path: str = ""
    shown: Mapping[str, object] = field(default_factory=dict, hash=False)

    def under(self, root_path: str) -> Site:
        """The same site below a root path."""
        return self if root_path == self.root_path else replace(self, root_path=root_path)

    @property
    def mount(self) -> Mount:
        """Where its tree is."""
        return Mount("", self.root_path)


@dataclass(frozen=True)
class Document:
    """A file of a folder that its page shows.

    Attributes:
        title: heads it; empty for the folder's header.
        html: sanitised.
    """

    title: str
    html: Markup


@dataclass(frozen=True)
class FolderPage:
    """One page of a folder's listing.

    Attributes:
        site: the site.
        path: the folder.
        entries: what the asker may see, in its order, already cut to the page.
        next_after: value of the `after` parameter that gives the next page; None on the last page.
        limit: the requested page size, repeated in the link to the next page; None for the default.
        order: of the entries; None for the listing order.
        mount: where the folder is listed.
        documents: files of the folder that are shown as well, its header first.
        name_like: what the names of the entries match; None for all of the folder.
        digests: what files of the folder say of others, by their names; empty for a representation that does not show it.
        previous_after: value of `after` that gives the page before; empty for the first page, None where there is none.
        totals: of all pages of the folder together; None where that is not counted.
        has_sizes: whether folders have sizes, as far as they are known.
    """

    site: Site
    path: ArtifactPath
    entries: Sequence[VisibleEntry]
    next_after: str | None = None
    limit: int | None = None
    order: Order | None = None
    mount: Mount = AT_ROOT
    documents: tuple[Document, ...] = ()
    name_like: str | None = None
    digests: Mapping[str, tuple[Digest, ...]] = field(default_factory=dict)

    def digests_of(self, visible: VisibleEntry) -> tuple[Digest, ...]:
        """Those of one entry; none if it is locked."""
        return () if visible.locked or visible.entry.is_folder else self.digests.get(visible.entry.name, ())

    previous_after: str | None = None
    totals: Totals | None = None
    has_sizes: bool = False

    @property
    def url(self) -> str:
        """URL of the folder."""
        return self.mount.url(self.path)


@dataclass(frozen=True)
class LicencePage:
    """One licence to accept or decline.

    Attributes:
        site: the site.
        path: the requested file, which is served once every licence is accepted.
        licence: the one to show.
        form_token: proves that the answer comes from this form (against cross-site request forgery).
        remaining: how many more licences follow when this one is accepted; 0 for the last.
        link: value of the link that opens the path; empty for none.
    """

    site: Site
    path: ArtifactPath
    licence: Licence
    form_token: str
    remaining: int = 0
    link: str = ""


@dataclass(frozen=True)
class DownloadPage:
    """The last licence is accepted, and the download starts.

    A page and not a redirect: browsers apply `form-action 'self'` to every redirect that follows a
    form, and the file's own answer may redirect to the storage's host.

    Attributes:
        site: the site.
        path: the file, or folder, that may be had now.
        link: as in `LicencePage`.
    """

    site: Site
    path: ArtifactPath
    link: str = ""

    @property
    def href(self) -> str:
        """Where it is, as a link."""
        return with_link(self.site.mount.href(self.path), self.link)

    @property
    def parent_href(self) -> str:
        """Where its folder is, as a link."""
        return self.site.mount.href(self.path.parent)


@dataclass(frozen=True)
class SharePage:
    """A form for a link to a private file, and afterwards the link.

    Attributes:
        site: the site.
        path: the file.
        form_token: as in `LicencePage`.
        lives: what to choose from: seconds, and the same for people.
        link: the whole URL; empty as long as there is none.
        id: of the link.
        ends: when it does.
    """

    site: Site
    path: ArtifactPath
    form_token: str = ""
    lives: tuple[tuple[int, str], ...] = ()
    link: str = ""
    id: str = ""
    ends: str = ""

    @property
    def parent_href(self) -> str:
        """Where its folder is, as a link."""
        return self.site.mount.href(self.path.parent)


@dataclass(frozen=True)
class ErrorPage:
    """An error page.

    Attributes:
        site: the site.
        status: the HTTP status code it goes out with.
        title: a few words.
        detail: one or two sentences on what happened and what to do.
        links: (label, href) of the next steps, most useful first.
        near: (name, href) of what may have been meant.
    """

    site: Site
    status: int
    title: str
    detail: str
    links: tuple[tuple[str, str], ...] = ()
    near: tuple[tuple[str, str], ...] = ()
