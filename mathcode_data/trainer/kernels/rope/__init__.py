"""Rotary position embedding on the packed output of the query-key-value product.

Every file here defines `rope(qkv, cos, sin, num_heads, num_kv_heads) -> (queries, keys, values)`.
"""
