"""Each changed estate, kept."""
