"""A TCP line on the loopback that a test can cut, and that counts what it carries."""

from bench.line import BadLine


class TcpLine(BadLine):
    """Carries connections until they are cut; whoever connects again is carried again."""

    def __init__(self, to_port: int) -> None:
        super().__init__(to_port)
        self.cut_at(seconds=0)

    def cut_after(self, *, carried: int | None = None, sent: int | None = None) -> None:
        """Cut all connections once so many more bytes went to the client, or came from it."""
        self.cut_at(
            *(() if sent is None else (self.sent + sent,)),
            carried=() if carried is None else (self.carried + carried,),
            seconds=0,
        )
