"""Keys on paper: shares, escrow, combining."""
