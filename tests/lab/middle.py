"""The process in the middle of the lab's network: names, mails, hooks, the object store.

What arrives lies in its folder, a file each, so that plays and people can read it. The names it
knows stand in `zone.json` there, which is read anew whenever it has changed.
"""

import json
import signal
import sys
import threading
import time
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from tests.lab.network import BUCKET, MIDDLE
from tests.name_server import Zone, name_server
from tests.s3_server import run_s3_server
from tests.smtp_sink import smtp_sink
from tests.web_server import Page, web_server

_DNS, _SMTP, _HTTP = 53, 25, 80
_LOOK_EVERY_SECONDS = 0.2


def read_zone(path: Path) -> Zone:
    """Read name → address."""
    names = json.loads(path.read_text(encoding="utf-8"))
    return {(name, "A"): [address] for name, address in names.items()}


def keep_hooks(folder: Path) -> Page:
    """Make a page that keeps what is posted to it, and its headers."""
    lock, number = threading.Lock(), 0

    def answer(request: BaseHTTPRequestHandler) -> None:
        nonlocal number
        body = request.rfile.read(int(request.headers.get("Content-Length", 0)))
        kept = {"headers": dict(request.headers), "body": json.loads(body)}
        with lock:
            number += 1
            unfinished = folder / f".{number:04}"
            unfinished.write_text(json.dumps(kept, ensure_ascii=False, indent=1), encoding="utf-8")
            unfinished.rename(folder / f"{number:04}.json")
        request.send_response(204)
        request.end_headers()

    return answer


def main() -> None:
    """Serve until somebody ends this process."""
    folder, ended = Path(sys.argv[1]), threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    zone_file = folder / "zone.json"
    with ExitStack() as stack:
        server = stack.enter_context(name_server(read_zone(zone_file), (MIDDLE, _DNS)))
        stack.enter_context(smtp_sink(_SMTP, address=MIDDLE, folder=folder / "mails"))
        hooks = {"/giucong": keep_hooks(folder / "hooks")}
        stack.enter_context(web_server(hooks, port=_HTTP, address=MIDDLE))
        s3 = stack.enter_context(run_s3_server(folder, MIDDLE))
        s3.client().create_bucket(Bucket=BUCKET, ObjectLockEnabledForBucket=True)
        (folder / "s3").write_text(s3.endpoint, encoding="utf-8")
        read_at = zone_file.stat().st_mtime_ns
        while not ended.is_set():
            time.sleep(_LOOK_EVERY_SECONDS)
            if (now := zone_file.stat().st_mtime_ns) != read_at:
                server.zone, read_at = read_zone(zone_file), now


if __name__ == "__main__":
    main()
