/* Purpose: the one renderer of what verbs list: aligned tables for people, JSON and JSON Lines for programs.
 * A verb describes its columns once. Memory is bounded however many rows there are: the first OUTPUT_SAMPLE
 * rows decide the widths of a table, the others go straight out. One thread; errors of writing stay in the
 * FILE. */
#pragma once

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#define OUTPUT_SAMPLE 1000

enum output_format { OUTPUT_TABLE, OUTPUT_JSON, OUTPUT_JSONL };

enum output_look {
	OUTPUT_LEFT,  /* text: cut with … where the terminal is too narrow */
	OUTPUT_WHOLE, /* never cut: ids, times */
	OUTPUT_RIGHT, /* numbers; never cut */
	OUTPUT_STATE, /* a word, coloured by its value; never cut */
};

struct output_column {
	const char *key;   /* in JSON; NULL: only in tables */
	const char *title; /* in tables; NULL: only in JSON */
	/* The value: a new reference; NULL leaves the key out of this row. Not called where key is NULL. */
	json_t *(*json)(const void *row);
	/* The cell: to be freed with g_free; NULL where it is empty. Where the function is NULL, it is the
	 * JSON value. */
	char *(*text)(const void *row);
	enum output_look look;
	/* Where a terminal is too narrow for the table even with its texts cut, empty columns are left out,
	 * then those with the highest number here; 0: never. */
	unsigned spare;
};

struct output_style {
	FILE *file; /* borrowed */
	enum output_format format;
	bool color;
	unsigned width; /* of the terminal, in cells; 0: as wide as need be */
	bool terminal;  /* the file is one: a progress bar gives way to what is written */
};

struct output;

/* A listing: an array in JSON. The columns are borrowed. */
struct output *output_new(
	const struct output_style *style, const struct output_column *columns, size_t count);
void output_row(struct output *output, const void *row);
bool output_is_table(const struct output *output);
/* Writes out what was held back for the widths. */
void output_flush(struct output *output);
/* The terminal has another width from here on: the heading comes again. For a listing that is to fit one. */
void output_resize(struct output *output, unsigned width);
/* Ends the listing and frees it. */
void output_end(struct output *output);
/* Frees it where the listing could not be made: a JSON document stays without its end. */
void output_abandon(struct output *output);

/* One object: a line for each column in a table, a single object in JSON. */
void output_object(
	const struct output_style *style, const struct output_column *columns, size_t count, const void *row);
/* A JSON document as it is, on one line or, with OUTPUT_JSON, on many. */
void output_document(const struct output_style *style, const json_t *document);
/* The JSON object of a row. The caller owns it. */
json_t *output_json(const struct output_column *columns, size_t count, const void *row);
/* The file of the style, free to be written to: what a progress bar has drawn there is gone. */
FILE *output_file(const struct output_style *style);
