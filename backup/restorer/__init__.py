"""Put a snapshot back: walk, decide, order, write, finish."""
