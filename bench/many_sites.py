"""A hundred sites over loopback TLS, each with a name, and the nameserver that knows them.

Writes one line of JSON to standard output, then serves until it is ended.
"""

import json
import sys
import tempfile
import threading
from pathlib import Path

from tests.name_server import name_server
from tests.private_authority import Authority
from tests.web_server import say, web_server

PAGE_BYTES = 30_000


def main() -> None:
    """Serve as many sites as the argument says."""
    names = [f"so-{it:03d}.thu" for it in range(int(sys.argv[1]))]
    page = "<title>Trang thành phần</title>" + "<p>Thủ tục hành chính</p>" * (PAGE_BYTES // 30)
    with (
        tempfile.TemporaryDirectory() as folder,
        name_server({(it, "A"): ["127.0.0.1"] for it in names}) as dns,
    ):
        authority = Authority(Path(folder) / "ca")
        certificate = authority.issue("sites", days=90, hosts=names)
        with web_server({"/": say(page.encode())}, certificate=certificate) as server:
            port = server.rpartition(":")[2]
            told = {
                "urls": [f"https://{it}:{port}/" for it in names],
                "nameserver": list(dns.place),
                "authorities": str(authority.root),
            }
            print(json.dumps(told), flush=True)
            threading.Event().wait()


if __name__ == "__main__":
    main()
