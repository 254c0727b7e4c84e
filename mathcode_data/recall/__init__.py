"""Recall in rounds (DeepSeekMath section 2.1): learn, score, take the top, find domains, decide, learn again."""
