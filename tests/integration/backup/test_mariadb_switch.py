"""A MariaDB database gets the name of another, whatever is in both, cut off after any statement."""

from dataclasses import replace

import pytest

from backup.errors import BackupError
from backup.sources.databases import mariadb_switch
from backup.sources.databases.connection import Connection, LoadError
from backup.sources.databases.load import apply_accounts
from backup.sources.databases.mariadb_accounts import make_mariadb_globals
from backup.sources.databases.mariadb_copied_rights import copy_rights, take_rights_back
from backup.sources.databases.mariadb_switch import SwitchError, SwitchPlan
from provisioning.errors import CommandError
from provisioning.hosts import Command, Completed
from provisioning.local_host import LocalHost
from tests.mariadb_server import MariadbServer, mariadb_server

__all__ = ["mariadb_server"]

pytestmark = pytest.mark.slow

TABLES = """
CREATE TABLE goc (id INT PRIMARY KEY, t TEXT);
CREATE TABLE la (id INT PRIMARY KEY, goc INT, CONSTRAINT fk FOREIGN KEY (goc) REFERENCES goc (id));
CREATE TABLE cu (x INT) ENGINE=MyISAM;
CREATE SEQUENCE dem;
CREATE TABLE su (x INT) WITH SYSTEM VERSIONING;
CREATE VIEW b_nhin AS SELECT * FROM goc;
CREATE VIEW a_nhin AS SELECT * FROM b_nhin;
CREATE FUNCTION ten() RETURNS TEXT CHARSET utf8mb4 RETURN '{word}';
CREATE PROCEDURE lam() SELECT COUNT(*) FROM goc;
CREATE EVENT don ON SCHEDULE EVERY 1 DAY DO DELETE FROM cu;
INSERT INTO goc VALUES (1, '{word}');
INSERT INTO la VALUES (1, 1);
CREATE TRIGGER sua BEFORE INSERT ON goc FOR EACH ROW SET NEW.t = '{word} 🏛️';
"""


class _Dying(LocalHost):
    """Is cut off before its n-th command."""

    def __init__(self, left: int) -> None:
        super().__init__("web1")
        self.left = left

    def run(self, command: Command, **how: object) -> Completed:
        if self.left == 0:
            raise CommandError("the line was cut")
        self.left -= 1
        return super().run(command, **how)  # type: ignore[arg-type]  # as they came


def connect(server: MariadbServer) -> Connection:
    return Connection(host=LocalHost(), database="", socket=str(server.socket), user="root")


def make_two(server: MariadbServer) -> tuple[str, str, str]:
    live = server.new_database("CHARACTER SET utf8mb4 COLLATE utf8mb4_vietnamese_ci")
    fresh = f"{live[:20]}_moi"
    server.run(f"CREATE DATABASE {fresh} CHARACTER SET utf8mb4")
    server.run(f"{TABLES.format(word='hỏng')}; CREATE TABLE lạ (x INT);", live)
    server.run(TABLES.format(word="đúng"), fresh)
    return live, fresh, f"{fresh}_truoc"


def look(server: MariadbServer, database: str, word: str) -> None:
    """Assert that all of a database is there and works."""
    assert server.run("SELECT t FROM goc; SELECT goc FROM la", database) == f"{word}\n1\n"
    assert server.run("SELECT t FROM a_nhin; SELECT ten(); CALL lam()", database) == (
        f"{word}\n{word}\n1\n"
    )
    server.run("INSERT INTO goc VALUES (2, ''); DELETE FROM goc WHERE t NOT LIKE '%🏛️' AND id = 2",
               database)  # fmt: skip
    assert server.run("SELECT t FROM goc WHERE id = 2; DELETE FROM goc WHERE id = 2", database) == (
        f"{word} 🏛️\n"
    )
    assert server.run(f"SHOW EVENTS IN {database}").split("\t")[1] == "don"
    with pytest.raises(RuntimeError, match="foreign key"):
        server.run("DELETE FROM goc", database)
    assert server.run("SELECT NEXT VALUE FOR dem; SELECT COUNT(*) FROM su", database)


def test_whatever_is_in_both_changes_places(mariadb_server: MariadbServer) -> None:
    live, fresh, aside = make_two(mariadb_server)
    admin = connect(mariadb_server)
    lost = mariadb_switch.carry_out(admin, mariadb_switch.plan_switch(admin, live, fresh, aside))

    assert lost == ()
    look(mariadb_server, live, "đúng")
    look(mariadb_server, aside, "hỏng")
    assert "lạ" in mariadb_server.run("SHOW TABLES", aside)
    assert "lạ" not in mariadb_server.run("SHOW TABLES", live)
    assert mariadb_server.run(f"SHOW DATABASES LIKE '{fresh}'") == ""
    where = mariadb_server.run("SELECT @@collation_database", aside)
    assert where == "utf8mb4_vietnamese_ci\n"

    back = mariadb_switch.plan_switch(admin, live, aside, f"{aside}_2")
    mariadb_switch.carry_out(admin, back)
    look(mariadb_server, live, "hỏng")


def test_a_switch_that_is_cut_off_anywhere_goes_on(mariadb_server: MariadbServer) -> None:
    live, fresh, aside = make_two(mariadb_server)
    admin = connect(mariadb_server)
    mariadb_server.run("ALTER EVENT don DISABLE", fresh)
    plan = mariadb_switch.plan_switch(admin, live, fresh, aside, awake=("don",))
    plan = SwitchPlan.from_json(plan.as_json())
    for left in range(40):
        cut = replace(admin, host=_Dying(left))
        try:
            mariadb_switch.carry_out(cut, plan)
        except BackupError:
            continue
        else:
            break
    else:
        pytest.fail("it never came to its end")
    assert left > 8
    look(mariadb_server, live, "đúng")
    look(mariadb_server, aside, "hỏng")
    assert plan.asleep == ("don",)
    states = "SELECT status FROM information_schema.events WHERE event_schema ="
    assert mariadb_server.run(f"{states} '{live}'; {states} '{aside}'") == "ENABLED\nDISABLED\n"


def test_a_broken_old_one_is_kept_as_far_as_it_goes(mariadb_server: MariadbServer) -> None:
    live, fresh, aside = make_two(mariadb_server)
    mariadb_server.run("DROP TABLE la; DROP TABLE goc", live)
    admin = connect(mariadb_server)
    lost = mariadb_switch.carry_out(admin, mariadb_switch.plan_switch(admin, live, fresh, aside))
    look(mariadb_server, live, "đúng")
    assert mariadb_server.run("SHOW TABLES", aside) == "cu\ndem\nlạ\nsu\n"
    assert any("b_nhin" in line for line in lost)

    with pytest.raises(SwitchError, match="has no tables"):
        mariadb_switch.plan_switch(admin, live, f"{fresh}_khac", f"{aside}_khac")


def test_accounts_roles_and_everybody_keep_their_rights(mariadb_server: MariadbServer) -> None:
    live, fresh, _aside = make_two(mariadb_server)
    one, role = f"u{live[:12]}", f"r{live[:12]}"
    escaped = live[:3] + "\\_" + live[3:12]
    mariadb_server.run(f"""
        CREATE USER {one}@localhost; CREATE ROLE {role}; CREATE USER khac{one}@localhost;
        GRANT SELECT, INSERT ON {live}.* TO {one}@localhost WITH GRANT OPTION;
        GRANT {role} TO {one}@localhost;
        GRANT UPDATE ON {live}.goc TO khac{one}@localhost;
        GRANT EXECUTE ON PROCEDURE {live}.lam TO khac{one}@localhost;
        GRANT DELETE ON {live}.* TO {role};
        GRANT SELECT ON {live}.* TO PUBLIC;
        GRANT SELECT ON `{escaped}%`.* TO {one}@localhost""")
    admin = connect(mariadb_server)
    assert copy_rights(admin, live, fresh) == (5, [])

    shown = mariadb_server.run(
        f"SHOW GRANTS FOR {one}@localhost; SHOW GRANTS FOR {role}; SHOW GRANTS FOR PUBLIC;"
        f" SHOW GRANTS FOR khac{one}@localhost"
    )
    for line in (
        f"GRANT SELECT, INSERT ON `{fresh}`.* TO `{one}`@`localhost` WITH GRANT OPTION",
        f"GRANT DELETE ON `{fresh}`.* TO `{role}`",
        f"GRANT SELECT ON `{fresh}`.* TO PUBLIC",
        f"GRANT UPDATE ON `{fresh}`.`goc` TO",
        f"GRANT EXECUTE ON PROCEDURE `{fresh}`.`lam` TO",
    ):
        assert line in shown
    made = make_mariadb_globals(replace(admin, database=live))
    assert b"CREATE ROLE IF NOT EXISTS `PUBLIC`" not in made
    assert b"TO PUBLIC;" in made
    apply_accounts("mariadb", admin, [b"CREATE ROLE IF NOT EXISTS `PUBLIC`;\n", made])
    take_rights_back(admin, fresh)
    assert fresh not in mariadb_server.run(
        f"SHOW GRANTS FOR {one}@localhost; SHOW GRANTS FOR {role}; SHOW GRANTS FOR PUBLIC;"
        f" SHOW GRANTS FOR khac{one}@localhost"
    )
    mariadb_server.run(f"REVOKE SELECT ON {live}.* FROM PUBLIC")  # noqa: S608 -- our own words


def test_rights_that_are_refused_are_told_as_rights(mariadb_server: MariadbServer) -> None:
    live, fresh, _aside = make_two(mariadb_server)
    small = f"s{live[:12]}"
    mariadb_server.run(
        f"CREATE USER {small}@localhost; GRANT ALL ON {live}.* TO {small}@localhost;"
        f" GRANT SELECT ON mysql.* TO {small}@localhost"
    )
    with pytest.raises(LoadError) as caught:
        copy_rights(replace(connect(mariadb_server), user=small, given=True), live, fresh)

    assert str(caught.value).startswith(f"the rights on the database {fresh}")
    assert "denied" in str(caught.value.params["reason"])
