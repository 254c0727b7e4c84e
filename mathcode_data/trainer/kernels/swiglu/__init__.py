"""The gated activation between the two products of a feed-forward layer.

Every file here defines `swiglu(gate_up) -> hidden`.
"""
