"""`make fresh` says what keeps it from making a fresh machine, and what to do."""

import os
import subprocess
from pathlib import Path

SCRIPT = Path(__file__).with_name("fresh_machine.sh")
AS_NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
# In a user namespace of its own, whose root may make so many namespaces of mounts.
WITHOUT_MOUNTS = ["unshare", "--user", "--map-root-user", "sh", "-c",
                  'echo 0 > /proc/sys/user/max_mnt_namespaces; exec "$@"', "sh"]  # fmt: skip


def refuse(*words: str) -> str:
    """Run it as somebody to whom the checkout may be closed; gives what it said."""
    ended = subprocess.run(
        [*words, "bash", "-s"], input=SCRIPT.read_text(), cwd="/", capture_output=True, text=True,
        check=False, timeout=60,
    )  # fmt: skip

    assert ended.returncode == 1
    return ended.stderr


def test_whoever_is_not_root_is_told_what_to_type() -> None:
    told = refuse(*(AS_NOBODY if os.geteuid() == 0 else []))

    assert told.endswith("next: sudo make fresh\n")


def test_a_kernel_that_refuses_namespaces_is_told() -> None:
    told = refuse(*WITHOUT_MOUNTS)

    assert "error: a fresh machine cannot be shut off from this one" in told
    assert "the kernel refuses namespaces of mounts and processes" in told
