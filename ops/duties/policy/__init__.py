"""The backup policy that a leader approves."""
