"""`drill.run --from archive`: items by lot come back whole from a copy, and the minutes say so."""

from tests.archive_roots import flip_bit
from tests.integration.archive.commune import ALL, PRIVATE, SITE, Commune

DRILL = ("drill.run", "--site", SITE, "--from", "archive")


def test_items_come_back_from_the_plain_copy_and_from_the_backup(commune: Commune) -> None:
    (plain,) = commune.items(*DRILL)
    (backup,) = commune.items(*DRILL, "--store", "near")
    results = plain["minutes"]["results"]
    told = commune.good("drill.show", "--drill", plain["id"])

    assert (plain["outcome"], plain["source"], plain["store"]) == ("ok", "archive", "second")
    assert (results["items"], results["whole_items"]) == (ALL - PRIVATE, ALL - PRIVATE)
    assert results["rto"]["reached_seconds"] > 0
    assert (backup["outcome"], backup["store"]) == ("ok", "near")
    assert backup["minutes"]["results"]["items"] == ALL, "only a backup holds private parts"
    assert len(backup["snapshot"]) == 64
    assert "PASSED" in told
    assert "items of the archive" in commune.good("drill.list")
    assert list((commune.folder / "var/drill").iterdir()) == [], "wiped"


def test_a_damaged_copy_does_not_pass_and_one_that_lags_behind_is_incomplete(
    commune: Commune,
) -> None:
    commune.sql("UPDATE articles SET body = body || 'Đính chính.' WHERE id = 1")
    commune.save_and_capture()
    (behind,) = commune.items(*DRILL, "--store", "near")
    folder = next(iter(commune.second.folders()))
    flip_bit(next(it for it in folder.rglob("item.json") if it.is_file()))
    (failed,) = commune.items(*DRILL)
    findings = commune.items("drill.list", "--findings")

    assert (behind["outcome"], behind["reason_code"]) == ("incomplete", "drill_archive_behind")
    assert (failed["outcome"], failed["reason_code"]) == ("failed", "drill_differs")
    assert {it["scope"] for it in findings} == {"archive"}
    assert commune.items("drill.run", "--site", SITE, "--file")[0]["outcome"] == "ok"
    assert len(commune.items("drill.list", "--findings")) == 2, "another drill shows nothing fixed"


def test_words_that_make_no_sense_are_refused(archived: Commune) -> None:
    engine = archived.run(*DRILL, "--with", "restic")
    store = archived.run(*DRILL, "--store", "nowhere")
    itself = archived.run("drill.run", "--site", "luu-tru", "--from", "archive")

    assert (engine.returncode, store.returncode, itself.returncode) == (2, 2, 2)
    assert "no store is called" in store.stderr


def test_before_the_archives_first_backup_nothing_was_checked(bare: Commune) -> None:
    assert bare.save_and_capture()["outcome"] == "ok"
    (early,) = bare.items(*DRILL, "--store", "near")
    bare.good("backup.run", "--site", "luu-tru")
    for path in (bare.folder / "stores/near/luu-tru/snapshots").rglob("*"):
        path.unlink()
    (lost,) = bare.items(*DRILL, "--store", "near")

    assert (early["outcome"], early["reason_code"]) == ("not_checked", "drill_archive_unsaved")
    assert "NOT CHECKED" in bare.good("drill.show", "--drill", early["id"])
    assert lost["outcome"] == "failed", "what was there and is gone is no early day"
