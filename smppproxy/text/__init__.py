"""What a message says: characters, user data headers and the parts of long messages. Pure."""
