"""The estate: everything one Center runs, read from one TOML file into frozen models.

    from ops.estate.load.load import load_estate
    estate = load_estate()              # raises EstateError with every problem at once
    estate.site("cong-chinh").retention # defaults and profile are already merged in

Nothing is imported here: tasks must stay listed in no time.
"""
