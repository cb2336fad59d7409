"""Adapters that let other MQTT clients use this codec. Importing this package does not import the clients."""
