"""mathcode-data: mathematical web pages and source code to exact token mixtures, and a trainer that reads them."""

__version__ = "0.8.1"
