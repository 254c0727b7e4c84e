"""HTML pages to Markdown text in which every formula stands exactly once, as LaTeX."""
