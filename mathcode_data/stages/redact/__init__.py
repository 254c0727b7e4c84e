"""Text that is changed so that nobody is harmed by it: secrets, addresses of people and machines."""
