"""Peers that keep their repository in a bucket of a private SeaweedFS, the one of the tests.

| group | works |
|---|---|
| s3 | s3-first, s3-unchanged, s3-restore on the portal |

The server's own work counts as nobody's CPU time, and takes part of the same cores.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from bench.peers import Peer, ResticLike

if TYPE_CHECKING:  # boto3 behind it is needed where this group runs only
    from tests.s3_server import S3Server


@dataclass(frozen=True, slots=True)
class InBucket(ResticLike):
    """restic's command line with a bucket behind it.

    Attributes:
        server: The running server.
        buckets: Name of the bucket in use, by the folder of the state.
    """

    server: "S3Server"
    buckets: dict[Path, str] = field(default_factory=dict)

    def prepare(self, state: Path) -> None:
        """Make an empty repository in a new bucket; the one before it goes."""
        client = self.server.client()
        if state in self.buckets:
            name = self.buckets.pop(state)
            for key in self._sizes(name):
                client.delete_object(Bucket=name, Key=key)
            client.delete_bucket(Bucket=name)
        name = self.buckets[state] = self.server.new_bucket()
        client.put_object(Bucket=name, Key="first", Body=b"x")  # so that its volume is there
        ResticLike.prepare(self, state)

    def repository(self, state: Path) -> str:
        """Return the repository's URL."""
        return self.server.url(self.buckets[state])

    def environment(self) -> Mapping[str, str]:
        """Return what the program has to know, the credential too."""
        return {**ResticLike.environment(self), **self.server.environment()}

    def size(self, state: Path) -> int:
        """Return the bytes of all objects."""
        return sum(self._sizes(self.buckets[state]).values())

    def _sizes(self, bucket: str) -> dict[str, int]:
        pages = self.server.client().get_paginator("list_objects_v2").paginate(Bucket=bucket)
        return {item["Key"]: item["Size"] for page in pages for item in page.get("Contents", ())}


@contextmanager
def in_buckets(peers: Sequence[Peer], folder: Path) -> Iterator[list[InBucket]]:
    """Start a server that keeps its data below `folder`, and give those peers that can use it."""
    from tests.s3_server import run_s3_server

    with run_s3_server(folder) as server:
        yield [
            InBucket(peer.name, peer.program, peer.packages, server)
            for peer in peers
            if isinstance(peer, ResticLike)
        ]
