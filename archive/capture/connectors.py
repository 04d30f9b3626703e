"""Which connector an estate means; and what a connector reads."""

from archive.capture.captured import Connector
from archive.capture.mapping import read_mapping
from archive.capture.mediawiki import MediaWiki
from archive.capture.nukeviet.connector import NukeViet
from archive.capture.wordpress import WordPress
from archive.errors import ArchiveError


def find_connector(name: str, mapping: str = "") -> Connector:
    """Give the connector that reads a database.

    Args:
        name: As the estate has it.
        mapping: For `mapping`: text of its file.

    Raises:
        ArchiveError: There is none of that name, or the mapping file is not right.
    """
    if name == "mapping":
        return read_mapping(mapping.encode())
    known: dict[str, type[WordPress | MediaWiki | NukeViet]] = {
        "wordpress": WordPress,
        "mediawiki": MediaWiki,
        "nukeviet": NukeViet,
    }
    if name not in known:
        raise ArchiveError(
            '"{name}" reads no database',
            data="nothing was captured",
            next_step="see `connector` in `[sites.archive]` of the estate",
            name=name,
        )
    return known[name]()
