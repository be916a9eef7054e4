#include "base/json.h"
#include "cli/simulate.h"

#include <string.h>

/* The longest bar where stdout is no terminal, and the shortest on a narrow one. */
#define BAR_DEFAULT 60
#define BAR_LEAST   10

struct tallies {
	const struct simulation *simulation;
	struct output *output;
	GArray *kept; /* struct tally: of a histogram, or the hottest so far; NULL: each is written at once */
	uint64_t total, written;
	struct tally most; /* without its name */
	unsigned bar_width;
};

struct tally_row {
	const struct tallies *tallies;
	const struct tally *tally;
};

/* --- columns --- */

static json_t *time_json(const void *row, bool end)
{
	const struct tally_row *r = row;
	char text[TIME_TEXT_MAX];
	time_us t = end ? r->tally->to : r->tally->from;
	return json_string(zone_format(r->tallies->simulation->zone, t, text));
}

static json_t *from_json(const void *row)
{
	return time_json(row, false);
}

static json_t *to_json(const void *row)
{
	return time_json(row, true);
}

static json_t *action_id_json(const void *row)
{
	return json_integer(((const struct tally_row *)row)->tally->id);
}

static json_t *action_name_json(const void *row)
{
	const char *name = ((const struct tally_row *)row)->tally->name;
	return json_text(name, strlen(name));
}

static json_t *fires_json(const void *row)
{
	return json_integer((json_int_t)((const struct tally_row *)row)->tally->fires);
}

static char *bar_text(const void *row)
{
	static const char *const eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
	const struct tally_row *r = row;
	bool fine = g_get_charset(NULL);
	unsigned steps = fine ? 8 : 1;
	double share = (double)r->tally->fires / (double)MAX(r->tallies->most.fires, 1);
	unsigned length = (unsigned)(share * r->tallies->bar_width * steps + 0.5);
	/* Little is not nothing. */
	if (length == 0 && r->tally->fires)
		length = 1;
	GString *bar = g_string_new(NULL);
	for (unsigned i = 0; i < length / steps; i++)
		g_string_append(bar, fine ? "█" : "#");
	g_string_append(bar, eighths[length % steps]);
	return g_string_free(bar, FALSE);
}

/* The bar is last, and left out where no histogram is wanted. */
static const struct output_column stretch_columns[] = {
	{"from", "FROM", from_json, NULL, OUTPUT_WHOLE},
	{"to", NULL, to_json, NULL, OUTPUT_LEFT},
	{"fires", "FIRES", fires_json, NULL, OUTPUT_RIGHT},
	{NULL, "", NULL, bar_text, OUTPUT_WHOLE},
};
static const struct output_column action_columns[] = {
	{"action_id", "ID", action_id_json, NULL, OUTPUT_RIGHT},
	{"action_name", "NAME", action_name_json, NULL, OUTPUT_LEFT},
	{"fires", "FIRES", fires_json, NULL, OUTPUT_RIGHT},
	{NULL, "", NULL, bar_text, OUTPUT_WHOLE},
};
G_STATIC_ASSERT(G_N_ELEMENTS(stretch_columns) == G_N_ELEMENTS(action_columns));

/* --- gathering --- */

static void tally_clear(void *tally)
{
	g_free(((struct tally *)tally)->name);
}

struct tallies *tallies_new(const struct simulation *simulation)
{
	struct tallies *tallies = g_new0(struct tallies, 1);
	tallies->simulation = simulation;
	tallies->output =
		output_new(&simulation->cli->style, simulation->by_action ? action_columns : stretch_columns,
			G_N_ELEMENTS(stretch_columns) - !simulation->histogram);
	if (simulation->histogram || simulation->hottest) {
		tallies->kept = g_array_new(FALSE, FALSE, sizeof(struct tally));
		g_array_set_clear_func(tallies->kept, tally_clear);
	}
	return tallies;
}

/* The most fires first; else in order. */
static gint compare_heat(gconstpointer a, gconstpointer b)
{
	const struct tally *x = a, *y = b;
	if (x->fires != y->fires)
		return x->fires > y->fires ? -1 : 1;
	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	return (x->id > y->id) - (x->id < y->id);
}

static void keep_hottest(struct tallies *tallies, guint most)
{
	g_array_sort(tallies->kept, compare_heat);
	if (tallies->kept->len > most)
		g_array_set_size(tallies->kept, most);
}

static bool keep(struct tallies *tallies, struct tally *tally)
{
	guint hottest = (guint)tallies->simulation->hottest;
	g_array_append_val(tallies->kept, *tally);
	if (hottest && tallies->kept->len >= 2 * hottest + 1000)
		keep_hottest(tallies, hottest);
	return true;
}

static bool write_tally(struct tallies *tallies, const struct tally *tally)
{
	struct tally_row row = {tallies, tally};
	if (tallies->written >= tallies->simulation->limit)
		return false;
	output_row(tallies->output, &row);
	tallies->written++;
	return tallies->written < tallies->simulation->limit && !ferror(tallies->simulation->cli->style.file);
}

bool tallies_add(struct tallies *tallies, struct tally *tally)
{
	const struct simulation *s = tallies->simulation;
	bool shown = tally->fires > 0 || (s->histogram && !s->hottest && !s->by_action);
	bool wanted = true;
	tallies->total += tally->fires;
	if (tally->fires > tallies->most.fires) {
		tallies->most = *tally;
		tallies->most.name = NULL;
	}
	if (shown && tallies->kept)
		return keep(tallies, tally);
	if (shown)
		wanted = write_tally(tallies, tally);
	tally_clear(tally);
	return wanted;
}

uint64_t tallies_total(const struct tallies *tallies)
{
	return tallies->total;
}

const struct tally *tallies_most(const struct tallies *tallies)
{
	return tallies->most.fires ? &tallies->most : NULL;
}

/* --- the end --- */

/* What times and numbers leave; beside names a third. */
static unsigned bar_width(const struct tallies *tallies)
{
	char number[24], text[TIME_TEXT_MAX];
	const struct simulation *s = tallies->simulation;
	unsigned width = s->cli->style.width;
	size_t fires = (size_t)snprintf(number, sizeof number, "%" G_GUINT64_FORMAT, tallies->most.fires);
	size_t used =
		strlen(zone_format(s->zone, s->to, text)) + MAX(fires, strlen("FIRES")) + 2 * strlen("  ");
	if (!width)
		return BAR_DEFAULT;
	if (s->by_action)
		return MAX(width / 3, BAR_LEAST);
	return width > used + BAR_LEAST ? width - (unsigned)used : BAR_LEAST;
}

void tallies_abandon(struct tallies *tallies)
{
	output_abandon(tallies->output);
	if (tallies->kept)
		g_array_unref(tallies->kept);
	g_free(tallies);
}

void tallies_end(struct tallies *tallies)
{
	if (tallies->simulation->hottest)
		keep_hottest(tallies, (guint)tallies->simulation->hottest);
	tallies->bar_width = bar_width(tallies);
	for (guint i = 0; tallies->kept && i < tallies->kept->len; i++)
		if (!write_tally(tallies, &g_array_index(tallies->kept, struct tally, i)))
			break;
	output_end(tallies->output);
	tallies->output = NULL;
	if (tallies->kept)
		g_array_unref(tallies->kept);
	g_free(tallies);
}
