"""Pages from the live web: a polite, focused crawl in rounds, out of which come WARC files."""
