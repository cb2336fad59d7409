"""Topic names and topic filters: validation, shared subscriptions, and matching.

This module is imported on its own; `import mqttcodec` does not load it.
"""

from ._backend import BACKEND

TYPE_CHECKING = False
if TYPE_CHECKING or BACKEND == "python":
    from ._topics_py import (
        TopicMatcher,
        TopicTree,
        split_shared,
        topic_matches,
        validate_topic_filter,
        validate_topic_name,
    )
else:
    from ._topics_c import (
        TopicMatcher,
        TopicTree,
        split_shared,
        topic_matches,
        validate_topic_filter,
        validate_topic_name,
    )
del BACKEND, TYPE_CHECKING

__all__ = [
    "TopicMatcher",
    "TopicTree",
    "split_shared",
    "topic_matches",
    "validate_topic_filter",
    "validate_topic_name",
]
