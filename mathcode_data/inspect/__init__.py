"""Looking at results: statistics, tokens as text, where a sample came from, why a page was dropped, what differs."""
