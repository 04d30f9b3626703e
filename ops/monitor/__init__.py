"""fab monitor.*: alerts, answered."""
