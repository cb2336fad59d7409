"""Both implementations talk to a live Mosquitto and to its command line clients.

Every received packet is also encoded again (`broker.Connection`). No test waits for a period of time: to show that a
packet does not arrive, it waits for the next one.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

import broker as live
from mqttcodec import MQTTv5, MQTTv31, MQTTv311

VERSIONS = {MQTTv31: "3.1", MQTTv311: "3.1.1", MQTTv5: "5.0"}
OPTIONS = {MQTTv31: "mqttv31", MQTTv311: "mqttv311", MQTTv5: "5"}
USERNAME, PASSWORD = "zoë", "pässword"

only_5_0 = pytest.mark.parametrize("version", [MQTTv5], ids=["5.0"])
each_qos = pytest.mark.parametrize("qos", [0, 1, 2])

# The properties that a publisher may set on a message, in 5.0.
EXPIRY = 3600
MESSAGE_PROPERTIES: dict[str, Any] = {
    "payload_format_indicator": 1,
    "message_expiry_interval": EXPIRY,
    "response_topic": "réponse/à",
    "correlation_data": b"\x00\xff\x80",
    "content_type": "text/plain",
    "user_properties": (("unit", "°C"), ("unit", "K"), ("", "")),
}

_numbers = itertools.count(1)


@pytest.fixture(params=list(VERSIONS), ids=list(VERSIONS.values()))
def version(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def name() -> str:
    """A name that no other test uses: a topic, or a prefix of topics and client ids."""
    return f"test{next(_numbers)}"


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[live.Broker]:
    """A broker that accepts all users."""
    broker = live.Broker(tmp_path_factory.mktemp("broker"), "allow_anonymous true")
    yield broker
    broker.stop()


@pytest.fixture(scope="module")
def password_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[live.Broker]:
    """A broker that accepts one user."""
    directory = tmp_path_factory.mktemp("password_broker")
    passwords = live.password_file(directory, USERNAME, PASSWORD)
    broker = live.Broker(directory, "allow_anonymous false", f"password_file {passwords}")
    yield broker
    broker.stop()


@pytest.fixture(scope="module")
def tls_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[live.Broker]:
    """A broker behind TLS."""
    directory = tmp_path_factory.mktemp("tls_broker")
    certificate, key = live.certificate_and_key(directory)
    settings = ("allow_anonymous true", f"certfile {certificate}", f"keyfile {key}")
    broker = live.Broker(directory, *settings, certificate=certificate)
    yield broker
    broker.stop()


Open = Callable[..., live.Connection]


@pytest.fixture
def dial(mqtt: Any, version: Any) -> Iterator[Open]:
    """Opens connections to a broker, without sending anything, and closes them when the test ends."""
    connections = []

    def opened(to: live.Broker, connection_class: type[live.Connection] = live.Connection) -> live.Connection:
        connections.append(connection_class(mqtt, to.connected_socket(), version))
        return connections[-1]

    yield opened
    for connection in connections:
        connection.close()


@pytest.fixture
def connect(mqtt: Any, version: Any, broker: live.Broker, name: str, dial: Open) -> Open:
    """Opens connections to the broker, and exchanges CONNECT, with the given fields, and CONNACK."""
    client_ids = (f"{name}-{number}" for number in itertools.count(1))

    def connected(
        client_id: str | None = None,
        *,
        session_present: bool = False,
        connection_class: type[live.Connection] = live.Connection,
        **fields: Any,
    ) -> live.Connection:
        client = dial(broker, connection_class)
        client.send(mqtt.Connect(client_id or next(client_ids), protocol_version=version, **fields))
        answer = client.receive()
        assert type(answer) is mqtt.ConnAck
        assert answer.reason_code == mqtt.ReasonCode.SUCCESS
        assert answer.session_present is session_present
        return client

    return connected


def session(mqtt: Any, version: Any) -> dict[str, Any]:
    """The fields of CONNECT for a session that outlives the connection."""
    return {"clean_start": False} | ({"session_expiry_interval": EXPIRY} if version == mqtt.MQTTv5 else {})


def message_properties(mqtt: Any, version: Any) -> dict[str, Any]:
    return MESSAGE_PROPERTIES if version == mqtt.MQTTv5 else {}


def as_sent(message: Any) -> Any:
    """A received message with its original expiry interval. The broker subtracts the seconds that it kept it."""
    if message.message_expiry_interval is None:
        return message
    assert 0 < message.message_expiry_interval <= EXPIRY
    return message.replace(message_expiry_interval=EXPIRY)


def subscribe(mqtt: Any, client: live.Connection, topic_filter: str, qos: int = 0) -> None:
    client.send(mqtt.Subscribe(65_535, [mqtt.Subscription(topic_filter, qos)]))
    assert client.receive(mqtt.SubAck) == mqtt.SubAck(65_535, (qos,))


# Connecting


def test_connect_and_connack(mqtt: Any, version: Any, broker: live.Broker, name: str, dial: Open) -> None:
    client = dial(broker)
    client.send(mqtt.Connect(name, protocol_version=version))
    answer = client.receive()
    if version == mqtt.MQTTv5:
        assert answer.reason_code is mqtt.ReasonCode.SUCCESS
        assert answer.maximum_packet_size == 4_000_000
        assert answer.receive_maximum == 100
    else:
        assert answer == mqtt.ConnAck(False, mqtt.ConnectReturnCode.ACCEPTED)
        assert type(answer.reason_code) is mqtt.ConnectReturnCode


def test_connect_with_every_field(mqtt: Any, version: Any, broker: live.Broker, name: str, dial: Open) -> None:
    properties: dict[str, Any] = {}
    will_properties: dict[str, Any] = {}
    if version == mqtt.MQTTv5:
        will_properties = {"will_delay_interval": 1, **MESSAGE_PROPERTIES}
        properties = {
            "session_expiry_interval": 0,
            "receive_maximum": 1,
            "maximum_packet_size": 1000,
            "topic_alias_maximum": 0,
            "request_response_information": True,
            "request_problem_information": False,
            "user_properties": (("name", "value"),),
        }
    will = mqtt.Will(name, b"gone", 2, True, **will_properties)
    client = dial(broker)
    client.send(mqtt.Connect(name, True, 65_535, "nobody", b"\x00\xff", will, version, **properties))
    assert client.receive().reason_code == mqtt.ReasonCode.SUCCESS
    client.send(mqtt.PingReq(), mqtt.Disconnect())
    assert client.receive() == mqtt.PingResp()
    client.receive_end()


@only_5_0
def test_connect_without_client_id(mqtt: Any, broker: live.Broker, dial: Open) -> None:
    first, second = dial(broker), dial(broker)
    first.send(mqtt.Connect())
    second.send(mqtt.Connect())
    assert first.receive().assigned_client_identifier != second.receive().assigned_client_identifier


@only_5_0
def test_connect_with_an_authentication_method(mqtt: Any, broker: live.Broker, dial: Open) -> None:
    client = dial(broker)
    client.send(mqtt.Connect(authentication_method="unheard of", authentication_data=b"\x00"))
    assert client.receive() == mqtt.ConnAck(False, mqtt.ReasonCode.BAD_AUTHENTICATION_METHOD)
    client.receive_end()


def test_username_and_password(mqtt: Any, version: Any, password_broker: live.Broker, name: str, dial: Open) -> None:
    client = dial(password_broker)
    client.send(mqtt.Connect(name, True, 60, USERNAME, PASSWORD.encode(), protocol_version=version))
    assert client.receive().reason_code == mqtt.ReasonCode.SUCCESS
    client.send(mqtt.PingReq())
    assert client.receive() == mqtt.PingResp()


@pytest.mark.parametrize(
    ("username", "password"),
    [(USERNAME, b"wrong"), ("somebody else", PASSWORD.encode()), (USERNAME, None), (None, None)],
    ids=["wrong password", "unknown user", "no password", "anonymous"],
)
def test_refused_username_or_password(
    mqtt: Any,
    version: Any,
    password_broker: live.Broker,
    name: str,
    dial: Open,
    username: str | None,
    password: bytes | None,
) -> None:
    client = dial(password_broker)
    client.send(mqtt.Connect(name, True, 60, username, password, protocol_version=version))
    answer = client.receive()
    codes = mqtt.ReasonCode if version == mqtt.MQTTv5 else mqtt.ConnectReturnCode
    assert type(answer.reason_code) is codes
    assert answer.reason_code in (codes.NOT_AUTHORIZED, codes.BAD_USER_NAME_OR_PASSWORD)
    assert answer.session_present is False
    client.receive_end()


def test_tls(mqtt: Any, version: Any, tls_broker: live.Broker, name: str, dial: Open) -> None:
    client = dial(tls_broker)
    client.send(mqtt.Connect(name, protocol_version=version))
    assert client.receive().reason_code == mqtt.ReasonCode.SUCCESS
    subscribe(mqtt, client, name, 0)
    client.send(mqtt.Publish(name, bytes(100_000)))
    assert client.receive() == mqtt.Publish(name, bytes(100_000))
    client.send(mqtt.Disconnect())
    client.receive_end()


def test_ping_within_keep_alive(mqtt: Any, connect: Open) -> None:
    client = connect(keep_alive=10)
    for _ in range(3):
        client.send(mqtt.PingReq())
        assert client.receive() == mqtt.PingResp()


def test_second_connection_of_a_client_ends_the_first(mqtt: Any, version: Any, connect: Open, name: str) -> None:
    first = connect(name)
    second = connect(name)
    if version == mqtt.MQTTv5:
        # Some releases of Mosquitto send the code, others only close.
        with suppress(EOFError):
            assert first.receive() == mqtt.Disconnect(mqtt.ReasonCode.SESSION_TAKEN_OVER)
    first.receive_end()
    second.send(mqtt.PingReq())
    assert second.receive() == mqtt.PingResp()


@only_5_0
def test_disconnect_by_the_broker(mqtt: Any, broker: live.Broker, name: str, dial: Open) -> None:
    client = dial(broker)
    client.send(mqtt.Connect(name))
    topic_alias_maximum = client.receive().topic_alias_maximum or 0
    client.send(mqtt.Publish(name, topic_alias=topic_alias_maximum + 1))
    assert client.receive() == mqtt.Disconnect(mqtt.ReasonCode.TOPIC_ALIAS_INVALID)
    client.receive_end()


# Subscribing


def test_subscribe_and_unsubscribe(mqtt: Any, version: Any, connect: Open, name: str) -> None:
    client = connect()
    topic_filters = [f"{name}/+/c", f"{name}/a/#", name]
    client.send(
        mqtt.Subscribe(1, [mqtt.Subscription(topic_filter, qos) for qos, topic_filter in enumerate(topic_filters)])
    )
    assert client.receive() == mqtt.SubAck(1, (0, 1, 2))

    client.send(mqtt.Unsubscribe(2, [*topic_filters[:2], "never/subscribed"]))
    if version == mqtt.MQTTv5:
        reason_codes = (0, 0, mqtt.ReasonCode.NO_SUBSCRIPTION_EXISTED)
        assert client.receive() == mqtt.UnsubAck(2, reason_codes)
    else:
        assert client.receive() == mqtt.UnsubAck(2)

    client.send(mqtt.Publish(f"{name}/a/c", b"no longer"), mqtt.Publish(name, b"still"))
    assert client.receive() == mqtt.Publish(name, b"still")


@only_5_0
def test_subscription_identifiers(mqtt: Any, connect: Open, name: str) -> None:
    client = connect()
    identifiers = {f"{name}/one": 1, f"{name}/two": 128, f"{name}/three": 268_435_455}
    for packet_id, (topic, identifier) in enumerate(identifiers.items(), 1):
        subscriptions = [mqtt.Subscription(topic)]
        client.send(mqtt.Subscribe(packet_id, subscriptions, subscription_identifier=identifier))
        assert client.receive() == mqtt.SubAck(packet_id, (0,))
    for topic, identifier in identifiers.items():
        client.send(mqtt.Publish(topic))
        assert client.receive() == mqtt.Publish(topic, subscription_identifiers=(identifier,))


@only_5_0
def test_identifiers_of_overlapping_subscriptions(mqtt: Any, connect: Open, name: str) -> None:
    client = connect()
    for identifier, topic_filter in enumerate([f"{name}/#", f"{name}/+", name], 1):
        subscriptions = [mqtt.Subscription(topic_filter)]
        client.send(mqtt.Subscribe(identifier, subscriptions, subscription_identifier=identifier))
        assert client.receive() == mqtt.SubAck(identifier, (0,))
    client.send(mqtt.Publish(f"{name}/a"), mqtt.Publish(name, b"last"))
    # A broker may send one message with both identifiers, or one message for each (3.3.4).
    identifiers: list[int] = []
    while (message := client.receive()).payload != b"last":
        identifiers += message.subscription_identifiers
    assert sorted(identifiers) == [1, 2]


@only_5_0
def test_subscription_options(mqtt: Any, connect: Open, name: str) -> None:
    publisher, subscriber = connect(), connect()
    publisher.send(mqtt.Publish(name, b"retained", 1, True, packet_id=1))
    assert publisher.receive().packet_id == 1
    options = mqtt.Subscription(
        name,
        no_local=True,
        retain_as_published=True,
        retain_handling=mqtt.RetainHandling.DO_NOT_SEND,
    )
    subscriber.send(mqtt.Subscribe(1, [options], user_properties=[("name", "value")]))
    assert subscriber.receive() == mqtt.SubAck(1, (0,))
    subscriber.send(mqtt.Publish(name, b"own", 1, packet_id=1))
    assert subscriber.receive().packet_id == 1
    publisher.send(mqtt.Publish(name, b"other's", retain=True))
    assert subscriber.receive() == mqtt.Publish(name, b"other's", retain=True)


@only_5_0
def test_shared_subscription(mqtt: Any, connect: Open, name: str) -> None:
    publisher, first, second = connect(), connect(), connect()
    for client in (first, second):
        subscribe(mqtt, client, f"$share/group/{name}/#")
        subscribe(mqtt, client, f"{name}-end")
    payloads = [b"%d" % number for number in range(10)]
    publisher.send(*[mqtt.Publish(f"{name}/a", payload) for payload in payloads], mqtt.Publish(f"{name}-end"))
    received = []
    for client in (first, second):
        while (message := client.receive()).topic != f"{name}-end":
            received.append(message.payload)
    assert sorted(received) == payloads


# Publishing


def test_qos_0(mqtt: Any, version: Any, connect: Open, name: str) -> None:
    publisher, subscriber = connect(), connect()
    subscribe(mqtt, subscriber, name, 0)
    message = mqtt.Publish(name, b"21.5", **message_properties(mqtt, version))
    publisher.send(message)
    assert as_sent(subscriber.receive()) == message


def test_qos_1(mqtt: Any, version: Any, connect: Open, name: str) -> None:
    publisher, subscriber = connect(), connect()
    subscribe(mqtt, subscriber, name, 1)
    message = mqtt.Publish(name, b"21.5", 1, packet_id=7, **message_properties(mqtt, version))

    publisher.send(message)
    assert publisher.receive() == mqtt.PubAck(7)

    delivery = subscriber.receive()
    assert as_sent(delivery) == message.replace(packet_id=delivery.packet_id)
    subscriber.send(mqtt.PubAck(delivery.packet_id), mqtt.PingReq())
    assert subscriber.receive() == mqtt.PingResp()


def test_qos_2(mqtt: Any, version: Any, connect: Open, name: str) -> None:
    publisher, subscriber = connect(), connect()
    subscribe(mqtt, subscriber, name, 2)
    message = mqtt.Publish(name, b"21.5", 2, packet_id=65_535, **message_properties(mqtt, version))

    publisher.send(message)
    assert publisher.receive() == mqtt.PubRec(65_535)
    publisher.send(mqtt.PubRel(65_535))
    assert publisher.receive() == mqtt.PubComp(65_535)

    delivery = subscriber.receive()
    assert as_sent(delivery) == message.replace(packet_id=delivery.packet_id)
    subscriber.send(mqtt.PubRec(delivery.packet_id))
    assert subscriber.receive() == mqtt.PubRel(delivery.packet_id)
    subscriber.send(mqtt.PubComp(delivery.packet_id), mqtt.PingReq())
    assert subscriber.receive() == mqtt.PingResp()


@only_5_0
def test_puback_and_pubrec_when_nobody_subscribes(mqtt: Any, connect: Open, name: str) -> None:
    publisher = connect()
    publisher.send(mqtt.Publish(name, b"", 1, packet_id=1))
    assert publisher.receive() == mqtt.PubAck(1, mqtt.ReasonCode.NO_MATCHING_SUBSCRIBERS)
    publisher.send(mqtt.Publish(name, b"", 2, packet_id=2))
    answer = publisher.receive()
    assert answer.reason_code in (mqtt.ReasonCode.SUCCESS, mqtt.ReasonCode.NO_MATCHING_SUBSCRIBERS)
    assert answer == mqtt.PubRec(2, answer.reason_code)
    # With a reason code in its long form.
    publisher.send(mqtt.PubRel(2, mqtt.ReasonCode.SUCCESS, user_properties=[("name", "value")]))
    assert publisher.receive() == mqtt.PubComp(2)


@only_5_0
def test_pubrec_that_refuses(mqtt: Any, connect: Open, name: str) -> None:
    publisher, subscriber = connect(), connect()
    subscribe(mqtt, subscriber, name, 2)
    publisher.send(mqtt.Publish(name, b"refused", 2, packet_id=1))
    assert publisher.receive() == mqtt.PubRec(1)
    publisher.send(mqtt.PubRel(1))
    refused = subscriber.receive()
    subscriber.send(mqtt.PubRec(refused.packet_id, mqtt.ReasonCode.QUOTA_EXCEEDED, reason_string="not today"))
    publisher.send(mqtt.Publish(name, b"next"))
    assert subscriber.receive() == mqtt.Publish(name, b"next")  # And no PUBREL before it.


def test_payload_sizes(mqtt: Any, connect: Open, name: str) -> None:
    """On both sides of each step of the Remaining Length."""
    client = connect()
    subscribe(mqtt, client, name)
    for remaining_length in (128, 16_384, 2_097_152):
        for size in range(remaining_length - len(name) - 4, remaining_length - len(name) + 1):
            message = mqtt.Publish(name, b"\xa5" * size)
            with client.sending(message):
                assert client.receive() == message


def test_own_dup_is_delivered_once(mqtt: Any, connect: Open, name: str) -> None:
    publisher, subscriber = connect(), connect()
    subscribe(mqtt, subscriber, name, 0)
    message = mqtt.Publish(name, b"once", 2, packet_id=5)
    publisher.send(message)
    assert publisher.receive() == mqtt.PubRec(5)
    publisher.send(message.replace(dup=True))
    assert publisher.receive() == mqtt.PubRec(5)
    publisher.send(mqtt.PubRel(5))
    assert publisher.receive() == mqtt.PubComp(5)
    publisher.send(mqtt.Publish(name, b"next"))
    assert subscriber.receive() == mqtt.Publish(name, b"once")
    assert subscriber.receive() == mqtt.Publish(name, b"next")


def test_own_dup_on_a_new_connection(mqtt: Any, version: Any, connect: Open, name: str) -> None:
    lasting = session(mqtt, version)
    again = version != mqtt.MQTTv31  # 3.1 has no Session Present.
    publisher, subscriber = connect(f"{name}-p", **lasting), connect()
    subscribe(mqtt, subscriber, name, 0)
    message = mqtt.Publish(name, b"once", 2, packet_id=5)
    publisher.send(message)
    assert publisher.receive() == mqtt.PubRec(5)
    publisher.close()

    publisher = connect(f"{name}-p", session_present=again, **lasting)
    publisher.send(message.replace(dup=True))
    assert publisher.receive() == mqtt.PubRec(5)
    publisher.send(mqtt.PubRel(5))
    assert publisher.receive() == mqtt.PubComp(5)
    publisher.send(mqtt.Publish(name, b"next"))
    assert subscriber.receive() == mqtt.Publish(name, b"once")
    assert subscriber.receive() == mqtt.Publish(name, b"next")


def test_redelivery_at_qos_1(mqtt: Any, version: Any, connect: Open, name: str) -> None:
    lasting = session(mqtt, version)
    again = version != mqtt.MQTTv31
    publisher, subscriber = connect(), connect(f"{name}-s", **lasting)
    subscribe(mqtt, subscriber, name, 1)
    publisher.send(mqtt.Publish(name, b"twice", 1, packet_id=1, **message_properties(mqtt, version)))
    assert publisher.receive() == mqtt.PubAck(1)
    first = subscriber.receive()
    assert first.dup is False
    subscriber.close()

    subscriber = connect(f"{name}-s", session_present=again, **lasting)
    second = subscriber.receive()
    assert second.dup is True
    assert as_sent(second) == as_sent(first).replace(dup=True)
    subscriber.send(mqtt.PubAck(second.packet_id), mqtt.Disconnect())
    subscriber.receive_end()

    subscriber = connect(f"{name}-s", session_present=again, **lasting)
    subscriber.send(mqtt.PingReq())
    assert subscriber.receive() == mqtt.PingResp()


def test_redelivery_at_qos_2(mqtt: Any, version: Any, connect: Open, name: str) -> None:
    lasting = session(mqtt, version)
    again = version != mqtt.MQTTv31
    publisher, subscriber = connect(), connect(f"{name}-s", **lasting)
    subscribe(mqtt, subscriber, name, 2)
    publisher.send(mqtt.Publish(name, b"twice", 2, packet_id=1))
    assert publisher.receive() == mqtt.PubRec(1)
    publisher.send(mqtt.PubRel(1))
    assert publisher.receive() == mqtt.PubComp(1)
    first = subscriber.receive()
    assert first == mqtt.Publish(name, b"twice", 2, packet_id=first.packet_id)
    subscriber.close()

    subscriber = connect(f"{name}-s", session_present=again, **lasting)
    assert subscriber.receive() == first.replace(dup=True)
    subscriber.send(mqtt.PubRec(first.packet_id))
    assert subscriber.receive() == mqtt.PubRel(first.packet_id)
    subscriber.close()

    subscriber = connect(f"{name}-s", session_present=again, **lasting)
    assert subscriber.receive() == mqtt.PubRel(first.packet_id)
    subscriber.send(mqtt.PubComp(first.packet_id), mqtt.PingReq())
    assert subscriber.receive() == mqtt.PingResp()


@each_qos
def test_messages_kept_for_a_session(mqtt: Any, version: Any, connect: Open, name: str, qos: int) -> None:
    lasting = session(mqtt, version)
    publisher, subscriber = connect(), connect(f"{name}-s", **lasting)
    subscribe(mqtt, subscriber, name, qos)
    subscriber.send(mqtt.Disconnect())
    subscriber.receive_end()

    payloads = [b"first", b"second", b"third"]
    for packet_id, payload in enumerate(payloads, 1):
        publisher.send(mqtt.Publish(name, payload, 1, packet_id=packet_id))
        assert publisher.receive() == mqtt.PubAck(packet_id)

    subscriber = connect(f"{name}-s", session_present=version != mqtt.MQTTv31, **lasting)
    for payload in payloads:
        message = subscriber.receive()
        assert message == mqtt.Publish(name, payload, min(qos, 1), packet_id=message.packet_id)


@only_5_0
def test_topic_alias(mqtt: Any, broker: live.Broker, connect: Open, dial: Open, name: str) -> None:
    publisher, subscriber = dial(broker), connect()
    subscribe(mqtt, subscriber, f"{name}/#")
    publisher.send(mqtt.Connect(name))
    topic_alias_maximum = publisher.receive().topic_alias_maximum
    assert topic_alias_maximum > 1

    publisher.send(
        mqtt.Publish(f"{name}/a", b"1", topic_alias=1),
        mqtt.Publish(f"{name}/b", b"2", topic_alias=topic_alias_maximum),
        mqtt.Publish("", b"3", topic_alias=1),
        mqtt.Publish("", b"4", topic_alias=topic_alias_maximum),
        mqtt.Publish(f"{name}/c", b"5", topic_alias=1),
        mqtt.Publish("", b"6", topic_alias=1),
    )
    for topic, payload in [("a", b"1"), ("b", b"2"), ("a", b"3"), ("b", b"4"), ("c", b"5"), ("c", b"6")]:
        assert subscriber.receive() == mqtt.Publish(f"{name}/{topic}", payload)


def test_retained_message(mqtt: Any, version: Any, connect: Open, name: str) -> None:
    publisher = connect()
    message = mqtt.Publish(name, b"21.5", 1, True, packet_id=1, **message_properties(mqtt, version))
    publisher.send(message)
    assert publisher.receive(mqtt.PubAck).packet_id == 1

    subscriber = connect()
    subscribe(mqtt, subscriber, name, 1)
    retained = subscriber.receive(mqtt.Publish)
    assert as_sent(retained) == message.replace(packet_id=retained.packet_id)
    subscriber.send(mqtt.PubAck(retained.packet_id))

    publisher.send(message.replace(payload=b"", packet_id=2))
    assert publisher.receive() == mqtt.PubAck(2)
    deletion = subscriber.receive()
    expected = message.replace(payload=b"", retain=False, packet_id=deletion.packet_id)
    assert as_sent(deletion) == expected

    late = connect()
    subscribe(mqtt, late, name, 1)
    late.send(mqtt.PingReq())
    assert late.receive() == mqtt.PingResp()


@each_qos
def test_will(mqtt: Any, version: Any, connect: Open, name: str, qos: int) -> None:
    watcher = connect()
    subscribe(mqtt, watcher, name, 2)
    properties = message_properties(mqtt, version)
    mortal = connect(will=mqtt.Will(name, b"gone", qos, **properties))
    mortal.close()
    message = watcher.receive()
    assert as_sent(message) == mqtt.Publish(name, b"gone", qos, packet_id=message.packet_id, **properties)


def test_retained_will(mqtt: Any, version: Any, connect: Open, name: str) -> None:
    watcher = connect()
    subscribe(mqtt, watcher, name)
    properties = message_properties(mqtt, version)
    mortal = connect(will=mqtt.Will(name, b"gone", 0, True, **properties))
    mortal.close()
    assert as_sent(watcher.receive()) == mqtt.Publish(name, b"gone", **properties)
    subscribe(mqtt, watcher, name)
    assert as_sent(watcher.receive(mqtt.Publish)) == mqtt.Publish(name, b"gone", retain=True, **properties)


def test_no_will_after_disconnect(mqtt: Any, connect: Open, name: str) -> None:
    watcher = connect()
    subscribe(mqtt, watcher, name)
    client = connect(will=mqtt.Will(name, b"gone"))
    client.send(mqtt.Publish(name, b"still there"), mqtt.Disconnect())
    client.receive_end()
    watcher.send(mqtt.Publish(name, b"next"))
    assert watcher.receive() == mqtt.Publish(name, b"still there")
    assert watcher.receive() == mqtt.Publish(name, b"next")


@only_5_0
def test_will_after_disconnect_with_will_message(mqtt: Any, connect: Open, name: str) -> None:
    watcher = connect()
    subscribe(mqtt, watcher, name)
    client = connect(will=mqtt.Will(name, b"gone"))
    client.send(mqtt.Disconnect(mqtt.ReasonCode.DISCONNECT_WITH_WILL_MESSAGE))
    client.receive_end()
    assert watcher.receive() == mqtt.Publish(name, b"gone")


# Streams


@pytest.mark.parametrize("connection_class", [live.Connection, live.LentBufferConnection], ids=["feed", "get_buffer"])
def test_ten_thousand_messages_in_one_stream(
    mqtt: Any, connect: Open, name: str, connection_class: type[live.Connection]
) -> None:
    client = connect(connection_class=connection_class)
    subscribe(mqtt, client, f"{name}/+")
    messages = [mqtt.Publish(f"{name}/{number % 7}", b"%d" % number * (number % 50)) for number in range(10_000)]
    with client.sending(*messages):
        received = [client.receive() for _ in messages]
    assert received == messages


@pytest.mark.parametrize("qos", [1, 2])
def test_ten_thousand_messages_with_acknowledgements(mqtt: Any, connect: Open, name: str, qos: int) -> None:
    """The client is publisher and subscriber at once, with up to 100 messages in flight."""
    client = connect()
    subscribe(mqtt, client, name, qos)
    payloads = [b"%d" % number for number in range(10_000)]
    received = []
    for start in range(0, len(payloads), 100):
        window = payloads[start : start + 100]
        client.send(*[mqtt.Publish(name, payload, qos, packet_id=start + n) for n, payload in enumerate(window, 1)])
        underway = 2 * len(window)
        while underway:
            answers: list[Any] = []
            for packet in client.receive_some():
                match packet:
                    case mqtt.Publish(payload=payload, packet_id=packet_id):
                        received.append(payload)
                        answers.append(mqtt.PubAck(packet_id) if qos == 1 else mqtt.PubRec(packet_id))
                        underway -= qos == 1
                    case mqtt.PubRec(packet_id=packet_id):
                        answers.append(mqtt.PubRel(packet_id))
                    case mqtt.PubRel(packet_id=packet_id):
                        answers.append(mqtt.PubComp(packet_id))
                        underway -= 1
                    case mqtt.PubAck() | mqtt.PubComp():
                        underway -= 1
                    case _:
                        pytest.fail(f"unexpected {packet!r}")
            client.send(*answers)
    assert received == payloads


# mosquitto_pub and mosquitto_sub on the other side of the broker


@each_qos
def test_from_mosquitto_pub(mqtt: Any, version: Any, broker: live.Broker, connect: Open, name: str, qos: int) -> None:
    subscriber = connect()
    subscribe(mqtt, subscriber, name, 2)
    live.run("mosquitto_pub", *broker.address, "-V", OPTIONS[version], "-t", name, "-q", qos, "-m", "21,5 °C")
    message = subscriber.receive()
    assert message == mqtt.Publish(name, "21,5 °C".encode(), qos, packet_id=message.packet_id)


@only_5_0
def test_from_mosquitto_pub_with_properties(mqtt: Any, broker: live.Broker, connect: Open, name: str) -> None:
    subscriber = connect()
    subscribe(mqtt, subscriber, name)
    publishing = ["-V", "5", "-t", name, "-m", "21.5", "-r", "-D", "connect", "user-property", "a", "b"]
    properties = [
        ("payload-format-indicator", 1),
        ("message-expiry-interval", EXPIRY),
        ("topic-alias", 1),
        ("response-topic", "réponse/à"),
        ("correlation-data", "request 1"),
        ("content-type", "text/plain"),
        ("user-property", "unit", "°C"),
        ("user-property", "unit", "K"),
    ]
    options = [option for words in properties for option in ("-D", "publish", *words)]
    live.run("mosquitto_pub", *broker.address, *publishing, *options)
    expected = mqtt.Publish(
        name,
        b"21.5",
        payload_format_indicator=1,
        message_expiry_interval=EXPIRY,
        response_topic="réponse/à",
        correlation_data=b"request 1",
        content_type="text/plain",
        user_properties=(("unit", "°C"), ("unit", "K")),
    )
    assert as_sent(subscriber.receive()) == expected


def test_many_lines_from_mosquitto_pub(mqtt: Any, version: Any, broker: live.Broker, connect: Open, name: str) -> None:
    subscriber = connect()
    subscribe(mqtt, subscriber, name)
    lines = [f"line {number}" for number in range(1000)]
    publishing = ["-V", OPTIONS[version], "-t", name, "-q", 1, "-l"]
    live.run("mosquitto_pub", *broker.address, *publishing, lines="\n".join(lines) + "\n")
    assert [subscriber.receive() for _ in lines] == [mqtt.Publish(name, line.encode()) for line in lines]


def mosquitto_sub(broker: live.Broker, version: Any, name: str, *options: object) -> str:
    """Run `mosquitto_sub` with a persistent session, so that messages can be sent before it runs."""
    subscribing = ["-V", OPTIONS[version], "-i", f"{name}-sub", "-c", "-t", f"{name}/#", "-q", 2, "-W", live.TIMEOUT]
    return live.run("mosquitto_sub", *broker.address, *subscribing, *options)


def test_to_mosquitto_sub(mqtt: Any, version: Any, broker: live.Broker, connect: Open, name: str) -> None:
    mosquitto_sub(broker, version, name, "-E")
    publisher = connect()
    publisher.send(
        mqtt.Publish(f"{name}/a", b"0"),
        mqtt.Publish(f"{name}/é", "1 °C".encode(), 1, packet_id=1),
        mqtt.Publish(f"{name}/c", b"", 2, packet_id=2),
        mqtt.PubRel(2),
    )
    assert publisher.receive() == mqtt.PubAck(1)
    assert publisher.receive() == mqtt.PubRec(2)
    assert publisher.receive() == mqtt.PubComp(2)
    printed = mosquitto_sub(broker, version, name, "-C", 3, "-F", "%t|%q|%r|%l|%p")
    assert printed.splitlines() == [f"{name}/a|0|0|1|0", f"{name}/é|1|0|5|1 °C", f"{name}/c|2|0|0|"]


@only_5_0
def test_to_mosquitto_sub_with_properties(
    mqtt: Any, version: Any, broker: live.Broker, connect: Open, name: str
) -> None:
    identified = ["-D", "subscribe", "subscription-identifier", 42]
    mosquitto_sub(broker, version, name, "-E", *identified)
    publisher = connect()
    properties = MESSAGE_PROPERTIES | {"correlation_data": b"request 1", "user_properties": [("a", "1"), ("b", "2")]}
    publisher.send(mqtt.Publish(f"{name}/a", b"21.5", 1, packet_id=1, **properties))
    assert publisher.receive() == mqtt.PubAck(1)
    printed = mosquitto_sub(broker, version, name, "-C", 1, *identified, "-F", "%F|%R|%D|%C|%P|%S|%E")
    *values, expiry = printed.rstrip("\n").split("|")
    assert values == ["1", "réponse/à", "request 1", "text/plain", "a:1 b:2", "42"]
    assert 0 < int(expiry) <= EXPIRY


def test_retained_message_to_mosquitto_sub(
    mqtt: Any, version: Any, broker: live.Broker, connect: Open, name: str
) -> None:
    publisher = connect()
    publisher.send(mqtt.Publish(f"{name}/a", b"kept", 1, True, packet_id=1))
    assert publisher.receive().packet_id == 1
    assert mosquitto_sub(broker, version, name, "-C", 1, "-F", "%t|%q|%r|%p") == f"{name}/a|1|1|kept\n"


# mosquitto_pub and mosquitto_sub as clients of the test: the codec in the role of the server


def test_server_to_mosquitto_pub(mqtt: Any, version: Any, name: str) -> None:
    will = ["--will-topic", f"{name}/will", "--will-payload", "gone", "--will-qos", 1, "--will-retain"]
    connecting = ["-V", OPTIONS[version], "-i", name, "-k", 30, "-u", USERNAME, "-P", PASSWORD, *will]
    publishing = ["-t", f"{name}/é", "-q", 2, "-r", "-m", "21.5"]
    if version == mqtt.MQTTv5:
        connecting += [
            "-x",
            100,
            "-D",
            "connect",
            "user-property",
            "a",
            "b",
            "-D",
            "will",
            "content-type",
            "text/plain",
        ]
        publishing += ["-D", "publish", "user-property", "c", "d", "-D", "publish", "payload-format-indicator", 1]
    with (
        live.Listener() as listener,
        live.running("mosquitto_pub", *listener.address, *connecting, *publishing) as client,
    ):
        server = listener.accept(mqtt)
        packet = server.receive()
        assert type(packet) is mqtt.Connect
        assert (packet.protocol_version, packet.client_id, packet.keep_alive) == (version, name, 30)
        assert (packet.username, packet.password) == (USERNAME, PASSWORD.encode())
        expected_will = mqtt.Will(f"{name}/will", b"gone", 1, True)
        if version == mqtt.MQTTv5:
            assert packet.session_expiry_interval == 100
            assert packet.user_properties == (("a", "b"),)
            expected_will = expected_will.replace(content_type="text/plain")
        assert packet.will == expected_will
        server.send(mqtt.ConnAck())

        packet = server.receive()
        expected = mqtt.Publish(f"{name}/é", b"21.5", 2, True, packet_id=packet.packet_id)
        if version == mqtt.MQTTv5:
            expected = expected.replace(payload_format_indicator=1, user_properties=(("c", "d"),))
        assert packet == expected
        server.send(mqtt.PubRec(packet.packet_id))
        assert server.receive() == mqtt.PubRel(packet.packet_id)
        server.send(mqtt.PubComp(packet.packet_id))
        assert server.receive() == mqtt.Disconnect()
        server.receive_end()
        assert client.wait(live.TIMEOUT) == 0


def test_server_to_mosquitto_sub(mqtt: Any, version: Any, name: str) -> None:
    subscribing = ["-V", OPTIONS[version], "-i", name, "-t", f"{name}/#", "-t", "b", "-q", 1, "-C", 2, "-F", "%t|%p"]
    subscription, properties = {}, {}
    if version == mqtt.MQTTv5:
        subscribing += ["--retain-as-published", "-D", "subscribe", "subscription-identifier", 300]
        subscription = {"retain_as_published": True}
        properties = {"subscription_identifier": 300}
    with live.Listener() as listener, live.running("mosquitto_sub", *listener.address, *subscribing) as client:
        server = listener.accept(mqtt)
        assert server.receive().client_id == name
        server.send(mqtt.ConnAck())

        packet = server.receive()
        topic_filters = (f"{name}/#", "b")
        subscriptions = tuple(mqtt.Subscription(topic_filter, 1, **subscription) for topic_filter in topic_filters)
        assert packet == mqtt.Subscribe(packet.packet_id, subscriptions, **properties)
        server.send(
            mqtt.SubAck(packet.packet_id, [1, 0]),
            mqtt.Publish(f"{name}/é", b"1", 1, packet_id=500, **message_properties(mqtt, version)),
            mqtt.Publish("b", b"2"),
        )
        assert server.receive() == mqtt.PubAck(500)
        assert server.receive() == mqtt.Disconnect()
        server.receive_end()
        assert client.stdout is not None
        assert client.stdout.read().splitlines() == [f"{name}/é|1", "b|2"]
        assert client.wait(live.TIMEOUT) == 0
