"""Find what a machine serves and propose blocks for the estate: text → facts → blocks.

The parsers (`nginx`, `apache`, `applications`) are pure functions over text that anybody may have
written; `machine_files` and `host_files` read files here and on a host, `servers` follows includes,
`databases` asks the database servers; `looking` puts it together; `proposing` makes blocks.
"""
