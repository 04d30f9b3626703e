"""Loading an estate: where it is found, what it includes, what a site inherits."""

from datetime import date
from pathlib import Path

import pytest

from ops.errors import EstateError, WrongUseError
from ops.estate.load.inherit import shipped_profiles
from ops.estate.load.load import load_changed
from ops.estate.load.read import EstateClosedError, find_estate_path
from ops.estate.versions import revive
from tests.somebody_else import somebody_else
from tests.unit.ops.estate.conftest import SITE, SMALL, Load


def test_relative_paths_start_at_the_main_file_also_in_included_ones(
    load: Load, tmp_path: Path
) -> None:
    estate = load(
        "",
        small=f'include = ["sites.d/*.toml"]\n{SMALL}',
        files={
            "sites.d/a.toml": SITE.replace("/var/www/so-y-te", "web/so-y-te"),
            "sites.d/b.toml": '[service]\nstate = "elsewhere"\n',
        },
    )

    assert estate.sites[0].files[0].path == str(tmp_path / "web/so-y-te")
    assert estate.service.state == tmp_path / "elsewhere"
    assert estate.service.scratch == tmp_path / "var/scratch"
    assert estate.keys.repository == f"file:{tmp_path}/var/keys/repository.key"
    assert estate.catalog.url == f"sqlite:///{tmp_path}/var/giucong.db"
    assert estate.stores[0].url == str(tmp_path / "var/stores/near")


def test_lists_of_included_files_are_joined_and_a_key_given_twice_is_a_conflict(
    load: Load,
) -> None:
    files = {"a.toml": SITE, "b.toml": '[organisation]\nname = "Khác"\nplace = "Biên Hòa"\n'}

    with pytest.raises(EstateError) as caught:
        load(
            SITE.replace('"so-y-te"\ntitle', '"khac"\ntitle'),
            files,
            f'include = ["?.toml"]\n{SMALL}',
        )

    assert [(p.key, p.file and p.file.name) for p in caught.value.problems] == [
        ("organisation.name", "b.toml")
    ]


def test_a_site_of_five_lines_takes_the_rest_from_profile_and_defaults(load: Load) -> None:
    estate = load("""
[defaults.retention]
keep_daily = 7
keep_yearly = 0
[defaults.schedule]
backup = "21:00-04:00"
[profiles.wordpress]
exclude = ["cache/**"]
schedule.check = "0 3 * * *"
retention.keep_yearly = 5
[[profiles.wordpress.files]]
name = "www"
path = "/var/www/{site}"
[[profiles.wordpress.databases]]
name = "db"
engine = "mariadb"
database = "{site}"
password = "file:var/keys/{site}-db"
[[hosts]]
name = "web1"
address = "192.0.2.10"

[[sites]]
name = "so-y-te"
title = "Sở Y tế"
unit = "so-y-te"
profile = "wordpress"
host = "web1"

[[sites]]
name = "so-noi-vu"
title = "Sở Nội vụ"
unit = "so-y-te"
profile = "wordpress"
exclude = ["tmp/**"]
retention = { keep_daily = 30 }
[[sites.files]]
name = "www"
path = "/srv/noi-vu"
""")
    first, second = estate.sites

    assert (first.files[0].path, first.files[0].host) == ("/var/www/so-y-te", "web1")
    assert (first.databases[0].database, first.databases[0].host) == ("so-y-te", "web1")
    assert first.databases[0].password is not None
    assert first.databases[0].password.endswith("/var/keys/so-y-te-db")
    assert first.schedule.backup == "21:00-04:00"
    assert first.schedule.check == "0 3 * * *"
    assert (first.retention.keep_daily, first.retention.keep_yearly) == (7, 5)
    assert first.retention.keep_monthly == 24
    assert second.files[0].path == "/srv/noi-vu"
    assert second.exclude == ("tmp/**", "cache/**")
    assert (second.retention.keep_daily, second.retention.keep_yearly) == (30, 5)


CMS = """
[[sites]]
name = "so-y-te"
title = "Sở Y tế"
unit = "so-y-te"
profile = "{profile}"
exclude = ["tmp/**"]
{more}
[[sites.files]]
name = "www"
path = "/var/www/a"
[[sites.databases]]
name = "chinh"
engine = "{engine}"
database = "a"
"""


@pytest.mark.parametrize("profile", sorted(shipped_profiles()))
@pytest.mark.parametrize("engine", ["mariadb", "postgresql"])
def test_profiles_of_content_systems_ship_with_the_service(
    load: Load, profile: str, engine: str
) -> None:
    shipped = shipped_profiles()[profile]
    (bare,) = load(CMS.format(profile=profile, engine=engine, more="")).sites
    url = 'url = "https://a.vn"'
    (site,) = load(CMS.format(profile=profile, engine=engine, more=url)).sites

    assert bare.pages == ()
    assert site.pages == tuple(shipped["pages"])
    assert site.exclude == ("tmp/**", *shipped["exclude"])
    assert [it.name for it in site.databases] == ["chinh"]
    assert site.databases[0].lock_tables == (profile == "nukeviet" and engine == "mariadb")


def test_the_estates_own_profile_takes_the_place_of_a_shipped_one(load: Load) -> None:
    own = '[profiles.nukeviet]\nexclude = ["a/**"]\n'
    more = "page_check = { alike_percent = 70 }"
    (site,) = load(own + CMS.format(profile="nukeviet", engine="mariadb", more=more)).sites

    assert (site.exclude, site.pages) == (("tmp/**", "a/**"), ())
    assert (site.page_check.ignore, site.page_check.alike_percent) == ((), 70)


def test_a_mistake_in_an_unused_profile_is_told_too(load: Load) -> None:
    with pytest.raises(EstateError) as caught:
        load('[profiles.joomla]\nexclud = ["a"]\n' + SITE)

    assert [problem.key for problem in caught.value.problems] == ["profiles.joomla.exclud"]


def test_a_newer_form_is_refused_by_its_number_alone(load: Load) -> None:
    with pytest.raises(EstateError) as caught:
        load(small='schema = 2\n[future]\nkey = "x"\n', text="")

    assert [problem.key for problem in caught.value.problems] == ["schema"]


def test_wrong_toml_names_the_file_and_the_line(load: Load) -> None:
    with pytest.raises(EstateError) as caught:
        load(SITE, {"a.toml": "x = 1\ny = = 2\n"}, f'include = ["a.toml"]\n{SMALL}')
    (problem,) = caught.value.problems

    assert problem.file is not None
    assert problem.file.name == "a.toml"
    assert problem.params["line"] == "2"


@pytest.mark.parametrize(
    "name", ["../etc", "So-Y-Te", "sở-y-tế", "a/b", "", "-a", "a.b", "giucong", "a" * 64]
)
def test_a_site_cannot_have_a_name_that_is_no_safe_path(load: Load, name: str) -> None:
    with pytest.raises(EstateError) as caught:
        load(SITE.replace('name = "so-y-te"', f'name = "{name}"', 1))

    assert len(caught.value.problems) == 1


@pytest.mark.parametrize(
    "url",
    [
        "s3:https://khoa:bi-mat@s3.example.vn/giucong",
        "sftp://giucong:bi-mat@backup.example.vn/giucong",
        "sftp:giucong:bi-mat@backup.example.vn:/giucong",
        "s3:https://s3.example.vn/giucong?password=bi-mat",
    ],
)
def test_a_store_url_that_carries_a_password_is_refused_without_repeating_it(
    load: Load, url: str
) -> None:
    with pytest.raises(EstateError) as caught:
        load(SITE, small=SMALL.replace("var/stores/near", url))

    assert [problem.key for problem in caught.value.problems] == ["stores[near].url"]
    assert "bi-mat" not in str(caught.value.problems)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "url", ["s3:https://s3.example.vn:9000/giucong/main", "sftp:giucong@host.vn:/srv/giucong"]
)
def test_a_store_url_without_a_password_is_taken(load: Load, url: str) -> None:
    estate = load(SITE, small=SMALL.replace("var/stores/near", url))

    assert estate.repository_url(estate.primary_store, "so-y-te") == f"{url}/so-y-te"


def test_a_store_may_keep_longer_than_the_site_asks_for(load: Load) -> None:
    estate = load(SITE, small=f"{SMALL}retention = {{ keep_monthly = 60 }}\n")
    kept = estate.retention_for(estate.site("so-y-te"), estate.store("near"))

    assert (kept.keep_monthly, kept.keep_daily) == (60, 14)


def test_an_unknown_name_is_answered_with_the_nearest_one(load: Load) -> None:
    with pytest.raises(WrongUseError) as caught:
        load().site("so-yte")

    assert caught.value.params["near"] == "so-y-te"


def test_titles_are_those_valid_on_the_day(load: Load) -> None:
    estate = load(
        SITE
        + """
[[units]]
name = "so-khcn"
title = "Sở Khoa học và Công nghệ"
[[units.names]]
name = "Sở Thông tin và Truyền thông"
from = 2008-01-01
[[units.names]]
name = "Sở Khoa học và Công nghệ"
from = 2025-03-01
"""
    )
    unit = estate.units[1]

    assert unit.title_on(date(2025, 2, 28)) == "Sở Thông tin và Truyền thông"
    assert unit.title_on(date(2025, 3, 1)) == "Sở Khoa học và Công nghệ"


def test_the_fingerprint_follows_the_content_and_not_the_layout(load: Load) -> None:
    first = load().fingerprint()

    assert load(f"\n# một chú thích\n{SITE}").fingerprint() == first
    assert load(SITE.replace("www", "web")).fingerprint() != first


def test_a_stored_estate_can_be_read_again(load: Load) -> None:
    """Where the file has mistakes now, people are told by the version that was stored last."""
    stored = load()
    again = revive(stored.document(), stored.path)
    assert again.document() == stored.document()


def test_the_estate_is_found_by_variable_then_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GIUCONG_ESTATE", raising=False)
    (tmp_path / "estate.toml").touch()
    (tmp_path / "other.toml").touch()

    assert find_estate_path() == tmp_path / "estate.toml"

    monkeypatch.setenv("GIUCONG_ESTATE", "other.toml")

    assert find_estate_path() == tmp_path / "other.toml"

    monkeypatch.setenv("GIUCONG_ESTATE", "none.toml")
    with pytest.raises(WrongUseError):
        find_estate_path()


def test_an_estate_in_a_closed_folder_names_whose_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIUCONG_ESTATE", str(tmp_path / "estate.toml"))
    with somebody_else(tmp_path), pytest.raises(EstateClosedError) as caught:
        find_estate_path()

    assert caught.value.params["owner"]
    assert "sudo -u" in caught.value.next_step


def test_a_changed_estate_is_loaded_anew_whichever_of_its_files_changed(tmp_path: Path) -> None:
    main = tmp_path / "estate.toml"
    main.write_text(f'include = ["sites.d/*.toml"]\n{SMALL}', encoding="utf-8")
    first = load_changed(main)
    again = load_changed(main)
    (tmp_path / "sites.d").mkdir()
    added = tmp_path / "sites.d" / "moi.toml"
    added.write_text('[[units]]\nname = "moi"\ntitle = "Mới"\n', encoding="utf-8")
    second = load_changed(main)
    added.write_text('[[units]]\nname = "moi"\ntitle = "Mới hơn"\n', encoding="utf-8")
    third = load_changed(main)

    assert again is first
    assert [it.title for it in second.units if it.name == "moi"] == ["Mới"]
    assert [it.title for it in third.units if it.name == "moi"] == ["Mới hơn"]
