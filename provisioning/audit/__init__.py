"""Fixed programs that an audit sends to a host: they read and print JSON, and change nothing."""
