"""How tasks are run, resumed, quarantined and shown."""
