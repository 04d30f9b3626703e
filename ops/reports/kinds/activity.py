"""Báo cáo hoạt động: the year's report over any time, also one that is asked for once (Điều 15)."""

from ops.reports.kinds.annual import gather, write

__all__ = ["gather", "write"]
