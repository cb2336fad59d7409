"""Packets and faults as text for people and as JSON for programs."""

from __future__ import annotations

import base64
import codecs
import json
from binascii import b2a_base64
from collections.abc import Callable, Iterator
from enum import Enum
from json.encoder import encode_basestring_ascii
from typing import Any

import mqttcodec as mqtt

from .. import _methods
from ._reading import Fault

VERSIONS = {"3.1": mqtt.MQTTv31, "3.1.1": mqtt.MQTTv311, "5": mqtt.MQTTv5, "5.0": mqtt.MQTTv5}
PAYLOADS = ("auto", "text", "hex", "base64", "json")
PACKETS: tuple[Any, ...] = mqtt.Packet.__args__
_SHOWN_BYTES = 64
_SHOWN_CHARACTERS = 200
_SHOWN_AROUND = 8
# The first byte of a packet that can belong to a password or to authentication data. Their real position is unknown if
# the packet cannot be parsed.
_SECRETS_FROM: dict[int, int] = {mqtt.PacketType.CONNECT: 16, mqtt.PacketType.CONNACK: 8, mqtt.PacketType.AUTH: 7}
_ACKS = (mqtt.PubAck, mqtt.PubRec, mqtt.PubRel, mqtt.PubComp)
_WHITE_SPACE = dict.fromkeys(map(ord, "\t\n\r"))
_BOLD, _RED, _RESET = "\x1b[1;36m", "\x1b[1;31m", "\x1b[0m"


class _Writer:
    """What `Text` and `Json` share."""

    start = ""

    def __init__(self, version: int, payload: str | None = None, *, show_secrets: bool = False) -> None:
        self.version = mqtt.ProtocolVersion(version)
        self.writers: dict[Any, Callable[[Any, int], str]] = dict.fromkeys(PACKETS, self._packet)
        self.writers[mqtt.Connect] = self._connect
        self.writers[mqtt.Publish] = self._publish
        self.writers.update(dict.fromkeys(_ACKS, self._ack))
        self._payload = payload
        self._show_secrets = show_secrets

    def _connect(self, packet: mqtt.Connect, size: int) -> str:
        self.set_version(packet.protocol_version)
        return self._packet(packet, size)

    def set_version(self, version: mqtt.ProtocolVersion) -> None:
        raise NotImplementedError

    def _packet(self, packet: mqtt.Packet, size: int) -> str:
        raise NotImplementedError

    def _publish(self, packet: mqtt.Publish, size: int) -> str:
        raise NotImplementedError

    def _ack(self, packet: Any, size: int) -> str:
        raise NotImplementedError


class Text(_Writer):
    """A line for each packet, and a line for each field that differs from its default."""

    def __init__(
        self, version: int, payload: str | None = None, *, show_secrets: bool = False, colour: bool = False
    ) -> None:
        super().__init__(version, payload, show_secrets=show_secrets)
        self.set_prefix("")
        bold, reset = (_BOLD, _RESET) if colour else ("", "")
        self._heads = {packet: f": {bold}{packet.__name__.upper()}{reset}, " for packet in PACKETS}
        self._publish_head = self._heads[mqtt.Publish]
        self._is_cut = payload is None
        self.set_version(self.version)

    def set_prefix(self, prefix: str) -> None:
        """Set the start of the first line of each packet and fault."""
        self._prefix = prefix
        self.start = f"{prefix}offset "

    def set_version(self, version: mqtt.ProtocolVersion) -> None:
        self.version = version
        self._title = f" bytes, {version.title}\n"

    # `_publish` and `_ack` write the usual packets, which are most of all traffic, in the form of `_packet`.

    def _publish(self, packet: mqtt.Publish, size: int) -> str:
        topic, payload = packet.topic, packet.payload
        if (
            packet.properties
            or packet.retain
            or packet.dup
            or not (self._is_cut and 0 < len(payload) <= _SHOWN_BYTES and len(topic) <= _SHOWN_CHARACTERS)
        ):
            return self._packet(packet, size)
        try:
            text = payload.decode()  # type: ignore[union-attr]
        except UnicodeDecodeError:
            return self._packet(packet, size)
        if not text.isprintable():
            return self._packet(packet, size)
        qos = packet.qos
        if not qos:
            return f"{self._publish_head}{size}{self._title}  topic:   {topic!r}\n  payload: {text!r}\n"
        return (
            f"{self._publish_head}{size}{self._title}  topic:     {topic!r}\n  payload:   {text!r}\n"
            f"  qos:       {_QOS[qos]}\n  packet_id: {packet.packet_id}\n"
        )

    def _ack(self, packet: Any, size: int) -> str:
        if packet.reason_code or packet.properties:
            return self._packet(packet, size)
        return f"{self._heads[type(packet)]}{size}{self._title}  packet_id: {packet.packet_id}\n"

    def _packet(self, packet: Any, size: int) -> str:
        head = f"{self._heads[type(packet)]}{size}{self._title}"
        return "".join([head, *[f"{line}\n" for line in self._field_lines(packet, "  ")]])

    def _field_lines(self, packet: Any, indent: str) -> Iterator[str]:
        """The fields of a packet, will or subscription that differ from their defaults."""
        fields = changed(packet)
        width = max([len(name) for name, _ in fields], default=0) + 2
        for name, value in fields:
            if isinstance(value, mqtt.Will):
                yield f"{indent}{name}:"
                yield from self._field_lines(value, indent + "  ")
            elif isinstance(value, tuple):
                yield f"{indent}{name}:"
                for item in value:
                    first, *others = self._item_lines(item)
                    yield f"{indent}  - {first}"
                    yield from (f"{indent}    {line}" for line in others)
            elif name == "payload":
                yield f"{indent}{name + ':':{width}}{self._payload_text(value)}"
            elif name in _methods.SECRET_FIELDS and not self._show_secrets:
                yield f"{indent}{name + ':':{width}}hidden, {len(value)} bytes"
            else:
                yield f"{indent}{name + ':':{width}}{_text(value)}"

    def _item_lines(self, item: Any) -> list[str]:
        if isinstance(item, mqtt.Subscription):
            return list(self._field_lines(item, ""))
        return [": ".join(map(_text, item)) if isinstance(item, tuple) else _text(item)]

    def _payload_text(self, payload: Any) -> str:
        if not self._is_cut:
            return payload_as(self._payload or "auto", payload)
        if len(payload) <= _SHOWN_BYTES:
            return payload_as("auto", payload)
        part = payload[:_SHOWN_BYTES]
        try:
            text = _utf_8_part(part)  # The end may be within a character.
            shown = repr(text) if _is_text(text) else part.hex(" ")
        except UnicodeDecodeError:
            shown = part.hex(" ")
        return f"{shown}... ({len(payload)} bytes)"

    def fault(self, fault: Fault, *, colour: bool = False) -> str:
        """The lines that say where and why bytes are not a packet."""
        red, reset = (_RED, _RESET) if colour else ("", "")
        lines = [f"{self._prefix}{red}{line}{reset}" if not at else line for at, line in enumerate(self._lines(fault))]
        return "\n".join(lines) + "\n"

    def _lines(self, fault: Fault) -> Iterator[str]:
        error, offset, data = fault.error, fault.offset, fault.data
        packet_type, header = _packet_type(data), _fixed_header(data)
        # A CONNECT states its own version, which may not have been read.
        versioned = packet_type if packet_type == "CONNECT" else f"{packet_type}, {fault.version.title}"
        yield f"offset {offset}: {versioned}: {type(error).__name__}"
        yield f"  error:       {error}"
        if isinstance(error, mqtt.IncompletePacketError):
            required = "unknown" if header is None else header.packet_size
            yield f"  available:   {len(data)} bytes, required: {required}"
        if error.offset is not None:
            yield f"  at:          byte {error.offset} of the packet, {offset + error.offset} of the input"
        if error.clause is not None:
            yield f"  clause:      {error.clause}" + ", a rule without a number" * error.clause.startswith("U")
        if error.reason_code is not None:
            yield f"  reason code: {_text(error.reason_code)}, the answer of an MQTT 5.0 server"
        if error.offset is not None:
            end = len(data) if header is None else min(header.packet_size, len(data))
            yield from self._dump(data[:end], error.offset)

    def _dump(self, data: bytes, at: int) -> Iterator[str]:
        """The bytes around byte `at` of a packet, with that byte marked."""
        first = max(at - _SHOWN_AROUND, 0)
        window = data[first : at + _SHOWN_AROUND]
        hidden_from = len(data) if self._show_secrets else _SECRETS_FROM.get(data[0] >> 4, len(data))
        cells = [f"{byte:02x}" if place < hidden_from else ".." for place, byte in enumerate(window, first)]
        yield "  bytes:       " + " ".join(cells)
        yield " " * (15 + 3 * (at - first)) + "^^"
        if ".." in cells:
            yield "  .. is hidden: it may belong to a password or to authentication data"


class Json(_Writer):
    """An object for each packet or fault, on a line of its own."""

    def __init__(
        self,
        version: int,
        payload: str | None = None,
        *,
        show_secrets: bool = False,
        first: dict[str, str | int] | None = None,
    ) -> None:
        """`first`: what each object begins with."""
        super().__init__(version, payload, show_secrets=show_secrets)
        self._first = first or {}
        self.start = json.dumps({**self._first, "offset": 0}).removesuffix("0}")
        self.set_version(self.version)

    def set_version(self, version: mqtt.ProtocolVersion) -> None:
        self.version = version
        self._number = number_of(version)
        self._number_and_packet = f', "version": "{self._number}", "packet": {{"type": '

    def _publish(self, packet: mqtt.Publish, size: int) -> str:
        payload = packet.payload
        if packet.properties or packet.retain or packet.dup or not payload or self._payload:
            return self._packet(packet, size)
        qos = packet.qos
        quality = f', "qos": "{_QOS_NAMES[qos]}", "packet_id": {packet.packet_id}' if qos else ""
        return (
            f', "size": {size}{self._number_and_packet}"PUBLISH", "topic": {encode_basestring_ascii(packet.topic)}, '
            f'"payload": "{b2a_base64(payload, newline=False).decode()}"{quality}}}}}\n'
        )

    def _ack(self, packet: Any, size: int) -> str:
        if packet.reason_code or packet.properties:
            return self._packet(packet, size)
        kind = _UPPER[type(packet)]
        return f', "size": {size}{self._number_and_packet}"{kind}", "packet_id": {packet.packet_id}}}}}\n'

    def _packet(self, packet: Any, size: int) -> str:
        written = mqtt.to_dict(packet)
        if not self._show_secrets:
            for name in _methods.SECRET_FIELDS & written.keys():
                written[name] = {"hidden_size": len(getattr(packet, name))}
        found: dict[str, Any] = {"size": size, "version": self._number, "packet": written}
        if self._payload and isinstance(packet, mqtt.Publish):
            found["payload"] = json_payload(self._payload, packet.payload)
        return f", {json.dumps(found)[1:]}\n"

    def fault(self, fault: Fault) -> str:
        error, data = fault.error, fault.data
        header = _fixed_header(data)
        found = {
            "offset": fault.offset,
            "type": None if error.packet_type is None else error.packet_type.name,
            "size": None if header is None else header.packet_size,
            "available": len(data),
            "version": None if error.version is None else number_of(error.version),
            "exception": type(error).__name__,
            "message": str(error),
            "byte": error.offset,
            "clause": error.clause,
            "reason_code": None if error.reason_code is None else error.reason_code.name,
        }
        return json.dumps({**self._first, "error": found}) + "\n"


_QOS = {qos: f"{qos.name} ({qos.value})" for qos in mqtt.QoS}
_QOS_NAMES = {qos: qos.name for qos in mqtt.QoS}
_UPPER = {packet: packet.__name__.upper() for packet in PACKETS}
# The names of fields and their defaults, by class.
_FIELDS: dict[Any, list[tuple[str, Any]]] = {}


def number_of(version: mqtt.ProtocolVersion) -> str:
    """The version as `--mqtt-version` takes it and as JSON has it."""
    return version.title.removeprefix("MQTT ")


def changed(packet: Any) -> list[tuple[str, Any]]:
    """The names and values of the fields of a decoded packet that differ from their defaults."""
    cls: Any = type(packet)
    fields = _FIELDS.get(cls)
    if fields is None:
        fields = _FIELDS[cls] = list(_methods.fields(cls).items())
    values = packet._values
    return [
        (name, value)
        for (name, default), value in zip(fields, values, strict=True)
        if value is not default and value != default
    ]


def _text(value: Any) -> str:
    """A value in printable characters only, because a terminal would interpret others."""
    if isinstance(value, (mqtt.ReasonCode, mqtt.ConnectReturnCode)):
        return f"{value.name} (0x{value:02X})"
    if isinstance(value, Enum):
        return f"{value.name} ({value.value})"
    if isinstance(value, bytes) and len(value) > _SHOWN_BYTES:
        return f"{value[:_SHOWN_BYTES]!r}... ({len(value)} bytes)"
    if isinstance(value, str) and len(value) > _SHOWN_CHARACTERS:
        return f"{value[:_SHOWN_CHARACTERS]!r}... ({len(value)} characters)"
    return repr(value)


def _is_text(text: str) -> bool:
    return text.translate(_WHITE_SPACE).isprintable()


def _base64(data: Any) -> str:
    return base64.b64encode(data).decode("ascii")


def _utf_8_part(data: bytes) -> str:
    """Text whose last character may be incomplete."""
    return codecs.getincrementaldecoder("utf-8")().decode(data)


def payload_as(form: str, payload: Any) -> str:
    """A payload in printable characters. `auto` is text if it can be, and else hex."""
    if form == "json":
        try:
            return json.dumps(_json_value(payload))
        except (ValueError, RecursionError):
            form = "auto"
    if form == "base64":
        return _base64(payload)
    if form != "hex":
        try:
            text = payload.decode()
            if form == "text" or _is_text(text):
                return repr(text)
        except UnicodeDecodeError:
            if form == "text":
                return repr(payload)
    return payload.hex(" ")  # type: ignore[no-any-return]


def json_payload(form: str, payload: Any) -> Any:
    """A payload as a value for JSON."""
    if form == "json":
        try:
            return _json_value(payload)
        except (ValueError, RecursionError):
            form = "auto"
    if form == "base64":
        return _base64(payload)
    if form == "text":
        return payload.decode("utf-8", "backslashreplace")
    if form == "auto":
        try:
            return payload.decode()
        except UnicodeDecodeError:
            pass
    return payload.hex(" ")


def _json_value(payload: bytes) -> Any:
    def refuse(name: str) -> Any:
        raise ValueError(f"{name} is not JSON")

    return json.loads(payload, parse_constant=refuse)


def _fixed_header(data: bytes) -> mqtt.FixedHeader | None:
    """The fixed header of a packet, or None if it is incomplete or malformed."""
    try:
        return mqtt.peek(data)
    except mqtt.DecodeError:
        return None


def _packet_type(data: bytes) -> str:
    return mqtt.PacketType(data[0] >> 4).name if data[0] >> 4 else "packet type 0"
