"""What outlives a connection: sessions, subscriptions, retained messages, wills. It routes messages to clients."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from mqttcodec import Publish, ReasonCode, RetainHandling, Subscription, Will, encoded_size
from mqttcodec.session import QueueFullError, Session
from mqttcodec.topics import TopicMatcher, TopicTree, split_shared

from .passwords import Passwords
from .settings import Settings

if TYPE_CHECKING:
    from .protocol import BrokerProtocol

NEVER = 0xFFFF_FFFF  # The Session Expiry Interval of a session that does not expire.


class Stored(NamedTuple):
    """A message that is kept: when it arrived, and its size."""

    publish: Publish
    time: float
    size: int

    def now(self, time: float) -> Publish | None:
        """The message with the rest of its Message Expiry Interval [MQTT-3.3.2-6], None if that is over."""
        interval = self.publish.message_expiry_interval
        if interval is None:
            return self.publish
        left = interval - int(time - self.time)
        return self.publish.replace(message_expiry_interval=left) if left > 0 else None


class Subscriber(NamedTuple):
    """How a client gets the messages of a subscription."""

    qos: int
    no_local: bool
    retain_as_published: bool
    identifiers: tuple[int, ...]

    def merged(self, other: Subscriber) -> Subscriber:
        """One copy for two subscriptions of a client that match [MQTT-3.3.4-2]."""
        retain_as_published = self.retain_as_published or other.retain_as_published
        return Subscriber(max(self.qos, other.qos), False, retain_as_published, self.identifiers + other.identifiers)

    def copy(self, publish: Publish, retain: bool, version: int) -> Publish:
        """The message to send."""
        qos = min(publish.qos, self.qos)
        if version < 5:
            return Publish(publish.topic, publish.payload, qos, retain)
        if publish.qos == 0 and publish.retain == retain and not self.identifiers:
            return publish
        return publish.replace(
            qos=qos, retain=retain, dup=False, packet_id=None, subscription_identifiers=self.identifiers
        )


Group = OrderedDict["Client", Subscriber]
"""The subscribers of a topic filter. The members of a shared subscription take turns, the first one is next."""


class Client:
    """A client, for as long as its session lasts. `protocol` is its connection, if there is one."""

    def __init__(self, broker: Broker, client_id: str) -> None:
        self.broker = broker
        self.client_id = client_id
        self.session = Session()
        self.subscriptions: set[str] = set()
        self.queue: deque[Stored] = deque()
        self.protocol: BrokerProtocol | None = None
        self.will: Will | None = None
        self.will_timer: asyncio.TimerHandle | None = None
        self.expiry_timer: asyncio.TimerHandle | None = None

    def deliver(self, publish: Publish) -> None:
        """Send a message, or keep it until it can be sent."""
        protocol = self.protocol
        if publish.qos == 0:
            if protocol is not None and not protocol.is_slow:
                protocol.send(publish)
            return
        if protocol is not None and not self.queue:
            try:
                return protocol.send(publish)
            except QueueFullError:
                pass  # The Receive Maximum is reached.
        if len(self.queue) < self.broker.settings.max_queued:
            stored = self.broker.stored(publish)
            if stored is not None:
                self.queue.append(stored)

    def send_queue(self) -> None:
        """Send what waits, as far as the Receive Maximum allows."""
        outgoing = self.session.outgoing
        while self.queue and self.protocol and outgoing.in_flight + outgoing.queued < outgoing.receive_maximum:
            stored = self.queue.popleft()
            self.broker.forget(stored)
            publish = stored.now(self.broker.loop.time())
            if publish is not None:
                if self.protocol.version < 5:
                    publish = Publish(publish.topic, publish.payload, publish.qos, publish.retain)
                self.protocol.send(publish)

    def connected(self, protocol: BrokerProtocol, session: Session, will: Will | None) -> None:
        self.protocol, self.session, self.will = protocol, session, will
        for timer in (self.will_timer, self.expiry_timer):
            if timer is not None:
                timer.cancel()
        self.will_timer = self.expiry_timer = None
        self.send_queue()

    def disconnected(self) -> None:
        """Begin to wait for the next connection."""
        self.protocol = None
        expiry = min(self.session.expiry_interval, self.broker.settings.max_session_expiry)
        if expiry == 0:
            return self.end()
        self.expiry_timer = self.broker.loop.call_later(expiry, self.end)
        if self.will is not None and self.will.will_delay_interval:
            self.will_timer = self.broker.loop.call_later(self.will.will_delay_interval, self.publish_will)
        else:
            self.publish_will()

    def publish_will(self) -> None:
        will, self.will = self.will, None
        if will is not None:
            self.broker.publish(will.to_publish(), self)

    def end(self) -> None:
        """End the session."""
        for timer in (self.will_timer, self.expiry_timer):
            if timer is not None:
                timer.cancel()
        del self.broker.clients[self.client_id]
        for topic_filter in list(self.subscriptions):
            self.broker.unsubscribe(self, topic_filter)
        while self.queue:
            self.broker.forget(self.queue.popleft())
        self.publish_will()


class Broker:
    """The clients and their subscriptions, and the retained messages."""

    def __init__(self, settings: Settings | None = None, passwords: Passwords | None = None) -> None:
        self.settings = settings or Settings()
        self.passwords = passwords
        self.loop = asyncio.get_running_loop()
        self.clients: dict[str, Client] = {}
        self.protocols: set[BrokerProtocol] = set()
        self.subscriptions: TopicMatcher[Group] = TopicMatcher()
        self.retained: TopicTree[Stored] = TopicTree()
        self.stored_bytes = 0

    def client(self, client_id: str, clean_start: bool) -> Client | None:
        """The client of an identifier, with its session or a new one; None if there are too many."""
        client = self.clients.get(client_id)
        if client is not None and client.protocol is not None:
            client.protocol.close(ReasonCode.SESSION_TAKEN_OVER)  # [MQTT-3.1.4-3]
            client = self.clients.get(client_id)
        if client is not None and clean_start:
            client.end()  # [MQTT-3.1.2-4]
            client = None
        if client is None and len(self.clients) < self.settings.max_sessions:
            client = self.clients[client_id] = Client(self, client_id)
        return client

    # --- Messages.

    def publish(self, publish: Publish, sender: Client) -> ReasonCode:
        """Send a message to its subscribers, and retain it if it says so."""
        reason_code = self.retain(publish) if publish.retain else ReasonCode.SUCCESS
        copies: dict[tuple[Subscriber, int], Publish] = {}
        for client, subscriber in self.subscribers(publish.topic).items():
            if subscriber.no_local and client is sender:
                continue
            version = 5 if client.protocol is None else client.protocol.version
            copy = copies.get((subscriber, version))
            if copy is None:
                retain = publish.retain and subscriber.retain_as_published
                copy = copies[subscriber, version] = subscriber.copy(publish, retain, version)
            client.deliver(copy)
        return reason_code

    def subscribers(self, topic: str) -> Mapping[Client, Subscriber]:
        matches = self.subscriptions.match_items(topic)
        if len(matches) == 1 and not matches[0][0].startswith("$share/"):
            return matches[0][1]
        found: dict[Client, Subscriber] = {}
        for topic_filter, group in matches:
            for client, subscriber in [next_member(group)] if topic_filter.startswith("$share/") else group.items():
                found[client] = subscriber.merged(found[client]) if client in found else subscriber
        return found

    def retain(self, publish: Publish) -> ReasonCode:
        old = self.retained.pop(publish.topic, None)
        if old is not None:
            self.forget(old)
        if publish.payload:
            if len(self.retained) >= self.settings.max_retained or self.is_deep(publish.topic):
                return ReasonCode.QUOTA_EXCEEDED
            stored = self.stored(publish)
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
        return Stored(publish, self.loop.time(), size)

    def forget(self, stored: Stored) -> None:
        self.stored_bytes -= stored.size

    def is_deep(self, topic: str) -> bool:
        return topic.count("/") >= self.settings.max_levels

    # --- Subscriptions.

    def subscribe(self, client: Client, subscription: Subscription, identifier: int | None) -> tuple[int, bool]:
        """The reason code, and whether retained messages follow."""
        topic_filter = subscription.topic_filter
        is_new = topic_filter not in client.subscriptions
        if is_new and len(client.subscriptions) >= self.settings.max_subscriptions or self.is_deep(topic_filter):
            return ReasonCode.QUOTA_EXCEEDED, False
        identifiers = () if identifier is None else (identifier,)
        group = self.subscriptions.setdefault(topic_filter, OrderedDict())
        group[client] = Subscriber(
            subscription.qos, subscription.no_local, subscription.retain_as_published, identifiers
        )
        client.subscriptions.add(topic_filter)
        handling = subscription.retain_handling
        wanted = handling == RetainHandling.SEND_AT_SUBSCRIBE or (
            is_new and handling == RetainHandling.SEND_AT_SUBSCRIBE_IF_NEW
        )
        return subscription.qos, wanted and split_shared(topic_filter)[0] is None

    def unsubscribe(self, client: Client, topic_filter: str) -> ReasonCode:
        if topic_filter not in client.subscriptions:
            return ReasonCode.NO_SUBSCRIPTION_EXISTED
        client.subscriptions.remove(topic_filter)
        group = self.subscriptions[topic_filter]
        del group[client]
        if not group:
            del self.subscriptions[topic_filter]
        return ReasonCode.SUCCESS

    def send_retained(self, client: Client, topic_filter: str) -> None:
        subscriber = self.subscriptions[topic_filter][client]
        for topic, stored in self.retained.match(topic_filter):
            publish = stored.now(self.loop.time())
            if publish is None:
                self.forget(self.retained.pop(topic))
            elif client.protocol is not None:
                client.deliver(subscriber.copy(publish, True, client.protocol.version))


def next_member(group: Group) -> tuple[Client, Subscriber]:
    """The next member of a shared subscription, which is connected if one is."""
    for _ in range(len(group)):
        client, subscriber = next(iter(group.items()))
        group.move_to_end(client)
        if client.protocol is not None:
            break
    return client, subscriber
