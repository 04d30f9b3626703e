"""The day on which something that fills or runs out is at its end, with a range."""
