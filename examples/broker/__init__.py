"""An MQTT broker on asyncio and the public API of mqttcodec: `python -m examples.broker --help`."""
