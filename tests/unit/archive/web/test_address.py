import pytest

from archive.web.address import Place, key_of, pattern_of, place_of, repeats

SITE = place_of("https://Cong.Tinh.gov.vn/so-y-te/")


@pytest.mark.parametrize(
    ("link", "own"),
    [
        ("/a", "https://cong.tinh.gov.vn/a"),
        ("b?x=1#y", "https://cong.tinh.gov.vn/so-y-te/b?x=1"),
        ("http://cong.tinh.gov.vn/c", "https://cong.tinh.gov.vn/c"),
        ("//cong.tinh.gov.vn:443/d", "https://cong.tinh.gov.vn/d"),
        (" /ảnh 1.jpg\n", "https://cong.tinh.gov.vn/%E1%BA%A3nh%201.jpg"),
        ("/%E1%BA%A3nh", "https://cong.tinh.gov.vn/%E1%BA%A3nh"),
        ("", ""),
        ("https://cong.tinh.gov.vn:8443/", ""),
        ("https://cong.tinh.gov.vn.xau.vn/", ""),
        ("https://xau.vn@10.0.0.1/", ""),
        ("https://cong.tinh.gov.vn@127.0.0.1/", ""),
        ("http://127.0.0.1/", ""),
        ("http://[::1/", ""),
        ("javascript:alert(1)", ""),
        ("mailto:a@b.vn", ""),
        ("data:text/html,x", ""),
        ("file:///etc/passwd", ""),
        ("/" + "a" * 2500, ""),
    ],
)
def test_a_link_is_the_sites_own_or_nothing(link: str, own: str) -> None:
    assert SITE.own(link, "https://cong.tinh.gov.vn/so-y-te/") == own


def test_a_site_at_a_port_of_its_own_is_that_port_only() -> None:
    site = place_of("http://127.0.0.1:8080")

    assert site == Place("http", "127.0.0.1", 8080, "/")
    assert site.own("http://127.0.0.1:8080/a") == "http://127.0.0.1:8080/a"
    assert not site.own("http://127.0.0.1/a")
    assert not site.own("https://127.0.0.1/a")
    assert not site.own("http://127.0.0.1:80/a")


def test_pages_lie_below_the_sites_address_and_parts_beside_it() -> None:
    assert SITE.has_page("https://cong.tinh.gov.vn/so-y-te")
    assert SITE.has_page("https://cong.tinh.gov.vn/so-y-te/tin/1.html")
    assert not SITE.has_page("https://cong.tinh.gov.vn/so-y-te-khac/")
    assert not SITE.has_page("https://cong.tinh.gov.vn/")


def test_a_name_with_marks_is_asked_for_as_the_network_knows_it() -> None:
    assert place_of("https://cổng.vn/").host == "xn--cng-qmz.vn"
    assert place_of("https://cổng.vn/").own("https://CỔNG.vn/x") == "https://xn--cng-qmz.vn/x"


def test_what_differs_in_numbers_only_is_alike() -> None:
    assert pattern_of("/lich?nam=2026&thang=11") == pattern_of("/lich?thang=1&nam=1999")
    assert (
        pattern_of("/tin/12-a.html") == pattern_of("/tin/7-a.html") != pattern_of("/tin/7-b.html")
    )


def test_a_path_that_feeds_itself_is_seen() -> None:
    assert repeats("/a/b/a/b/a/b/a/b/")
    assert not repeats("/2026/11/11/bai-11")


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("https://www2.Dongnai.gov.vn:443/Tin-Tuc/", "vn,gov,dongnai)/tin-tuc"),
        ("http://x.vn:8080/a//b/?b=2&a=1&B=0", "vn,x:8080)/a/b?a=1&b=0&b=2"),
        ("http://x.vn/%41%20b/%2541", "vn,x)/a%20b/a"),
        ("http://127.0.0.1:81/?q=%C4%91", "1,0,0,127:81)/?q=%c4%91"),
        ("http://x.vn/a?PHPSESSID=0123456789abcdef0123456789abcdef&b=1", "vn,x)/a?b=1"),
    ],
)
def test_keys_are_those_that_replay_programs_make(address: str, key: str) -> None:
    assert key_of(address) == key
