"""The kinds of addresses for which anybody inside may have a socket: a filter of the kernel.

A network of one's own holds for the internet's addresses alone. Others lead out of any network
namespace, as `AF_VSOCK` does to the machine's host, or are seldom used code of the kernel. The
filter is handed down to whatever is started, and nobody can take it off; it is written for one
processor's numbers of system calls, so a program that calls by another's (32 bits, x32) is ended.

source: https://docs.kernel.org/userspace-api/seccomp_filter.html; linux/seccomp.h, linux/filter.h
"""

import ctypes
import errno
import os
import socket
import struct
from dataclasses import dataclass

_ALLOWED = (socket.AF_UNIX, socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK)
_SET_NO_NEW_PRIVS, _SET_SECCOMP, _MODE_FILTER = 38, 22, 2
_LOAD, _IF_EQUAL, _IF_AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_KILL, _ALLOW, _REFUSE = 0x8000_0000, 0x7FFF_0000, 0x0005_0000
_NUMBER, _PROCESSOR, _FIRST_ARGUMENT = 0, 4, 16  # where seccomp_data has them; little-endian
_X32 = 0x4000_0000
_IO_URING_SETUP = 425
"""Its ring makes sockets, too, without the call that is looked at."""


@dataclass(frozen=True, slots=True)
class Processor:
    """A processor's own numbers.

    Attributes:
        name: As the kernel audits it (linux/audit.h).
        socket, socketpair: Their system calls.
    """

    name: int
    socket: int
    socketpair: int


PROCESSORS = {
    "x86_64": Processor(0xC000_003E, socket=41, socketpair=53),
    "aarch64": Processor(0xC000_00B7, socket=198, socketpair=199),
}
"""By the name that `uname` has for them."""


def keep_to_families() -> None:
    """Refuse sockets of other families to this process and to all that it will start.

    Raises:
        OSError: The kernel refuses, or this processor's numbers are not known here.
    """
    processor = PROCESSORS.get(os.uname().machine)
    if processor is None:
        raise OSError(errno.ENOSYS, f"no filter of sockets for {os.uname().machine}")
    code = b"".join(struct.pack("=HBBI", *it) for it in make_filter(processor))
    held = ctypes.create_string_buffer(code, len(code))
    program = struct.pack("@HP", len(code) // 8, ctypes.addressof(held))
    libc = ctypes.CDLL(None, use_errno=True)
    one, zero = ctypes.c_ulong(1), ctypes.c_ulong(0)
    for words in (
        (_SET_NO_NEW_PRIVS, one, zero, zero, zero),
        (_SET_SECCOMP, ctypes.c_ulong(_MODE_FILTER), program, zero, zero),
    ):
        if libc.prctl(*words) != 0:
            code_of_error = ctypes.get_errno()
            raise OSError(code_of_error, os.strerror(code_of_error), "seccomp")


def make_filter(processor: Processor) -> list[tuple[int, int, int, int]]:
    """Give the filter's instructions: code, jumps where true and false, and value; pure."""
    families = [(_IF_EQUAL, len(_ALLOWED) - place, 0, it) for place, it in enumerate(_ALLOWED)]
    return [
        (_LOAD, 0, 0, _PROCESSOR),
        (_IF_EQUAL, 1, 0, processor.name),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
        (_IF_AT_LEAST, 0, 1, _X32),
        (_RETURN, 0, 0, _KILL),
        (_IF_EQUAL, 0, 1, _IO_URING_SETUP),
        (_RETURN, 0, 0, _REFUSE | errno.ENOSYS),
        (_IF_EQUAL, 2, 0, processor.socket),
        (_IF_EQUAL, 1, 0, processor.socketpair),
        (_RETURN, 0, 0, _ALLOW),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        *families,
        (_RETURN, 0, 0, _REFUSE | errno.EAFNOSUPPORT),
        (_RETURN, 0, 0, _ALLOW),
    ]
