"""Developer's command: gather the messages, merge the Vietnamese parts, compile, report gaps.

`python -m ops.messages` rewrites `ops/locale/vi/LC_MESSAGES/giucong.po` and `.mo` from the parts in
`ops/locale/parts/`; `python -m ops.messages --check` only reports. Needs babel, which operators do
not have to install: the compiled catalogue is part of the source.
"""
