"""System calls that the kernel refuses to whatever runs inside: two filters.

- Sockets of kinds of addresses that lead out. A network of one's own holds for the internet's
  addresses alone; others lead out of any network namespace, as `AF_VSOCK` does to the machine's
  host, or are seldom used code of the kernel.
- User namespaces. Who makes one is root in it, and reaches the parts of the kernel that are for
  root alone: where most of its holes were.

A filter is handed down to whatever is started, and nobody can take it off; it is written for one
processor's numbers of system calls, so a program that calls by another's (32 bits, x32) is ended.
Run as a program, this file lays the second upon itself and becomes the program it is given.

source: https://docs.kernel.org/userspace-api/seccomp_filter.html; linux/seccomp.h, linux/filter.h
"""

import ctypes
import errno
import os
import socket
import struct
import sys
from dataclasses import dataclass

_ALLOWED = (socket.AF_UNIX, socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK)
_SET_NO_NEW_PRIVS, _SET_SECCOMP, _MODE_FILTER = 38, 22, 2
_LOAD, _IF_EQUAL, _IF_AT_LEAST, _IF_ANY, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_KILL, _ALLOW, _REFUSE = 0x8000_0000, 0x7FFF_0000, 0x0005_0000
_NUMBER, _PROCESSOR, _FIRST_ARGUMENT = 0, 4, 16  # where seccomp_data has them; little-endian
_X32 = 0x4000_0000
_NEW_USER_NAMESPACE = 0x1000_0000  # of clone(2)
_IO_URING_SETUP = 425
"""Its ring makes sockets, too, without the call that is looked at."""

_CLONE3 = 435
"""Its wish lies in memory, where no filter looks; without it, libraries go on with `clone`."""

Instruction = tuple[int, int, int, int]
"""Code, jumps where true and false, value."""


@dataclass(frozen=True, slots=True)
class Processor:
    """A processor's own numbers.

    Attributes:
        name: As the kernel audits it (linux/audit.h).
        socket, socketpair, clone, unshare: Their system calls.
    """

    name: int
    socket: int
    socketpair: int
    clone: int
    unshare: int


PROCESSORS = {
    "x86_64": Processor(0xC000_003E, socket=41, socketpair=53, clone=56, unshare=272),
    "aarch64": Processor(0xC000_00B7, socket=198, socketpair=199, clone=220, unshare=97),
}
"""By the name that `uname` has for them."""


def keep_to_families() -> None:
    """Refuse sockets of other families to this process and to all that it will start."""
    _lay(make_filter(_find_processor()))


def refuse_user_namespaces() -> None:
    """Refuse user namespaces to this process and to all that it will start."""
    _lay(make_namespace_filter(_find_processor()))


def _find_processor() -> Processor:
    processor = PROCESSORS.get(os.uname().machine)
    if processor is None:
        raise OSError(errno.ENOSYS, f"no filter of system calls for {os.uname().machine}")
    return processor


def _lay(instructions: list[Instruction]) -> None:
    code = b"".join(struct.pack("=HBBI", *it) for it in instructions)
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


def make_filter(processor: Processor) -> list[Instruction]:
    """Give the instructions that refuse sockets; pure."""
    families = [(_IF_EQUAL, len(_ALLOWED) - place, 0, it) for place, it in enumerate(_ALLOWED)]
    return [
        *_begin(processor, absent=_IO_URING_SETUP),
        (_IF_EQUAL, 2, 0, processor.socket),
        (_IF_EQUAL, 1, 0, processor.socketpair),
        (_RETURN, 0, 0, _ALLOW),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        *families,
        (_RETURN, 0, 0, _REFUSE | errno.EAFNOSUPPORT),
        (_RETURN, 0, 0, _ALLOW),
    ]


def make_namespace_filter(processor: Processor) -> list[Instruction]:
    """Give the instructions that refuse user namespaces; pure."""
    return [
        *_begin(processor, absent=_CLONE3),
        (_IF_EQUAL, 2, 0, processor.clone),
        (_IF_EQUAL, 1, 0, processor.unshare),
        (_RETURN, 0, 0, _ALLOW),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_IF_ANY, 0, 1, _NEW_USER_NAMESPACE),
        (_RETURN, 0, 0, _REFUSE | errno.EPERM),
        (_RETURN, 0, 0, _ALLOW),
    ]


def _begin(processor: Processor, *, absent: int) -> list[Instruction]:
    """Load a call's number; end who calls by other numbers, and be a kernel without one call."""
    return [
        (_LOAD, 0, 0, _PROCESSOR),
        (_IF_EQUAL, 1, 0, processor.name),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
        (_IF_AT_LEAST, 0, 1, _X32),
        (_RETURN, 0, 0, _KILL),
        (_IF_EQUAL, 0, 1, absent),
        (_RETURN, 0, 0, _REFUSE | errno.ENOSYS),
    ]


if __name__ == "__main__":
    refuse_user_namespaces()
    os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606 -- without a shell is what is wanted
