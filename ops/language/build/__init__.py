"""Developer's command: gather the messages, merge the Vietnamese parts, compile, report gaps.

`python -m ops.language.build` rewrites `ops/language/locale/vi/LC_MESSAGES/giucong.mo` from the
parts in `ops/language/locale/parts/`; `python -m ops.language.build --check` only reports.
Needs babel, which operators do not have to install: the compiled catalogue is part of the source.
"""
