"""The command line of the engine, ``python -m backup``: one module a verb, spoken as restic does.

Each verb's module has `configure(parser)`, which declares its flags, and
`run(arguments, context) -> int`, which does the work and gives the exit code. What is no flag
stands in `arguments.operands`. Only the module of the verb that is used is imported.
"""
