"""NukeViet 4.5, the software of many Vietnamese portals: news, laws, contact, comments."""
