"""smppproxy: an SMPP multiplexing router."""
