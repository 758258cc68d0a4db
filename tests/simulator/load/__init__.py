"""Load tests: their clients, their provider, what they count."""
