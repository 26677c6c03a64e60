"""Pages for people. They work without scripts and in a text browser."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from jinja2 import ChoiceLoader, DictLoader, Environment, FileSystemLoader, PrefixLoader, StrictUndefined
from markupsafe import Markup

from app.domain.access import Access, VisibleEntry, VisibleFiles
from app.domain.file_columns import columns_of
from app.domain.licence_look import LicenceLook
from app.domain.paths import display_name
from app.domain.totals import Totals, totals_of
from app.domain.visible_parts import parts_of
from app.pages.account_pages import AccountPage, LeadOnPage, LoginPage, TokenPage
from app.pages.breadcrumbs import Crumb, breadcrumbs
from app.pages.column_heads import column_heads
from app.pages.contexts import DownloadPage, ErrorPage, FolderPage, LicencePage, SharePage
from app.pages.file_view import FilePage, ImagePage
from app.pages.formats import count_text, date_text, iso_text, size_text
from app.pages.get_page import GetPage
from app.pages.licence_looks import files_of
from app.pages.links import next_query, previous_query
from app.pages.markup import licence_html
from app.pages.rows import ACCESS_WORDS, folder_rows
from app.pages.search_page import SearchPage
from app.pages.static import StaticFile, load_static, static_urls
from app.pages.text_view import TextPage

_ACCESS_MEANINGS = {
    Access.EULA: "a licence is shown first; the download starts once you accept it.",
    Access.PRIVATE: "for members of a group; log in or send a token.",
    Access.CLOSED: "not offered for download.",
}

_LEFT_OUT = {"header.html": "", "footer.html": ""}
"""What pages include of a theme that has it. A template that is missing would be looked for again for each page."""

_ROWS = Markup("<!-- rows -->")
_IN_PART = (
    "This large folder was not cached: its first entries are sorted, and the others follow. "
    "Reload the page to have all of them sorted."
)


class HtmlPages:
    """Every HTML page of the server. A template is read and compiled once: that of folders here, the others when needed.

    Args:
        templates: the directory that holds `*.html` and `static/`.
        theme: a directory of the operator's, whose templates come before ours. There, ours are called `pierhead/NAME`, so
            that one can be extended by another of the same name.
        looks: of licences.

    Attributes:
        static: the files that the pages load, as `load_static` gives them.

    Raises:
        jinja2.TemplateError, OSError: the templates are missing or do not compile.
    """

    static: Mapping[str, StaticFile]

    def __init__(self, templates: Path, theme: Path | None = None, looks: Iterable[LicenceLook] = ()) -> None:
        self._looks = {look.name: look for look in looks}
        self.static = load_static(templates, theme, self._looks.values())
        ours = FileSystemLoader(templates)
        theirs = () if theme is None else (FileSystemLoader(theme),)
        environment = Environment(
            loader=ChoiceLoader((*theirs, ours, PrefixLoader({"pierhead": ours}), DictLoader(_LEFT_OUT))),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        environment.filters["display"] = display_name
        environment.globals["static"] = static_urls(self.static)
        # An empty template takes as long to include as a short one.
        environment.globals["added"] = [name for name in _LEFT_OUT if theme and (theme / name).is_file()]
        self._environment = environment
        self._folder = environment.get_template("folder.html")

    def load(self) -> None:
        """Load all templates, with their parents: later, there may be no descriptor left to open a file. Raises as above."""
        for name in self._environment.list_templates(extensions=["html"]):
            self._environment.get_template(name)

    def folder(self, page: FolderPage) -> bytes:
        """The listing of a folder."""
        shown = {tier for part in parts_of(page.entries) for tier in _tiers(part)}
        text = self._folder_text(page, _ROWS if page.entries else Markup(), summary_text(page), shown)
        before, place, after = text.partition(_ROWS)
        rows = folder_rows(page.entries, may_share=page.site.may_share) if place else ()
        # Other threads run while bytes are joined. They do not while text is.
        return b"".join((_encode(before), *rows, _encode(after)))

    def around_rows(self, page: FolderPage) -> tuple[bytes, bytes]:
        """The parts of a page before and after the rows, for a folder whose entries are not all known yet."""
        text = self._folder_text(page, _ROWS, _IN_PART, frozenset(_ACCESS_MEANINGS))
        before, _, after = text.partition(_ROWS)
        return _encode(before), _encode(after)

    def _render(self, template: str, **values: object) -> bytes:
        return _encode(self._text(template, **values))

    def _text(self, template: str, **values: object) -> str:
        return self._environment.get_template(template).render(values)

    def _folder_text(self, page: FolderPage, rows: Markup, summary: str, shown: Collection[Access]) -> str:
        return self._folder.render(
            page=page,
            crumbs=breadcrumbs(page.path, page.site.title, page.mount),
            rows=rows,
            summary=summary,
            newest=newest_time(page),
            heads=column_heads(page.order),
            next_href=next_query(page),
            previous_href=previous_query(page),
            meanings=_meanings(shown),
        )

    def around_found(self, page: SearchPage) -> tuple[bytes, bytes]:
        """The parts of a page before and after what was found. The first is the same before anything is."""
        text = self._text(
            "search.html",
            page=page,
            crumbs=breadcrumbs(page.path, page.site.title, page.mount),
            rows=_ROWS,
            summary="",
            newest=None,
            is_search=True,
            outcome=outcome_text(page),
            next_href=page.next_query,
            meanings=_meanings(_ACCESS_MEANINGS),
        )
        before, _, after = text.partition(_ROWS)
        return _encode(before), _encode(after)

    def licence(self, page: LicencePage) -> bytes:
        """A licence with a form to accept or decline it.

        The form is sent to `/license` by POST with the fields `path` (absolute, percent-encoded), `digest`,
        `form_token`, and either `accept` or `reject`.
        """
        # Cleaned by an allow-list, which escapes what a plain text has in it.
        text = Markup(licence_html(display_name(page.licence.text)))  # noqa: S704
        look = self._looks.get(page.licence.name)
        return self._render(
            "licence.html",
            page=page,
            crumbs=_crumbs(page),
            text=text,
            title=look.title if look else "",
            look=files_of(look) if look else None,
        )

    def download(self, page: DownloadPage) -> bytes:
        """The page after an accepted licence. It leads on to the path by itself, and has a link too."""
        return self._render("download.html", page=page, crumbs=_crumbs(page))

    def login(self, page: LoginPage) -> bytes:
        """A form for name and password.

        It is sent to `/login` by POST with the fields `user`, `password`, `return` and `form_token`.
        """
        return self._render("login.html", page=page)

    def account(self, page: AccountPage) -> bytes:
        """The account page. The form to log out is sent to `/logout` by POST with the field `form_token`."""
        return self._render("account.html", page=page)

    def share(self, page: SharePage) -> bytes:
        """A form for a link to a private file, and the link that came of it.

        It is sent to `/-/link` by POST with the fields `path`, `seconds` and `form_token`.
        """
        return self._render("share.html", page=page, crumbs=_crumbs(page))

    def get(self, page: GetPage) -> bytes:
        """Commands that fetch a file, or a folder, and its digests."""
        return self._render("get.html", page=page, crumbs=_crumbs(page))

    def text(self, page: TextPage) -> bytes:
        """A text file with numbered lines."""
        return self._render("view.html", page=page, crumbs=_crumbs(page))

    def image(self, page: ImagePage) -> bytes:
        """An image."""
        return self._render("image.html", page=page, crumbs=_crumbs(page))

    def token(self, page: TokenPage) -> bytes:
        """A form to make a token with, or the token.

        It is sent to `/-/token` by POST with the fields `groups`, `seconds` and `form_token`.
        """
        return self._render("token.html", page=page)

    def lead_on(self, page: LeadOnPage) -> bytes:
        """The page after a login by password, and after a logout."""
        return self._render("lead_on.html", page=page)

    def error(self, page: ErrorPage) -> bytes:
        """An error and the next steps. It does not repeat the path, which may not exist."""
        return self._render("error.html", page=page)


def summary_text(page: FolderPage) -> str:
    """`3 folders, 42 files, 1.2 GiB`; if more follow, `1,000 entries on this page, more follow`, after those of all pages."""
    if page.next_after is None:
        return totals_text(page.totals or totals_of(page.entries))
    here = f"{count_text(len(page.entries), 'entry', 'entries')} on this page, more follow"
    return here if page.totals is None else f"{totals_text(page.totals)}; {here}"


def totals_text(totals: Totals) -> str:
    """The same of all that was counted."""
    parts = []
    if totals.folders:
        parts.append(count_text(totals.folders, "folder", "folders"))
    if totals.files:
        parts.append(count_text(totals.files, "file", "files"))
    if totals.size is not None:
        parts.append(size_text(totals.size))
    return ", ".join(parts)


def newest_time(page: FolderPage) -> tuple[str, str] | None:
    """When anything in the folder last changed, for machines and for people; None if more pages follow, or without times."""
    parts = parts_of(page.entries) if page.next_after is None else ()
    times = [time for part in parts for time in _times(part) if time is not None]
    iso = iso_text(max(times, default=None))
    return None if iso is None else (iso, date_text(iso))


def outcome_text(page: SearchPage) -> str:
    """`3 found.`; and what keeps there from being more, if anything does."""
    more = "The search ended here for now." if page.next_query else ""
    closed = count_text(page.left_out, "folder", "folders")
    left_out = f"{closed} could not be searched." if page.left_out else ""
    return " ".join(filter(None, (f"{page.found:,} found.", left_out, more)))


def _tiers(part: Sequence[VisibleEntry]) -> Iterable[Access]:
    return (part.access,) if isinstance(part, VisibleFiles) else {visible.access for visible in part}


def _times(part: Sequence[VisibleEntry]) -> Sequence[float | None]:
    if isinstance(part, VisibleFiles):
        return columns_of(part.files).times()
    return [visible.entry.modified for visible in part]


def _meanings(shown: Collection[Access]) -> list[tuple[str, str, str]]:
    return [
        (access.value, ACCESS_WORDS[access], meaning)
        for access, meaning in _ACCESS_MEANINGS.items()
        if access in shown
    ]


def _crumbs(page: LicencePage | DownloadPage | SharePage | GetPage | FilePage) -> tuple[Crumb, ...]:
    return breadcrumbs(page.path, page.site.title, page.site.mount)


def _encode(text: str) -> bytes:
    # Names are in display form already. "replace" prevents a 500 for a stray surrogate elsewhere.
    return text.encode("utf-8", "replace")
