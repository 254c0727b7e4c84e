"""Token shards: `.bin/.idx` pairs in Megatron's format, and the table of documents beside them."""
