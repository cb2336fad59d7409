# cython: language_level=3, auto_pickle=False, autotestdict=False, freethreading_compatible=True
"""Topic names and topic filters: the compiled `_topics_py.py`, with the same names in the same order.

A dict has all items. It finds filters without wildcards. A tree of levels finds the others: each node is a level, and
its path from the root is a topic filter.

The nodes are C structs, and one hash table has those of a tree. Nothing that changes the tree or walks it runs Python
code: not even the garbage collector, because no object that it tracks is created meanwhile.
"""

cimport cython
from cpython.mem cimport PyMem_Calloc, PyMem_Free, PyMem_Malloc, PyMem_Realloc
from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF, Py_XDECREF
from libc.stdint cimport uint8_t, uint32_t
from libc.string cimport memchr, memcmp, memcpy, memset

from ._arguments_c cimport checked_version, refuse_type
from ._writer_c cimport *

cdef extern from "_traceback.h":
    pass

cdef extern from *:
    """
    #if defined(__GNUC__)
    #define prefetch(address) __builtin_prefetch(address)
    #else
    #define prefetch(address) ((void) (address))
    #endif
    """
    void prefetch(const void* address) noexcept

cdef extern from "_lock.h":
    ctypedef struct Lock:
        pass
    void acquire(Lock* lock) noexcept
    void release(Lock* lock) noexcept

from collections.abc import KeysView, MutableMapping
from types import GenericAlias

from . import _errors, _methods, _topic_methods
from ._enums import MQTTv5

cdef extern from "Python.h":
    ctypedef struct PyHash_FuncDef:
        Py_hash_t (*hash)(const void* data, Py_ssize_t size) noexcept nogil
    PyHash_FuncDef* PyHash_GetFuncDef() noexcept
    PyObject* PyDict_GetItemWithError(dict entries, object key)  # A borrowed reference; a str raises no error.
    PyObject* PyList_GET_ITEM(object items, Py_ssize_t at)
    int PyList_Append(object items, object item) except -1
    object PyUnicode_FromObject(object text)
    object PyUnicode_DecodeUTF8(const char* data, Py_ssize_t size, const char* errors)

cdef enum:
    SHARE_SIZE = 7  # Of "$share/".
    # A dict that has shrunk to this part of its largest size is copied, which frees memory.
    SHRUNK = 8
    # Topics with more levels need memory while they are matched.
    FEW_LEVELS = 32
    LEAST_SLOTS = 8
    # Results for this number of topics are kept until a change, if they are short and the tree has this many nodes. A
    # server has few topics in use, and walking a large tree waits for memory. A topic must come twice, because keeping
    # results for topics that do not come again would cost more. The hashes of this many topics tell whether one has.
    RECENT = 4_096
    SHORT = 64
    LARGE_TREE = 4_096
    SEEN = 16_384

cdef object MISSING = object()
# The hash function of str and bytes. It is keyed, so a peer cannot choose levels that collide.
cdef PyHash_FuncDef* HASH = PyHash_GetFuncDef()


cdef struct Node:
    # A level in the tree. Its text, of `size` bytes in UTF-8, follows the struct.
    Node* parent
    # The nodes of the next level, and those of the shared subscriptions of the filter that ends here. Each is a ring in
    # the order of insertion. The text of a shared subscription is the share name.
    Node* children
    Node* shares
    Node* next
    Node* previous
    # The children "+" and "#".
    Node* one
    Node* many
    # The filter or topic that ends here, or NULL; an owned reference to an exact str. The place of its value.
    PyObject* key
    size_t place
    size_t hash
    uint32_t size
    bint is_share


cdef struct Slot:
    size_t hash
    Node* node


cdef struct Tree:
    Node root
    # The parent of shared subscriptions without wildcards. Their text is the whole topic.
    Node whole
    # The nodes by hash, each in the first free slot from that of its hash on. The number of slots is a power of two,
    # and more than half of them are free. There are none if there are no nodes.
    Slot* slots
    size_t mask
    size_t count
    # The nodes with a key, by `place`.
    Node** keyed
    size_t keys
    size_t capacity


cdef struct Level:
    const char* text
    Py_ssize_t size
    Py_hash_t hash


cdef struct Levels:
    # The levels of a topic or a filter, of which `known` have been read. `rest` is the text after them, or NULL.
    const char* rest
    const char* end
    Level* items
    Py_ssize_t known
    Py_ssize_t capacity
    Level few[FEW_LEVELS]


cdef str exact(object text, str about):
    """The value of a str, as an exact str."""
    if not PyUnicode_Check(text):
        refuse_type(about, "str", text)
    return <str> text if type(text) is str else PyUnicode_FromObject(text)


cdef const char* utf8(str text, Py_ssize_t* size) except NULL:
    """The UTF-8 of a valid str, in its own memory."""
    cdef const char* data = PyUnicode_AsUTF8AndSize(text, size)
    if data == NULL:
        raise MemoryError
    return data


cdef const char* name_text(Writer* writer, object topic, Py_ssize_t* size) except NULL:
    """Check a topic name as `encode` does; returns its UTF-8, which is in the writer's memory."""
    if not put_topic_name(writer, topic, "topic"):
        refuse(writer, _errors.TOPIC_EMPTY, "topic")  # [MQTT-4.7.3-1]
    size[0] = writer.ptr - writer.start - writer.packet - 2
    return <const char*> writer.ptr - size[0]


cdef const char* filter_text(Writer* writer, object topic_filter, Py_ssize_t* size) except NULL:
    """Check a topic filter as `encode` does; returns its UTF-8, which is in the writer's memory."""
    put_topic_filter(writer, topic_filter, "topic_filter")
    size[0] = writer.ptr - writer.start - writer.packet - 2
    return <const char*> writer.ptr - size[0]


cdef str exact_name(object topic):
    """The exact str of a topic name, which is checked."""
    cdef Writer writer
    cdef uint8_t stack[STACK_SIZE]
    cdef Py_ssize_t size = 0
    open_writer(&writer, stack, 5)
    try:
        name_text(&writer, topic, &size)
    finally:
        close_writer(&writer)
    return exact(topic, "topic")


cdef str exact_filter(object topic_filter, int version):
    """The exact str of a topic filter, which is checked."""
    cdef Writer writer
    cdef uint8_t stack[STACK_SIZE]
    cdef Py_ssize_t size = 0
    open_writer(&writer, stack, version)
    try:
        filter_text(&writer, topic_filter, &size)
    finally:
        close_writer(&writer)
    return exact(topic_filter, "topic_filter")


cdef bint is_shared(const char* text, Py_ssize_t size) noexcept:
    return size > SHARE_SIZE and memcmp(text, b"$share/", SHARE_SIZE) == 0


cdef Py_ssize_t filter_start(const char* text, Py_ssize_t size) noexcept:
    """Where the filter part of a valid topic filter starts."""
    cdef const char* slash
    if not is_shared(text, size):
        return 0
    slash = <const char*> memchr(text + SHARE_SIZE, c"/", <size_t> (size - SHARE_SIZE))
    return slash - text + 1


cdef bint has_wildcard(const char* text, Py_ssize_t size) noexcept:
    return memchr(text, c"+", <size_t> size) != NULL or memchr(text, c"#", <size_t> size) != NULL


def validate_topic_name(topic, *, allow_control_characters=True):
    """Check a topic name as `encode` does.

    Args:
        topic: The topic name.
        allow_control_characters: Whether to accept characters that a receiver may refuse: the control characters U+0001
            to U+001F and U+007F to U+009F, and the non-characters of Unicode, such as U+FFFF ([U37]).

    Raises:
        EncodeError: The topic is empty, longer than 65,535 bytes in UTF-8, contains a wildcard, U+0000 or a surrogate,
            or contains a character that is not allowed. `clause` names the rule.
        TypeError: The topic is not a str.

    Example:
        >>> validate_topic_name("sensor/1/temperature")
        >>> validate_topic_name("sensor/+/temperature")
        Traceback (most recent call last):
        mqttcodec.EncodeError: topic must not contain the wildcard '+' [MQTT-3.3.2-2]
    """
    cdef str text = exact_name(topic)
    if not allow_control_characters:
        _topic_methods.refuse_control_characters(text, 5, "topic")


def validate_topic_filter(topic_filter, version=MQTTv5, *, allow_control_characters=True):
    """Check a topic filter as `encode` does.

    Args:
        topic_filter: The topic filter.
        version: MQTT version: 3, 4 or 5, or a `ProtocolVersion`. Only 5.0 has shared subscriptions.
        allow_control_characters: As for `validate_topic_name`.

    Raises:
        EncodeError: The filter is empty, longer than 65,535 bytes in UTF-8, has a misplaced wildcard or an invalid
            share name, contains U+0000 or a surrogate, or contains a character that is not allowed. `clause` names the
            rule.
        TypeError: The filter is not a str, or the version is not an int.
        ValueError: The version is not 3, 4 or 5.

    Example:
        >>> validate_topic_filter("sensor/+/temperature")
        >>> validate_topic_filter("sensor+/temperature")
        Traceback (most recent call last):
        mqttcodec.EncodeError: '+' in topic_filter must fill its level [MQTT-4.7.1-2]
    """
    cdef int number = checked_version(version)
    cdef str text = exact_filter(topic_filter, number)
    if not allow_control_characters:
        _topic_methods.refuse_control_characters(text, number, "topic_filter")


def split_shared(topic_filter):
    """Split the topic filter of a shared subscription.

    Args:
        topic_filter: A topic filter of MQTT 5.0.

    Returns:
        The share name, or None if the filter is not that of a shared subscription; and the filter to match with.

    Raises:
        EncodeError: As for `validate_topic_filter`.
        TypeError: The filter is not a str.

    Example:
        >>> split_shared("$share/group/sensor/+")
        ('group', 'sensor/+')
        >>> split_shared("sensor/+")
        (None, 'sensor/+')
    """
    cdef Writer writer
    cdef uint8_t stack[STACK_SIZE]
    cdef Py_ssize_t size = 0, start
    cdef const char* text
    open_writer(&writer, stack, 5)
    try:
        text = filter_text(&writer, topic_filter, &size)
        start = filter_start(text, size)
        if start == 0:
            return None, exact(topic_filter, "topic_filter")
        share = PyUnicode_DecodeUTF8(text + SHARE_SIZE, start - 1 - SHARE_SIZE, NULL)
        return share, PyUnicode_DecodeUTF8(text + start, size - start, NULL)
    finally:
        close_writer(&writer)


def topic_matches(topic_filter, topic):
    """Whether a topic filter matches a topic name (4.7).

    A filter that begins with a wildcard does not match a topic that begins with `$`. The filter of a shared
    subscription matches as its filter part does.

    Args:
        topic_filter: A topic filter of MQTT 5.0.
        topic: A topic name.

    Raises:
        EncodeError: As for `validate_topic_filter` and `validate_topic_name`.
        TypeError: An argument is not a str.

    Example:
        >>> topic_matches("sport/#", "sport")
        True
        >>> topic_matches("#", "$SYS/uptime")
        False
    """
    cdef Writer writer
    cdef uint8_t stack[STACK_SIZE]
    cdef Py_ssize_t filter_size = 0, size = 0, start
    cdef const char* text
    open_writer(&writer, stack, 5)
    try:
        filter_text(&writer, topic_filter, &filter_size)
        writer.packet = writer.ptr - writer.start
        text = name_text(&writer, topic, &size)
        # The filter is before the two bytes of the topic's length. The writer may have moved it.
        start = filter_start(text - 2 - filter_size, filter_size)
        return is_match(text - 2 - filter_size + start, filter_size - start, text, size)
    finally:
        close_writer(&writer)


cdef bint is_match(const char* topic_filter, Py_ssize_t filter_size, const char* topic, Py_ssize_t size) noexcept:
    cdef Py_ssize_t at, matched = 0
    if topic[0] == c"$" and (topic_filter[0] == c"+" or topic_filter[0] == c"#"):
        return False  # [MQTT-4.7.2-1]
    for at in range(filter_size):
        if topic_filter[at] == c"#":
            return True
        if topic_filter[at] == c"+":
            while matched < size and topic[matched] != c"/":
                matched += 1
        elif matched == size:
            return filter_size - at == 2 and topic_filter[at + 1] == c"#"
        elif topic_filter[at] != topic[matched]:
            return False
        else:
            matched += 1
    return matched == size


# --- The levels of a text.


cdef void open_levels(Levels* levels) noexcept:
    """Prepare for a text. The caller must call `close_levels`."""
    levels.rest = levels.end = NULL
    levels.items = levels.few
    levels.known = 0
    levels.capacity = FEW_LEVELS


cdef void close_levels(Levels* levels) noexcept:
    if levels.items != levels.few:
        PyMem_Free(levels.items)


cdef int read_level(Levels* levels) except -1:
    """Read one more level. There must be one: `rest` is not NULL."""
    cdef Level* level
    cdef const char* slash
    if levels.known == levels.capacity:
        more_levels(levels)
    level = levels.items + levels.known
    level.text = levels.rest
    slash = <const char*> memchr(levels.rest, c"/", <size_t> (levels.end - levels.rest))
    if slash == NULL:
        level.size = levels.end - levels.rest
        levels.rest = NULL
    else:
        level.size = slash - levels.rest
        levels.rest = slash + 1
    level.hash = HASH.hash(level.text, level.size)
    levels.known += 1
    return 0


cdef int more_levels(Levels* levels) except -1:
    """Double the capacity. A text of 65,535 bytes has at most 65,536 levels."""
    cdef bint had_few = levels.items == levels.few
    cdef size_t size = <size_t> levels.capacity * sizeof(Level)
    cdef Level* items = <Level*> PyMem_Realloc(NULL if had_few else levels.items, 2 * size)
    if items == NULL:
        raise MemoryError
    if had_few:
        memcpy(items, levels.few, size)
    levels.items = items
    levels.capacity *= 2
    return 0


# --- The tree.


cdef inline size_t path_hash(Node* parent, Py_hash_t hash, bint is_share) noexcept:
    return (parent.hash ^ (parent.hash >> 15)) * <size_t> 0x9E3779B1 + <size_t> hash + <size_t> is_share


cdef Node* child_of(Tree* tree, Node* parent, const Level* level, bint is_share) noexcept:
    """The node of a level below `parent`, or NULL."""
    cdef size_t hash, at
    cdef Node* node
    if tree.slots == NULL:
        return NULL
    hash = path_hash(parent, level.hash, is_share)
    at = hash & tree.mask
    while True:
        node = tree.slots[at].node
        if node == NULL:
            return NULL
        if (
            tree.slots[at].hash == hash
            and node.parent == parent
            and node.is_share == is_share
            and node.size == <uint32_t> level.size
            and memcmp(node + 1, level.text, node.size) == 0
        ):
            return node
        at = (at + 1) & tree.mask


cdef Node* child_added(Tree* tree, Node* parent, const Level* level, bint is_share) noexcept:
    """The node of a level below `parent`, which is added if it is missing; NULL if there is no memory for it."""
    cdef Node* node = child_of(tree, parent, level, is_share)
    cdef Node** ring = &parent.shares if is_share else &parent.children
    if node != NULL:
        return node
    if 2 * tree.count >= tree.mask and not resize(tree, max(2 * (tree.mask + 1), <size_t> LEAST_SLOTS)):
        return NULL
    node = <Node*> PyMem_Malloc(sizeof(Node) + <size_t> level.size)
    if node == NULL:
        return NULL
    memset(node, 0, sizeof(Node))
    memcpy(node + 1, level.text, <size_t> level.size)
    node.size = <uint32_t> level.size
    node.is_share = is_share
    node.parent = parent
    node.hash = path_hash(parent, level.hash, is_share)
    set_slot(tree.slots, tree.mask, node)
    tree.count += 1
    if ring[0] == NULL:
        ring[0] = node.next = node.previous = node
    else:
        node.next = ring[0]
        node.previous = ring[0].previous
        node.previous.next = node.next.previous = node
    if level.size == 1 and not is_share:
        if level.text[0] == c"+":
            parent.one = node
        elif level.text[0] == c"#":
            parent.many = node
    return node


cdef Node* descend(
    Tree* tree, Node* node, const char* text, Py_ssize_t size, bint is_level, bint is_share, bint adds
) except? NULL:
    """The node at the end of a path below `node`. If it is missing, it is added, or NULL is returned.

    `is_level`: the text is one level, even if it contains "/".
    """
    cdef const char* end = text + size
    cdef const char* slash
    cdef Level level
    cdef Node* child
    while True:
        slash = NULL
        if not is_level:
            slash = <const char*> memchr(text, c"/", <size_t> (end - text))
        level.text = text
        level.size = (end if slash == NULL else slash) - text
        level.hash = HASH.hash(level.text, level.size)
        if adds:
            child = child_added(tree, node, &level, is_share)
            if child == NULL:
                prune(tree, node)
                raise MemoryError
        else:
            child = child_of(tree, node, &level, is_share)
        if child == NULL or slash == NULL:
            return child
        node = child
        text = slash + 1


cdef void set_slot(Slot* slots, size_t mask, Node* node) noexcept:
    cdef size_t at = node.hash & mask
    while slots[at].node != NULL:
        at = (at + 1) & mask
    slots[at].hash = node.hash
    slots[at].node = node


cdef void clear_slot(Tree* tree, Node* node) noexcept:
    """Free the slot of a node. Nodes after it move if their hash has an earlier slot."""
    cdef Slot* slots = tree.slots
    cdef size_t mask = tree.mask, free = node.hash & mask, at
    while slots[free].node != node:
        free = (free + 1) & mask
    at = free
    while True:
        at = (at + 1) & mask
        if slots[at].node == NULL:
            break
        if ((at - slots[at].hash) & mask) >= ((at - free) & mask):
            slots[free] = slots[at]
            free = at
    slots[free].node = NULL


cdef bint resize(Tree* tree, size_t count) noexcept:
    """Change the number of slots; returns whether there was memory for it."""
    cdef Slot* slots = <Slot*> PyMem_Calloc(count, sizeof(Slot))
    cdef size_t at
    if slots == NULL:
        return False
    if tree.slots != NULL:
        for at in range(tree.mask + 1):
            if tree.slots[at].node != NULL:
                set_slot(slots, count - 1, tree.slots[at].node)
        PyMem_Free(tree.slots)
    tree.slots = slots
    tree.mask = count - 1
    return True


cdef void leave_ring(Node* node) noexcept:
    """Take a node out of its parent's children or shared subscriptions."""
    cdef Node** ring = &node.parent.shares if node.is_share else &node.parent.children
    if node.next == node:
        ring[0] = NULL
    else:
        node.next.previous = node.previous
        node.previous.next = node.next
        if ring[0] == node:
            ring[0] = node.next


cdef void prune(Tree* tree, Node* node) noexcept:
    """Remove a node and those above it, up to one that has another use."""
    cdef Node* parent
    while node.parent != NULL and node.children == NULL and node.shares == NULL and node.key == NULL:
        parent = node.parent
        leave_ring(node)
        if parent.one == node:
            parent.one = NULL
        elif parent.many == node:
            parent.many = NULL
        clear_slot(tree, node)
        tree.count -= 1
        PyMem_Free(node)
        node = parent
    if tree.count == 0:
        PyMem_Free(tree.slots)
        tree.slots = NULL
        tree.mask = 0
    elif tree.mask >= LEAST_SLOTS and tree.count < tree.mask >> 4:
        resize(tree, (tree.mask + 1) >> 2)


cdef void fell(Tree* tree) noexcept:
    """Remove all nodes."""
    cdef Node* node = &tree.root
    cdef Node* parent
    PyMem_Free(tree.slots)
    PyMem_Free(tree.keyed)
    while True:
        if node.children != NULL:
            node = node.children
        elif node.shares != NULL:
            node = node.shares
        elif node.parent != NULL:
            parent = node.parent
            leave_ring(node)
            Py_XDECREF(node.key)
            PyMem_Free(node)
            node = parent
        elif node == &tree.root:
            node = &tree.whole
        else:
            break
    memset(tree, 0, sizeof(Tree))


cdef bint key_fits(Tree* tree) noexcept:
    """Make room for one more node with a key; returns whether there was memory for it."""
    return tree.keys < tree.capacity or resize_keyed(tree, max(2 * tree.capacity, <size_t> LEAST_SLOTS))


cdef bint resize_keyed(Tree* tree, size_t capacity) noexcept:
    cdef Node** keyed = <Node**> PyMem_Realloc(tree.keyed, capacity * sizeof(Node*))
    if keyed == NULL:
        return False
    tree.keyed = keyed
    tree.capacity = capacity
    return True


cdef struct Found:
    # The values of a map by place, and the lists of the keys and values that match. Borrowed references.
    PyObject* stored
    PyObject* keys
    PyObject* values
    # The number of changes of the map before.
    size_t changes


cdef int collect_node(Node* node, Found* found) except -1:
    """Add the key of a node and its value."""
    # The garbage collector may have cleared the list.
    if node.key != NULL and <Py_ssize_t> node.place < PyList_GET_SIZE(<object> found.stored):
        add_found(found, <object> node.key, PyList_GET_ITEM(<object> found.stored, <Py_ssize_t> node.place))
    return 0


cdef inline int add_found(Found* found, object key, PyObject* value) except -1:
    PyList_Append(<object> found.values, <object> value)
    PyList_Append(<object> found.keys, key)
    return 0


cdef int collect(Node* node, Found* found) except -1:
    """Add the filter of a node and its shared subscriptions."""
    cdef Node* share = node.shares
    collect_node(node, found)
    while share != NULL:
        collect_node(share, found)
        share = sibling_share(share)
    return 0


cdef inline Node* sibling_share(Node* node) noexcept:
    """The shared subscription of the same filter that was added after this one, or NULL."""
    return NULL if node.next == node.parent.shares else node.next


cdef int collect_filters(Tree* tree, Levels* levels, Found* found) except -1:
    """Add the filters with wildcards that match a topic, in the order of the results."""
    cdef bint is_system = levels.rest[0] == c"$"
    cdef Py_ssize_t depth = 0
    cdef Node* node = &tree.root
    cdef Node* child
    cdef Node* parent
    while True:
        prefetch(node.one)
        # [MQTT-4.7.2-1]
        if node.many != NULL and not (is_system and depth == 0):
            collect(node.many, found)
        child = NULL
        if depth == levels.known and levels.rest == NULL:
            collect(node, found)
        elif node.children != NULL:
            if depth == levels.known:
                read_level(levels)
            if node.one != NULL and not (is_system and depth == 0):
                child = node.one
                # For the name, which is next after what is below `one`.
                prefetch(&tree.slots[path_hash(node, levels.items[depth].hash, False) & tree.mask])
            else:
                child = child_of(tree, node, levels.items + depth, False)
        while child == NULL:
            parent = node.parent
            if parent == NULL:
                return 0
            depth -= 1
            if node == parent.one:
                child = child_of(tree, parent, levels.items + depth, False)
            node = parent
        node = child
        depth += 1


cdef int collect_topics(Tree* tree, Levels* levels, Found* found) except -1:
    """Add the topics that match a filter, in the order of the results."""
    cdef Py_ssize_t depth = 0, all_from
    cdef Node* node = &tree.root
    cdef Node* child
    while levels.rest != NULL:
        read_level(levels)
    all_from = levels.known - 1 if is_level(levels, levels.known - 1, c"#") else levels.known + 1
    while True:
        child = NULL
        if depth >= all_from or depth == levels.known:
            collect_node(node, found)
        if depth >= all_from or (depth < levels.known and is_level(levels, depth, c"+")):
            child = matched_by_wildcard(node.children)
        elif depth < levels.known:
            child = child_of(tree, node, levels.items + depth, False)
        while child == NULL:
            if node.parent == NULL:
                return 0
            depth -= 1
            if depth >= all_from or is_level(levels, depth, c"+"):
                child = matched_by_wildcard(sibling(node))
            node = node.parent
        node = child
        depth += 1


cdef inline bint is_level(Levels* levels, Py_ssize_t at, char wildcard) noexcept:
    return levels.items[at].size == 1 and levels.items[at].text[0] == wildcard


cdef inline Node* sibling(Node* node) noexcept:
    """The child of the same parent that was added after this one, or NULL."""
    return NULL if node.next == node.parent.children else node.next


cdef Node* matched_by_wildcard(Node* node) noexcept:
    """This child or the first one after it that a wildcard matches, or NULL."""
    while node != NULL and node.parent.parent == NULL and node.size and (<const char*> (node + 1))[0] == c"$":
        node = sibling(node)  # [MQTT-4.7.2-1]
    return node


@cython.no_gc_clear  # Cycles include the dict.
cdef class TopicMap:
    """A dict and a tree of its keys: the base of both classes."""

    # `_changes` counts the changes, and `_most` is the largest size of the dict. The lock protects the dict and the
    # tree. While it is held, no Python code runs: a value that leaves the dict is freed after that.
    cdef object __weakref__
    cdef dict _entries
    cdef list _values  # Those of the keys in the tree, by place. The dict has them too.
    cdef dict _recent  # By topic: the keys and values that `matching` found.
    cdef uint32_t* _seen  # By hash, modulo their number.
    cdef size_t _changes
    cdef Py_ssize_t _most
    cdef Tree _tree
    cdef Lock _lock

    def __cinit__(self, *args, **kwargs):
        self._entries = {}
        self._values = []
        self._recent = {}

    def __init__(self, items=(), /):
        MutableMapping.update(self, items)

    def __dealloc__(self):
        fell(&self._tree)
        PyMem_Free(self._seen)

    cdef str about(self):
        return "topic"

    cdef str checked(self, object key):
        """The exact str of a key that is to be stored."""

    cdef Node* place(self, str text, bint adds) except? NULL:
        """The node of a valid key. If it is missing, it is added, or NULL is returned; NULL if it needs none."""

    cdef int plant(self, str text, object value) except -1:
        """Add a key to the tree."""
        cdef Tree* tree = &self._tree
        cdef Node* node = self.place(text, True)
        if node == NULL:
            return 0
        try:
            if not key_fits(tree):
                raise MemoryError
            self._values.append(value)
        except MemoryError:
            prune(tree, node)
            raise
        Py_INCREF(text)
        node.key = <PyObject*> text
        node.place = tree.keys
        tree.keyed[tree.keys] = node
        tree.keys += 1
        return 0

    cdef int uproot(self, str text) except -1:
        """Remove a key from the tree. The last one takes its place. The caller must have a reference to the value."""
        cdef Tree* tree = &self._tree
        cdef Node* node = self.place(text, False)
        if node == NULL:
            return 0
        tree.keys -= 1
        tree.keyed[node.place] = tree.keyed[tree.keys]
        tree.keyed[node.place].place = node.place
        if self._values:  # Unless the garbage collector has cleared the list.
            value = self._values.pop()
            if node.place < tree.keys:
                self._values[node.place] = value
        if tree.capacity > LEAST_SLOTS and tree.keys < tree.capacity >> 2:
            resize_keyed(tree, tree.capacity >> 1)
        Py_XDECREF(node.key)
        node.key = NULL
        prune(tree, node)
        return 0

    cdef int put(self, str text, object value) except -1:
        """Set an item. The caller must have a reference to the value that it replaces."""
        cdef Node* node
        if text in self._entries:
            node = self.place(text, False)
            self._entries[text] = value
            if node != NULL and self._values:
                self._values[node.place] = value
        else:
            self.plant(text, value)
            try:
                self._entries[text] = value
            except BaseException:
                self.uproot(text)
                raise
            self._most = max(self._most, len(self._entries))
        self.changed()
        return 0

    cdef object take(self, str text):
        value = self._entries[text]
        self.uproot(text)
        del self._entries[text]
        self.changed()
        return value

    cdef int changed(self) except -1:
        self._changes += 1
        if self._recent:
            self._recent.clear()
        return 0

    cdef int shrink(self) except -1:
        """Copy a dict that has become much smaller. Without memory for it, it stays as it is."""
        cdef size_t changes = self._changes
        cdef dict entries = self.entries()
        cdef dict copy
        if len(entries) >= self._most // SHRUNK:
            return 0
        try:
            copy = entries.copy()
        except MemoryError:
            return 0
        acquire(&self._lock)
        # The garbage collector may have run Python code.
        if self._changes == changes:
            self._entries, copy = copy, self._entries  # The old one is freed when the lock is released.
            self._most = len(self._entries)
        release(&self._lock)
        return 0

    cdef dict entries(self):
        """The dict. `shrink` and `clear` replace it, so a reference is taken under the lock."""
        acquire(&self._lock)
        entries = self._entries
        release(&self._lock)
        return entries

    def __len__(self):
        return len(self.entries())

    def __contains__(self, key):
        return exact(key, self.about()) in self.entries()

    def __iter__(self):
        return iter(self.entries())

    def __getitem__(self, key):
        return self.entries()[exact(key, self.about())]

    def __setitem__(self, key, value):
        cdef str text = self.checked(key)
        acquire(&self._lock)
        try:
            replaced = self._entries.get(text)
            self.put(text, value)
        finally:
            release(&self._lock)
        del replaced  # Its finaliser may use the map, so it is freed after the lock is released.

    def __delitem__(self, key):
        self.pop(key)

    def get(self, key, default=None):
        """As `dict.get`."""
        return self.entries().get(exact(key, self.about()), default)

    def setdefault(self, key, default=None):
        """As `dict.setdefault`."""
        cdef str text = self.checked(key)
        acquire(&self._lock)
        try:
            if text not in self._entries:
                self.put(text, default)
            return self._entries[text]
        finally:
            release(&self._lock)

    def pop(self, key, default=MISSING):
        """As `dict.pop`."""
        cdef str text = exact(key, self.about())
        value = None
        acquire(&self._lock)
        try:
            if text not in self._entries and default is not MISSING:
                return default
            value = self.take(text)
        finally:
            release(&self._lock)
        self.shrink()
        return value

    def popitem(self):
        """As `dict.popitem`."""
        cdef str text
        acquire(&self._lock)
        try:
            for text in reversed(self._entries):
                value = self.take(text)
                break
            else:
                raise KeyError(f"popitem(): this {type(self).__name__} is empty")
        finally:
            release(&self._lock)
        self.shrink()
        return text, value

    def clear(self):
        """As `dict.clear`."""
        cdef dict fresh = {}
        cdef list values = []
        acquire(&self._lock)
        removed, removed_values = self._entries, self._values
        self._entries, self._values = fresh, values
        fell(&self._tree)
        self.changed()
        PyMem_Free(self._seen)
        self._seen = NULL
        self._most = 0
        release(&self._lock)
        removed.clear()  # An iterator over it will notice.
        removed_values.clear()

    def update(self, items=(), /, **named):
        """As `dict.update`."""
        MutableMapping.update(self, items, **named)

    def keys(self):
        """As `dict.keys`."""
        return KeysView(self)

    def items(self):
        """As `dict.items`."""
        return _topic_methods.Items(self)

    def values(self):
        """As `dict.values`."""
        return _topic_methods.Values(self)

    def _pairs(self):
        return iter(self.entries().items())

    def __eq__(self, other):
        return MutableMapping.__eq__(self, other)

    def __repr__(self):
        return _topic_methods.represented(self)

    def __reduce__(self):
        return _topic_methods.new, (type(self).__name__,), None, None, self._pairs()

    cdef int matching(self, object topic, Found* found) except -1:
        """Add the items that match, in the order of the results."""

    cdef tuple found(self, object text):
        """The keys and the values that match a topic or a filter, in two new lists."""
        cdef list keys = [], values = []
        cdef tuple recent = None
        cdef Found found
        if self._recent and type(text) is str:
            acquire(&self._lock)
            try:
                recent = self._recent.get(text)
            finally:
                release(&self._lock)
            if recent is not None:
                return (<list> recent[0])[:], (<list> recent[1])[:]
        found.keys = <PyObject*> keys
        found.values = <PyObject*> values
        self.matching(text, &found)
        if self._tree.count >= LARGE_TREE and len(keys) <= SHORT and type(text) is str and self.has_come(hash(text)):
            self.keep((keys[:], values[:]), text, found.changes)
        return keys, values

    cdef int begin(self, Found* found) except -1:
        """Begin to match. The topic or the filter has been checked, so no error runs Python code meanwhile."""
        acquire(&self._lock)
        found.stored = <PyObject*> self._values
        found.changes = self._changes
        return 0

    cdef bint has_come(self, Py_hash_t hash) noexcept:
        """Whether a topic has come before, as far as its hash tells."""
        cdef uint32_t* seen
        cdef bint found
        acquire(&self._lock)
        if self._seen == NULL:
            self._seen = <uint32_t*> PyMem_Calloc(SEEN, sizeof(uint32_t))
        found = False
        if self._seen != NULL:
            seen = self._seen + <size_t> hash % SEEN
            found = seen[0] == <uint32_t> (<size_t> hash >> 8)
            seen[0] = <uint32_t> (<size_t> hash >> 8)
        release(&self._lock)
        return found

    cdef int keep(self, tuple pair, str text, size_t changes) except -1:
        """Keep a result, unless the map has changed since then: the garbage collector may have run Python code."""
        acquire(&self._lock)
        try:
            if self._changes == changes:
                if len(self._recent) >= RECENT:
                    self._recent.clear()
                self._recent[text] = pair
        finally:
            release(&self._lock)
        return 0


@cython.final
cdef class TopicMatcher(TopicMap):
    """A mapping from topic filter to value that finds the filters that match a topic.

    It is a `MutableMapping`, and threads may use it as they use a dict. The filter of a shared subscription is a key of
    its own, and matches as its filter part does.

    Args:
        items: A mapping or pairs to begin with.

    Raises:
        EncodeError: A filter is ill-formed. Setting an item raises this too; looking one up or deleting it raises
            `KeyError`.
        TypeError: A filter is not a str. All methods raise this.

    Example:
        >>> matcher = TopicMatcher()
        >>> matcher["sensor/+/temperature"] = "recorder"
        >>> matcher["sensor/#"] = "logger"
        >>> matcher.match("sensor/1/temperature")
        ['logger', 'recorder']
        >>> del matcher["sensor/#"]
        >>> matcher.match("sensor/1")
        []
    """

    __class_getitem__ = classmethod(GenericAlias)
    __signature__ = _methods.Signature("items=(), /")

    cdef str about(self):
        return "topic_filter"

    cdef str checked(self, object key):
        return exact_filter(key, 5)

    cdef Node* place(self, str text, bint adds) except? NULL:
        cdef Py_ssize_t size = 0
        cdef const char* data = utf8(text, &size)
        cdef Py_ssize_t start = filter_start(data, size)
        cdef bint is_wild = has_wildcard(data + start, size - start)
        cdef Node* node = &self._tree.root if is_wild else &self._tree.whole
        if start == 0 and not is_wild:
            return NULL
        node = descend(&self._tree, node, data + start, size - start, not is_wild, False, adds)
        if start == 0 or node == NULL:
            return node
        return descend(&self._tree, node, data + SHARE_SIZE, start - 1 - SHARE_SIZE, True, True, adds)

    cdef int matching(self, object topic, Found* found) except -1:
        cdef Writer writer
        cdef uint8_t stack[STACK_SIZE]
        cdef Levels levels
        cdef Level whole
        cdef Py_ssize_t size = 0
        cdef Node* node
        cdef PyObject* value
        cdef str text
        open_writer(&writer, stack, 5)
        open_levels(&levels)
        try:
            levels.rest = name_text(&writer, topic, &size)
            levels.end = levels.rest + size
            whole.text = levels.rest
            whole.size = size
            text = exact(topic, "topic")
            self.begin(found)
            try:
                if self._tree.root.children != NULL:
                    collect_filters(&self._tree, &levels, found)
                if not is_shared(whole.text, size):
                    value = PyDict_GetItemWithError(self._entries, text)
                    if value != NULL:
                        add_found(found, text, value)
                if self._tree.whole.children != NULL:
                    whole.hash = HASH.hash(whole.text, size)
                    node = child_of(&self._tree, &self._tree.whole, &whole, False)
                    if node != NULL:
                        collect(node, found)
            finally:
                release(&self._lock)
        finally:
            close_levels(&levels)
            close_writer(&writer)
        return 0

    def match(self, topic):
        """Find the values of all filters that match a topic.

        The order of the results is by level: at the first level in which two filters differ, `#` comes before `+`, and
        `+` before a name; `a/#` comes before `a`. A filter comes before its shared subscriptions, which come in the
        order in which they were added.

        Args:
            topic: A topic name.

        Returns:
            A new list.

        Raises:
            EncodeError: As for `validate_topic_name`.
            TypeError: The topic is not a str.

        Example:
            >>> TopicMatcher({"a/b": 1, "+/b": 2, "#": 3, "a/+/c": 4}).match("a/b")
            [3, 2, 1]
        """
        return self.found(topic)[1]

    def match_items(self, topic):
        """Find all filters that match a topic, and their values, in the order of `match`.

        A server needs the filters to choose one subscriber of each shared subscription.

        Args:
            topic: A topic name.

        Returns:
            A new list of pairs: filter, value.

        Raises:
            EncodeError: As for `validate_topic_name`.
            TypeError: The topic is not a str.

        Example:
            >>> TopicMatcher({"a/+": 1, "$share/group/a/+": 2}).match_items("a/b")
            [('a/+', 1), ('$share/group/a/+', 2)]
        """
        keys, values = self.found(topic)
        return list(zip(keys, values))


@cython.final
cdef class TopicTree(TopicMap):
    """A mapping from topic name to value that finds the topics that a filter matches, such as retained messages.

    It is a `MutableMapping`, and threads may use it as they use a dict.

    Args:
        items: A mapping or pairs to begin with.

    Raises:
        EncodeError: A topic is ill-formed. Setting an item raises this too; looking one up or deleting it raises
            `KeyError`.
        TypeError: A topic is not a str. All methods raise this.

    Example:
        >>> retained = TopicTree()
        >>> retained["sensor/1"] = "21.5"
        >>> retained["sensor/2"] = "19.0"
        >>> retained.match("sensor/+")
        [('sensor/1', '21.5'), ('sensor/2', '19.0')]
    """

    __class_getitem__ = classmethod(GenericAlias)
    __signature__ = _methods.Signature("items=(), /")

    cdef str checked(self, object key):
        return exact_name(key)

    cdef Node* place(self, str text, bint adds) except? NULL:
        cdef Py_ssize_t size = 0
        cdef const char* data = utf8(text, &size)
        return descend(&self._tree, &self._tree.root, data, size, False, False, adds)

    cdef int matching(self, object topic_filter, Found* found) except -1:
        cdef Writer writer
        cdef uint8_t stack[STACK_SIZE]
        cdef Levels levels
        cdef Py_ssize_t size = 0
        open_writer(&writer, stack, 5)
        open_levels(&levels)
        try:
            levels.rest = filter_text(&writer, topic_filter, &size)
            levels.end = levels.rest + size
            levels.rest += filter_start(levels.rest, size)
            self.begin(found)
            try:
                collect_topics(&self._tree, &levels, found)
            finally:
                release(&self._lock)
        finally:
            close_levels(&levels)
            close_writer(&writer)
        return 0

    def match(self, topic_filter):
        """Find all topics that a filter matches, and their values.

        A topic comes before those below it. Topics that first differ in a level come in the order in which these
        levels were added.

        Args:
            topic_filter: A topic filter of MQTT 5.0. That of a shared subscription matches as its filter part does.

        Returns:
            A new list of pairs: topic, value.

        Raises:
            EncodeError: As for `validate_topic_filter`.
            TypeError: The filter is not a str.

        Example:
            >>> TopicTree({"a/b": 1, "$SYS/a": 2, "a": 3}).match("#")
            [('a', 3), ('a/b', 1)]
        """
        keys, values = self.found(topic_filter)
        return list(zip(keys, values))


MutableMapping.register(TopicMatcher)
MutableMapping.register(TopicTree)
