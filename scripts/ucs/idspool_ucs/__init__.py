"""What the listener module of idspool is made of."""
