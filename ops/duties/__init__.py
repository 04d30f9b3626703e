"""What the law and the Center ask, as dated data; when it is due, and what proves that it was done.

`duties.toml` and `holidays-vn.toml` ship with the service; the estate adds tables of its own. No
legal figure stands in code: periods, terms and limits are read, and each says where it comes from.
"""
