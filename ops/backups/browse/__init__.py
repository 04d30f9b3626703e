"""What backups hold: listed, compared."""
