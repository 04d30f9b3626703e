"""A mail server that takes everything and keeps it in memory, or in a folder as well."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from pathlib import Path


@dataclass(frozen=True)
class Mail:
    """One mail as it arrived."""

    recipients: tuple[str, ...]
    subject: str
    body: str


@dataclass
class Sink:
    """The server's port and what has arrived, oldest first.

    Attributes:
        folder: Holds each mail as a file, too, numbered as they arrive; None: memory alone does.
    """

    port: int
    mails: list[Mail] = field(default_factory=list)
    folder: Path | None = None

    def take(self, recipients: list[str], content: bytes) -> None:
        """Keep a mail that has arrived."""
        self.mails.append(read_mail(recipients, content))
        if self.folder is not None:
            name = f"{len(self.mails):04}.eml"
            sent_to = f"X-Sent-To: {', '.join(recipients)}\r\n".encode()
            unfinished = self.folder / f".{name}"
            unfinished.write_bytes(sent_to + content)
            unfinished.rename(self.folder / name)


class Conversation(socketserver.StreamRequestHandler):
    """One client's conversation, in the order of RFC 5321."""

    server: "Server"

    def handle(self) -> None:
        recipients: list[str] = []
        self.say("220 sink")
        while line := self.rfile.readline().decode().strip():
            verb = line[:4].upper()
            if verb == "QUIT":
                self.say("221 bye")
                return
            if verb == "RCPT":
                recipients.append(line.partition("<")[2].partition(">")[0])
            if verb == "DATA":
                self.say("354 go on")
                self.server.sink.take(recipients, self.read_data())
            self.say("250 ok")

    def say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())

    def read_data(self) -> bytes:
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            lines.append(line.removeprefix(b"."))
        return b"".join(lines)


class Server(socketserver.ThreadingTCPServer):
    """Serves every client in a thread of its own."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, port: int, address: str, folder: Path | None) -> None:
        super().__init__((address, port), Conversation)
        self.sink = Sink(self.server_address[1], folder=folder)


@contextmanager
def smtp_sink(
    port: int = 0, *, address: str = "127.0.0.1", folder: Path | None = None
) -> Iterator[Sink]:
    """Run the server until the block ends, on a free port unless one is given."""
    with Server(port, address, folder) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server.sink
        finally:
            server.shutdown()
            thread.join()


def read_mail(recipients: list[str], content: bytes) -> Mail:
    """Take a mail apart."""
    message = message_from_bytes(content, policy=policy.default)
    part = message.get_body(("plain",))
    return Mail(tuple(recipients), str(message["Subject"]), part.get_content() if part else "")
