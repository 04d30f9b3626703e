"""fab backup.*: one slice for each family of its verbs."""

MANIFEST = "manifest.json"
"""Where a site's manifest lies in its snapshots."""
