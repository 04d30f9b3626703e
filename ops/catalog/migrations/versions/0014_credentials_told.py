"""Have the journal tell of the credentials that are there, which it did not before."""

from alembic import op
from sqlalchemy.orm import Session

from ops.journal.journal import Origin
from ops.journal.record_proofs import note_found_credentials
from ops.version import software_version

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Believe them as they are at this moment; the row in the journal says that it was found so."""
    with Session(op.get_bind()) as session:  # closing it leaves the upgrade's transaction alone
        note_found_credentials(session, Origin(via="upgrade", software=software_version()))
