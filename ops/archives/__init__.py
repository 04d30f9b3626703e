"""`fab archive.*`: what portals said, kept for good, found again, proven intact."""
