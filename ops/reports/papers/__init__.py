"""A paper as values, and its writers: PDF and DOCX in the layout of Decree 30/2020."""
