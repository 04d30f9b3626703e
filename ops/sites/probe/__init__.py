"""fab estate.test: whatever a site needs is tried."""
