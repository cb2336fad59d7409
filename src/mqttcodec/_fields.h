/* Adjusts the packet classes for Python: their names, their fields, and the errors for wrong arguments.

   Cython defines a getter function for each field. Here a member descriptor, like those of `__slots__`, replaces it,
   because the interpreter reads such a field directly, without a call. */

#ifndef MQTTCODEC_FIELDS_H
#define MQTTCODEC_FIELDS_H

#include <structmember.h>

#include "_traceback.h"

/* The object that a struct holds at an offset. Each field of a packet is a Python object, and never NULL. */
static PyObject **object_at(PyObject *holder, Py_ssize_t offset) {
    return (PyObject **) ((char *) holder + offset);
}

/* The offset in an object's struct at which it holds `value`, or -1 if it does not. */
static Py_ssize_t offset_of_value(PyObject *holder, PyObject *value) {
    Py_ssize_t offset = (Py_ssize_t) sizeof(PyObject);
    for (; offset < Py_TYPE(holder)->tp_basicsize; offset += (Py_ssize_t) sizeof(PyObject *))
        if (*object_at(holder, offset) == value)
            return offset;
    return -1;
}

/* A copy of a packet, or of an object inside a packet: a new object with the same fields. Apart from the header, the
   struct consists of fields only. */
static PyObject *copy_fields(PyObject *holder) {
    PyTypeObject *type = Py_TYPE(holder);
    PyObject *copy = type->tp_alloc(type, 0);
    Py_ssize_t offset = (Py_ssize_t) sizeof(PyObject);
    if (copy != NULL)
        for (; offset < type->tp_basicsize; offset += (Py_ssize_t) sizeof(PyObject *))
            *object_at(copy, offset) = Py_NewRef(*object_at(holder, offset));
    return copy;
}

/* Set a field of a copy that no other code has seen. */
static void set_object_at(PyObject *copy, Py_ssize_t offset, PyObject *value) {
    PyObject *old = *object_at(copy, offset);
    *object_at(copy, offset) = Py_NewRef(value);
    Py_DECREF(old);
}

/* Replace the getter of the field in which `packet` holds `value` by a member descriptor. If the packet's struct does
   not hold `value`, the field belongs to an object inside the packet, and keeps its getter. */
static int expose_field(PyObject *packet_class, PyObject *packet, PyObject *name, PyObject *value) {
    PyTypeObject *type = (PyTypeObject *) packet_class;
    Py_ssize_t offset = offset_of_value(packet, value);
    PyMemberDef *member;
    PyObject *descriptor;
    int failed;
    if (offset < 0)
        return 0;
    member = (PyMemberDef *) PyMem_Calloc(1, sizeof(PyMemberDef));  /* Never freed: the class uses it. */
    if (member == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    member->name = PyUnicode_AsUTF8(name);
    member->type = T_OBJECT_EX;
    member->offset = offset;
    member->flags = READONLY;
    descriptor = member->name == NULL ? NULL : PyDescr_NewMember(type, member);
    if (descriptor == NULL)
        return -1;
    failed = PyDict_SetItem(type->tp_dict, name, descriptor);
    Py_DECREF(descriptor);
    PyType_Modified(type);
    return failed;
}

/* Set `tp_name` of an extension type, from which Python takes its name and `__module__`. */
static int rename_type(PyObject *packet_class, PyObject *name) {
    Py_ssize_t size;
    const char *text = PyUnicode_AsUTF8AndSize(name, &size);
    char *copy = text == NULL ? NULL : (char *) PyMem_Malloc((size_t) size + 1);  /* Never freed: the class uses it. */
    if (copy == NULL) {
        if (text != NULL)
            PyErr_NoMemory();
        return -1;
    }
    memcpy(copy, text, (size_t) size + 1);
    ((PyTypeObject *) packet_class)->tp_name = copy;
    return 0;
}

typedef PyObject *FastMethod(PyObject *packet, PyObject **arguments, Py_ssize_t count, PyObject *names);

/* Give a class the method `replace`, and `__replace__` for `copy.replace`. `function` is called with METH_FASTCALL and
   METH_KEYWORDS, which Cython cannot do for a method that takes any keyword. `doc` begins with the signature. */
static int define_replace(PyObject *packet_class, FastMethod *function, PyObject *doc) {
    static PyMethodDef method = {"replace", NULL, METH_FASTCALL | METH_KEYWORDS, NULL};
    PyTypeObject *type = (PyTypeObject *) packet_class;
    PyObject *descriptor;
    int failed;
    method.ml_meth = (PyCFunction) (void (*)(void)) function;
    method.ml_doc = PyUnicode_AsUTF8(doc);  /* A constant of the module. */
    descriptor = method.ml_doc == NULL ? NULL : PyDescr_NewMethod(type, &method);
    if (descriptor == NULL)
        return -1;
    failed = PyDict_SetItemString(type->tp_dict, "replace", descriptor) < 0
        || PyDict_SetItemString(type->tp_dict, "__replace__", descriptor) < 0;
    Py_DECREF(descriptor);
    PyType_Modified(type);
    return failed ? -1 : 0;
}

#define MOST_CLASSES 32

static struct { PyTypeObject *type; vectorcallfunc make; } explained[MOST_CLASSES];
static PyObject *explain;

/* Create a packet. If the class rejects the arguments, call `explain(class)` with them, which raises the same error as
   a Python function with that signature. */
static PyObject *make_or_explain(
    PyObject *packet_class, PyObject *const *arguments, size_t count, PyObject *keyword_names
) {
    PyObject *packet, *function;
    int at = 0;
    while (explained[at].type != (PyTypeObject *) packet_class)  /* Always found: the classes are final. */
        at++;
    packet = explained[at].make(packet_class, arguments, count, keyword_names);
    if (packet != NULL || !PyErr_ExceptionMatches(PyExc_TypeError))
        return packet;
    PyErr_Clear();
    function = PyObject_CallFunctionObjArgs(explain, packet_class, NULL);
    if (function != NULL) {
        Py_XDECREF(PyObject_Vectorcall(function, arguments, (size_t) PyVectorcall_NARGS(count), keyword_names));
        Py_DECREF(function);
    }
    if (PyErr_Occurred())
        drop_own_frames();
    else
        PyErr_SetString(PyExc_SystemError, "a packet class and its signature differ");
    return NULL;
}

/* Make a packet class report wrong arguments through `with(class)`. */
static int explain_arguments_of(PyObject *packet_class, PyObject *with) {
    int at = 0;
    while (at < MOST_CLASSES && explained[at].type != NULL)
        at++;
    if (at == MOST_CLASSES) {
        PyErr_SetString(PyExc_SystemError, "there are more packet classes than MOST_CLASSES");
        return -1;
    }
    explained[at].type = (PyTypeObject *) packet_class;
    explained[at].make = explained[at].type->tp_vectorcall;
    if (explained[at].make != NULL)
        explained[at].type->tp_vectorcall = make_or_explain;
    Py_XSETREF(explain, Py_NewRef(with));
    return 0;
}

#endif
