"""What outlives a connection: sessions, subscriptions, retained messages, wills. Messages find their clients here."""

from __future__ import annotations

import asyncio
import secrets
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from mqttcodec import Connect, Publish, ReasonCode, RetainHandling, Subscription, Will, encoded_size
from mqttcodec.session import Session
from mqttcodec.topics import TopicMatcher, TopicTree

from .passwords import Passwords
from .settings import Settings

if TYPE_CHECKING:
    from .protocol import BrokerProtocol


class Stored(NamedTuple):
    """A message that waits: its size, and when it came."""

    publish: Publish
    size: int
    time: float

    def at(self, now: float) -> Publish | None:
        """The message with the rest of its Message Expiry Interval [MQTT-3.3.2-6]; None when that is over."""
        if self.publish.message_expiry_interval is None:
            return self.publish
        left = self.publish.message_expiry_interval - int(now - self.time)
        return self.publish.replace(message_expiry_interval=left) if left > 0 else None


class Subscriber(NamedTuple):
    """How a client wants the messages of a topic filter."""

    qos: int
    no_local: bool = False
    retain_as_published: bool = False
    identifiers: tuple[int, ...] = ()

    def merged(self, other: Subscriber) -> Subscriber:
        """For one copy of a message that two topic filters match [MQTT-3.3.4-2]."""
        as_published = self.retain_as_published or other.retain_as_published
        return Subscriber(max(self.qos, other.qos), False, as_published, self.identifiers + other.identifiers)

    def copy(self, publish: Publish, retain: bool, version: int) -> Publish:
        """The message to send."""
        qos = min(publish.qos, self.qos)
        if version < 5:
            return Publish(publish.topic, publish.payload, qos, retain)
        identifiers = self.identifiers
        if publish.qos == 0 and publish.retain == retain and not identifiers:
            return publish
        return publish.replace(qos=qos, retain=retain, dup=False, packet_id=None, subscription_identifiers=identifiers)


class Client:
    """A client for as long as its session lasts. `protocol` is its connection, if there is one."""

    def __init__(self, broker: Broker, client_id: str) -> None:
        self.broker, self.client_id = broker, client_id
        self.session: Session | None = None
        self.subscriptions: set[str] = set()
        self.queue: deque[Stored] = deque()
        self.protocol: BrokerProtocol | None = None
        self.will: Will | None = None
        self.timers: list[asyncio.TimerHandle] = []

    def connected(self, protocol: BrokerProtocol, will: Will | None) -> None:
        self.broker.clients[self.client_id] = self
        self.protocol, self.session, self.will = protocol, protocol.connection.session, will
        self.cancel_timers()
        self.send_queue()

    def disconnected(self) -> None:
        """Wait for the next connection until the session expires."""
        self.protocol = None
        assert self.session is not None
        delay = self.will.will_delay_interval if self.will else None
        self.call_later(delay or 0, self.publish_will)
        self.call_later(min(self.session.expiry_interval, self.broker.settings.max_session_expiry), self.end)

    def call_later(self, seconds: float, call: Callable[[], None]) -> None:
        if seconds:
            self.timers.append(self.broker.loop.call_later(seconds, call))
        else:
            call()

    def cancel_timers(self) -> None:
        while self.timers:
            self.timers.pop().cancel()

    def end(self) -> None:
        """End the session, which publishes a will that is delayed [MQTT-3.1.3-9]."""
        self.cancel_timers()
        del self.broker.clients[self.client_id]
        for topic_filter in list(self.subscriptions):
            self.broker.unsubscribe(self, topic_filter)
        while self.queue:
            self.broker.forget(self.queue.popleft())
        self.publish_will()

    def publish_will(self) -> None:
        will, self.will = self.will, None
        if will is not None:
            self.broker.publish(will.to_publish(), self)

    def deliver(self, publish: Publish) -> None:
        """Send a message now. If that is not possible, store it for later, or drop it at QoS 0."""
        is_next = publish.qos == 0 or not self.queue
        if self.protocol is not None and is_next and self.protocol.send(publish):
            return
        if publish.qos and len(self.queue) < self.broker.settings.max_queued:
            stored = self.broker.stored(publish)
            if stored is not None:
                self.queue.append(stored)

    def send_queue(self) -> None:
        """Send what is stored, as far as Receive Maximum allows."""
        now = self.broker.loop.time()
        while self.queue and self.protocol is not None:
            publish = self.queue[0].at(now)
            if publish is not None:
                if self.protocol.version < 5:
                    publish = Publish(publish.topic, publish.payload, publish.qos, publish.retain)
                if not self.protocol.send(publish):
                    break
            self.broker.forget(self.queue.popleft())


Group = OrderedDict[Client, Subscriber]
"""The subscribers of a topic filter. The members of a shared subscription take turns, and the first one is next."""


class Broker:
    """The clients, their subscriptions, and the retained messages."""

    def __init__(self, settings: Settings | None = None, passwords: Passwords | None = None) -> None:
        self.settings = settings or Settings()
        self.passwords = passwords
        self.loop = asyncio.get_running_loop()
        self.protocols: set[BrokerProtocol] = set()
        self.clients: dict[str, Client] = {}
        self.subscriptions: TopicMatcher[Group] = TopicMatcher()
        self.retained: TopicTree[Stored] = TopicTree()
        self.stored_bytes = 0

    def client(self, connect: Connect) -> Client | None:
        """The client that connects, with its session or without one; None if there are too many."""
        client = self.clients.get(connect.client_id)
        if client is not None and client.protocol is not None:
            client.protocol.close(ReasonCode.SESSION_TAKEN_OVER)  # [MQTT-3.1.4-3]
        if client is not None and connect.clean_start and client.client_id in self.clients:
            client.end()  # [MQTT-3.1.2-4]
        if connect.client_id in self.clients:
            return client
        if len(self.clients) >= self.settings.max_sessions:
            return None
        return Client(self, connect.client_id or f"auto-{secrets.token_hex(8)}")

    def publish(self, publish: Publish, sender: Client) -> ReasonCode:
        """Send a message to its subscribers, and retain it if it says so."""
        reason_code = self.retain(publish) if publish.retain else ReasonCode.SUCCESS
        copies: dict[tuple[Subscriber, int], Publish] = {}
        for client, subscriber in self.subscribers(publish.topic).items():
            if subscriber.no_local and client is sender:
                continue
            version = client.protocol.version if client.protocol else 5
            copy = copies.get((subscriber, version))
            if copy is None:
                retain = publish.retain and subscriber.retain_as_published
                copy = copies[subscriber, version] = subscriber.copy(publish, retain, version)
            client.deliver(copy)
        return reason_code

    def subscribers(self, topic: str) -> Group:
        matches = self.subscriptions.match_items(topic)
        if len(matches) == 1 and not matches[0][0].startswith("$share/"):
            return matches[0][1]
        found: Group = OrderedDict()
        for topic_filter, group in matches:
            for client, subscriber in [next_member(group)] if topic_filter.startswith("$share/") else group.items():
                found[client] = subscriber.merged(found[client]) if client in found else subscriber
        return found

    def retain(self, publish: Publish) -> ReasonCode:
        self.forget(self.retained.pop(publish.topic, None))
        if publish.payload:  # [MQTT-3.3.1-6]
            is_allowed = len(self.retained) < self.settings.max_retained and self.has_levels(publish.topic)
            stored = self.stored(publish) if is_allowed else None
            if stored is None:
                return ReasonCode.QUOTA_EXCEEDED
            self.retained[publish.topic] = stored
        return ReasonCode.SUCCESS

    def stored(self, publish: Publish) -> Stored | None:
        """A message to keep, if there is room for it."""
        size = encoded_size(publish.replace(packet_id=1) if publish.qos else publish)
        if self.stored_bytes + size > self.settings.max_stored_bytes:
            return None
        self.stored_bytes += size
        return Stored(publish, size, self.loop.time())

    def forget(self, stored: Stored | None) -> None:
        self.stored_bytes -= stored.size if stored else 0

    def has_levels(self, topic: str) -> bool:
        return topic.count("/") < self.settings.max_levels

    def subscribe(self, client: Client, subscription: Subscription, identifier: int | None) -> tuple[int, bool]:
        """The reason code, and whether retained messages follow."""
        topic_filter, handling = subscription.topic_filter, subscription.retain_handling
        is_new = topic_filter not in client.subscriptions
        if not self.has_levels(topic_filter):
            return ReasonCode.TOPIC_FILTER_INVALID, False
        if is_new and len(client.subscriptions) >= self.settings.max_subscriptions:
            return ReasonCode.QUOTA_EXCEEDED, False
        options = subscription.qos, subscription.no_local, subscription.retain_as_published
        group = self.subscriptions.setdefault(topic_filter, OrderedDict())
        group[client] = Subscriber(*options, () if identifier is None else (identifier,))
        client.subscriptions.add(topic_filter)
        is_wanted = handling == RetainHandling.SEND_AT_SUBSCRIBE or (
            is_new and handling == RetainHandling.SEND_AT_SUBSCRIBE_IF_NEW
        )
        return subscription.qos, is_wanted and not topic_filter.startswith("$share/")

    def unsubscribe(self, client: Client, topic_filter: str) -> ReasonCode:
        if topic_filter not in client.subscriptions:
            return ReasonCode.NO_SUBSCRIPTION_EXISTED
        client.subscriptions.remove(topic_filter)
        group = self.subscriptions[topic_filter]
        del group[client]
        if not group:
            del self.subscriptions[topic_filter]
        return ReasonCode.SUCCESS

    def send_retained(self, client: Client, topic_filter: str, version: int) -> None:
        subscriber = self.subscriptions[topic_filter][client]
        for topic, stored in self.retained.match(topic_filter):
            publish = stored.at(self.loop.time())
            if publish is None:
                self.forget(self.retained.pop(topic))
            else:
                client.deliver(subscriber.copy(publish, True, version))


def next_member(group: Group) -> tuple[Client, Subscriber]:
    """The member of a shared subscription whose turn it is, a connected one if there is one."""
    for _ in range(len(group)):
        client, subscriber = next(iter(group.items()))
        group.move_to_end(client)
        if client.protocol is not None:
            break
    return client, subscriber
