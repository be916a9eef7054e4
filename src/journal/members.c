#include "journal/members.h"

#include "base/varint.h"

/* An id, a lower bound, a length and no bytes. */
#define MEMBER_MIN 3

GByteArray *members_pack(const struct backlog_record *record)
{
	GByteArray *out = g_byte_array_new();
	varint_put(out, record->member_count);
	int64_t previous = 0;
	for (uint32_t i = 0; i < record->member_count; i++) {
		const struct backlog_member *member = &record->members[i];
		varint_put_signed(out, wrap_sub(member->action_id, previous));
		varint_put_signed(out, member->since);
		varint_put(out, member->packed_length);
		g_byte_array_append(out, member->packed, member->packed_length);
		previous = member->action_id;
	}
	return out;
}

bool members_unpack(const void *bytes, size_t length, struct backlog_record *record)
{
	struct varint_reader reader = varint_reader_of(bytes, length);
	uint64_t count = varint_get(&reader);
	if (reader.bad || count > length / MEMBER_MIN)
		return false;
	/* No members at all is not the same as every action. */
	record->members = g_new0(struct backlog_member, MAX(count, 1));
	int64_t id = 0;
	for (uint64_t i = 0; i < count; i++) {
		id = wrap_add(id, varint_get_signed(&reader));
		int64_t since = varint_get_signed(&reader);
		uint64_t size = varint_get(&reader);
		const uint8_t *packed = varint_get_bytes(&reader, size);
		if (!packed || size > UINT32_MAX)
			return false;
		record->members[i] = (struct backlog_member){
			.action_id = id,
			.since = since,
			.packed = g_memdup2(packed, size),
			.packed_length = (uint32_t)size,
		};
		record->member_count++;
	}
	return reader.at == reader.end;
}
