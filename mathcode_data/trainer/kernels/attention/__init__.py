"""Causal self-attention, over the whole row or within each document of it.

Every file here defines `prepare(document_starts, sequence_length, device) -> mask`, called once per micro-batch, and
`attention(queries, keys, values, mask) -> output`, called once per layer. What `prepare` gives is the kernel's own affair
(a dense mask, cumulative lengths, or None for plain causal attention).
"""
