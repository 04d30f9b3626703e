"""The bytes on disk, as restic's format v2 has them; pure."""
