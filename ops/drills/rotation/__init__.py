"""Which drill is due, and when."""
