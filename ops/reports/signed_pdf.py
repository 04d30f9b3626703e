"""Verify the signatures in a PDF; run as a program of its own, since the file is a stranger's.

It reads one file, prints one JSON value and imports nothing of the service. Bounds on memory and
processor time are set before the file is opened; the caller bounds the time on the clock.

What is verified: that the bytes are those that were signed, that the signature is the
certificate's, and that nothing but what PDF allows after signing was added. Whether the certificate
leads to a root that one trusts is not verified: no list of roots is kept here.
"""

import json
import resource
import sys
from pathlib import Path

MOST_MEMORY = 1 << 30
MOST_SECONDS = 30
_WHOLE = {"ENTIRE_FILE", "ENTIRE_REVISION"}


def look(path: str) -> list[dict[str, object]]:
    """Give each signature: whether it holds, who signed, when by the signer's own clock."""
    from pyhanko.pdf_utils.reader import PdfFileReader
    from pyhanko.sign.validation import validate_pdf_signature
    from pyhanko_certvalidator import ValidationContext

    context = ValidationContext(trust_roots=[], allow_fetching=False)
    found: list[dict[str, object]] = []
    with Path(path).open("rb") as file:
        reader = PdfFileReader(file, strict=False)
        for signature in reader.embedded_regular_signatures:
            status = validate_pdf_signature(signature, signer_validation_context=context)
            at, name = signature.self_reported_timestamp, getattr(status.coverage, "name", "")
            found.append({
                "signer": str(status.signing_cert.subject.human_friendly)[:300],
                "at": at.isoformat() if at else "",
                "holds": bool(status.intact and status.valid),
                "is_whole": bool(status.docmdp_ok) and name in _WHOLE,
            })  # fmt: skip
    return found


def _answer(found: object) -> None:
    """Tell the program that started this one; no person reads it."""
    told = json.dumps(found)
    sys.stdout.write(told)


def main() -> int:
    """Print what is found; gives 0, or 3 where the file is no PDF that can be read."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    try:
        found = look(sys.argv[1])
    except Exception as error:  # noqa: BLE001 - whatever a stranger's file makes a library raise
        _answer({"error": type(error).__name__})
        return 3
    _answer({"signatures": found})
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
