"""Find what a machine serves and propose blocks for the estate: text → facts → blocks.

`web_servers` and `databases` parse text that anybody may have written, with pure functions;
`machine_files` reads files here and on a host; `databases` asks the database servers, too; `find`
puts it together; `ops.sites.probe` and `ops.sites` make blocks of it.
"""
