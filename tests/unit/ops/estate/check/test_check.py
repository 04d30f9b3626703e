"""What `estate.check` sees around a file that loads."""

from datetime import date
from pathlib import Path

import pytest

from ops.errors import EstateError, Problem
from ops.estate.check import check_surroundings
from ops.estate.model.estate import Estate
from tests.unit.ops.estate.conftest import SITE, SMALL, Load

TODAY = date(2026, 11, 24)


@pytest.fixture(autouse=True)
def _key(tmp_path: Path) -> None:
    """Make the world of the small estate one without problems."""
    for folder in ("var/keys", "var/stores", "web"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "var/keys/repository.key").write_text("x")
    (tmp_path / "var/keys/repository.key").chmod(0o600)


LOCAL_SITE = SITE.replace("/var/www/so-y-te", "web")


def found(estate: Estate) -> list[tuple[str, str]]:
    return [(problem.severity, problem.key) for problem in check_surroundings(estate, TODAY)]


def test_all_is_well(load: Load) -> None:
    assert found(load(LOCAL_SITE)) == []


def test_a_secret_that_others_may_read_is_an_error(load: Load, tmp_path: Path) -> None:
    (tmp_path / "var/keys/repository.key").chmod(0o640)
    problems = check_surroundings(load(LOCAL_SITE), TODAY)

    assert [problem.key for problem in problems] == ["keys.repository"]
    assert "chmod 600" in problems[0].fix


def test_an_empty_secret_is_an_error(load: Load, tmp_path: Path) -> None:
    (tmp_path / "var/keys/repository.key").write_text("")

    assert found(load(LOCAL_SITE)) == [("error", "keys.repository")]


def test_a_repository_key_that_is_still_to_be_made_is_a_warning(load: Load, tmp_path: Path) -> None:
    (tmp_path / "var/keys/repository.key").unlink()

    assert found(load(LOCAL_SITE)) == [("warning", "keys.repository")]


def test_a_missing_password_is_an_error_and_an_unset_variable_a_warning(load: Load) -> None:
    estate = load(
        LOCAL_SITE
        + '[[sites.databases]]\nname = "db"\nengine = "mariadb"\ndatabase = "x"\n'
        + 'password = "file:var/keys/none"\n'
        + '[notices]\nrelay = "env:GIUCONG_TEST_NOT_SET"\n'
    )

    assert found(estate) == [
        ("error", "sites[so-y-te].databases[db].password"),
        ("warning", "notices.relay"),
    ]


def test_a_path_that_is_not_there_is_a_warning_on_this_machine_only(load: Load) -> None:
    host = '[[hosts]]\nname = "web1"\naddress = "192.0.2.10"\n'
    remote = SITE.replace('unit = "so-y-te"', 'unit = "so-y-te"\nhost = "web1"')

    assert found(load(SITE)) == [("warning", "sites[so-y-te].files[www].path")]
    assert found(load(host + remote)) == []


def test_a_store_inside_a_source_is_an_error(load: Load) -> None:
    estate = load(SITE.replace("/var/www/so-y-te", "var"))

    assert found(estate) == [("error", "sites[so-y-te].files[www].path")]


def test_what_has_ended_is_a_warning(load: Load) -> None:
    lack = '[[sites.exceptions]]\nlacks = "system"\nreason = "x"\nuntil = 2026-11-23\n'

    assert found(load(LOCAL_SITE + lack)) == [("warning", "sites[so-y-te].exceptions[0]")]
    assert found(load(LOCAL_SITE + lack.replace("11-23", "11-24"))) == []


def test_a_target_that_the_schedule_cannot_meet_is_a_warning(load: Load) -> None:
    estate = load(LOCAL_SITE + "[sites.targets]\nrpo_hours = 4\n")

    assert found(estate) == [("warning", "sites[so-y-te].targets.rpo_hours")]


def test_a_store_on_a_disk_that_is_not_mounted_is_a_warning(load: Load) -> None:
    estate = load(LOCAL_SITE, small=SMALL.replace("var/stores/near", "/none/disk/near"))

    assert found(estate) == [("warning", "stores[near].url")]


def test_problems_have_a_fix(load: Load, tmp_path: Path) -> None:
    (tmp_path / "var/keys/repository.key").unlink()
    problems: list[Problem] = check_surroundings(load(SITE), TODAY)

    assert all(problem.fix for problem in problems)


TOLD = """
[[people]]
name = "nva"
title = "A"
mail = "nva@example.vn"
[[people]]
name = "ttb"
title = "B"
[notices]
relay = "mailto://relay.example.vn"
[[notices.routes]]
sites = ["so-*"]
people = ["nva"]
"""
TURN = '[[notices.roster]]\nperson = "{}"\nfrom = {}\nuntil = {}\n'


def test_a_site_that_reaches_one_person_only_is_a_warning(load: Load) -> None:
    assert found(load(LOCAL_SITE + TOLD)) == [("warning", "sites[so-y-te]")]
    assert (
        "nobody is told"
        in check_surroundings(
            load(LOCAL_SITE + TOLD.replace("so-*", "so-y-t?").replace('"nva"]', "]")), TODAY
        )[0].what
    )
    assert found(load(LOCAL_SITE + TOLD.replace('"nva"]', '"nva", "ttb"]'))) == [
        ("warning", "people[ttb].mail")
    ]


def test_a_gap_in_the_roster_is_a_warning_with_its_days(load: Load) -> None:
    roster = TURN.format("nva", "2026-11-01", "2026-12-01")
    roster += TURN.format("ttb", "2026-12-05", "2027-02-01")
    mail = TOLD.replace('title = "B"', 'title = "B"\nmail = "ttb@example.vn"')
    (problem,) = check_surroundings(load(LOCAL_SITE + mail + roster), TODAY)

    assert (problem.severity, problem.key) == ("warning", "notices.roster")
    assert problem.params == {"since": "01/12/2026", "until": "05/12/2026"}


def test_a_pattern_that_fits_no_site_is_a_mistake(load: Load) -> None:
    with pytest.raises(EstateError) as caught:
        load(LOCAL_SITE + TOLD.replace("so-*", "xa-*"))

    assert [problem.key for problem in caught.value.problems] == ["notices.routes[0].sites[0]"]


PERSONAL = """
[[classes]]
name = "feedback"
personal_data = true
minimum_days = 90
minimum_basis = "QĐ 12"
[defaults.retention]
minimum_basis = "Trung tâm tự đặt"
"""
OWN_REASONS = """
[sites.retention]
minimum_basis = "Đủ để phát hiện bị sửa"
maximum_basis = "Không cần lâu hơn"
"""


def test_a_site_with_personal_data_gives_its_own_reasons(load: Load) -> None:
    site = LOCAL_SITE.replace("[[sites.files]]", 'classes = ["feedback"]\n[[sites.files]]')
    estate = load(site + OWN_REASONS, small=SMALL + PERSONAL)
    retention = estate.retention_for(estate.site("so-y-te"), estate.primary_store)

    assert found(load(site, small=SMALL + PERSONAL)) == [
        ("warning", "sites[so-y-te].retention.minimum_basis"),
        ("warning", "sites[so-y-te].retention.maximum_basis"),
    ]
    assert found(estate) == []
    assert (retention.minimum_days, retention.minimum_basis) == (90, "QĐ 12")


@pytest.mark.parametrize(
    ("content", "severity", "fix"),
    [(None, "warning", "the service makes one"), ("", "error", "put back the one that was there")],
)
def test_a_signing_key_is_made_by_the_service_and_put_back_by_people(
    load: Load, tmp_path: Path, content: str | None, severity: str, fix: str
) -> None:
    path = tmp_path / "var/keys/signing.key"
    if content is not None:
        path.write_text(content)
        path.chmod(0o600)
    keys = 'repository = "file:var/keys/repository.key"'
    small = SMALL.replace(keys, f'{keys}\nsigning = "file:var/keys/signing.key"')
    estate = load(LOCAL_SITE, small=small)
    (problem,) = check_surroundings(estate, TODAY)

    assert (problem.severity, problem.key) == (severity, "keys.signing")
    assert fix in problem.fix


def test_a_work_folder_of_drills_that_cannot_be_made_is_a_warning(
    load: Load, tmp_path: Path
) -> None:
    (tmp_path / "tep").write_text("x")
    drills = f'[drill]\nworkdir = "{tmp_path}/tep/dien-tap"\n'
    assert found(load(LOCAL_SITE + drills)) == [("warning", "drill.workdir")]
    elsewhere = drills + 'host = "dien-tap"\n'
    assert found(load(LOCAL_SITE + elsewhere)) == []
