"""A nameserver of the test's own; it speaks DNS over UDP."""

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

Zone = dict[tuple[str, str], list[str]]
"""(name, kind) → what stands there: `("cong.thu", "A"): ["127.0.0.1"]`."""


@dataclass(slots=True)
class NameServer:
    """A nameserver that runs.

    Attributes:
        place: Address and port.
        zone: What it knows; a test changes it under way.
        fails: Answers every question with SERVFAIL.
        silent: Answers nothing.
        asked: Names and kinds, in order.
    """

    place: tuple[str, int]
    zone: Zone
    fails: bool = False
    silent: bool = False
    asked: list[tuple[str, str]] = field(default_factory=list)

    def answer(self, question: dns.message.Message) -> dns.message.Message:
        """Answer as an authority would, aliases followed."""
        said = dns.message.make_response(question)
        said.flags |= dns.flags.AA | dns.flags.RA
        name = question.question[0].name
        kind = dns.rdatatype.to_text(question.question[0].rdtype)
        self.asked.append((name.to_text(omit_final_dot=True), kind))
        if self.fails:
            said.set_rcode(dns.rcode.SERVFAIL)
            return said
        wanted = name.to_text(omit_final_dot=True)
        if wanted not in {it[0] for it in self.zone}:
            said.set_rcode(dns.rcode.NXDOMAIN)
        while alias := self.zone.get((wanted, "CNAME")):
            said.answer.append(dns.rrset.from_text(f"{wanted}.", 0, "IN", "CNAME", f"{alias[0]}."))
            wanted = alias[0]
            if len(said.answer) > 20:
                break
        found = self.zone.get((wanted, kind), [])
        if found:
            said.answer.append(dns.rrset.from_text(f"{wanted}.", 0, "IN", kind, *found))
        return said


@contextmanager
def name_server(
    zone: Mapping[tuple[str, str], list[str]], place: tuple[str, int] = ("127.0.0.1", 0)
) -> Iterator[NameServer]:
    """Run it until the block ends, at an address and a port (0: a free one)."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.bind(place)
        line.settimeout(0.1)
        server, ended = NameServer(line.getsockname(), dict(zone)), threading.Event()

        def serve() -> None:
            while not ended.is_set():
                with suppress(TimeoutError):
                    data, asker = line.recvfrom(4096)
                    if not server.silent:
                        said = server.answer(dns.message.from_wire(data))
                        line.sendto(said.to_wire(), asker)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield server
        finally:
            ended.set()
            thread.join()
