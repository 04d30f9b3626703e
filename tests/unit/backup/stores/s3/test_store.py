"""Pages of a listing: what is no whole one is none."""

import pytest

from backup.stores.s3.store import Page, parse_listing

WHOLE = (
    b'<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
    b"<IsTruncated>true</IsTruncated><EncodingType>url</EncodingType>"
    b"<Contents><Key>a/b%2Bc+d</Key><Size>7</Size></Contents>"
    b"<Contents><Key>a/e</Key><Size>0</Size></Contents>"
    b"<NextContinuationToken>next</NextContinuationToken></ListBucketResult>"
)


def test_names_sizes_and_what_follows_are_read() -> None:
    assert parse_listing(WHOLE) == Page([("a/b+c d", 7), ("a/e", 0)], is_cut=True, following="next")


def test_names_that_are_not_encoded_are_kept() -> None:
    page = parse_listing(WHOLE.replace(b"<EncodingType>url</EncodingType>", b""))

    assert page is not None
    assert page.objects[0][0] == "a/b%2Bc+d"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        WHOLE[:200],
        WHOLE.replace(b"ListBucketResult", b"Error"),
        WHOLE.replace(b"<Size>7</Size>", b""),
        WHOLE.replace(b"<IsTruncated>true</IsTruncated>", b""),
    ],
)
def test_what_is_no_whole_page_is_none(body: bytes) -> None:
    assert parse_listing(body) is None
