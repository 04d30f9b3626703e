"""Verify the signatures in a PDF; run as a program of its own, since the file is a stranger's.

It reads one file, prints one JSON value and imports nothing of the service. Bounds on memory and
processor time are set before the file is opened; the caller bounds the time on the clock.

What is verified: that the bytes are those that were signed, that the signature is the
certificate's, and that after the last signature nothing was added but proofs for long keeping
(ISO 32000-2, 12.8.4.3): no value of a form, no note. Where roots are given, also that the
certificate led to one of them when it signed, and was made for signing (RFC 5280, 6). The time is
the signer's own word; nobody is asked whether a certificate was revoked.
"""

import json
import resource
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

MOST_MEMORY = 1 << 30
MOST_SECONDS = 30
MOST_SIGNATURES = 20
MOST_NAME = 300
_WHOLE = {"ENTIRE_FILE", "ENTIRE_REVISION"}


def look(path: str, roots: Sequence[Any] = ()) -> list[dict[str, object]]:
    """Give each signature: whether it holds, who signed, when by the signer's own clock.

    Args:
        path: Of the PDF.
        roots: Certificates that are trusted; none: whether it leads to one is not told.
    """
    from pyhanko.pdf_utils.reader import PdfFileReader

    with Path(path).open("rb") as file:
        signatures = PdfFileReader(file, strict=False).embedded_regular_signatures
        if len(signatures) > MOST_SIGNATURES:
            raise ValueError
        return [_tell(it, roots, is_last=it is signatures[-1]) for it in signatures]


def read_roots(paths: Sequence[str]) -> list[Any]:
    """Read certificates, one or several a file, PEM or DER."""
    from pyhanko.keys import load_certs_from_pemder_data

    found: list[Any] = []
    for path in paths:
        here = list(load_certs_from_pemder_data(Path(path).read_bytes()))
        for certificate in here:
            certificate.native  # noqa: B018 - reads it, which is put off else
        if not here:
            raise ValueError(path)
        found += here
    return found


def _tell(signature: Any, roots: Sequence[Any], *, is_last: bool) -> dict[str, object]:
    """Give what one signature says; a later signature may follow any but the last."""
    from pyhanko.sign.diff_analysis import ModificationLevel
    from pyhanko.sign.validation import validate_pdf_signature
    from pyhanko.sign.validation.settings import KeyUsageConstraints
    from pyhanko_certvalidator import ValidationContext

    at = signature.self_reported_timestamp
    moment = at or datetime.now(UTC)
    valid = [it for it in roots if it.not_valid_before <= moment <= it.not_valid_after]
    context = ValidationContext(trust_roots=valid, moment=moment)
    status = validate_pdf_signature(
        signature,
        signer_validation_context=context,
        key_usage_settings=KeyUsageConstraints(
            key_usage={"digital_signature", "non_repudiation"}, match_all_key_usages=False
        ),
    )
    certificate = status.signing_cert
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
        "was_valid": None
        if at is None
        else certificate.not_valid_before <= at <= certificate.not_valid_after,
        "holds": bool(status.intact and status.valid),
        "is_whole": is_whole,
        "root": _name_root(status) if status.trusted else "",
    }


def _name_root(status: Any) -> str:
    return str(status.validation_path.trust_anchor.certificate.subject.human_friendly)[:MOST_NAME]


def _answer(found: object) -> None:
    told = json.dumps(found)
    sys.stdout.write(told)


def main() -> int:
    """Print what is found; gives 0, 3 where the file is no PDF that can be read, 4 of a root.

    Arguments: the file, then the roots.
    """
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    status = 4
    try:
        roots = read_roots(sys.argv[2:])
        status = 3
        found = look(sys.argv[1], roots)
    except Exception as error:  # noqa: BLE001 - whatever a stranger's file makes a library raise
        _answer({"error": type(error).__name__})
        return status
    _answer({"signatures": found})
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
