"""A site's repository: opened, indexed, repaired."""
