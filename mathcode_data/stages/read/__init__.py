"""Sources: pages, code and documents from local files, one split per task."""
