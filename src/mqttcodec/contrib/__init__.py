"""Adapters: other MQTT libraries on this codec."""
