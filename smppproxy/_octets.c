/*
 * What is done to octets for every message there is, in C.
 *
 * Each function here stands in for one of the same name in Python, its twin, and does what nearly
 * all messages need. Whatever is unusual, and all that is wrong, goes to the twin as it came: there
 * is one place that knows the rules, and it is not this one. `smppproxy.compiled` puts the two
 * together; without this file, or where there was no compiler, the twins do all of it.
 *
 * What a function gets as `self` is a tuple: its twin, then the objects that were named with it.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>
#include <string.h>
#include <structmember.h>

#define FUNCTION(name) \
	static PyObject *name(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *names)
#define TWIN(self) PyTuple_GET_ITEM(self, 0)
#define NAMED(self, place) PyTuple_GET_ITEM(self, 1 + (place))
/* The twin does it: with the same arguments, so with the same result. */
#define USE_TWIN return PyObject_Vectorcall(TWIN(self), args, count, names)
#define UNLESS(expected) if (!(expected)) USE_TWIN

enum { HEADER = 16, MOST_FIELDS = 20 };

/* Words by which attributes are asked for. */
static PyObject *name_name, *session_name, *version_name, *looks_name, *account_name,
	*receipt_tz_name, *receipt_message_id_name, *add_name;

/* ------------------------------------------------------------------ objects with slots */

/* Where objects of one class keep their fields. */
typedef struct {
	const char *name, *fields[MOST_FIELDS];
	PyTypeObject *type;
	Py_ssize_t at[MOST_FIELDS];
} Kind;

#define AS_PLACE(kind, field) kind##_##field,
#define AS_TEXT(kind, field) #field,
#define KIND(kind, FIELDS) \
	enum { FIELDS(AS_PLACE, kind) }; \
	static Kind kind = {#kind, {FIELDS(AS_TEXT, kind)}, NULL, {0}};
#define AT(object, offset) (*(PyObject **)((char *)(object) + (offset)))
#define FIELD(object, kind, field) AT(object, (kind).at[kind##_##field])
#define IS(object, kind) (Py_TYPE(object) == (kind).type)

#define PDU_FIELDS(F, K) \
	F(K, command_id) F(K, command_status) F(K, sequence_number) F(K, raw)
KIND(Pdu, PDU_FIELDS)

#define RECEIPT_FIELDS(F, K) \
	F(K, message_ids) F(K, state) F(K, stat) F(K, err) F(K, submit_date) F(K, done_date) \
	F(K, sub) F(K, dlvrd) F(K, text) F(K, network_error_code) F(K, user_message_reference) \
	F(K, destination) F(K, final) F(K, kind) F(K, receipted_message_id) F(K, text_message_id) \
	F(K, text_first) F(K, oddity)
KIND(Receipt, RECEIPT_FIELDS)
/* What a profile keeps of receipts that say the same, in this order. */
#define SHARED_FIELDS(F, K) \
	F(K, state) F(K, stat) F(K, err) F(K, submit_date) F(K, done_date) F(K, sub) F(K, dlvrd) \
	F(K, network_error_code) F(K, final) F(K, kind) F(K, oddity)

#define ARRIVAL_FIELDS(F, K) \
	F(K, keys) F(K, destination) F(K, kind) F(K, state) F(K, final) F(K, receipt) F(K, segment) \
	F(K, raw)
KIND(Arrival, ARRIVAL_FIELDS)

#define MAPPING_FIELDS(F, K) \
	F(K, key) F(K, account) F(K, destination) F(K, want) F(K, origin) F(K, group) F(K, parts) \
	F(K, part) F(K, late) F(K, remind) F(K, also)
KIND(Mapping, MAPPING_FIELDS)

#define SUBMIT_FIELDS(F, K) \
	F(K, client) F(K, account) F(K, pdu) F(K, offsets) F(K, pick) F(K, arrived) F(K, segments) \
	F(K, _message_id) F(K, number)
KIND(Submit, SUBMIT_FIELDS)

#define ENTRY_FIELDS(F, K) \
	F(K, queue) F(K, entry_id) F(K, deliveries) F(K, origin) F(K, receipt) F(K, sub) \
	F(K, dlvrd)
KIND(Entry, ENTRY_FIELDS)

#define RECEIPT_PROFILE_FIELDS(F, K) \
	F(K, shared) F(K, addresses) F(K, prefer)
KIND(ReceiptProfile, RECEIPT_PROFILE_FIELDS)

#define ACCOUNT_FIELDS(F, K) \
	F(K, key) F(K, receipts) F(K, intermediate) F(K, late_delivery) F(K, on_no_receipt) \
	F(K, message_id_format)
KIND(Account, ACCOUNT_FIELDS)

#define PICK_FIELDS(F, K) \
	F(K, rewrites)
KIND(Pick, PICK_FIELDS)

#define DELIVERY_FIELDS(F, K) \
	F(K, entry) F(K, inbox)
KIND(Delivery, DELIVERY_FIELDS)

#define LOOK_FIELDS(F, K) \
	F(K, form) F(K, watched)
KIND(Look, LOOK_FIELDS)

#define FORM_FIELDS(F, K) \
	F(K, _head) F(K, _between) F(K, _to_id) F(K, _counts) F(K, _ending) F(K, _tail)
KIND(Form, FORM_FIELDS)

#define BUNDLE_FIELDS(F, K) \
	F(K, account) F(K, places) F(K, origins) F(K, parts)
KIND(Bundle, BUNDLE_FIELDS)

#define SAID_FIELDS(F, K) \
	F(K, ids) F(K, maps)
KIND(Said, SAID_FIELDS)

#define SETTLED_FIELDS(F, K) \
	F(K, first_end) F(K, said) F(K, bundles) F(K, message_ids) F(K, _open)
KIND(Settled, SETTLED_FIELDS)

static Kind *const kinds[] = {
	&Pdu, &Receipt, &Arrival, &Mapping, &Submit, &Entry, &ReceiptProfile, &Account, &Pick,
	&Delivery, &Look, &Form, &Bundle, &Said, &Settled, NULL,
};

/* Learn where this class has its fields; 0, or -1 with an error set. */
static int learn(PyTypeObject *type)
{
	const char *name = strrchr(type->tp_name, '.');
	name = name ? name + 1 : type->tp_name;
	for (int at = 0; kinds[at]; at++) {
		Kind *kind = kinds[at];
		if (strcmp(kind->name, name))
			continue;
		for (int field = 0; field < MOST_FIELDS && kind->fields[field]; field++) {
			PyObject *slot = PyObject_GetAttrString((PyObject *)type, kind->fields[field]);
			if (!slot)
				return -1;
			PyMemberDef *member = Py_IS_TYPE(slot, &PyMemberDescr_Type)
				? ((PyMemberDescrObject *)slot)->d_member : NULL;
			Py_DECREF(slot);
			if (!member || member->type != T_OBJECT_EX) {
				PyErr_Format(PyExc_TypeError, "%s.%s is no slot", name, kind->fields[field]);
				return -1;
			}
			kind->at[field] = member->offset;
		}
		Py_INCREF(type);
		kind->type = type;
		return 0;
	}
	PyErr_Format(PyExc_TypeError, "%s is no class that is known here", name);
	return -1;
}

static inline PyObject *new_of(const Kind *kind)
{
	return kind->type->tp_alloc(kind->type, 0);
}

/* ------------------------------------------------------------------------------ octets */

typedef const unsigned char *Octets;

static inline Octets octets_of(PyObject *bytes)
{
	return (Octets)PyBytes_AS_STRING(bytes);
}

static inline uint32_t big_endian_32(Octets at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static inline unsigned char *put_number(unsigned char *to, uint64_t number, int size)
{
	for (int shift = 8 * (size - 1); shift >= 0; shift -= 8)
		*to++ = (unsigned char)(number >> shift);
	return to;
}

static inline unsigned char *put(unsigned char *to, const void *from, Py_ssize_t size)
{
	memcpy(to, from, (size_t)size);
	return to + size;
}

static inline unsigned char *put_bytes(unsigned char *to, PyObject *bytes)
{
	return put(to, PyBytes_AS_STRING(bytes), PyBytes_GET_SIZE(bytes));
}

static inline PyObject *slice(Octets raw, Py_ssize_t from, Py_ssize_t to)
{
	return PyBytes_FromStringAndSize((const char *)raw + from, to > from ? to - from : 0);
}

/* The place of the next such octet at `from` or behind it, and before `end`; -1 for none. */
static inline Py_ssize_t next(Octets raw, int octet, Py_ssize_t from, Py_ssize_t end)
{
	if (from < 0 || from >= end)
		return -1;
	Octets found = memchr(raw + from, octet, (size_t)(end - from));
	return found ? found - raw : -1;
}

static inline Py_ssize_t next_text(
	Octets raw, const char *text, size_t size, Py_ssize_t from, Py_ssize_t end)
{
	if (from >= end)
		return -1;
	Octets found = memmem(raw + from, (size_t)(end - from), text, size);
	return found ? found - raw : -1;
}

static inline int all_digits(Octets text, Py_ssize_t size)
{
	for (Py_ssize_t at = 0; at < size; at++)
		if (text[at] < '0' || text[at] > '9')
			return 0;
	return size > 0;
}

static inline int all_alphanumeric(Octets text, Py_ssize_t size)
{
	for (Py_ssize_t at = 0; at < size; at++) {
		unsigned char each = text[at], letter = each | 0x20;
		if ((each < '0' || each > '9') && (letter < 'a' || letter > 'z'))
			return 0;
	}
	return size > 0;
}

/* Whether this is an integer of at most so many bits, sign included; it is put to `number`. */
static inline int is_whole(PyObject *object, int bits, long long *number)
{
	int overflow = !PyLong_CheckExact(object);
	if (!overflow)
		*number = PyLong_AsLongLongAndOverflow(object, &overflow);
	return !overflow && *number >> (bits - 1) == (*number < 0 ? -1 : 0);
}

static inline int is_word(PyObject *text, const char *word)
{
	return !PyUnicode_CompareWithASCIIString(text, word);
}

/* ------------------------------------------------------------------------ smpp.framing */

/* cut(data, limit) -> (the PDUs that are whole, where the first that is not begins) */
FUNCTION(cut)
{
	UNLESS(count == 2 && !names && PyBytes_CheckExact(args[0]) && PyLong_CheckExact(args[1]));
	Py_ssize_t limit = PyLong_AsSsize_t(args[1]), at = 0, end = PyBytes_GET_SIZE(args[0]);
	if (limit < 0 && PyErr_Occurred())
		return NULL;
	Octets data = octets_of(args[0]);
	PyObject *pdus = PyList_New(0);
	if (!pdus)
		return NULL;
	while (end - at >= HEADER) {
		Py_ssize_t length = big_endian_32(data + at);
		if (length < HEADER || length > limit || length > end - at)
			break;
		PyObject *pdu = new_of(&Pdu);
		if (!pdu)
			goto failed;
		FIELD(pdu, Pdu, command_id) = PyLong_FromUnsignedLong(big_endian_32(data + at + 4));
		FIELD(pdu, Pdu, command_status) = PyLong_FromUnsignedLong(big_endian_32(data + at + 8));
		FIELD(pdu, Pdu, sequence_number) = PyLong_FromUnsignedLong(big_endian_32(data + at + 12));
		FIELD(pdu, Pdu, raw) = slice(data, at, at + length);
		int added = PyErr_Occurred() ? -1 : PyList_Append(pdus, pdu);
		Py_DECREF(pdu);
		if (added < 0)
			goto failed;
		at += length;
	}
	return Py_BuildValue("(Nn)", pdus, at);
failed:
	Py_DECREF(pdus);
	return NULL;
}

/* ------------------------------------------------------------------------- smpp.fields */

/* walk_message(raw) -> six offsets; without TLVs, and with everything as it should be */
FUNCTION(walk_message)
{
	UNLESS(count == 1 && !names && PyBytes_CheckExact(args[0]));
	Octets raw = octets_of(args[0]);
	Py_ssize_t end = PyBytes_GET_SIZE(args[0]);
	Py_ssize_t source_at = next(raw, 0, HEADER, end) + 1;
	UNLESS(source_at > HEADER && source_at <= HEADER + 6);
	Py_ssize_t dest_at = next(raw, 0, source_at + 2, end) + 1;
	UNLESS(dest_at > 0 && dest_at - source_at <= 23);
	Py_ssize_t esm_at = next(raw, 0, dest_at + 2, end) + 1;
	UNLESS(esm_at > 0 && esm_at - dest_at <= 23 && esm_at + 4 < end && !raw[esm_at + 3]);
	Py_ssize_t flags_at = next(raw, 0, esm_at + 4, end) + 1;
	UNLESS(flags_at > 0 && flags_at - esm_at <= 21 && flags_at + 4 < end);
	Py_ssize_t sm_at = flags_at + 5;
	UNLESS(sm_at + raw[flags_at + 4] == end);
	Py_ssize_t found[] = {source_at, dest_at, esm_at, flags_at, sm_at, end};
	PyObject *offsets = PyTuple_New(6);
	for (int place = 0; offsets && place < 6; place++) {
		PyObject *number = PyLong_FromSsize_t(found[place]);
		if (!number)
			Py_CLEAR(offsets);
		else
			PyTuple_SET_ITEM(offsets, place, number);
	}
	return offsets;
}

/* -------------------------------------------------------------------- receipts.receipt */

enum { ESM_RECEIPT = 0x04, MOST_ID = 65 };

/* usual(raw, profile) -> the Receipt in a deliver_sm; with a class Receipt */
FUNCTION(usual)
{
	UNLESS(count == 2 && !names && PyBytes_CheckExact(args[0]) && IS(args[1], ReceiptProfile));
	Octets raw = octets_of(args[0]);
	Py_ssize_t end = PyBytes_GET_SIZE(args[0]);
	/* Behind service_type, TON and NPI; then those of the other address. */
	Py_ssize_t source_at = next(raw, 0, HEADER, end) + 3;
	UNLESS(source_at > HEADER);
	Py_ssize_t source_end = next(raw, 0, source_at, end);
	UNLESS(source_end >= 0);
	Py_ssize_t esm_at = next(raw, 0, source_end + 3, end) + 1;
	UNLESS(esm_at > 0 && esm_at < end && raw[esm_at] == ESM_RECEIPT);
	Py_ssize_t validity_at = next(raw, 0, esm_at + 3, end) + 1;
	UNLESS(validity_at > 0);
	Py_ssize_t text_at = next(raw, 0, validity_at, end) + 6;
	UNLESS(text_at > 5 && text_at <= end);
	Py_ssize_t tlv_at = text_at + raw[text_at - 1], id_at = text_at + 3;
	UNLESS(tlv_at <= end && id_at < tlv_at && !memcmp(raw + text_at, "id:", 3) && raw[tlv_at - 1]);
	Py_ssize_t id_end = next(raw, ' ', id_at, tlv_at);
	UNLESS(id_end >= 0 && id_end - id_at <= MOST_ID && all_alphanumeric(raw + id_at, id_end - id_at));
	Py_ssize_t rest_at = next_text(raw, "ext:", 4, id_end, tlv_at) + 4;
	if (rest_at < 4)
		rest_at = tlv_at;
	/* receipted_message_id, of at most 255 octets. */
	Py_ssize_t id_tlv_at = next_text(raw, "\x00\x1e\x00", 3, tlv_at, end), id_tlv_end = end;
	Py_ssize_t id_tlv_size = 0;
	if (id_tlv_at < 0) {
		id_tlv_at = end;
	} else {
		UNLESS(id_tlv_at + 3 < end);
		id_tlv_size = raw[id_tlv_at + 3];
		id_tlv_end = id_tlv_at + 4 + id_tlv_size;
		UNLESS(id_tlv_end <= end);
		Py_ssize_t nul = next(raw, 0, id_tlv_at + 4, id_tlv_end);
		if (nul >= 0)
			id_tlv_size = nul - id_tlv_at - 4;
	}

	PyObject *profile = args[1];
	PyObject *shared = FIELD(profile, ReceiptProfile, shared);
	PyObject *key = Py_BuildValue("(NNN)", slice(raw, id_end, rest_at),
		slice(raw, tlv_at, id_tlv_at), slice(raw, id_tlv_end, end));
	if (!key)
		return NULL;
	/* What is shared may be dropped by whoever shares more: held while it is used. */
	PyObject *known = Py_XNewRef(PyDict_GetItemWithError(shared, key));
	Py_DECREF(key);
	if (!known && PyErr_Occurred())
		return NULL;
	UNLESS(known);
	PyObject *made = new_of(&Receipt);
	if (!made) {
		Py_DECREF(known);
		return NULL;
	}
	static const int as_known[] = {SHARED_FIELDS(AS_PLACE, Receipt)};
	for (int place = 0; place < PyTuple_GET_SIZE(known); place++)
		AT(made, Receipt.at[as_known[place]]) = Py_NewRef(PyTuple_GET_ITEM(known, place));
	Py_DECREF(known);
	int swapped = is_word(FIELD(profile, ReceiptProfile, addresses), "swapped");
	int text_first = !id_tlv_size || is_word(FIELD(profile, ReceiptProfile, prefer), "text");
	int same = !id_tlv_size || (id_tlv_size == id_end - id_at
		&& !memcmp(raw + id_at, raw + id_tlv_at + 4, (size_t)id_tlv_size));
	PyObject *text_id = slice(raw, id_at, id_end);
	PyObject *tlv_id = id_tlv_size ? slice(raw, id_tlv_at + 4, id_tlv_at + 4 + id_tlv_size)
		: PyBytes_FromStringAndSize(NULL, 0);
	FIELD(made, Receipt, text_message_id) = text_id;
	FIELD(made, Receipt, receipted_message_id) = tlv_id;
	FIELD(made, Receipt, text_first) = PyBool_FromLong(text_first);
	FIELD(made, Receipt, text) = slice(raw, rest_at, tlv_at);
	FIELD(made, Receipt, user_message_reference) = PyBytes_FromStringAndSize(NULL, 0);
	FIELD(made, Receipt, destination) = swapped ? slice(raw, source_at, source_end)
		: slice(raw, source_end + 3, esm_at - 1);
	if (text_id && tlv_id)
		FIELD(made, Receipt, message_ids) = same ? PyTuple_Pack(1, text_id)
			: text_first ? PyTuple_Pack(2, text_id, tlv_id) : PyTuple_Pack(2, tlv_id, text_id);
	if (PyErr_Occurred())
		Py_CLEAR(made);
	return made;
}

/* ---------------------------------------------------------------------------- journeys */

enum { PLACED = 2, FINAL_BIT = 0x80, PLACED_SIZE = 25, TAIL = 8 };
enum { MOST_WORD = 32, MOST_TEXT = 255, MOST_KEPT = 1000 };

static inline Py_ssize_t size_up_to(PyObject *bytes, Py_ssize_t most)
{
	Py_ssize_t size = PyBytes_GET_SIZE(bytes);
	return size < most ? size : most;
}

/* The last digits of an address of digits. */
static inline PyObject *tail_of(PyObject *address)
{
	Py_ssize_t size = PyBytes_GET_SIZE(address);
	if (size <= TAIL)
		return Py_NewRef(address);
	return slice(octets_of(address), size - TAIL, size);
}

static inline int is_number_of_digits(PyObject *address)
{
	return PyBytes_CheckExact(address)
		&& all_digits(octets_of(address), PyBytes_GET_SIZE(address));
}

/* arrival_of(receipt, keys, raw, place, arrived) -> Arrival; with a class Arrival, class Receipt */
FUNCTION(arrival_of)
{
	UNLESS(count == 5 && !names && IS(args[0], Receipt) && PyBytes_CheckExact(args[2])
		&& PyBytes_CheckExact(args[3]));
	PyObject *receipt = args[0], *raw = args[2], *place = args[3];
	PyObject *stat = FIELD(receipt, Receipt, stat), *err = FIELD(receipt, Receipt, err);
	PyObject *text = FIELD(receipt, Receipt, text);
	PyObject *code = FIELD(receipt, Receipt, network_error_code);
	PyObject *ids = FIELD(receipt, Receipt, message_ids);
	PyObject *destination = FIELD(receipt, Receipt, destination);
	UNLESS(PyBytes_CheckExact(stat) && PyBytes_CheckExact(err) && PyBytes_CheckExact(text)
		&& PyBytes_CheckExact(code) && PyTuple_CheckExact(ids) && PyTuple_GET_SIZE(ids)
		&& PyBytes_CheckExact(PyTuple_GET_ITEM(ids, 0)) && is_number_of_digits(destination));
	long long state, sub, dlvrd, done_date, arrived;
	Py_ssize_t place_size = PyBytes_GET_SIZE(place);
	UNLESS(is_whole(FIELD(receipt, Receipt, state), 8, &state) && state >= 0
		&& is_whole(FIELD(receipt, Receipt, sub), 32, &sub)
		&& is_whole(FIELD(receipt, Receipt, dlvrd), 32, &dlvrd)
		&& is_whole(FIELD(receipt, Receipt, done_date), 64, &done_date)
		&& is_whole(args[4], 64, &arrived) && place_size && place_size < 256);
	if (!done_date)
		done_date = arrived;
	PyObject *id = PyTuple_GET_ITEM(ids, 0);
	Py_ssize_t stat_size = size_up_to(stat, MOST_WORD), err_size = size_up_to(err, MOST_WORD);
	Py_ssize_t code_size = size_up_to(code, MOST_WORD), text_size = size_up_to(text, MOST_TEXT);
	Py_ssize_t id_size = size_up_to(id, MOST_ID);
	int final = PyObject_IsTrue(FIELD(receipt, Receipt, final));

	PyObject *record = PyBytes_FromStringAndSize(NULL,
		PLACED_SIZE + stat_size + err_size + code_size + text_size + place_size + id_size);
	PyObject *arrival = record ? new_of(&Arrival) : NULL;
	if (!arrival) {
		Py_XDECREF(record);
		return NULL;
	}
	unsigned char *to = (unsigned char *)PyBytes_AS_STRING(record);
	*to++ = PLACED;
	*to++ = (unsigned char)(final ? state | FINAL_BIT : state);
	*to++ = (unsigned char)stat_size;
	*to++ = (unsigned char)err_size;
	*to++ = (unsigned char)code_size;
	to = put_number(to, (uint64_t)text_size, 2);
	to = put_number(to, (uint64_t)sub, 4);
	to = put_number(to, (uint64_t)dlvrd, 4);
	to = put_number(to, (uint64_t)done_date, 8);
	*to++ = (unsigned char)place_size;
	*to++ = (unsigned char)id_size;
	to = put(to, PyBytes_AS_STRING(stat), stat_size);
	to = put(to, PyBytes_AS_STRING(err), err_size);
	to = put(to, PyBytes_AS_STRING(code), code_size);
	to = put(to, PyBytes_AS_STRING(text), text_size);
	to = put_bytes(to, place);
	put(to, PyBytes_AS_STRING(id), id_size);

	FIELD(arrival, Arrival, keys) = Py_NewRef(args[1]);
	FIELD(arrival, Arrival, destination) = tail_of(destination);
	FIELD(arrival, Arrival, kind) = Py_NewRef(FIELD(receipt, Receipt, kind));
	FIELD(arrival, Arrival, state) = Py_NewRef(FIELD(receipt, Receipt, state));
	FIELD(arrival, Arrival, final) = Py_NewRef(FIELD(receipt, Receipt, final));
	FIELD(arrival, Arrival, receipt) = record;
	FIELD(arrival, Arrival, segment) = PyLong_FromLong(0);
	FIELD(arrival, Arrival, raw) = PyBytes_GET_SIZE(raw) <= MOST_KEPT ? Py_NewRef(raw)
		: PyBytes_FromStringAndSize(NULL, 0);
	if (PyErr_Occurred())
		Py_CLEAR(arrival);
	return arrival;
}


enum { ORIGIN_VERSION = 1, NO_REFERENCE = 255, ORIGIN_SIZE = 19 };

/* The interface_version of a client's session; -1 with an error set. */
static long version_of(PyObject *client)
{
	PyObject *session = PyObject_GetAttr(client, session_name);
	PyObject *version = session ? PyObject_GetAttr(session, version_name) : NULL;
	long number = version ? PyLong_AsLong(version) : -1;
	Py_XDECREF(session);
	Py_XDECREF(version);
	return number;
}

enum { VERSION_3_4 = 0x34 };

/* The id in the receipts of a submit, which keeps it. */
static PyObject *message_id_of(PyObject *submit, PyObject *account, long version)
{
	static const long long first = 1000000000, numbers = 3294967296;
	PyObject *id = FIELD(submit, Submit, _message_id);
	if (PyBytes_CheckExact(id) && PyBytes_GET_SIZE(id))
		return Py_NewRef(id);
	int is_decimal = (version && version < VERSION_3_4)
		|| is_word(FIELD(account, Account, message_id_format), "decimal10");
	long long number = 0;
	if (!is_decimal || !is_whole(FIELD(submit, Submit, number), 64, &number) || number < 0)
		return PyObject_GetAttr(submit, receipt_message_id_name);
	char text[24];
	int size = snprintf(text, sizeof text, "%lld", first + number % numbers);
	id = PyBytes_FromStringAndSize(text, size);
	if (id)
		Py_XSETREF(FIELD(submit, Submit, _message_id), Py_NewRef(id));
	return id;
}

/* mapping_of(submit, key, began, provider) -> Mapping; with classes, then wanted() */
FUNCTION(mapping_of)
{
	UNLESS(count == 4 && !names && IS(args[0], Submit) && PyFloat_CheckExact(args[2]));
	PyObject *submit = args[0], *account = FIELD(submit, Submit, account);
	PyObject *pdu = FIELD(submit, Submit, pdu), *pick = FIELD(submit, Submit, pick);
	PyObject *offsets = FIELD(submit, Submit, offsets);
	PyObject *arrived = FIELD(submit, Submit, arrived);
	UNLESS(IS(account, Account) && IS(pdu, Pdu) && IS(pick, Pick)
		&& PyTuple_CheckExact(offsets) && PyTuple_GET_SIZE(offsets) == 6
		&& PyFloat_CheckExact(arrived));
	PyObject *rewrites = FIELD(pick, Pick, rewrites);
	UNLESS(PyDict_CheckExact(rewrites) && !PyDict_GET_SIZE(rewrites)
		&& FIELD(account, Account, late_delivery) == Py_False
		&& is_word(FIELD(account, Account, on_no_receipt), "nothing")
		&& PyLong_AsLong(FIELD(submit, Submit, segments)) == 1);
	Py_ssize_t at[6];
	for (int place = 0; place < 6; place++)
		at[place] = PyLong_AsSsize_t(PyTuple_GET_ITEM(offsets, place));
	PyObject *octets = FIELD(pdu, Pdu, raw);
	UNLESS(!PyErr_Occurred() && PyBytes_CheckExact(octets));
	Octets raw = octets_of(octets);
	Py_ssize_t source_at = at[0], dest_at = at[1], esm_at = at[2], flags_at = at[3];
	Py_ssize_t source_size = dest_at - source_at - 3, dest_size = esm_at - dest_at - 3;
	UNLESS(source_at >= HEADER && flags_at > esm_at && flags_at < at[5]
		&& at[5] == PyBytes_GET_SIZE(octets) && source_size >= 0 && source_size < 256
		&& dest_size > 0 && dest_size < 256 && all_digits(raw + dest_at + 2, dest_size));
	long version = version_of(FIELD(submit, Submit, client));
	if (version < 0 && PyErr_Occurred())
		return NULL;
	UNLESS(version >= 0 && version < 256);

	PyObject *registered = PyLong_FromLong(raw[flags_at]);
	PyObject *asked[] = {
		registered, FIELD(account, Account, receipts),
		FIELD(account, Account, intermediate),
	};
	PyObject *want = registered ? PyObject_Vectorcall(NAMED(self, 0), asked, 3, NULL) : NULL;
	PyObject *id = want ? message_id_of(submit, account, version) : NULL;
	Py_XDECREF(registered);
	Py_ssize_t id_size = id ? PyBytes_GET_SIZE(id) : 0;
	if (id_size > 255)
		Py_CLEAR(id);
	PyObject *origin = id
		? PyBytes_FromStringAndSize(NULL, ORIGIN_SIZE + id_size + source_size + dest_size) : NULL;
	PyObject *mapping = origin ? new_of(&Mapping) : NULL;
	if (!mapping) {
		Py_XDECREF(want);
		Py_XDECREF(id);
		Py_XDECREF(origin);
		UNLESS(PyErr_Occurred());
		return NULL;
	}
	double submitted = PyFloat_AS_DOUBLE(args[2]) + PyFloat_AS_DOUBLE(arrived);
	unsigned char *to = (unsigned char *)PyBytes_AS_STRING(origin);
	*to++ = ORIGIN_VERSION;
	*to++ = (unsigned char)version;
	*to++ = raw[flags_at];
	to = put(to, raw + source_at, 2);
	to = put(to, raw + dest_at, 2);
	*to++ = (unsigned char)id_size;
	*to++ = (unsigned char)source_size;
	*to++ = (unsigned char)dest_size;
	*to++ = NO_REFERENCE;
	to = put_number(to, (uint64_t)(int64_t)submitted, 8);
	to = put_bytes(to, id);
	to = put(to, raw + source_at + 2, source_size);
	put(to, raw + dest_at + 2, dest_size);
	Py_DECREF(id);

	Py_ssize_t tail_at = dest_size > TAIL ? esm_at - 1 - TAIL : dest_at + 2;
	FIELD(mapping, Mapping, key) = Py_NewRef(args[1]);
	FIELD(mapping, Mapping, account) = Py_NewRef(FIELD(account, Account, key));
	FIELD(mapping, Mapping, destination) = slice(raw, tail_at, esm_at - 1);
	FIELD(mapping, Mapping, want) = want;
	FIELD(mapping, Mapping, origin) = origin;
	FIELD(mapping, Mapping, group) = PyBytes_FromStringAndSize(NULL, 0);
	FIELD(mapping, Mapping, parts) = PyLong_FromLong(1);
	FIELD(mapping, Mapping, part) = PyLong_FromLong(1);
	FIELD(mapping, Mapping, late) = Py_NewRef(Py_False);
	FIELD(mapping, Mapping, remind) = Py_NewRef(Py_False);
	FIELD(mapping, Mapping, also) = PyTuple_New(0);
	if (PyErr_Occurred())
		Py_CLEAR(mapping);
	return mapping;
}

/* The size of a packed receipt up to its text; 0 for one that the twin must look at. */
static Py_ssize_t head_size(PyObject *record)
{
	Py_ssize_t size = PyBytes_GET_SIZE(record);
	Octets octets = octets_of(record);
	if (size < PLACED_SIZE || octets[0] != PLACED)
		return 0;
	Py_ssize_t text_at = PLACED_SIZE + octets[2] + octets[3] + octets[4];
	Py_ssize_t rest = (octets[5] << 8 | octets[6]) + octets[PLACED_SIZE - 2] + octets[PLACED_SIZE - 1];
	return text_at + rest == size ? text_at : 0;
}

enum { ORIGIN_HEAD = 11 };

/* body_of(delivery, client) -> the deliver_sm behind its header; with classes, then date_text() */
FUNCTION(body_of)
{
	UNLESS(count == 2 && !names && IS(args[0], Delivery));
	PyObject *entry = FIELD(args[0], Delivery, entry);
	UNLESS(IS(entry, Entry));
	PyObject *origin = FIELD(entry, Entry, origin);
	PyObject *receipt = FIELD(entry, Entry, receipt);
	UNLESS(PyBytes_CheckExact(origin) && PyBytes_GET_SIZE(origin) >= ORIGIN_SIZE
		&& PyBytes_CheckExact(receipt));
	Octets from = octets_of(origin);
	Py_ssize_t id_size = from[7], source_size = from[8], dest_size = from[9];
	Py_ssize_t head = head_size(receipt);
	UNLESS(head && from[0] == ORIGIN_VERSION && from[10] == NO_REFERENCE
		&& ORIGIN_SIZE + id_size + source_size + dest_size == PyBytes_GET_SIZE(origin));
	long version = version_of(args[1]);
	if (version < 0 && PyErr_Occurred())
		return NULL;

	PyObject *inbox = FIELD(args[0], Delivery, inbox), *look = NULL, *body = NULL;
	PyObject *looks = PyObject_GetAttr(inbox, looks_name);
	PyObject *account = PyObject_GetAttr(inbox, account_name);
	PyObject *zone = account ? PyObject_GetAttr(account, receipt_tz_name) : NULL;
	PyObject *key = Py_BuildValue("(NNOOO)", slice(octets_of(receipt), 0, head),
		slice(from, 0, ORIGIN_HEAD), FIELD(entry, Entry, sub),
		FIELD(entry, Entry, dlvrd),
		version > 0 && version < VERSION_3_4 ? Py_False : Py_True);
	PyObject *seconds = PyLong_FromUnsignedLongLong(
		(uint64_t)big_endian_32(from + 11) << 32 | big_endian_32(from + 15));
	PyObject *date = NULL;
	if (looks && zone && key && seconds) {
		look = Py_XNewRef(PyDict_GetItemWithError(looks, key));
		if (look && IS(look, Look) && FIELD(look, Look, watched) == Py_False) {
			PyObject *asked[] = {seconds, zone};
			date = PyObject_Vectorcall(NAMED(self, 0), asked, 2, NULL);
		}
	}
	if (date) {
		PyObject *form = FIELD(look, Look, form);
		PyObject *opening = FIELD(form, Form, _head);
		PyObject *between = FIELD(form, Form, _between);
		PyObject *to_id = FIELD(form, Form, _to_id);
		PyObject *counts = FIELD(form, Form, _counts);
		PyObject *ending = FIELD(form, Form, _ending);
		PyObject *tail = FIELD(form, Form, _tail);
		Octets id = from + ORIGIN_SIZE, source = id + id_size, destination = source + source_size;
		int twice = PyBytes_GET_SIZE(tail) > 0;
		body = PyBytes_FromStringAndSize(NULL, PyBytes_GET_SIZE(opening) + dest_size
			+ PyBytes_GET_SIZE(between) + source_size + PyBytes_GET_SIZE(to_id) + id_size
			+ PyBytes_GET_SIZE(counts) + PyBytes_GET_SIZE(date) + PyBytes_GET_SIZE(ending)
			+ (twice ? id_size + PyBytes_GET_SIZE(tail) : 0));
		if (body) {
			unsigned char *to = put_bytes((unsigned char *)PyBytes_AS_STRING(body), opening);
			to = put(to, destination, dest_size);
			to = put_bytes(to, between);
			to = put(to, source, source_size);
			to = put_bytes(to, to_id);
			to = put(to, id, id_size);
			to = put_bytes(to, counts);
			to = put_bytes(to, date);
			to = put_bytes(to, ending);
			if (twice) {
				to = put(to, id, id_size);
				put_bytes(to, tail);
			}
		}
	}
	Py_XDECREF(looks);
	Py_XDECREF(account);
	Py_XDECREF(zone);
	Py_XDECREF(key);
	Py_XDECREF(seconds);
	Py_XDECREF(look);
	Py_XDECREF(date);
	if (PyErr_Occurred())
		return NULL;
	UNLESS(body);
	return body;
}

/* ------------------------------------------------------------------------------- store */

enum { PLAIN = 4, EXPIRY = 1, WANT = 5, ACCOUNT = 6, MOST_BUNDLED = 100 };

/* Settle one receipt by the map under its id; 1: done, 0: it is not usual, -1: an error. */
static int settled_by(
	PyObject *settled, PyObject **bundle, PyObject *place, PyObject *arrival, PyObject *map)
{
	if (!PyBytes_CheckExact(map) || !IS(arrival, Arrival))
		return 0;
	Octets octets = octets_of(map);
	Py_ssize_t end = PyBytes_GET_SIZE(map);
	PyObject *destination = FIELD(arrival, Arrival, destination);
	PyObject *receipt = FIELD(arrival, Arrival, receipt);
	PyObject *keys = FIELD(arrival, Arrival, keys);
	if (end <= ACCOUNT || octets[0] != PLAIN || !PyBytes_CheckExact(destination)
		|| !PyBytes_CheckExact(receipt) || !PyTuple_CheckExact(keys) || !PyTuple_GET_SIZE(keys)
		|| !(octets[WANT] & PyLong_AsLong(FIELD(arrival, Arrival, kind))))
		return 0;
	Py_ssize_t account_at = ACCOUNT + 1, account_size = octets[ACCOUNT];
	Py_ssize_t account_end = account_at + account_size;
	if (account_end >= end)
		return 0;
	Py_ssize_t origin_at = account_end + 1 + octets[account_end];
	if (origin_at >= end || PyBytes_GET_SIZE(destination) != octets[account_end]
		|| memcmp(octets + account_end + 1, octets_of(destination), octets[account_end]))
		return 0;

	/* The account's bundle: nearly always that of the receipt before. */
	PyObject *account = *bundle ? FIELD(*bundle, Bundle, account) : NULL;
	if (!account || PyBytes_GET_SIZE(account) != account_size
		|| memcmp(octets_of(account), octets + account_at, (size_t)account_size)) {
		account = slice(octets, account_at, account_end);
		if (!account)
			return -1;
		*bundle = PyDict_GetItemWithError(FIELD(settled, Settled, _open), account);
		Py_DECREF(account);
		if (*bundle && !IS(*bundle, Bundle))
			*bundle = NULL;
	}
	PyObject *said = PyDict_GetItemWithError(
		FIELD(settled, Settled, said), FIELD(arrival, Arrival, state));
	if (!*bundle || !said || !IS(said, Said)
		|| PyList_GET_SIZE(FIELD(*bundle, Bundle, places)) == MOST_BUNDLED)
		return PyErr_Occurred() ? -1 : 0;

	Py_ssize_t body_at = origin_at + (octets[origin_at] < 0xd9 ? 1 : octets[origin_at] - 0xd7);
	Py_ssize_t receipt_size = PyBytes_GET_SIZE(receipt);
	if (body_at > end || receipt_size > 65535)
		return 0;
	unsigned char start[3], *start_end = start;
	if (receipt_size < 32) {
		*start_end++ = (unsigned char)(0xa0 + receipt_size);
	} else {
		*start_end++ = receipt_size < 256 ? 0xd9 : 0xda;
		start_end = put_number(start_end, (uint64_t)receipt_size, receipt_size < 256 ? 1 : 2);
	}
	Octets body = octets + body_at;
	Py_ssize_t body_size = end - body_at, id_size = 0;
	if (body_size >= ORIGIN_SIZE && (body[0] == 1 || body[0] == 2)) {
		id_size = body_size - ORIGIN_SIZE;
		id_size = body[7] < id_size ? body[7] : id_size;
	}
	PyObject *made[] = {
		slice(octets, body_at, end), slice(octets, origin_at, end),
		slice(start, 0, start_end - start), slice(body, ORIGIN_SIZE, ORIGIN_SIZE + id_size),
	};
	PyObject *parts = FIELD(*bundle, Bundle, parts);
	int is_done = made[0] && made[1] && made[2] && made[3]
		&& !PyList_Append(FIELD(*bundle, Bundle, places), place)
		&& !PyList_Append(FIELD(*bundle, Bundle, origins), made[0])
		&& !PyList_Append(parts, made[1]) && !PyList_Append(parts, made[2])
		&& !PyList_Append(parts, receipt)
		&& !PyDict_SetItem(FIELD(settled, Settled, message_ids), place, made[3])
		&& !PyList_Append(FIELD(said, Said, ids), PyTuple_GET_ITEM(keys, 0))
		&& !PyList_Append(FIELD(said, Said, maps), map);
	for (int each = 0; each < 4; each++)
		Py_XDECREF(made[each]);
	PyObject *first_end = FIELD(settled, Settled, first_end);
	if (is_done && memcmp(octets + EXPIRY, octets_of(first_end), 4) < 0) {
		PyObject *sooner = slice(octets, EXPIRY, EXPIRY + 4);
		is_done = sooner != NULL;
		if (sooner)
			Py_XSETREF(FIELD(settled, Settled, first_end), sooner);
	}
	return is_done ? 1 : -1;
}

/* settle(settled, places, arrivals, maps) -> the places of those that were; with classes */
FUNCTION(settle)
{
	UNLESS(count == 4 && !names && IS(args[0], Settled) && PyList_CheckExact(args[1])
		&& PyList_CheckExact(args[2]) && PyList_CheckExact(args[3])
		&& PyList_GET_SIZE(args[1]) == PyList_GET_SIZE(args[3]));
	PyObject *done = PySet_New(NULL), *bundle = NULL;
	for (Py_ssize_t at = 0; done && at < PyList_GET_SIZE(args[1]); at++) {
		PyObject *place = PyList_GET_ITEM(args[1], at), *map = PyList_GET_ITEM(args[3], at);
		if (map == Py_None)
			continue;
		PyObject *arrival = PyList_GetItem(args[2], PyLong_AsSsize_t(place));
		int is_settled = arrival ? settled_by(args[0], &bundle, place, arrival, map) : -1;
		if (!is_settled) {
			PyObject *add[] = {args[0], place, arrival, map};
			PyObject *answer = PyObject_VectorcallMethod(add_name, add, 4, NULL);
			is_settled = answer ? PyObject_IsTrue(answer) : -1;
			Py_XDECREF(answer);
			bundle = NULL;
		}
		if (is_settled < 0 || (is_settled && PySet_Add(done, place) < 0))
			Py_CLEAR(done);
	}
	return done;
}

/* ------------------------------------------------------------------------------ module */

static PyMethodDef functions[] = {
#define IN_C(name) {#name, (PyCFunction)(void (*)(void))name, METH_FASTCALL | METH_KEYWORDS, NULL}
	IN_C(cut), IN_C(walk_message), IN_C(usual), IN_C(arrival_of),
	IN_C(mapping_of), IN_C(body_of), IN_C(settle),
	{NULL, NULL, 0, NULL},
};

/* stand_in(twin, classes, more) -> what to call instead of the twin; None where there is none */
static PyObject *stand_in(PyObject *module, PyObject *args)
{
	PyObject *twin, *classes, *more;
	if (!PyArg_ParseTuple(args, "OO!O!", &twin, &PyTuple_Type, &classes, &PyTuple_Type, &more))
		return NULL;
	for (Py_ssize_t place = 0; place < PyTuple_GET_SIZE(classes); place++) {
		PyObject *each = PyTuple_GET_ITEM(classes, place);
		if (!PyType_Check(each)) {
			PyErr_SetString(PyExc_TypeError, "a class is expected");
			return NULL;
		}
		if (learn((PyTypeObject *)each) < 0)
			return NULL;
	}
	PyObject *name = PyObject_GetAttr(twin, name_name);
	if (!name)
		return NULL;
	PyObject *found = NULL;
	for (PyMethodDef *each = functions; each->ml_name && !found; each++) {
		if (!is_word(name, each->ml_name))
			continue;
		PyObject *first = PyTuple_Pack(1, twin);
		PyObject *self = first ? PySequence_Concat(first, more) : NULL;
		Py_XDECREF(first);
		if (self)
			found = PyCFunction_New(each, self);
		Py_XDECREF(self);
	}
	Py_DECREF(name);
	if (!found && !PyErr_Occurred())
		Py_RETURN_NONE;
	return found;
}

static PyMethodDef entrance[] = {
	{"stand_in", stand_in, METH_VARARGS, NULL},
	{NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
	PyModuleDef_HEAD_INIT, "_octets", NULL, -1, entrance, NULL, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit__octets(void)
{
	static const struct { PyObject **to; const char *text; } words[] = {
		{&name_name, "__name__"}, {&session_name, "session"}, {&looks_name, "looks"},
		{&version_name, "interface_version"}, {&account_name, "account"},
		{&receipt_tz_name, "receipt_tz"}, {&add_name, "add"},
		{&receipt_message_id_name, "receipt_message_id"},
	};
	for (size_t place = 0; place < sizeof words / sizeof *words; place++) {
		*words[place].to = PyUnicode_InternFromString(words[place].text);
		if (!*words[place].to)
			return NULL;
	}
	return PyModule_Create(&definition);
}
