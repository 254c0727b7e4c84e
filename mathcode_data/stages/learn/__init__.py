"""Plug-ins that learn from documents: classifiers, tokenizers, domains: `learn.*`."""
