"""What all listeners share."""
