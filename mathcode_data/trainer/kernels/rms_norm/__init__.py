"""Root-mean-square normalisation together with the residual addition before it.

Every file here defines `rms_norm(update, residual, weight, epsilon) -> (normed, residual)`.
"""
