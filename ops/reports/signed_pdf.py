"""Verify the signatures in a PDF; run as a program of its own, since the file is a stranger's.

It reads one file, prints one JSON value and imports nothing of the service. Bounds on memory and
processor time are set before the file is opened; the caller bounds the time on the clock.

What is verified: that the bytes are those that were signed, that the signature is the
certificate's, and that after the last signature nothing was added but proofs for long keeping
(ISO 32000-2, 12.8.4.3): no value of a form, no note. Whether the certificate leads to a root that
one trusts is not verified: no list of roots is kept here.
"""

import json
import resource
import sys
from pathlib import Path
from typing import Any

MOST_MEMORY = 1 << 30
MOST_SECONDS = 30
MOST_SIGNATURES = 20
MOST_NAME = 300
_WHOLE = {"ENTIRE_FILE", "ENTIRE_REVISION"}


def look(path: str) -> list[dict[str, object]]:
    """Give each signature: whether it holds, who signed, when by the signer's own clock."""
    from pyhanko.pdf_utils.reader import PdfFileReader
    from pyhanko.sign.validation import validate_pdf_signature
    from pyhanko_certvalidator import ValidationContext

    context = ValidationContext(trust_roots=[], allow_fetching=False)
    with Path(path).open("rb") as file:
        signatures = PdfFileReader(file, strict=False).embedded_regular_signatures
        if len(signatures) > MOST_SIGNATURES:
            raise ValueError
        return [
            _tell(it, validate_pdf_signature(it, signer_validation_context=context),
                  is_last=it is signatures[-1])
            for it in signatures
        ]  # fmt: skip


def _tell(signature: Any, status: Any, *, is_last: bool) -> dict[str, object]:
    """Give what one signature says; a later signature may follow any but the last."""
    from pyhanko.sign.diff_analysis import ModificationLevel

    certificate, at = status.signing_cert, signature.self_reported_timestamp
    covers = getattr(status.coverage, "name", "")
    is_whole = bool(status.docmdp_ok) and covers in _WHOLE
    if is_last and covers != "ENTIRE_FILE":
        is_whole = is_whole and status.modification_level == ModificationLevel.LTA_UPDATES
    return {
        "signer": str(certificate.subject.human_friendly)[:MOST_NAME],
        "issuer": str(certificate.issuer.human_friendly)[:MOST_NAME],
        "at": at.isoformat() if at else "",
        "since": certificate.not_valid_before.isoformat(),
        "until": certificate.not_valid_after.isoformat(),
        "was_valid": None if at is None
        else certificate.not_valid_before <= at <= certificate.not_valid_after,
        "holds": bool(status.intact and status.valid),
        "is_whole": is_whole,
    }  # fmt: skip


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
