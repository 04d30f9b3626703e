"""The parts of `backup.restore`: what to restore, how it is split up, and who writes it."""
