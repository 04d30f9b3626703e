"""Read the certificate that a server showed, and say why a visitor's browser would refuse it."""

from collections.abc import Mapping
from pathlib import Path
from ssl import CERT_NONE, SSLContext, create_default_context

from cryptography import x509
from cryptography.x509.oid import NameOID

from ops.monitor.probes.result import Certificate, tidy

_REFUSALS: Mapping[int, str] = {
    9: "early",
    10: "expired",
    18: "self_signed",
    19: "unknown_authority",
    20: "incomplete",
    21: "incomplete",
    62: "other_name",
    64: "other_name",
}
"""By OpenSSL's verification code (`X509_V_ERR_*` in `x509_vfy.h`)."""


def explain_refusal(code: int) -> str:
    """Give the reason behind a verification code; `untrusted` for one without a word of its own."""
    return _REFUSALS.get(code, "untrusted")


def make_verifying(authorities: Path | None) -> SSLContext:
    """Make what trusts as this machine does, and the authorities of a file besides."""
    context = create_default_context()
    if authorities is not None:
        context.load_verify_locations(authorities)
    return context


def make_reading() -> SSLContext:
    """Make what takes any certificate, to read it and nothing else."""
    context = create_default_context()
    context.check_hostname = False
    context.verify_mode = CERT_NONE
    return context


def read_certificate(shown: bytes) -> Certificate | None:
    """Read a certificate in DER; None where it is none."""
    try:
        found = x509.load_der_x509_certificate(shown)
        issuer, subject = found.issuer, found.subject
        # An authority changes its intermediate certificates at will; who it is stays.
        names = (
            issuer.get_attributes_for_oid(it)
            for it in (NameOID.ORGANIZATION_NAME, NameOID.COMMON_NAME)
        )
        told = next((str(it[0].value) for it in names if it), "")
        named = subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        return Certificate(
            tidy(told), found.not_valid_after_utc, tidy(str(named[0].value)) if named else ""
        )
    except (ValueError, x509.InvalidVersion, OverflowError):
        return None
