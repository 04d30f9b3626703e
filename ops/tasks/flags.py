"""The help of flags that mean the same in several tasks: one sentence for one meaning."""

from ops.text import N_

SITE = N_("Name of the site.")
SITE_OR_ALL = N_("Name of the site; left out: all sites.")
CONFIRM_SITE = N_("Name of the site, instead of typing it when asked.")
STORE_OR_PRIMARY = N_("Store; left out: the primary.")
SNAPSHOT_OR_NEWEST = N_("Beginning of the snapshot's id; left out: the newest.")
REASON_FOR_APPROVER = N_("Why; the person who approves it reads it.")
REASON_FOR_JOURNAL = N_("Why; goes into the journal.")
DOCUMENT = N_("Reference of the document behind it.")
PASSWORD_FILE = N_("File with the new password; left out: asks; - reads standard input.")
JSON = N_("Print the result as JSON.")
DRY_RUN = N_("Say what would be done, and change nothing.")
