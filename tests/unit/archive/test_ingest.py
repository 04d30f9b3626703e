"""The order of ingest: what did not run says so; what may not be archived is refused by name."""

from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, get_args

import pytest

from archive.errors import ItemRefusedError
from archive.ingest import Delivery, Prepared, fingerprint_of, prepare, with_digests
from archive.metadata.events import read_events
from archive.metadata.findings import Findings, Malware
from archive.metadata.formats import identify, tool_basis
from archive.metadata.item import (
    EVENTS_FILE,
    ITEM_FILE,
    Agent,
    Item,
    Part,
    Shape,
    Source,
    parse_item,
)
from archive.metadata.retention import read_tables, rule_of
from archive.ocfl.files import digest_of
from ops.archives.bench import validity_of
from tests.old_texts import write_old
from tests.unit.archive.metadata.test_text import SENTENCES

NOW = datetime(2026, 11, 27, 3, tzinfo=UTC)
BODY = b"<html><body><p>Tin</p></body></html>"
ORDER = [
    "ingestion", "message digest calculation", "fixity check", "virus check",
    "format identification", "policy assignment", "validation", "digital signature validation",
    "metadata check", "normal form check",
]  # fmt: skip


def make_delivery(files: dict[str, bytes] | None = None, **more: Any) -> Delivery:
    files = {"body.html": BODY} if files is None else files
    parts = tuple(
        Part(path=it, role="body" if it.startswith("body") else "attachment") for it in files
    )
    values: dict[str, Any] = {
        "id": "urn:uuid:1", "site": "cong-xa", "source_key": "k/1", "content_class": "news",
        "shape": "news", "title": "Tin", "creators": (Agent(name="Lê Thị B"),),
        "source": Source(name="Cổng"), "published": NOW, "parts": parts,
    }  # fmt: skip
    return Delivery(item=Item(**(values | more)), files=files)


def look(delivery: Delivery, **more: Any) -> Findings:
    """What the tools that are here find."""
    marks = {digest_of(it).sha512: (path, it) for path, it in delivery.files.items()}
    formats = dict(zip(marks, identify(list(marks.values())), strict=True))
    validity = {mark: validity_of(marks[mark][1], it) for mark, it in formats.items()}
    return Findings(
        formats=formats, formats_basis=tool_basis(), validity=validity, **more
    )  # fmt: skip


def ingest(delivery: Delivery, findings: Findings | None = None) -> Prepared:
    rule = rule_of(read_tables())
    return prepare(delivery, findings or look(delivery), retention=rule, agent="a", now=NOW)


def results(prepared: Prepared, kind: str) -> list[tuple[str, str]]:
    return [(it.result, it.note) for it in prepared.events if it.type == kind]


def test_every_step_is_an_event_in_order_and_stands_in_the_object() -> None:
    prepared = ingest(make_delivery())

    assert [it.type for it in prepared.events] == ORDER
    assert read_events(bytes(prepared.files[EVENTS_FILE])) == prepared.events
    assert parse_item(bytes(prepared.files[ITEM_FILE])) == prepared.item
    assert prepared.item.parts[0].puid == "fmt/96"
    assert "siegfried" in prepared.item.parts[0].format_basis
    assert prepared.item.archived == NOW


def test_what_did_not_run_is_never_a_pass() -> None:
    prepared = ingest(make_delivery(), Findings(malware_basis="ClamAV is not installed here"))

    assert results(prepared, "virus check") == [("not run", "ClamAV is not installed here")]
    for kind in ("format identification", "policy assignment", "validation", "fixity check"):
        assert results(prepared, kind)[0][0] == "not run"
    assert prepared.item.parts[0].malware == ""


def test_malware_is_refused_and_silence_is_no_verdict() -> None:
    delivery = make_delivery({"body.html": BODY, "att-01.txt": b"evil"})
    mark, other = (digest_of(delivery.files[it]).sha512 for it in ("att-01.txt", "body.html"))

    with pytest.raises(ItemRefusedError) as told:
        ingest(delivery, look(delivery, malware={mark: Malware("infected", "Eicar-Test")}))
    assert told.value.params["reason"] == "malware was found: att-01.txt: Eicar-Test"

    prepared = ingest(delivery, look(delivery, malware={other: Malware("clean")}))
    assert [it[0] for it in results(prepared, "virus check")] == ["passed", "not run"]


def test_what_was_looked_through_before_is_kept_and_told() -> None:
    delivery = replace(
        make_delivery({"a.warc": b"evil", "b.warc": b"good", "c.warc": b"?", "d.txt": b"x"}),
        malware={
            "a.warc": Malware("infected", "/x (Eicar-Test)"), "b.warc": Malware("clean"),
            "c.warc": Malware("not run", "/y: damaged"),
        },
    )  # fmt: skip
    prepared = ingest(delivery, look(delivery, malware_basis="ClamAV 1"))

    assert results(prepared, "virus check") == [
        ("passed", ""), ("failed", "/x (Eicar-Test)"), ("not run", "/y: damaged"),
        ("not run", "no answer"),
    ]  # fmt: skip
    assert {it.path: it.malware for it in prepared.item.parts} == {
        "a.warc": "infected: /x (Eicar-Test)", "b.warc": "clean · ClamAV 1", "c.warc": "",
        "d.txt": "",
    }  # fmt: skip


def test_programs_are_refused_and_doubtful_formats_told_of() -> None:
    with pytest.raises(ItemRefusedError) as told:
        ingest(make_delivery({"body.html": BODY, "att-01.pdf": Path("/bin/true").read_bytes()}))
    assert "att-01.pdf is a program (ELF" in str(told.value.params["reason"])

    flash = make_delivery({"body.html": BODY, "att-01.swf": b"FWS\x09" + bytes(50)})
    assert results(ingest(flash), "policy assignment") == [
        ("warning", "att-01.swf: no program of today shows it")
    ]


def test_what_was_declared_is_held_against_what_was_found() -> None:
    delivery = make_delivery(
        {"att-01.pdf": PNG},
        parts=(Part(path="att-01.pdf", media_type="application/pdf"),),
    )

    ((result, note),) = results(ingest(delivery), "format identification")

    assert result == "warning"
    assert "declared application/pdf, found image/png" in note


def test_digests_of_the_sender_are_held_against() -> None:
    good = make_delivery()
    good = Delivery(
        item=good.item, files=good.files, sender_digests={"body.html": sha256(BODY).hexdigest()}
    )
    assert results(ingest(good), "fixity check") == [("passed", "the sender's digests")]
    wrong = Delivery(item=good.item, files=good.files, sender_digests={"body.html": "00"})
    with pytest.raises(ItemRefusedError, match="k/1"):
        ingest(wrong)


def test_an_old_text_stays_and_gets_a_readable_copy() -> None:
    old = write_old(SENTENCES[0], "tcvn3")
    prepared = ingest(make_delivery({"body.txt": old}))

    original, copy = prepared.item.parts
    assert (original.encoding, prepared.files["body.txt"]) == ("tcvn3", old)
    assert (copy.path, copy.role, copy.derived_from) == (
        "readable/body.txt", "readable", "body.txt",
    )  # fmt: skip
    assert prepared.files[copy.path] == SENTENCES[0].encode()
    assert results(prepared, "normalization") == [("passed", "tcvn3 → utf-8, NFC")]
    assert SENTENCES[0] in prepared.text
    known = {it.path: it.sha512 for it in prepared.item.parts}
    assert fingerprint_of(prepared.item, known) == prepared.fingerprint

    unknown = ingest(make_delivery({"body.txt": b"H\xb5 N\xe9i"}))
    assert ("warning", "unknown encoding") in results(unknown, "normal form check")


@pytest.mark.parametrize("shape", get_args(Shape))
@pytest.mark.parametrize("content_class", ["news", "spokesperson", "draft-law", "feedback",
                                           "legal-document", "media", "page", "x"])  # fmt: skip
@pytest.mark.parametrize("basis", ["reprint", "exchange"])
def test_what_is_reused_needs_author_and_source(shape: str, content_class: str, basis: Any) -> None:
    def told(**more: Any) -> str:
        delivery = make_delivery(shape=shape, content_class=content_class, **more)
        with pytest.raises(ItemRefusedError) as error:
            ingest(delivery, Findings())
        return str(error.value.params["fields"])

    named = Source(name="Báo X", basis=basis, url="https://x.vn/1")
    assert told(source=Source(name="Báo X", basis=basis)) == "source.permission"
    assert told(source=Source(name=" ", basis=basis, url="https://x.vn/1")) == "source"
    assert told(source=named, creators=()) == "creators"
    assert told(source=named, creators=(Agent(name=""),)) == "creators"
    unknown = (Agent(name="không rõ", unknown_because="bài không ghi"),)
    assert told(source=named, creators=unknown) == "creators.unknown_because"
    ingest(make_delivery(shape=shape, content_class=content_class, source=named), Findings())


def test_what_a_shape_lacks_is_told_and_the_item_kept() -> None:
    document = make_delivery(
        shape="legal-document", fields={"number": "1/QĐ", "issued": "hôm qua"},
        creators=(Agent(name="A", role="signer"),),
    )  # fmt: skip
    ((result, note),) = results(ingest(document), "metadata check")
    assert result == "warning"
    assert note == (
        "legal-document lacks: kind, issuer, effective, abstract, issued is no day: hôm qua;"
        " no retention row: kept, and asked about"
    )
    with pytest.raises(ItemRefusedError) as told:
        ingest(make_delivery({}))
    assert told.value.params["reason"] == "it holds nothing: no text and no file"


PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000a49444154789c6300010000050001"
    "0d0a2db40000000049454e44ae426082"
)
PDF = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[]/Count 0>>"
    b"endobj\ntrailer<</Size 3>>\nstartxref\n0\n%%EOF\n"
)


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("a.png", PNG, "passed"),
        ("a.png", PNG[:-6], "warning"),
        ("a.png", PNG.replace(b"\x1f\x15", b"\x1f\x16"), "warning"),
        ("a.xml", b'<?xml version="1.0"?><a><b/></a>', "passed"),
        ("a.xml", b'<?xml version="1.0"?><a><b></a>', "warning"),
        ("a.xml", b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "not run"),
        ("a.xml", b'<?xml version="1.0"?>' + b"<a>" * 5000, "not run"),
        ("a.gif", b"GIF89a" + bytes(20) + b"\x3b", "passed"),
        ("a.pdf", b"%PDF-1.4\n" + bytes(50), "warning"),
    ],
)
def test_files_are_validated(name: str, data: bytes, expected: str) -> None:
    prepared = ingest(make_delivery({name: data}))

    assert [it[0] for it in results(prepared, "validation")] == [expected]


def test_qpdf_looks_into_a_pdf_and_an_absent_one_did_not_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from ops.archives import bench

    delivery = make_delivery({"att-01.pdf": PDF})
    (own, other) = [it for it in ingest(delivery).events if it.type == "validation"]
    assert (own.agent, own.result) == ("giucong", "passed")
    assert "qpdf" in other.agent
    assert other.result == "warning", "it names no first object"

    monkeypatch.setenv("PATH", "/nowhere")
    bench._find_qpdf.cache_clear()
    assert ("not run", "att-01.pdf: qpdf is not installed here") in results(
        ingest(delivery), "validation"
    )
    bench._find_qpdf.cache_clear()


def test_an_article_of_a_portal_is_kept_without_what_may_not_be() -> None:
    files = {"body.html": BODY, "att-01.bin": b"evil", "att-02.txt": "tệp".encode()}
    whole = make_delivery(files | {"att-03.bin": Path("/bin/true").read_bytes()})
    delivery = with_digests(replace(whole, is_whole=False))
    mark = delivery.digests["att-01.bin"].sha512
    prepared = ingest(delivery, look(delivery, malware={mark: Malware("infected", "Eicar-Test")}))
    evil, program = prepared.item.refused

    assert [it.path for it in prepared.item.parts] == ["body.html", "att-02.txt"]
    assert sorted(prepared.files) == ["att-02.txt", "body.html", EVENTS_FILE, ITEM_FILE]
    assert (evil.part.path, evil.part.sha512, evil.part.size) == ("att-01.bin", mark, 4)
    assert evil.why == "malware was found: att-01.bin: Eicar-Test"
    assert "is a program (ELF" in program.why
    assert results(prepared, "virus check")[0][0] == "failed"
    assert results(prepared, "policy assignment")[0][0] == "failed"


def test_what_the_portal_says_is_the_same_whatever_is_taken_of_it() -> None:
    delivery = with_digests(
        replace(make_delivery({"att-01.bin": b"evil", "body.html": BODY}), is_whole=False)
    )
    mark = delivery.digests["att-01.bin"].sha512
    clean = ingest(delivery)
    without = ingest(delivery, look(delivery, malware={mark: Malware("infected", "Eicar-Test")}))
    stored = parse_item(bytes(without.files[ITEM_FILE]))

    assert without.fingerprint == clean.fingerprint == delivery.mark_of()
    assert fingerprint_of(stored, {it.path: it.sha512 for it in stored.parts}) == clean.fingerprint


def test_an_item_of_which_nothing_is_left_is_refused() -> None:
    delivery = replace(make_delivery({"att-01.bin": b"evil"}), is_whole=False)
    mark = digest_of(b"evil").sha512
    with pytest.raises(ItemRefusedError) as told:
        ingest(delivery, look(delivery, malware={mark: Malware("infected", "Eicar-Test")}))
    assert told.value.params["reason"] == "malware was found: att-01.bin: Eicar-Test"
