"""Signatures: the documented example, and botocore as the other opinion on odd names."""

import hashlib
from datetime import UTC, datetime

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from backup.stores.s3.signing import Credential, Request, encode_path, encode_query, sign

# Of "Authenticating Requests: Using the Authorization Header", Amazon S3 API Reference.
DOCUMENTED = Credential("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
EMPTY = hashlib.sha256(b"").hexdigest()


@pytest.mark.parametrize(
    ("path", "query", "headers", "signature"),
    [
        (
            "/test.txt",
            "",
            {"range": "bytes=0-9"},
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        ),
        (
            "/",
            "max-keys=2&prefix=J",
            {},
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        ),
    ],
)
def test_the_documented_examples_are_signed_as_documented(
    path: str, query: str, headers: dict[str, str], signature: str
) -> None:
    request = Request("GET", "examplebucket.s3.amazonaws.com", path, query, headers, EMPTY)
    signed = sign(request, DOCUMENTED, "us-east-1", datetime(2013, 5, 24, tzinfo=UTC))

    assert signed["authorization"].endswith(f"Signature={signature}")
    assert DOCUMENTED.secret_key not in "".join(signed.values())


@pytest.mark.parametrize("name", ["config", "data/ab/a=b+c,d~e f@g", "Cổng/đĩa.txt"])
@pytest.mark.parametrize("token", ["", "a token"])
def test_botocore_signs_the_same(name: str, token: str) -> None:
    query = [("prefix", "a b/c"), ("list-type", "2"), ("continuation-token", "x+/=")]
    path, asked = f"/bucket/{encode_path(name)}", encode_query(query)
    credential = Credential("writer", "its secret", token)
    headers = {"content-md5": "abc==", "if-none-match": "*"}
    other = AWSRequest("PUT", f"http://127.0.0.1:8333{path}?{asked}", headers=headers, data=b"body")
    S3SigV4Auth(Credentials("writer", "its secret", token or None), "s3", "vn-1").add_auth(other)
    moment = datetime.strptime(other.context["timestamp"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    request = Request(
        "PUT", "127.0.0.1:8333", path, asked, headers, hashlib.sha256(b"body").hexdigest()
    )
    signed = sign(request, credential, "vn-1", moment)

    assert _signature(signed["authorization"]) == _signature(other.headers["Authorization"])


def _signature(authorization: str) -> str:
    return authorization.rpartition("Signature=")[2]
