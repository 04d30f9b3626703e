"""Look into PDF files with `qpdf --check`, where it is installed.

It parses what strangers made: so it runs with bounds on time and memory, in an empty folder, with
an empty environment. It is killed rather than waited for; then the check was not run.
"""

import re
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from archive.metadata.findings import Content, Format, Validity
from archive.metadata.validation import PDF, validate

_SECONDS, _MEMORY = 20, 1 << 30
_WHOLE, _BROKEN, _DOUBTED = 0, 2, 3
_LONGEST_NOTE = 200
_UNPRINTABLE = re.compile(r"[^\x20-\x7e]+")


def validity_of(content: Content, found: Format) -> tuple[Validity, ...]:
    """Look at a file with what there is for its format; empty where there is nothing.

    Raises:
        OSError: It cannot be read.
    """
    own = validate(content, found)
    if own is None:
        return ()
    is_pdf = PDF in found.media_type and own.verdict == "passed"
    return (own, _check(content)) if is_pdf else (own,)


@cache
def _find_qpdf() -> tuple[str, str]:
    program, bounds = shutil.which("qpdf"), shutil.which("prlimit")
    if program is None or bounds is None:
        return "", ""
    told = subprocess.run([program, "--version"], capture_output=True, text=True, check=False,
                          timeout=_SECONDS)  # fmt: skip
    return program, _UNPRINTABLE.sub(" ", told.stdout.splitlines()[0] if told.stdout else "qpdf")


def _check(content: Content) -> Validity:
    program, tool = _find_qpdf()
    if not program:
        return Validity("not run", "qpdf is not installed here", "qpdf")
    with tempfile.TemporaryDirectory(prefix="giucong-") as folder:
        path = Path(folder) / "file.pdf"
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.symlink_to(content.absolute())
        command = ["prlimit", f"--as={_MEMORY}", f"--cpu={_SECONDS}", "--core=0", program,
                   "--check", "--no-warn", "file.pdf"]  # fmt: skip
        try:
            done = subprocess.run(
                command, cwd=folder, env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                text=True, errors="replace", check=False, timeout=2 * _SECONDS,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return Validity("not run", f"not done after {2 * _SECONDS} s", tool)
    note = _UNPRINTABLE.sub(" ", done.stderr)[:_LONGEST_NOTE].strip()
    if done.returncode in {_WHOLE, _DOUBTED}:
        return Validity("passed", tool=tool)
    if done.returncode == _BROKEN:
        return Validity("warning", note or "broken", tool)
    return Validity("not run", f"it ended with {done.returncode}", tool)
