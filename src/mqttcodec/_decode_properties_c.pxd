from ._packets_c cimport Auth, ConnAck, Connect, Disconnect, PublishProperties, Subscribe, Will
from ._wire_c cimport Cursor


cdef int connect_properties(Cursor* cursor, Connect packet) except -1
cdef int will_properties(Cursor* cursor, Will packet) except -1
cdef int connack_properties(Cursor* cursor, ConnAck packet) except -1
cdef PublishProperties publish_properties(Cursor* cursor)
cdef tuple answer_properties(Cursor* cursor, int place)
cdef int subscribe_properties(Cursor* cursor, Subscribe packet) except -1
cdef int disconnect_properties(Cursor* cursor, Disconnect packet) except -1
cdef int auth_properties(Cursor* cursor, Auth packet) except -1
