"""What a browser, and whoever says to be one, can make the console's web process do."""

import os
import socket
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import urlencode

import pytest

from ops.access.caller import Caller
from ops.console.office.act_runs import ActRun
from ops.console.office.order import Order
from ops.console.web import guard
from ops.console.web.__main__ import PatientProtocol
from tests.console_office import (
    Browser,
    InProcess,
    Reply,
    build_console_estate,
    office_in_process,
    served,
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    estate = build_console_estate(tmp_path_factory.mktemp("console") / "estate")
    with office_in_process(estate) as found:
        yield found


@pytest.fixture(scope="module")
def stranger(office: InProcess) -> Iterator[Browser]:
    """A browser in which nobody is logged in."""
    with served(office) as found:
        yield found


@pytest.fixture
def chau(office: InProcess, stranger: Browser) -> Browser:
    """The browser of somebody who may approve."""
    return stranger.as_somebody(office, "chau")


@pytest.fixture
def begun(office: InProcess, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which acts were begun meanwhile; none is done."""
    acts = list[str]()

    def start(order: Order, *, upload: Iterable[bytes] = (), **_given: object) -> ActRun:
        acts.append(f"{order} {sum(map(len, upload))}")
        return ActRun("none", order.caller, "approval.refuse", Path("/none"))

    monkeypatch.setattr(type(office.counter.acts), "start", lambda _self, *a, **b: start(*a, **b))
    return acts


def refuse(browser: Browser, **headers: str) -> Reply:
    form = {"csrf": browser.csrf, "id": "1", "reason": "không"}
    return browser.post("/act/approval.refuse", form, **headers)


def test_a_form_of_this_session_has_its_act_done(chau: Browser, begun: list[str]) -> None:
    for headers in (
        {},
        {"Sec_Fetch_Site": "same-origin", "Origin": f"http://{chau.listen}"},
        {"Sec_Fetch_Site": "none"},
    ):
        assert refuse(chau, **headers).status == 303
    assert begun == ["Order(approval.refuse) 0"] * 3


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Sec_Fetch_Site": "x"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1"},
    ],
)
def test_what_another_site_sends_is_refused(
    chau: Browser, begun: list[str], headers: dict[str, str]
) -> None:
    assert refuse(chau, **headers).status == 403
    for path in ("/login", "/logout", "/language"):
        assert chau.post(path, {"name": "chau", "csrf": chau.csrf}, **headers).status == 403
    assert chau.get("/approvals").status == 200  # still logged in
    assert begun == []


def test_a_form_without_this_sessions_token_is_refused(
    office: InProcess, chau: Browser, stranger: Browser, begun: list[str]
) -> None:
    others = stranger.as_somebody(office, "bach").csrf
    for csrf in ("", "x", others, others.replace(".", ""), chau.csrf[:-1], "é", "." * 90):
        form = {"csrf": csrf, "id": "1", "reason": "không"}
        assert chau.post("/act/approval.refuse", form).status == 403, csrf
        assert chau.post("/logout", {"csrf": csrf}).status == 403
    assert chau.post("/act/approval.refuse", {"id": "1"}).status == 403
    assert chau.get("/approvals").status == 200
    assert chau.csrf != chau.csrf
    assert begun == []


def test_without_a_session_there_is_nothing(stranger: Browser, begun: list[str]) -> None:
    for path in ("/today", "/approvals", "/journal", "/doing/x", "/doing/x/y", "/nothing"):
        answer = stranger.get(path)
        assert answer.headers.get("location", "").startswith("/login?next="), path
    form = {"csrf": stranger.csrf, "id": "1", "reason": "không"}
    assert stranger.post("/act/approval.refuse", form).status == 401
    assert begun == []


def test_every_answer_carries_the_headers(
    chau: Browser, stranger: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = [
        stranger.get("/login"), stranger.get("/"), stranger.get("/today"), chau.get("/today"),
        chau.get("/nothing"), chau.get("/a/b/c"), chau.get("/act/monitor.ack"),
        stranger.get("/static/console.css"), stranger.get("/static/nothing"),
        stranger.get("/login", "OPTIONS"), stranger.get("/login", "HEAD"),
        stranger.get("/login", "TRACE"), stranger.get("/login", "PUT"),
        stranger.post("/login", b"x" * 300_000), stranger.post("/login", "x", Content_Length=""),
        chau.post("/act/nothing", {"csrf": chau.csrf}), chau.get("/doing/x/y"),
        refuse(chau, Origin="null"),
    ]  # fmt: skip
    monkeypatch.setattr(guard.Pace, "may", lambda *_: False)
    answers.append(stranger.get("/login"))
    assert answers[-1].status == 429
    for answer in answers:
        for name, value in guard.HEADERS.items():
            if name != "Cache-Control":
                assert answer.headers[name.lower()] == value, (answer.status, name)
    pages = [it for it in answers if "css" not in it.headers.get("content-type", "")]
    assert {it.headers.get("cache-control") for it in pages} <= {"no-store", "max-age=86400"}


def test_a_page_that_fails_inside_is_a_page_with_its_headers(
    chau: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    fails = [True]
    monkeypatch.setattr(
        "ops.console.web.app.csrf_of", lambda _token: fails.pop() / 0 if fails else "x"
    )
    answer = chau.get("/today")
    assert answer.status == 500
    assert answer.headers["x-frame-options"] == "DENY"
    assert "ZeroDivisionError" not in answer.text
    assert "Traceback" not in answer.text
    assert "<h1>" in answer.text


@pytest.mark.parametrize(
    "wanted",
    [
        "//evil.example", "https://evil.example", "/\\evil.example", "\\\\evil.example", "/\t/evil",
        "javascript:alert(1)", "/\r\nSet-Cookie: a=b", "/%0d%0aX: y\r\n", "", "/login?next=/login",
        "http:evil.example", "/\u2028/evil", "data:text/html,x", "/logout", "today", "/" + "a\n",
    ],
)  # fmt: skip
def test_next_and_back_lead_nowhere_else(stranger: Browser, chau: Browser, wanted: str) -> None:
    for answer in (
        stranger.post("/language", {"next": wanted, "language": "en"}),
        chau.post("/act/approval.refuse", {"csrf": "", "back": wanted}),
    ):
        location = answer.headers.get("location", "/today")
        assert location.startswith("/")
        assert not location.startswith(("//", "/\\", "/login"))
        assert set(answer.headers) & {"x", "set-cookie:"} == set()
        assert "a=b" not in answer.headers.get("set-cookie", "")
    shown = stranger.send("GET", f"/login?{urlencode({'next': wanted})}", None, {})
    form = shown.text.partition('<form class="login"')[2]
    assert 'name="next" value="/' in form
    assert "evil" not in form
    assert "javascript:" not in form


def test_cookies_are_for_this_host_alone_and_no_script(
    office: InProcess, stranger: Browser
) -> None:
    estate = office.estate
    form = {"name": "chau", "password": estate.password_of("chau"), "code": estate.code_of("chau")}
    answer = stranger.post("/login", {**form, "next": "/alerts"})
    assert answer.headers["location"] == "/alerts"
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-giucong=")
    for part in ("HttpOnly", "Secure", "SameSite=lax", "Path=/"):
        assert part in cookie
    assert "Domain" not in cookie


@pytest.mark.parametrize(
    "path",
    [
        "/static/../web/app.py", "/static/%2e%2e/app.py", "/static/..%2fapp.py",
        "/static//etc/passwd", "/static/%2fetc/passwd", "/static/..\\app.py", "/static/\x00",
        "/static/%00", "/static", "/static/",
    ],
)  # fmt: skip
def test_static_files_are_those_alone(stranger: Browser, path: str) -> None:
    heard = stranger.speak(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    assert heard.split(b" ")[1] in {b"404", b"400", b"405", b"307", b"401", b"303"}, heard[:99]
    assert b"root:" not in heard
    assert b"import" not in heard


def test_downloads_are_the_acts_own_files_of_who_did_it(
    office: InProcess, chau: Browser, stranger: Browser, tmp_path: Path
) -> None:
    run = act_with_files(office, tmp_path)
    assert chau.get(f"/doing/{run.id}/gi%25E1%25BA%25A5y.txt").text == "của chau"
    answer = chau.get(f"/doing/{run.id}/sub/b.html")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment;")
    assert "sandbox" in answer.headers["content-security-policy"]
    for name in ("link", "sub/up", "folder/passwd", "../secret", "..%2fsecret", "%2e%2e/secret",
                 "sub/../giấy.txt", "/etc/passwd", "%2fetc%2fpasswd", "", "sub", "a%00",
                 "fifo", "./sub/b.html"):  # fmt: skip
        asked = chau.speak(
            f"GET /doing/{run.id}/{name} HTTP/1.1\r\nHost: x\r\nCookie: {chau.cookie}\r\n"
            "Connection: close\r\n\r\n".encode()
        )
        assert asked.split(b" ")[1] in {b"404", b"400"}, (name, asked[:99])
        assert "giữ kín".encode() not in asked
        assert b"root:" not in asked
    for other in (stranger, stranger.as_somebody(office, "bach")):
        assert other.get(f"/doing/{run.id}/sub/b.html").status in {303, 404}
        assert other.get(f"/doing/{run.id}").status in {303, 404}


def test_names_of_files_that_are_no_text_or_forge_are_shown_and_can_be_had(
    office: InProcess, chau: Browser, tmp_path: Path
) -> None:
    run = act_with_files(office, tmp_path)
    page = chau.get(f"/doing/{run.id}")
    assert page.status == 200
    assert "<img" not in page.text
    assert "\\xff" in page.text
    answer = chau.get(f"/doing/{run.id}/%25FF%250A.txt")
    assert (answer.status, answer.text) == (200, "x")
    assert "\n" not in answer.headers["content-disposition"]


def act_with_files(office: InProcess, folder: Path) -> ActRun:
    """An act of chau's that is over, with files good and bad."""
    (folder / "secret").write_text("giữ kín")
    out = folder / "out"
    (out / "sub").mkdir(parents=True)
    (out / "giấy.txt").write_text("của chau")
    (out / "sub" / "b.html").write_text("<script>alert(1)</script>")
    (out / '"><img src=x onerror=alert(1)>').write_text("x")
    Path(os.fsdecode(os.fsencode(out) + b"/\xff\n.txt")).write_text("x")
    (out / "link").symlink_to(folder / "secret")
    (out / "sub" / "up").symlink_to("../../secret")
    (out / "folder").symlink_to("/etc")
    os.mkfifo(out / "fifo")
    run = ActRun("k" + folder.name, Caller("chau", "chau", ""), "approval.refuse", out, code=0)
    run.document = {"told": ["<script>alert(1)</script>"]}
    run.done.set()
    office.counter.acts._runs[run.id] = run
    return run


HEAD = "POST /act/approval.refuse HTTP/1.1\r\nHost: x\r\n"
SMUGGLED = "GET /static/icon.svg HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.parametrize(
    "head",
    [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        "Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcde",
        "Content-Length: +5\r\n\r\nabcde",
        "Content-Length: 0x5\r\n\r\nabcde",
        "Content-Length: -1\r\n\r\n",
        "Content-Length: " + "9" * 6_000 + "\r\n\r\n",
        "X: a\r\n folded\r\nContent-Length : 5\r\n\r\nabcde",
        "X: " + "a" * 70_000 + "\r\n\r\n",
    ],
)
def test_a_request_ends_where_all_agree_that_it_ends(
    stranger: Browser, begun: list[str], head: str
) -> None:
    heard = stranger.speak((HEAD + head + SMUGGLED).encode())
    assert b"<svg" not in heard
    assert heard.split(b" ")[1][:1] == b"4", heard[:99]
    assert heard.count(b"HTTP/1.1 ") == 1
    assert begun == []


def test_sizes_are_bounded(chau: Browser, stranger: Browser, begun: list[str]) -> None:
    path = "/act/approval.refuse"
    assert chau.send("POST", path, b"", {"Content-Length": "34000000"}).status == 413
    many = "&".join(f"f{n}=1" for n in range(500))
    assert chau.post(path, many).status == 400
    assert chau.post(path, f"csrf={chau.csrf}&id=1&id=2&reason=x").status == 400
    assert chau.post(path, "reason=" + "x" * 300_000).status == 413
    assert stranger.post(path, "reason=" + "x" * 20_000).status == 401
    assert chau.post(path, "reason=" + "x" * 20_000).status == 403  # read, and without a token
    form = {"csrf": chau.csrf, "id": "1", "reason": "x" * 4_001}
    assert chau.post(path, form).status == 400
    assert chau.post(path, b"--x\r\nbroken", Content_Type="multipart/form-data").status == 400
    assert chau.post(path, b"%ff=%fe&\xff=\x00").status in {400, 403}
    assert begun == []


def multipart(form: Mapping[str, str], file: bytes, name: str) -> tuple[bytes, str]:
    """Give a form with a file as a browser sends it: body and content type."""
    disposition = 'Content-Disposition: form-data; name="'
    parts = "".join(f'--b\r\n{disposition}{it}"\r\n\r\n{value}\r\n' for it, value in form.items())
    head = f'--b\r\n{disposition}upload"; filename="{name}"\r\n\r\n'
    body = parts.encode() + head.encode() + file + b"\r\n--b--\r\n"
    return body, "multipart/form-data; boundary=b"


def test_an_upload_is_taken_to_its_bound_from_who_is_logged_in(
    chau: Browser, stranger: Browser, begun: list[str]
) -> None:
    def upload(browser: Browser, size: int) -> Reply:
        form = {"csrf": chau.csrf, "id": "1", "reason": "x"}
        body, kind = multipart(form, b"\0" * size, "../../x")
        return browser.post("/act/approval.refuse", body, Content_Type=kind)

    assert upload(chau, 31_000_000).status == 303
    assert begun == ["Order(approval.refuse) 31000000"]
    assert upload(stranger, 31_000_000).status == 401
    assert len(begun) == 1


def test_who_says_nothing_keeps_no_connection(
    stranger: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PatientProtocol, "head_seconds", 0.3)
    for said in (b"", b"GET /login HTTP/1.1\r\nHost: x\r\nX: "):
        assert stranger.speak(said) == b""
    host, _colon, port = stranger.listen.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=20) as line:
        ended = False
        for letter in "GET /login HTTP/1.1\r\nHost: x\r\n" * 40:
            try:
                line.sendall(letter.encode())
            except OSError:
                ended = True
                break
            time.sleep(0.02)
        assert ended


def test_too_many_questions_of_one_address_are_put_off() -> None:
    pace = guard.Pace()
    assert sum(pace.may("192.0.2.1") for _ in range(200)) < 100
    assert pace.may("192.0.2.2")
    for number in range(10_500):
        pace.may(str(number))
    assert len(pace._buckets) <= 10_000


def test_what_a_proxy_says_is_an_address_or_nothing(office: InProcess, stranger: Browser) -> None:
    for said in ("<script>", "x" * 60_000, "192.0.2.1\\n", "192.0.2.9, evil"):
        form = {"name": "nobody", "password": "x", "code": "x"}
        assert stranger.post("/login", form, X_Forwarded_For=said).status in {403, 429}
    held = office.counter.door._tries
    assert all(len(address) < 46 and "<" not in address for address in held)


@pytest.mark.parametrize(
    "host",
    [
        "[",
        "x/evil?",
        "evil.example/",
        "a b",
        "x@evil.example",
        "a:99999999",
        "",
        "é",
        "[::1",
        "a\\b",
    ],
)
def test_a_host_is_a_name_and_a_port(chau: Browser, host: str) -> None:
    """What stands there goes into addresses of ours; no browser sends these."""
    for path in ("/today", "/login", "/captured?site=cong-xa", "/trang-thai"):
        heard = chau.speak(
            f"GET {path} HTTP/1.1\r\nHost: {host}\r\nCookie: {chau.cookie}\r\n"
            "Connection: close\r\n\r\n".encode("latin-1")
        )
        assert heard.split(b" ")[1] == b"400", heard[:99]
        assert b"evil" not in heard
    for good in ("127.0.0.1", "[::1]:8443", "giucong.example.vn:443"):
        heard = chau.speak(
            f"GET /login HTTP/1.1\r\nHost: {good}\r\nConnection: close\r\n\r\n".encode()
        )
        assert heard.split(b" ")[1] == b"200"
