#include "base/progress_bar.h"

#include "base/clock.h"
#include "base/log.h"

#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define FIRST_AFTER   (500 * US_PER_MS)
#define DRAW_EVERY    (100 * US_PER_MS)
/* Before that a rate says nothing. */
#define RATE_AFTER    US_PER_SECOND
#define BAR_NARROW    10
#define BAR_WIDE      40
#define WIDTH_DEFAULT 80
/* Back to the begin of the line, and empty it. */
#define ERASE         "\r\033[K"

struct progress_bar {
	char *label;
	uint64_t done, total;
	time_us begin, drawn_at; /* monotonic */
};

/* The one that is shown; NULL where there is none. */
static struct progress_bar *shown;
static bool drawn, forbidden;

/* --- the line --- */

static char *duration_text(dur_us span)
{
	int64_t seconds = span / US_PER_SECOND;
	if (seconds >= 3600)
		return g_strdup_printf(
			"%" G_GINT64_FORMAT "h %02dmin", seconds / 3600, (int)(seconds / 60 % 60));
	if (seconds >= 60)
		return g_strdup_printf("%dmin %02ds", (int)(seconds / 60), (int)(seconds % 60));
	return g_strdup_printf("%ds", (int)seconds);
}

static char *rate_text(double rate)
{
	return g_strdup_printf(rate < 10 ? "%.1f/s" : "%.0f/s", rate);
}

/* `[=====>    ]` of so many cells in all. */
static char *bar_text(uint64_t done, uint64_t total, size_t width)
{
	size_t inner = width - 2;
	size_t full = (size_t)((double)inner * ((double)done / (double)total));
	GString *out = g_string_new("[");
	for (size_t i = 0; i < inner; i++)
		g_string_append_c(out, i < full ? '=' : i == full ? '>' : ' ');
	g_string_append_c(out, ']');
	return g_string_free(out, FALSE);
}

/* The label counts by characters: it is a constant of the program. */
static size_t cells(const char *text)
{
	return (size_t)g_utf8_strlen(text, -1);
}

/* Appends a part behind two blanks where it finds room; the counts come before it, so that it may be left
 * out. */
static void append_part(GString *line, const char *part, unsigned width)
{
	if (cells(line->str) + 2 + cells(part) <= width)
		g_string_append_printf(line, "  %s", part);
}

static void append_speed(GString *line, uint64_t done, uint64_t total, dur_us elapsed, unsigned width)
{
	double rate = (double)done / ((double)elapsed / (double)US_PER_SECOND);
	if (elapsed < RATE_AFTER || !done)
		return;
	g_autofree char *speed = rate_text(rate);
	append_part(line, speed, width);
	if (total) {
		double left = (double)(total - done) / rate;
		/* More than a year is no forecast. */
		g_autofree char *rest = duration_text((dur_us)MIN(left, 366.0 * 86400) * US_PER_SECOND);
		g_autofree char *text = g_strdup_printf("%s left", rest);
		append_part(line, text, width);
	} else {
		g_autofree char *text = duration_text(elapsed);
		append_part(line, text, width);
	}
}

/* Behind the label: what room the other parts leave. */
static void insert_bar(GString *line, size_t at, uint64_t done, uint64_t total, unsigned width)
{
	size_t used = cells(line->str) + 2;
	if (used + BAR_NARROW > width)
		return;
	g_autofree char *bar = bar_text(done, total, MIN(width - used, BAR_WIDE));
	g_string_insert(line, (gssize)at, bar);
	g_string_insert(line, (gssize)at, "  ");
}

char *progress_bar_text(const char *label, uint64_t done, uint64_t total, dur_us elapsed, unsigned width)
{
	GString *line = g_string_new(NULL);
	g_string_append_len(
		line, label, g_utf8_offset_to_pointer(label, (glong)MIN(cells(label), width)) - label);
	size_t at = line->len;
	/* A total that was only an estimate is passed: what is told then is how many there are. */
	if (done > total)
		total = 0;
	g_autofree char *counts =
		total ? g_strdup_printf("%" G_GUINT64_FORMAT "/%" G_GUINT64_FORMAT, done, total)
		      : g_strdup_printf("%" G_GUINT64_FORMAT, done);
	append_part(line, counts, width);
	if (total) {
		g_autofree char *share =
			g_strdup_printf("%3d%%", (int)(100.0 * ((double)done / (double)total)));
		append_part(line, share, width);
	}
	append_speed(line, done, total, elapsed, width);
	if (total)
		insert_bar(line, at, done, total, width);
	return g_string_free(line, FALSE);
}

/* --- drawing --- */

static void write_text(const char *text)
{
	/* A terminal that is gone has nobody who would miss it. */
	if (write(STDERR_FILENO, text, strlen(text)) < 0)
		return;
}

static unsigned terminal_width(void)
{
	struct winsize size;
	bool known = !ioctl(STDERR_FILENO, TIOCGWINSZ, &size) && size.ws_col;
	return known ? size.ws_col : WIDTH_DEFAULT;
}

static void draw(struct progress_bar *bar, time_us now)
{
	/* In the last cell some terminals go on to the next line. */
	unsigned width = terminal_width() - 1;
	g_autofree char *text = progress_bar_text(bar->label, bar->done, bar->total, now - bar->begin, width);
	g_autofree char *line = g_strconcat(ERASE, text, NULL);
	write_text(line);
	bar->drawn_at = now;
	drawn = true;
	log_set_line_start(ERASE);
}

void progress_bar_hide(void)
{
	if (!drawn)
		return;
	drawn = false;
	log_set_line_start("");
	write_text(ERASE);
}

void progress_bar_forbid(void)
{
	progress_bar_hide();
	forbidden = true;
}

struct progress_bar *progress_bar_new(const char *label, uint64_t total, bool quiet)
{
	const char *terminal = g_getenv("TERM");
	if (quiet || shown || forbidden || !log_is_text() || !isatty(STDERR_FILENO) ||
		!g_strcmp0(terminal, "dumb"))
		return NULL;
	struct progress_bar *bar = g_new0(struct progress_bar, 1);
	bar->label = g_strdup(label);
	bar->total = total;
	bar->begin = clock_monotonic();
	bar->drawn_at = bar->begin + FIRST_AFTER - DRAW_EVERY;
	shown = bar;
	return bar;
}

void progress_bar_set(struct progress_bar *bar, uint64_t done)
{
	if (!bar || forbidden)
		return;
	time_us now = clock_monotonic();
	bar->done = done;
	if (now - bar->drawn_at >= DRAW_EVERY)
		draw(bar, now);
}

void progress_bar_free(struct progress_bar *bar)
{
	if (!bar)
		return;
	progress_bar_hide();
	shown = NULL;
	g_free(bar->label);
	g_free(bar);
}
