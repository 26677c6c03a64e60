"""Tables of sites in the configuration file: what they say, what they take over, and what is wrong with them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from app.cli.checks import check_all
from app.config import ConfigError, LoadedSettings, load_settings
from app.config.sites import OF_A_SITE
from app.domain.hosts import host_of, parse_host

A = '[sites."a.example.org"]\nstorage = "/srv/a"\n'
B = '[sites."b.example.org"]\nstorage = "/srv/b"\n'


def loaded(directory: Path, text: str, **environ: str) -> LoadedSettings:
    file = directory / "pierhead.toml"
    file.write_text(text)
    return load_settings(environ=environ, file=file)


def faults(directory: Path, text: str) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        loaded(directory, text)
    return caught.value.faults


class TestWhatASiteHas:
    def test_its_own_storage_and_the_hosts_of_its_table(self, tmp_path: Path) -> None:
        found = loaded(tmp_path, A + 'site_hosts = ["www.a.example.org", "A.example.org"]\n' + B)
        assert [one.site for one in found.served] == ["a.example.org", "b.example.org"]
        assert [one.settings.storage for one in found.served] == [("/srv/a",), ("/srv/b",)]
        assert found.served[0].settings.site_hosts == ("a.example.org", "www.a.example.org")

    def test_what_its_table_does_not_say_is_as_outside(self, tmp_path: Path) -> None:
        text = (
            'site_title = "All"\ndefault_tier = "closed"\npolicy_file = "p.toml"\nstorage = "/srv/main"\n'
            + A
            + B
        )
        main, a, b = loaded(tmp_path, text + 'site_title = "B"\n', PIERHEAD_CACHE_TTL="7").served
        assert [one.settings.site_title for one in (main, a, b)] == ["All", "All", "B"]
        assert {one.settings.default_tier for one in (main, a, b)} == {"closed"}
        assert {one.settings.cache_ttl for one in (main, a, b)} == {7}
        assert [one.settings.policy_file for one in (main, a, b)] == [Path("p.toml"), None, None]

    def test_where_each_value_comes_from_is_said(self, tmp_path: Path) -> None:
        (a,) = loaded(tmp_path, A, PIERHEAD_SITE_TITLE="All").sites
        assert a.named("storage") == f'storage ({tmp_path}/pierhead.toml, sites."a.example.org")'
        assert a.named("site_title") == "PIERHEAD_SITE_TITLE (environment)"

    def test_without_a_storage_outside_only_the_tables_are_sites(self, tmp_path: Path) -> None:
        assert [one.site for one in loaded(tmp_path, A).served] == ["a.example.org"]
        assert [one.site for one in loaded(tmp_path, 'storage = "."\n' + A).served] == [
            "default",
            "a.example.org",
        ]
        assert [one.site for one in loaded(tmp_path, "").served] == [""]

    def test_a_setting_of_the_process_may_need_a_bucket_that_a_site_has(self, tmp_path: Path) -> None:
        text = 'delivery = "redirect"\n[sites."a.example.org"]\nstorage = "s3://releases"\n'
        assert loaded(tmp_path, text).sites[0].settings.delivery == "redirect"


class TestSharesOfTheCache:
    def shares(self, directory: Path, text: str) -> list[int]:
        return [one.settings.cache_bytes for one in loaded(directory, text).served]

    def test_they_are_equal_unless_the_table_says_otherwise(self, tmp_path: Path) -> None:
        assert self.shares(tmp_path, "cache_bytes = 900\n" + A + B) == [450, 450]
        assert self.shares(tmp_path, 'cache_bytes = 900\nstorage = "."\n' + A + B) == [300, 300, 300]
        assert self.shares(tmp_path, f"cache_bytes = 900\n{A}cache_bytes = 100\n{B}") == [100, 800]
        assert self.shares(tmp_path, f"cache_bytes = 900\n{A}cache_bytes = 0\n{B}cache_bytes = 900\n") == [
            0,
            900,
        ]
        assert self.shares(tmp_path, "cache_bytes = 0\n" + A + B) == [0, 0]

    @pytest.mark.parametrize("wanted", [900, 901])
    def test_together_they_are_no_more_than_there_is(self, tmp_path: Path, wanted: int) -> None:
        (fault,) = faults(tmp_path, f"cache_bytes = 900\n{A}cache_bytes = {wanted}\n{B}")
        assert fault.startswith("cache_bytes (")
        assert "is 900" in fault


class TestFaults:
    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("sites = 3\n", 'sites: must be tables such as [sites."releases.example.org"]'),
            ("[sites]\na = 1\n", 'sites: must be tables such as [sites."releases.example.org"]'),
            ('[sites."a.example.org"]\n', 'sites."a.example.org": storage: is missing'),
            (A + "port = 80\n", 'sites."a.example.org": port: is for the whole server'),
            (A + 'secret_keys = ["x"]\n', "secret_keys: is for the whole server"),
            (A + 'site_titel = "x"\n', "site_titel: is not a setting of a site; did you mean site_title?"),
            (A + "zzz = 1\n", "zzz: is not a setting of a site; must be one of archives, cache_bytes"),
            (A + 'default_tier = "secret"\n', 'default_tier ({file}, sites."a.example.org"): must be one of'),
            ('[sites."https://a.example.org"]\nstorage = "."\n', "must be named by a host name without port"),
            ('[sites."a.example.org:80"]\nstorage = "."\n', "must be named by a host name without port"),
            ("[sites.default]\nstorage = '.'\n", "is what the site of the settings outside"),
            (
                A + B + 'site_hosts = ["A.example.org."]\n',
                "a.example.org is a host name of a.example.org and b",
            ),
            (
                'site_hosts = ["a.example.org"]\nstorage = "."\n' + A,
                "a host name of default and a.example.org",
            ),
            (A + A.replace("a.ex", "A.ex"), "a.example.org is a host name of"),
        ],
    )
    def test_each_names_the_site_and_the_key(self, tmp_path: Path, text: str, said: str) -> None:
        (fault,) = faults(tmp_path, text)
        assert said.replace("{file}", str(tmp_path / "pierhead.toml")) in fault

    def test_all_of_them_are_reported_together(self, tmp_path: Path) -> None:
        assert len(faults(tmp_path, f"port = -1\n{A}x = 1\n{B}y = 1\n")) == 3

    def test_a_fault_outside_is_reported_once(self, tmp_path: Path) -> None:
        (fault,) = faults(tmp_path, f"cache_ttl = -1\n{A}{B}")
        assert fault.startswith("cache_ttl (")

    def test_credentials_in_a_storage_are_not_quoted(self, tmp_path: Path) -> None:
        (fault,) = faults(tmp_path, '[sites."a.example.org"]\nstorage = "s3://AKIA:s3cret@bucket"\n')
        assert "s3cret" not in fault
        assert "a.example.org" in fault

    def test_an_unknown_site_is_answered_with_those_there_are(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match=r"no site 'c'; there are a.example.org, b.example.org"):
            loaded(tmp_path, A + B).site_named("c")


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("Releases.Example.org.", "releases.example.org"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("[2001:DB8::1]", "[2001:db8::1]"),
    ],
)
def test_host_names_have_one_form(written: str, name: str) -> None:
    assert parse_host(written) == name
    assert host_of(f"{name.upper()}.:8443".encode()) == name.encode() or name.startswith("[")
    assert host_of(f"{name.upper()}:8443".encode()) == name.encode()


@pytest.mark.parametrize(
    "text", ["", ".", "a b", "a/b", "a:80", "-a", "straße.example", "a..\u0130", "\ud800"]
)
def test_what_is_no_host_name_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^got "):
        parse_host(text)


@pytest.mark.parametrize("published", ["a", "b"])
@pytest.mark.parametrize("key", ["policy_file", "theme_dir", "configuration"])
def test_no_site_publishes_a_file_of_the_server_or_of_another_site(
    tmp_path: Path, published: str, key: str
) -> None:
    for name in ("a", "b"):
        (tmp_path / name / "theme").mkdir(parents=True)
        (tmp_path / name / "policy.toml").write_text("")
    own = {"policy_file": "policy.toml", "theme_dir": "theme"}
    tables = [f'[sites."{name}.example.org"]\nstorage = "{tmp_path}/{name}"\n' for name in ("a", "b")]
    if key in own:
        tables[0] += f'{key} = "{tmp_path}/{published}/{own[key]}"\n'
    directory = tmp_path if key in own else tmp_path / published
    with pytest.raises(ConfigError, match=rf"is in {tmp_path}/{published}, which is published"):
        asyncio.run(check_all(loaded(directory, "".join(tables))))


def test_the_page_of_sites_names_their_settings() -> None:
    page = (Path(__file__).parents[2] / "docs/sites.md").read_text()
    rows = [line for line in page.splitlines() if line.startswith("| ")]
    named = {
        word.strip("`")
        for line in rows
        for word in line.split("|")[2].replace(",", " ").split()
        if "`" in word
    }
    assert set(OF_A_SITE) <= named
