"""The page on which people accept or reject the domains and URL prefixes that a round suggests."""
