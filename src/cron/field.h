/* Purpose: the item syntax that both schedule languages share, and errors that name field, column and reason.
 * Internal to src/cron; pure.
 * An item is `*`, a value or a range of values, any of them with a step; a value is a number or a name. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#include "cron/calendar.h"

struct field_spec {
	const char *name; /* as in a document: day_of_week */
	int min, max;
	const char *const *names; /* NULL, or three letters each, the first standing for name_base */
	int name_count;
	int name_base;
};

extern const char *const field_month_names[12];
extern const char *const field_weekday_names[7]; /* mon first */
extern const struct field_spec apscheduler_fields[FIELD_COUNT];

/* A piece of a field's text, and where the field stands. */
struct field_cursor {
	const char *label; /* how the field is called in messages: `params.hour` */
	const char *line;  /* columns count from here */
	const char *field; /* the whole field, for messages */
	const char *field_end;
	const char *at; /* what is left to read of the item */
	const char *end;
};

/* Sets AS_ERROR_INVALID: `LABEL "FIELD" (column N): REASON`, N being the place `where`; returns false. */
bool field_fail(const struct field_cursor *cursor, const char *where, GError **error, const char *format, ...)
	G_GNUC_PRINTF(4, 5);

/* Numbers above this are read as this: it is above every maximum. */
#define FIELD_NUMBER_MAX 1000000

struct field_item {
	bool star;
	bool has_last, has_step;
	bool first_named, last_named;
	int first, last, step; /* last and step only where they are there */
	const char *first_at, *last_at, *step_at;
};

/* Reads the whole of cursor->at .. end as one item: syntax only, and names. */
bool field_read_item(
	struct field_cursor *cursor, const struct field_spec *spec, struct field_item *out, GError **error);

/* Refuses a value outside the field's range; `at` is where it stands. */
bool field_check_value(struct field_cursor *cursor, const struct field_spec *spec, int value, const char *at,
	GError **error);

/* The name at the beginning of a text of the given length, any case; -1 for none. */
int field_find_name(const char *const *names, int count, const char *text, size_t length);

/* Calls `add` for each item of a comma list, cursor->at .. end being the item; trims blanks around items
 * where `blanks`. An empty item is an error. */
typedef bool (*field_add_item)(struct field_cursor *cursor, void *context, GError **error);
bool field_read_list(
	struct field_cursor *cursor, bool blanks, field_add_item add, void *context, GError **error);

/* Fills one field of a calendar from the text, in APScheduler's syntax. */
bool apscheduler_read_field(
	struct calendar *calendar, enum calendar_field field, struct field_cursor *cursor, GError **error);

/* Sets the bits first, first + step .. last of a field. */
void field_set_range(struct calendar *calendar, enum calendar_field field, int first, int last, int step);
