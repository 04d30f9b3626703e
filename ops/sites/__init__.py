"""A site's life (fab estate.*): discovered, tried, shown, retired."""
