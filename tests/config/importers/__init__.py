"""Settings of other gateways, and what becomes of them."""
