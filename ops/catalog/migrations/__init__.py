"""Steps of the catalog's schema, oldest first; never edited once released."""
