"""Topic aliases of MQTT 5.0 (3.3.2.3.4). Their mappings end with the connection [MQTT-3.3.2-7]."""

from __future__ import annotations

from collections import OrderedDict

from .. import MQTTv5, PacketType, Publish, Role, _errors
from ._arguments import checked_role, number
from ._errors import refused


class TopicAliasSender:
    """Assign topic aliases to the PUBLISH packets that are sent on one connection.

    A topic goes with its alias the first time, and the alias alone goes after that. When all aliases are taken, the
    one that was used least recently gets the new topic. Use a new object for each connection, and assign only to
    packets that are then sent, in this order: the peer learns the mapping from them.

    Args:
        maximum: The number of aliases, 0 to 65,535: the peer's Topic Alias Maximum, or less. As many topics are kept.

    Raises:
        TypeError: `maximum` is not an int.
        ValueError: `maximum` is not 0 to 65,535.

    Example:
        >>> aliases = TopicAliasSender(10)
        >>> aliases.assign(Publish("sensor/1", b"21"))
        Publish(topic='sensor/1', payload=b'21', topic_alias=1)
        >>> aliases.assign(Publish("sensor/1", b"22"))
        Publish(topic='', payload=b'22', topic_alias=1)
    """

    __slots__ = ("_aliases", "_maximum")

    def __init__(self, maximum: int) -> None:
        self._maximum = number(maximum, "maximum", 0)
        self._aliases: OrderedDict[str, int] = OrderedDict()  # The least recently used is first.

    def assign(self, publish: Publish) -> Publish:
        """Give a PUBLISH an alias ([MQTT-3.3.2-9], [MQTT-3.3.2-11]).

        Args:
            publish: A packet with a topic and without an alias.

        Returns:
            A packet with an alias, and with the topic only if the peer does not know the alias yet. If the maximum is
            0, `publish` itself.

        Raises:
            LocalProtocolError: The packet has an alias, or no topic.

        Example:
            >>> TopicAliasSender(0).assign(Publish("sensor/1"))
            Publish(topic='sensor/1')
        """
        if publish.topic_alias is not None or not publish.topic:
            raise refused("a PUBLISH to which an alias is assigned must have a topic and no topic_alias")
        if self._maximum == 0:
            return publish
        topic = publish.topic
        alias = self._aliases.get(topic)
        if alias is not None:
            self._aliases.move_to_end(topic)
            return publish.replace(topic="", topic_alias=alias)
        if len(self._aliases) < self._maximum:
            alias = len(self._aliases) + 1
        else:
            _, alias = self._aliases.popitem(last=False)
        self._aliases[topic] = alias
        return publish.replace(topic_alias=alias)


class TopicAliasReceiver:
    """Resolve the topic aliases of the PUBLISH packets that arrive on one connection.

    Use a new object for each connection.

    Args:
        maximum: The number of aliases, 0 to 65,535: the Topic Alias Maximum that this side announced. As many topics
            are kept.
        role: The side that receives. Errors name the rule that the other side broke.

    Raises:
        TypeError: `maximum` is not an int, or `role` not a `Role`.
        ValueError: `maximum` is not 0 to 65,535.

    Example:
        >>> aliases = TopicAliasReceiver(10)
        >>> aliases.resolve(Publish("sensor/1", b"21", topic_alias=1))
        Publish(topic='sensor/1', payload=b'21')
        >>> aliases.resolve(Publish("", b"22", topic_alias=1))
        Publish(topic='sensor/1', payload=b'22')
    """

    __slots__ = ("_maximum", "_role", "_topics")

    def __init__(self, maximum: int, role: Role = Role.SERVER) -> None:
        self._maximum = number(maximum, "maximum", 0)
        self._role = checked_role(role)
        self._topics: dict[int, str] = {}

    def resolve(self, publish: Publish) -> Publish:
        """Give a PUBLISH its topic ([MQTT-3.3.2-10], [MQTT-3.3.2-12]).

        Args:
            publish: A packet as it was received.

        Returns:
            A packet with a topic and without an alias; `publish` itself if it has no alias.

        Raises:
            ProtocolError: The alias is 0 or above the maximum (reason code 0x94), or the topic is empty and the alias
                stands for none (0x82).

        Example:
            >>> TopicAliasReceiver(0).resolve(Publish("", topic_alias=1))
            Traceback (most recent call last):
            mqttcodec.ProtocolError: topic_alias 1 exceeds the maximum of the server [MQTT-3.3.2-9]
        """
        alias = publish.topic_alias
        if alias is None:
            if not publish.topic:
                raise _errors.TOPIC_AND_ALIAS_MISSING.decoding(
                    MQTTv5, None, "topic", "", MQTTv5, PacketType.PUBLISH
                )  # [U13]
            return publish
        if alias == 0:  # [MQTT-3.3.2-8]
            raise _errors.TOPIC_ALIAS_ZERO.decoding(MQTTv5, None, "topic_alias", 0, MQTTv5, PacketType.PUBLISH)
        if alias > self._maximum:  # [MQTT-3.3.2-9] [MQTT-3.3.2-11]
            fault = _errors.TOPIC_ALIAS_ABOVE_MAXIMUM
            raise fault.decoding(MQTTv5, None, self._role.value, alias, MQTTv5, PacketType.PUBLISH)
        if publish.topic:
            self._topics[alias] = publish.topic
            return publish.replace(topic_alias=None)
        topic = self._topics.get(alias)
        if topic is None:
            fault = _errors.TOPIC_ALIAS_UNKNOWN
            raise fault.decoding(MQTTv5, None, "topic_alias", alias, MQTTv5, PacketType.PUBLISH)
        return publish.replace(topic=topic, topic_alias=None)
