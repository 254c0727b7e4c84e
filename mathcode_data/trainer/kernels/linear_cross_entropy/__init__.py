"""The head's product and the cross-entropy after it, without ever holding the logits of a whole micro-batch.

Every file here defines `linear_cross_entropy(hidden, weight, targets, token_weights, z_loss) -> (loss, nll)`: the weighted sum
that is differentiated, and the loss of every token for the metrics (float32, no gradient). Since the weights are known in the forward
pass, the gradients can be made there while a chunk's logits exist, which saves a fourth matrix product.
"""
