"""The offline demo: a small invented web site, its crawl to WARC, and the way from there to a trained model."""
