"""An estate comes back from its stored document, and the document holds no secret."""

from ops.estate.edit.sample import write_sample
from ops.estate.model.references import redact
from ops.estate.versions import revive
from tests.unit.ops.estate.conftest import SITE, Load

SECRETS = """
[notices]
relay = "tgram://123456:bi-mat/789"
heartbeat_url = "https://hc.example.vn/uuid-bi-mat"
[[sites.files]]
name = "export"
source = "command"
path = "/srv"
command = "/opt/cms/export --password=bi-mat --api-key 'bi-mat' --out /srv/password-list"
"""


def test_an_estate_comes_back_as_it_was(load: Load) -> None:
    estate = load(write_sample(), small="")
    again = revive(estate.document(), estate.path)

    assert again.fingerprint() == estate.fingerprint()
    assert again.site("cong-chinh") == estate.site("cong-chinh")
    assert again.site("cong-chinh").exceptions[0].until == estate.sites[0].exceptions[0].until


def test_what_may_be_a_secret_is_struck_out(load: Load) -> None:
    document = load(
        SITE + SECRETS.replace('"tgram://123456:bi-mat/789"', '"tgram://bi-mat/789"')
    ).document()

    assert "bi-mat" not in repr(document)
    assert document["notices"]["relay"] == "tgram://***"
    command = document["sites"][0]["files"][1]["command"]
    assert command == "/opt/cms/export --password=*** --api-key *** --out /srv/password-list"


def test_references_stay() -> None:
    document = {"notices": {"relay": "env:RELAY", "heartbeat_url": None}}

    assert redact(document) == document
