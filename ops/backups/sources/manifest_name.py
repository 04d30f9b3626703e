"""Where a site's manifest lies in its snapshots; for who restores and loads nothing that reads."""

MANIFEST = "manifest.json"
