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

/* Where objects of one class keep their fields, in the order in which they are named here. */
typedef struct {
	PyTypeObject *type;
	const char *names[MOST_FIELDS];
	Py_ssize_t at[MOST_FIELDS];
} Kind;

#define FIELD(object, kind, place) (*(PyObject **)((char *)(object) + (kind).at[place]))
#define IS(object, kind) (Py_TYPE(object) == (kind).type)

enum { COMMAND_ID, COMMAND_STATUS, SEQUENCE_NUMBER, RAW };
static Kind pdu_kind = {0, {"command_id", "command_status", "sequence_number", "raw"}, {0}};

enum {
	MESSAGE_IDS, STATE, STAT, ERR, SUBMIT_DATE, DONE_DATE, SUB, DLVRD, TEXT, NETWORK_ERROR_CODE,
	REFERENCE, DESTINATION, FINAL, KIND, TLV_ID, TEXT_ID, TEXT_FIRST, ODDITY,
};
static Kind receipt_kind = {0, {
	"message_ids", "state", "stat", "err", "submit_date", "done_date", "sub", "dlvrd", "text",
	"network_error_code", "user_message_reference", "destination", "final", "kind",
	"receipted_message_id", "text_message_id", "text_first", "oddity",
}, {0}};

enum { A_KEYS, A_DESTINATION, A_KIND, A_STATE, A_FINAL, A_RECEIPT, A_SEGMENT, A_RAW };
static Kind arrival_kind = {0, {
	"keys", "destination", "kind", "state", "final", "receipt", "segment", "raw",
}, {0}};

enum {
	M_KEY, M_ACCOUNT, M_DESTINATION, M_WANT, M_ORIGIN, M_GROUP, M_PARTS, M_PART, M_LATE, M_REMIND,
	M_ALSO,
};
static Kind mapping_kind = {0, {
	"key", "account", "destination", "want", "origin", "group", "parts", "part", "late", "remind",
	"also",
}, {0}};

enum { S_CLIENT, S_ACCOUNT, S_PDU, S_OFFSETS, S_PICK, S_ARRIVED, S_SEGMENTS, S_MESSAGE_ID,
	S_NUMBER };
static Kind submit_kind = {0, {
	"client", "account", "pdu", "offsets", "pick", "arrived", "segments", "_message_id",
	"number",
}, {0}};

enum { E_QUEUE, E_ENTRY_ID, E_DELIVERIES, E_ORIGIN, E_RECEIPT, E_SUB, E_DLVRD };
static Kind entry_kind = {0, {
	"queue", "entry_id", "deliveries", "origin", "receipt", "sub", "dlvrd",
}, {0}};

enum { P_SHARED, P_ADDRESSES, P_PREFER };
static Kind profile_kind = {0, {"shared", "addresses", "prefer"}, {0}};

enum { AC_KEY, AC_RECEIPTS, AC_INTERMEDIATE, AC_LATE_DELIVERY, AC_ON_NO_RECEIPT, AC_FORM };
static Kind account_kind = {0, {
	"key", "receipts", "intermediate", "late_delivery", "on_no_receipt", "message_id_format",
}, {0}};

enum { PI_REWRITES };
static Kind pick_kind = {0, {"rewrites"}, {0}};

enum { D_ENTRY, D_INBOX };
static Kind delivery_kind = {0, {"entry", "inbox"}, {0}};

enum { L_FORM, L_WATCHED };
static Kind look_kind = {0, {"form", "watched"}, {0}};

enum { F_HEAD, F_BETWEEN, F_TO_ID, F_COUNTS, F_ENDING, F_TAIL };
static Kind form_kind = {0, {"_head", "_between", "_to_id", "_counts", "_ending", "_tail"}, {0}};

enum { B_ACCOUNT, B_PLACES, B_ORIGINS, B_PARTS };
static Kind bundle_kind = {0, {"account", "places", "origins", "parts"}, {0}};

enum { SD_IDS, SD_MAPS };
static Kind said_kind = {0, {"ids", "maps"}, {0}};

enum { SE_FIRST_END, SE_SAID, SE_BUNDLES, SE_MESSAGE_IDS, SE_OPEN };
static Kind settled_kind = {0, {"first_end", "said", "bundles", "message_ids", "_open"}, {0}};

static Kind *const kinds[] = {
	&pdu_kind, &receipt_kind, &arrival_kind, &mapping_kind, &submit_kind,
	&profile_kind, &account_kind, &pick_kind, &entry_kind, &delivery_kind, &look_kind, &form_kind,
	&bundle_kind, &said_kind, &settled_kind, NULL,
};
static const char *const kind_names[] = {
	"Pdu", "Receipt", "Arrival", "Mapping", "Submit",
	"ReceiptProfile", "Account", "Pick", "Entry", "Delivery", "Look", "Form", "Bundle", "Said", "Settled",
};

/* Learn where this class has its fields; 0, or -1 with an error set. */
static int learn(PyTypeObject *type)
{
	const char *name = strrchr(type->tp_name, '.');
	name = name ? name + 1 : type->tp_name;
	for (int at = 0; kinds[at]; at++) {
		Kind *kind = kinds[at];
		if (strcmp(kind_names[at], name))
			continue;
		for (int field = 0; field < MOST_FIELDS && kind->names[field]; field++) {
			PyObject *slot = PyObject_GetAttrString((PyObject *)type, kind->names[field]);
			if (!slot)
				return -1;
			PyMemberDef *member = Py_IS_TYPE(slot, &PyMemberDescr_Type)
				? ((PyMemberDescrObject *)slot)->d_member : NULL;
			Py_DECREF(slot);
			if (!member || member->type != T_OBJECT_EX) {
				PyErr_Format(PyExc_TypeError, "%s.%s is no slot", name, kind->names[field]);
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
		PyObject *pdu = new_of(&pdu_kind);
		if (!pdu)
			goto failed;
		FIELD(pdu, pdu_kind, COMMAND_ID) = PyLong_FromUnsignedLong(big_endian_32(data + at + 4));
		FIELD(pdu, pdu_kind, COMMAND_STATUS) = PyLong_FromUnsignedLong(big_endian_32(data + at + 8));
		FIELD(pdu, pdu_kind, SEQUENCE_NUMBER) = PyLong_FromUnsignedLong(big_endian_32(data + at + 12));
		FIELD(pdu, pdu_kind, RAW) = slice(data, at, at + length);
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
	UNLESS(count == 2 && !names && PyBytes_CheckExact(args[0]) && IS(args[1], profile_kind));
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
	PyObject *shared = FIELD(profile, profile_kind, P_SHARED);
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
	PyObject *made = new_of(&receipt_kind);
	if (!made) {
		Py_DECREF(known);
		return NULL;
	}
	static const int from_known[] = {
		STATE, STAT, ERR, SUBMIT_DATE, DONE_DATE, SUB, DLVRD, NETWORK_ERROR_CODE, FINAL, KIND, ODDITY,
	};
	for (int place = 0; place < 11; place++)
		FIELD(made, receipt_kind, from_known[place]) = Py_NewRef(PyTuple_GET_ITEM(known, place));
	Py_DECREF(known);
	int swapped = is_word(FIELD(profile, profile_kind, P_ADDRESSES), "swapped");
	int text_first = !id_tlv_size || is_word(FIELD(profile, profile_kind, P_PREFER), "text");
	int same = !id_tlv_size || (id_tlv_size == id_end - id_at
		&& !memcmp(raw + id_at, raw + id_tlv_at + 4, (size_t)id_tlv_size));
	PyObject *text_id = slice(raw, id_at, id_end);
	PyObject *tlv_id = id_tlv_size ? slice(raw, id_tlv_at + 4, id_tlv_at + 4 + id_tlv_size)
		: PyBytes_FromStringAndSize(NULL, 0);
	FIELD(made, receipt_kind, TEXT_ID) = text_id;
	FIELD(made, receipt_kind, TLV_ID) = tlv_id;
	FIELD(made, receipt_kind, TEXT_FIRST) = PyBool_FromLong(text_first);
	FIELD(made, receipt_kind, TEXT) = slice(raw, rest_at, tlv_at);
	FIELD(made, receipt_kind, REFERENCE) = PyBytes_FromStringAndSize(NULL, 0);
	FIELD(made, receipt_kind, DESTINATION) = swapped ? slice(raw, source_at, source_end)
		: slice(raw, source_end + 3, esm_at - 1);
	if (text_id && tlv_id)
		FIELD(made, receipt_kind, MESSAGE_IDS) = same ? PyTuple_Pack(1, text_id)
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
	UNLESS(count == 5 && !names && IS(args[0], receipt_kind) && PyBytes_CheckExact(args[2])
		&& PyBytes_CheckExact(args[3]));
	PyObject *receipt = args[0], *raw = args[2], *place = args[3];
	PyObject *stat = FIELD(receipt, receipt_kind, STAT), *err = FIELD(receipt, receipt_kind, ERR);
	PyObject *text = FIELD(receipt, receipt_kind, TEXT);
	PyObject *code = FIELD(receipt, receipt_kind, NETWORK_ERROR_CODE);
	PyObject *ids = FIELD(receipt, receipt_kind, MESSAGE_IDS);
	PyObject *destination = FIELD(receipt, receipt_kind, DESTINATION);
	UNLESS(PyBytes_CheckExact(stat) && PyBytes_CheckExact(err) && PyBytes_CheckExact(text)
		&& PyBytes_CheckExact(code) && PyTuple_CheckExact(ids) && PyTuple_GET_SIZE(ids)
		&& PyBytes_CheckExact(PyTuple_GET_ITEM(ids, 0)) && is_number_of_digits(destination));
	long long state, sub, dlvrd, done_date, arrived;
	Py_ssize_t place_size = PyBytes_GET_SIZE(place);
	UNLESS(is_whole(FIELD(receipt, receipt_kind, STATE), 8, &state) && state >= 0
		&& is_whole(FIELD(receipt, receipt_kind, SUB), 32, &sub)
		&& is_whole(FIELD(receipt, receipt_kind, DLVRD), 32, &dlvrd)
		&& is_whole(FIELD(receipt, receipt_kind, DONE_DATE), 64, &done_date)
		&& is_whole(args[4], 64, &arrived) && place_size && place_size < 256);
	if (!done_date)
		done_date = arrived;
	PyObject *id = PyTuple_GET_ITEM(ids, 0);
	Py_ssize_t stat_size = size_up_to(stat, MOST_WORD), err_size = size_up_to(err, MOST_WORD);
	Py_ssize_t code_size = size_up_to(code, MOST_WORD), text_size = size_up_to(text, MOST_TEXT);
	Py_ssize_t id_size = size_up_to(id, MOST_ID);
	int final = PyObject_IsTrue(FIELD(receipt, receipt_kind, FINAL));

	PyObject *record = PyBytes_FromStringAndSize(NULL,
		PLACED_SIZE + stat_size + err_size + code_size + text_size + place_size + id_size);
	PyObject *arrival = record ? new_of(&arrival_kind) : NULL;
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

	FIELD(arrival, arrival_kind, A_KEYS) = Py_NewRef(args[1]);
	FIELD(arrival, arrival_kind, A_DESTINATION) = tail_of(destination);
	FIELD(arrival, arrival_kind, A_KIND) = Py_NewRef(FIELD(receipt, receipt_kind, KIND));
	FIELD(arrival, arrival_kind, A_STATE) = Py_NewRef(FIELD(receipt, receipt_kind, STATE));
	FIELD(arrival, arrival_kind, A_FINAL) = Py_NewRef(FIELD(receipt, receipt_kind, FINAL));
	FIELD(arrival, arrival_kind, A_RECEIPT) = record;
	FIELD(arrival, arrival_kind, A_SEGMENT) = PyLong_FromLong(0);
	FIELD(arrival, arrival_kind, A_RAW) = PyBytes_GET_SIZE(raw) <= MOST_KEPT ? Py_NewRef(raw)
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
	PyObject *id = FIELD(submit, submit_kind, S_MESSAGE_ID);
	if (PyBytes_CheckExact(id) && PyBytes_GET_SIZE(id))
		return Py_NewRef(id);
	int is_decimal = (version && version < VERSION_3_4)
		|| is_word(FIELD(account, account_kind, AC_FORM), "decimal10");
	long long number = 0;
	if (!is_decimal || !is_whole(FIELD(submit, submit_kind, S_NUMBER), 64, &number) || number < 0)
		return PyObject_GetAttr(submit, receipt_message_id_name);
	char text[24];
	int size = snprintf(text, sizeof text, "%lld", first + number % numbers);
	id = PyBytes_FromStringAndSize(text, size);
	if (id)
		Py_XSETREF(FIELD(submit, submit_kind, S_MESSAGE_ID), Py_NewRef(id));
	return id;
}

/* mapping_of(submit, key, began, provider) -> Mapping; with classes, then wanted() */
FUNCTION(mapping_of)
{
	UNLESS(count == 4 && !names && IS(args[0], submit_kind) && PyFloat_CheckExact(args[2]));
	PyObject *submit = args[0], *account = FIELD(submit, submit_kind, S_ACCOUNT);
	PyObject *pdu = FIELD(submit, submit_kind, S_PDU), *pick = FIELD(submit, submit_kind, S_PICK);
	PyObject *offsets = FIELD(submit, submit_kind, S_OFFSETS);
	PyObject *arrived = FIELD(submit, submit_kind, S_ARRIVED);
	UNLESS(IS(account, account_kind) && IS(pdu, pdu_kind) && IS(pick, pick_kind)
		&& PyTuple_CheckExact(offsets) && PyTuple_GET_SIZE(offsets) == 6
		&& PyFloat_CheckExact(arrived));
	PyObject *rewrites = FIELD(pick, pick_kind, PI_REWRITES);
	UNLESS(PyDict_CheckExact(rewrites) && !PyDict_GET_SIZE(rewrites)
		&& FIELD(account, account_kind, AC_LATE_DELIVERY) == Py_False
		&& is_word(FIELD(account, account_kind, AC_ON_NO_RECEIPT), "nothing")
		&& PyLong_AsLong(FIELD(submit, submit_kind, S_SEGMENTS)) == 1);
	Py_ssize_t at[6];
	for (int place = 0; place < 6; place++)
		at[place] = PyLong_AsSsize_t(PyTuple_GET_ITEM(offsets, place));
	PyObject *octets = FIELD(pdu, pdu_kind, RAW);
	UNLESS(!PyErr_Occurred() && PyBytes_CheckExact(octets));
	Octets raw = octets_of(octets);
	Py_ssize_t source_at = at[0], dest_at = at[1], esm_at = at[2], flags_at = at[3];
	Py_ssize_t source_size = dest_at - source_at - 3, dest_size = esm_at - dest_at - 3;
	UNLESS(source_at >= HEADER && flags_at > esm_at && flags_at < at[5]
		&& at[5] == PyBytes_GET_SIZE(octets) && source_size >= 0 && source_size < 256
		&& dest_size > 0 && dest_size < 256 && all_digits(raw + dest_at + 2, dest_size));
	long version = version_of(FIELD(submit, submit_kind, S_CLIENT));
	if (version < 0 && PyErr_Occurred())
		return NULL;
	UNLESS(version >= 0 && version < 256);

	PyObject *registered = PyLong_FromLong(raw[flags_at]);
	PyObject *asked[] = {
		registered, FIELD(account, account_kind, AC_RECEIPTS),
		FIELD(account, account_kind, AC_INTERMEDIATE),
	};
	PyObject *want = registered ? PyObject_Vectorcall(NAMED(self, 0), asked, 3, NULL) : NULL;
	PyObject *id = want ? message_id_of(submit, account, version) : NULL;
	Py_XDECREF(registered);
	Py_ssize_t id_size = id ? PyBytes_GET_SIZE(id) : 0;
	if (id_size > 255)
		Py_CLEAR(id);
	PyObject *origin = id
		? PyBytes_FromStringAndSize(NULL, ORIGIN_SIZE + id_size + source_size + dest_size) : NULL;
	PyObject *mapping = origin ? new_of(&mapping_kind) : NULL;
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
	FIELD(mapping, mapping_kind, M_KEY) = Py_NewRef(args[1]);
	FIELD(mapping, mapping_kind, M_ACCOUNT) = Py_NewRef(FIELD(account, account_kind, AC_KEY));
	FIELD(mapping, mapping_kind, M_DESTINATION) = slice(raw, tail_at, esm_at - 1);
	FIELD(mapping, mapping_kind, M_WANT) = want;
	FIELD(mapping, mapping_kind, M_ORIGIN) = origin;
	FIELD(mapping, mapping_kind, M_GROUP) = PyBytes_FromStringAndSize(NULL, 0);
	FIELD(mapping, mapping_kind, M_PARTS) = PyLong_FromLong(1);
	FIELD(mapping, mapping_kind, M_PART) = PyLong_FromLong(1);
	FIELD(mapping, mapping_kind, M_LATE) = Py_NewRef(Py_False);
	FIELD(mapping, mapping_kind, M_REMIND) = Py_NewRef(Py_False);
	FIELD(mapping, mapping_kind, M_ALSO) = PyTuple_New(0);
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
	UNLESS(count == 2 && !names && IS(args[0], delivery_kind));
	PyObject *entry = FIELD(args[0], delivery_kind, D_ENTRY);
	UNLESS(IS(entry, entry_kind));
	PyObject *origin = FIELD(entry, entry_kind, E_ORIGIN);
	PyObject *receipt = FIELD(entry, entry_kind, E_RECEIPT);
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

	PyObject *inbox = FIELD(args[0], delivery_kind, D_INBOX), *look = NULL, *body = NULL;
	PyObject *looks = PyObject_GetAttr(inbox, looks_name);
	PyObject *account = PyObject_GetAttr(inbox, account_name);
	PyObject *zone = account ? PyObject_GetAttr(account, receipt_tz_name) : NULL;
	PyObject *key = Py_BuildValue("(NNOOO)", slice(octets_of(receipt), 0, head),
		slice(from, 0, ORIGIN_HEAD), FIELD(entry, entry_kind, E_SUB),
		FIELD(entry, entry_kind, E_DLVRD),
		version > 0 && version < VERSION_3_4 ? Py_False : Py_True);
	PyObject *seconds = PyLong_FromUnsignedLongLong(
		(uint64_t)big_endian_32(from + 11) << 32 | big_endian_32(from + 15));
	PyObject *date = NULL;
	if (looks && zone && key && seconds) {
		look = Py_XNewRef(PyDict_GetItemWithError(looks, key));
		if (look && IS(look, look_kind) && FIELD(look, look_kind, L_WATCHED) == Py_False) {
			PyObject *asked[] = {seconds, zone};
			date = PyObject_Vectorcall(NAMED(self, 0), asked, 2, NULL);
		}
	}
	if (date) {
		PyObject *form = FIELD(look, look_kind, L_FORM);
		PyObject *opening = FIELD(form, form_kind, F_HEAD);
		PyObject *between = FIELD(form, form_kind, F_BETWEEN);
		PyObject *to_id = FIELD(form, form_kind, F_TO_ID);
		PyObject *counts = FIELD(form, form_kind, F_COUNTS);
		PyObject *ending = FIELD(form, form_kind, F_ENDING);
		PyObject *tail = FIELD(form, form_kind, F_TAIL);
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
	if (!PyBytes_CheckExact(map) || !IS(arrival, arrival_kind))
		return 0;
	Octets octets = octets_of(map);
	Py_ssize_t end = PyBytes_GET_SIZE(map);
	PyObject *destination = FIELD(arrival, arrival_kind, A_DESTINATION);
	PyObject *receipt = FIELD(arrival, arrival_kind, A_RECEIPT);
	PyObject *keys = FIELD(arrival, arrival_kind, A_KEYS);
	if (end <= ACCOUNT || octets[0] != PLAIN || !PyBytes_CheckExact(destination)
		|| !PyBytes_CheckExact(receipt) || !PyTuple_CheckExact(keys) || !PyTuple_GET_SIZE(keys)
		|| !(octets[WANT] & PyLong_AsLong(FIELD(arrival, arrival_kind, A_KIND))))
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
	PyObject *account = *bundle ? FIELD(*bundle, bundle_kind, B_ACCOUNT) : NULL;
	if (!account || PyBytes_GET_SIZE(account) != account_size
		|| memcmp(octets_of(account), octets + account_at, (size_t)account_size)) {
		account = slice(octets, account_at, account_end);
		if (!account)
			return -1;
		*bundle = PyDict_GetItemWithError(FIELD(settled, settled_kind, SE_OPEN), account);
		Py_DECREF(account);
		if (*bundle && !IS(*bundle, bundle_kind))
			*bundle = NULL;
	}
	PyObject *said = PyDict_GetItemWithError(
		FIELD(settled, settled_kind, SE_SAID), FIELD(arrival, arrival_kind, A_STATE));
	if (!*bundle || !said || !IS(said, said_kind)
		|| PyList_GET_SIZE(FIELD(*bundle, bundle_kind, B_PLACES)) == MOST_BUNDLED)
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
	PyObject *parts = FIELD(*bundle, bundle_kind, B_PARTS);
	int is_done = made[0] && made[1] && made[2] && made[3]
		&& !PyList_Append(FIELD(*bundle, bundle_kind, B_PLACES), place)
		&& !PyList_Append(FIELD(*bundle, bundle_kind, B_ORIGINS), made[0])
		&& !PyList_Append(parts, made[1]) && !PyList_Append(parts, made[2])
		&& !PyList_Append(parts, receipt)
		&& !PyDict_SetItem(FIELD(settled, settled_kind, SE_MESSAGE_IDS), place, made[3])
		&& !PyList_Append(FIELD(said, said_kind, SD_IDS), PyTuple_GET_ITEM(keys, 0))
		&& !PyList_Append(FIELD(said, said_kind, SD_MAPS), map);
	for (int each = 0; each < 4; each++)
		Py_XDECREF(made[each]);
	PyObject *first_end = FIELD(settled, settled_kind, SE_FIRST_END);
	if (is_done && memcmp(octets + EXPIRY, octets_of(first_end), 4) < 0) {
		PyObject *sooner = slice(octets, EXPIRY, EXPIRY + 4);
		is_done = sooner != NULL;
		if (sooner)
			Py_XSETREF(FIELD(settled, settled_kind, SE_FIRST_END), sooner);
	}
	return is_done ? 1 : -1;
}

/* settle(settled, places, arrivals, maps) -> the places of those that were; with classes */
FUNCTION(settle)
{
	UNLESS(count == 4 && !names && IS(args[0], settled_kind) && PyList_CheckExact(args[1])
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
#define ENTRY(name) {#name, (PyCFunction)(void (*)(void))name, METH_FASTCALL | METH_KEYWORDS, NULL}
	ENTRY(cut), ENTRY(walk_message), ENTRY(usual), ENTRY(arrival_of),
	ENTRY(mapping_of), ENTRY(body_of), ENTRY(settle),
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
