"""What every room needs and what knows of no other room: errors, config, documents, manifests, storage, the protocols."""
