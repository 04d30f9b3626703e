"""Give the newest figures to Prometheus and whoever reads its text: `GET /metrics` on loopback.

Source: text format 0.0.4, https://prometheus.io/docs/instrumenting/exposition_formats/

A scrape reads the series and nothing else, so that it costs no look at any host. At most two are
answered at a time; a reader that is slow, or asks too much, is let go. Every account of the machine
reaches a loopback address, so the reader shows a bearer token (RFC 6750, 2.1).
"""

import hmac
import ipaddress
import logging
import socket
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector, CollectorRegistry
from pydantic import SecretStr

from ops.language.formats import format_duration, format_number, format_size
from ops.language.text import N_, _
from ops.monitor.series.read import Latest, read_latest, split_metric
from ops.monitor.series.store import SeriesError, SeriesStore

TITLES: Mapping[str, str] = {
    "up": N_("answers"),
    "cpu_percent": N_("processors in use"),
    "load5": N_("load of five minutes"),
    "memory_percent": N_("memory in use"),
    "swap_percent": N_("swap in use"),
    "uptime_seconds": N_("time since its start"),
    "clock_offset_seconds": N_("clock ahead of ours"),
    "failed_units": N_("failed units"),
    "security_updates": N_("security updates that wait"),
    "disk_percent": N_("disk in use"),
    "disk_used_bytes": N_("bytes in use"),
    "inode_percent": N_("inodes in use"),
    "ping_seconds": N_("round trip"),
    "probe_up": N_("site is there"),
    "probe_first_byte_seconds": N_("time to the first byte"),
    "probe_whole_seconds": N_("time to the whole page"),
    "probe_size_bytes": N_("size of the page"),
    "certificate_days": N_("days left of the certificate"),
    "backup_age_seconds": N_("age of the newest backup"),
    "backup_rpo_seconds": N_("greatest age of a backup"),
    "full_read_age_seconds": N_("time since all was read"),
    "oldest_byte_age_seconds": N_("time since the oldest reading back"),
    "drill_age_seconds": N_("time since the last good drill"),
    "stored_bytes": N_("bytes in the store"),
    "store_used_bytes": N_("bytes in use"),
    "store_free_bytes": N_("bytes free"),
    "archive_objects": N_("objects in the archive"),
    "archive_damaged_objects": N_("damaged objects"),
    "open_alerts": N_("open alerts"),
}
_SMALL_SECONDS = 120


def tell_metric(metric: str) -> str:
    """Give what people call it; its own name where nobody has given it another."""
    name, of = split_metric(metric)
    title = _(TITLES[name]) if name in TITLES else name
    return f"{title} ({of})" if of else title


def writer_of(metric: str, largest: float = 0.0) -> Callable[[float], str]:
    """Give what writes its numbers.

    Args:
        metric: Its name.
        largest: Seconds are written as durations where there are many of them.
    """
    name = split_metric(metric)[0]
    if name.endswith("_percent"):
        return lambda it: f"{format_number(it, 0 if largest >= 10 else 1)} %"  # noqa: PLR2004 - small shares need a decimal
    if name.endswith("_bytes"):
        return lambda it: format_size(round(it))
    if name.endswith("_seconds"):
        if abs(largest) < _SMALL_SECONDS:
            return lambda it: f"{format_number(it, 2)} s"
        return lambda it: format_duration(timedelta(seconds=round(it)))
    return lambda it: format_number(it, 0 if it == round(it) else 2)


log = logging.getLogger(__name__)

PREFIX = "giucong"
FRESH = timedelta(minutes=15)
"""What is older is not given out: a reader must see that nothing is measured any more."""

_PATIENCE_SECONDS = 5.0
_AT_ONCE = 2
_LABELS = {
    "disk_percent": "mountpoint",
    "disk_used_bytes": "mountpoint",
    "inode_percent": "mountpoint",
    "backup_age_seconds": "store",
    "oldest_byte_age_seconds": "store",
    "stored_bytes": "store",
    "open_alerts": "severity",
}
_BASE_UNITS = {"_percent": ("_ratio", 0.01), "_days": ("_seconds", 86_400.0)}
"""Prometheus has ratios and seconds: https://prometheus.io/docs/practices/naming/"""

Read = Callable[[], Sequence[Latest]]


@dataclass(frozen=True, slots=True)
class LatestFigures(Collector):
    """The newest figures as gauges; for a registry of its own.

    Attributes:
        read: Gives them.
    """

    read: Read

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield a family for each metric, by name, in the units that Prometheus has."""
        try:
            found, is_there = self.read(), 1.0
        except SeriesError:
            found, is_there = (), 0.0
        families: defaultdict[str, list[Latest]] = defaultdict(list)
        for it in found:
            kind = it.subject.partition(":")[0]
            name = split_metric(it.metric)[0].removeprefix(f"{kind}_")
            families[f"{kind}_{name}"].append(it)
        for name in sorted(families):
            yield _make_family(name, families[name])
        told = "Whether the figures could be read: 1 or 0."
        yield GaugeMetricFamily(f"{PREFIX}_series_up", told, is_there)


def _make_family(name: str, found: Sequence[Latest]) -> GaugeMetricFamily:
    kind, metric = found[0].subject.partition(":")[0], split_metric(found[0].metric)[0]
    of = _LABELS.get(metric, "of")
    has_parts = any(split_metric(it.metric)[1] for it in found)
    shown, factor = name, 1.0
    for unit, (base, times) in _BASE_UNITS.items():
        if name.endswith(unit):
            shown, factor = f"{name.removesuffix(unit)}{base}", times
    told = f"{metric.replace('_', ' ')} of a {kind}, as it was last measured."
    labels = [kind, of] if has_parts else [kind]
    family = GaugeMetricFamily(f"{PREFIX}_{shown}", told, labels=labels)
    for it in found:
        values = [it.subject.partition(":")[2], split_metric(it.metric)[1]][: len(labels)]
        family.add_metric(values, it.value * factor)
    return family


def write_metrics(read: Read) -> bytes:
    """Give the page."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(LatestFigures(read))
    return generate_latest(registry)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], read: Read, token: SecretStr) -> None:
        self.read, self.token = read, token
        self.places = threading.Semaphore(_AT_ONCE)
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        super().__init__(address, _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a reader that went away is no trouble of ours."""

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a thread, or hang up where too many are answered."""
        if not self.places.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except RuntimeError:  # no thread to be had
            self.places.release()
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer, and give the place back."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.places.release()


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = _PATIENCE_SECONDS
    server_version, sys_version = "giucong", ""

    def do_GET(self) -> None:
        """Answer `/metrics`, and nothing else."""
        if not _is_loopback(self.headers.get("Host", "")):
            # A page in somebody's browser may have a name of its own lead here.
            self._answer(403, "text/plain", b"ask by the address\n")
            return
        if self.path.partition("?")[0] != "/metrics":
            self._answer(404, "text/plain", b"only /metrics is here\n")
            return
        if not self._is_known():
            self._answer(401, "text/plain", b"show the token of [monitor] metrics_token\n")
            return
        self._answer(200, CONTENT_TYPE_PLAIN_0_0_4, write_metrics(self.server.read))

    def _is_known(self) -> bool:
        kind, _space, given = self.headers.get("Authorization", "").partition(" ")
        token = self.server.token.get_secret_value().encode()
        return kind.lower() == "bearer" and hmac.compare_digest(given.encode("latin-1"), token)

    def _answer(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        if status == HTTPStatus.UNAUTHORIZED:
            self.send_header("WWW-Authenticate", "Bearer")
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True

    def log_message(self, *_words: Any) -> None:
        """Write nothing: a scrape a quarter of a minute would fill the log."""


def _is_loopback(host: str) -> bool:
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() else host
    try:
        return name == "localhost" or ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False


@dataclass(slots=True)
class MetricsServer:
    """The server, in a thread of its own.

    Attributes:
        listen: Address and port, as the estate has it: `127.0.0.1:9187`; port 0 takes any.
        read: Gives the figures.
        token: What a reader shows.
    """

    listen: str
    read: Read
    token: SecretStr
    _server: _Server = field(init=False)
    _thread: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        host, _sign, port = self.listen.rpartition(":")
        address = host.strip("[]")
        if not _is_loopback(address):
            raise ValueError(f"not an address of this machine alone: {address}")
        self._server = _Server((address, int(port)), self.read, self.token)
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="metrics", daemon=True
        )
        self._thread.start()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    def close(self) -> None:
        """Stop listening; does not wait for readers."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(_PATIENCE_SECONDS)


def read_fresh(store: SeriesStore) -> Sequence[Latest]:
    """Give what may be given out now."""
    return read_latest(store, datetime.now(UTC) - FRESH)
