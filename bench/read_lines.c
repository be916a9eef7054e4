/* The reader at the other end of the callback `print`: reads stdin to its end, or until LINES lines have
 * come. read_lines [LINES]. Prints a JSON line: lines; first_read and last_read, when the first piece and the
 * one that completed the last line were read, and last_stamp, the latest time that a line bears (all in
 * seconds since 1970); and how far the lines' own times are past their whole second: p50_us, p99_us, max_us.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* 2023-06-17T23:18:40.011761+03:00 */
#define STAMP_LENGTH 32

struct reader {
	long wanted, lines, capacity;
	unsigned *past_us; /* of each line, past its second */
	char stamp[STAMP_LENGTH];
	size_t column;
	char last[STAMP_LENGTH + 1]; /* the latest stamp; texts of one zone sort as times */
	double first_read, last_read;
};

static double now_s(void)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int compare(const void *a, const void *b)
{
	unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;
	return (x > y) - (x < y);
}

static void line_end(struct reader *r)
{
	if (r->lines == r->capacity) {
		r->capacity = r->capacity ? 2 * r->capacity : 65536;
		r->past_us = realloc(r->past_us, (size_t)r->capacity * sizeof *r->past_us);
		if (!r->past_us)
			abort();
	}
	unsigned us = 0;
	for (int i = 20; i < 26; i++)
		us = us * 10 + (unsigned)(r->stamp[i] - '0');
	r->past_us[r->lines++] = us;
	if (memcmp(r->stamp, r->last, STAMP_LENGTH) > 0)
		memcpy(r->last, r->stamp, STAMP_LENGTH);
	r->column = 0;
}

static void piece_read(struct reader *r, const char *piece, size_t length)
{
	const char *at = piece, *end = piece + length;
	while (at < end) {
		for (; r->column < STAMP_LENGTH && at < end; at++)
			r->stamp[r->column++] = *at;
		const char *newline = at < end ? memchr(at, '\n', (size_t)(end - at)) : NULL;
		if (!newline)
			return;
		line_end(r);
		at = newline + 1;
	}
}

/* The local time of a stamp as seconds since 1970. */
static double stamp_seconds(const char *stamp)
{
	struct tm tm = {0};
	const char *rest = strptime(stamp, "%Y-%m-%dT%H:%M:%S", &tm);
	if (!rest)
		return 0;
	double offset = atoi(rest + 8) * 3600.0 + atoi(rest + 11) * 60.0;
	return (double)timegm(&tm) + strtod(rest, NULL) - (rest[7] == '-' ? -offset : offset);
}

static void report(struct reader *r)
{
	qsort(r->past_us, (size_t)r->lines, sizeof *r->past_us, compare);
	printf("{\"lines\": %ld, \"first_read\": %.6f, \"last_read\": %.6f, \"last_stamp\": %.6f, "
	       "\"p50_us\": %u, \"p99_us\": %u, \"max_us\": %u}\n",
		r->lines, r->first_read, r->last_read, stamp_seconds(r->last), r->past_us[r->lines / 2],
		r->past_us[r->lines * 99 / 100], r->past_us[r->lines - 1]);
}

int main(int argc, char **argv)
{
	static char piece[1 << 18];
	struct reader r = {.wanted = argc > 1 ? atol(argv[1]) : -1};
	ssize_t length;
	while (r.lines != r.wanted && (length = read(STDIN_FILENO, piece, sizeof piece)) != 0) {
		if (length < 0 && errno != EINTR)
			return 1;
		if (length < 0)
			continue;
		r.last_read = now_s();
		if (r.lines == 0 && r.column == 0)
			r.first_read = r.last_read;
		piece_read(&r, piece, (size_t)length);
	}
	if (r.lines == 0)
		printf("{\"lines\": 0}\n");
	else
		report(&r);
	free(r.past_us);
	return 0;
}
