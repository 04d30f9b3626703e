"""The watch for ransomware: each backup against its site's past, and what an outlier freezes."""
