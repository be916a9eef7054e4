/* Russian. */
#include "cron/words_internal.h"

#define AND " и "

enum gender { MASCULINE, FEMININE, NEUTER };

/* Of days of the week: accusative (в понедельник), dative plural (по понедельникам), genitive (с
 * понедельника). */
static const struct {
	const char *accusative, *dative, *genitive, *nominative;
	enum gender gender;
} weekdays[] = {
	{"понедельник", "понедельникам", "понедельника", "понедельник", MASCULINE},
	{"вторник", "вторникам", "вторника", "вторник", MASCULINE},
	{"среду", "средам", "среды", "среда", FEMININE},
	{"четверг", "четвергам", "четверга", "четверг", MASCULINE},
	{"пятницу", "пятницам", "пятницы", "пятница", FEMININE},
	{"субботу", "субботам", "субботы", "суббота", FEMININE},
	{"воскресенье", "воскресеньям", "воскресенья", "воскресенье", NEUTER},
};

/* Prepositional (в январе), genitive (с января), accusative (по январь). */
static const struct {
	const char *prepositional, *genitive, *accusative;
} months[] = {
	{"январе", "января", "январь"},
	{"феврале", "февраля", "февраль"},
	{"марте", "марта", "март"},
	{"апреле", "апреля", "апрель"},
	{"мае", "мая", "май"},
	{"июне", "июня", "июнь"},
	{"июле", "июля", "июль"},
	{"августе", "августа", "август"},
	{"сентябре", "сентября", "сентябрь"},
	{"октябре", "октября", "октябрь"},
	{"ноябре", "ноября", "ноябрь"},
	{"декабре", "декабря", "декабрь"},
};

/* Of units after `каждые N`: 1, 2–4, 5 and more; and what `каждый` is with them. */
static const struct {
	const char *one, *few, *many, *every;
} units[] = {
	{"секунду", "секунды", "секунд", "каждую"},
	{"минуту", "минуты", "минут", "каждую"},
	{"час", "часа", "часов", "каждый"},
	{"день", "дня", "дней", "каждый"},
};

static void append_even(GString *out, int first, int last, int step)
{
	g_string_append_printf(out, "%d–%d с шагом %d", first, last, step);
}

static const struct words_list numbers = {words_number, NULL, append_even, AND};

static void append_amount(GString *out, int64_t n, enum words_unit unit)
{
	bool teen = n % 100 / 10 == 1;
	const char *form = teen                         ? units[unit].many
			   : n % 10 == 1                ? units[unit].one
			   : n % 10 >= 2 && n % 10 <= 4 ? units[unit].few
							: units[unit].many;
	g_string_append_printf(out, "%" G_GINT64_FORMAT " %s", n, form);
}

static void append_every(GString *out, int64_t n, enum words_unit unit)
{
	bool singular = n % 10 == 1 && n % 100 != 11;
	g_string_append_printf(out, "%s ", singular ? units[unit].every : "каждые");
	if (n == 1)
		g_string_append(out, units[unit].one);
	else
		append_amount(out, n, unit);
}

/* --- the times of a day --- */

/* в минуты 5, 10 и 15: one takes another form. */
static void append_numbered(GString *out, const char *one, const char *many, uint64_t bits)
{
	g_string_append_printf(out, "%s ", words_count(bits) == 1 ? one : many);
	words_append_list(out, bits, &numbers);
}

static void append_hours(GString *out, uint64_t hours)
{
	if (hours == WORDS_ALL_HOURS)
		return;
	int first = words_first(hours), last = first + words_count(hours) - 1;
	if (words_is_run(hours)) {
		g_string_append_printf(out, " с %02d:00 до %02d:59", first, last);
		return;
	}
	append_numbered(out, " в час", " в часы", hours);
}

static void append_second(GString *out, int second)
{
	if (second)
		g_string_append_printf(out, " в секунду %d", second);
}

static void append_minute(GString *out, const struct words_day *day)
{
	if (day->minute || day->second)
		g_string_append_printf(out, " в минуту %d", day->minute);
	append_second(out, day->second);
}

static void say_day(GString *out, const struct calendar *c, const struct words_day *day, bool every_day)
{
	switch (day->shape) {
	case WORDS_TIMES:
		g_string_append(out, every_day ? "каждый день в " : "в ");
		words_append_times(out, c, day->second, AND);
		return;
	case WORDS_SECONDS:
		append_every(out, day->step, WORDS_SECOND);
		if (c->minutes != WORDS_ALL_MINUTES)
			append_numbered(out, " в минуту", " в минуты", c->minutes);
		break;
	case WORDS_MINUTES:
		append_every(out, day->step, WORDS_MINUTE);
		append_second(out, day->second);
		break;
	case WORDS_HOURS:
		append_every(out, day->step, WORDS_HOUR);
		append_minute(out, day);
		if (day->step > 1)
			return;
		break;
	case WORDS_MINUTES_OF:
		append_numbered(out, "в минуту", "в минуты", c->minutes);
		append_second(out, day->second);
		g_string_append(out, " каждого часа");
		break;
	case WORDS_SECONDS_OF:
		append_numbered(out, "в секунду", "в секунды", c->seconds);
		if (c->minutes == WORDS_ALL_MINUTES)
			g_string_append(out, " каждой минуты");
		else
			append_numbered(out, " минуты", " минут", c->minutes);
		break;
	}
	append_hours(out, c->hours);
}

/* --- dates --- */

static void append_day(GString *out, int n)
{
	g_string_append_printf(out, "%d-го", n);
}

static void append_day_run(GString *out, int first, int last)
{
	g_string_append_printf(out, "с %d-го по %d-е", first, last);
}

static void append_day_even(GString *out, int first, int last, int step)
{
	append_day_run(out, first, last);
	g_string_append_printf(out, " число с шагом %d", step);
}

static const struct words_list days_of_month = {append_day, append_day_run, append_day_even, AND};

/* во 2-й вторник, в последнюю пятницу */
static char *position_text(int i, int d)
{
	static const char *const last[] = {"последний", "последнюю", "последнее"};
	static const char *const endings[] = {"й", "ю", "е"};
	enum gender gender = weekdays[d].gender;
	if (i == 5)
		return g_strdup_printf("в %s %s", last[gender], weekdays[d].accusative);
	return g_strdup_printf(
		"%s %d-%s %s", i == 1 ? "во" : "в", i + 1, endings[gender], weekdays[d].accusative);
}

/* 1-го и 15-го числа, с 1-го по 7-е число: as the last of them has it. */
static void append_day_noun(GString *out)
{
	if (g_str_has_suffix(out->str, "-го"))
		g_string_append(out, " числа");
	else if (g_str_has_suffix(out->str, "-е"))
		g_string_append(out, " число");
}

static void append_days(GString *out, const struct calendar *c)
{
	g_autoptr(GPtrArray) pieces = g_ptr_array_new_with_free_func(g_free);
	if (c->days) {
		g_autoptr(GString) numbered = g_string_new(NULL);
		words_append_list(numbered, c->days, &days_of_month);
		append_day_noun(numbered);
		g_ptr_array_add(pieces, g_strdup(numbered->str));
	}
	for (int i = 0; i < 6; i++)
		for (int d = 0; d < 7; d++)
			if (c->nth_weekdays[i] >> d & 1)
				g_ptr_array_add(pieces, position_text(i, d));
	if (c->last_day)
		g_ptr_array_add(pieces, g_strdup("в последний день"));
	g_string_append_c(out, ' ');
	words_join(out, pieces, AND);
	if (pieces->len > 1 || !c->days)
		g_string_append(out, " месяца");
}

static void append_weekday(GString *out, int d)
{
	g_string_append_printf(out, "по %s", weekdays[d].dative);
}

static void append_weekday_run(GString *out, int first, int last)
{
	g_string_append_printf(out, "с %s по %s", weekdays[first].genitive, weekdays[last].accusative);
}

static void append_weekday_name(GString *out, int d)
{
	g_string_append(out, weekdays[d].nominative);
}

static const struct words_list weekday_list = {append_weekday, append_weekday_run, NULL, AND};
static const struct words_list weekday_choice = {append_weekday_name, NULL, NULL, " или "};

static void append_month(GString *out, int m)
{
	g_string_append_printf(out, "в %s", months[m - 1].prepositional);
}

static void append_month_run(GString *out, int first, int last)
{
	g_string_append_printf(out, "с %s по %s", months[first - 1].genitive, months[last - 1].accusative);
}

static void append_month_even(GString *out, int first, int last, int step)
{
	append_month_run(out, first, last);
	g_string_append_printf(out, " с шагом %d", step);
}

static const struct words_list month_list = {append_month, append_month_run, append_month_even, AND};

static void append_day_parts(GString *out, const struct calendar *c)
{
	bool all_days = c->days == WORDS_ALL_DAYS, all_weekdays = c->weekdays == WORDS_ALL_WEEKDAYS;
	if (c->either_day && (all_days || all_weekdays))
		return;
	if (!all_days)
		append_days(out, c);
	if (all_weekdays)
		return;
	g_string_append(out, all_days ? " " : c->either_day ? ", а также " : ", если это ");
	words_append_list(out, c->weekdays, all_days || c->either_day ? &weekday_list : &weekday_choice);
}

static void say_dates(GString *out, const struct calendar *c)
{
	append_day_parts(out, c);
	if ((c->weeks & WORDS_ALL_WEEKS) != WORDS_ALL_WEEKS)
		append_numbered(out, " в неделю ISO", " в недели ISO", c->weeks);
	if (c->months != WORDS_ALL_MONTHS) {
		g_string_append_c(out, ' ');
		words_append_list(out, c->months, &month_list);
	}
	if (c->years) {
		g_autoptr(GString) years = g_string_new(NULL);
		words_append_years(years, c, AND);
		bool one = years->len == 4;
		g_string_append_printf(out, " в %s %s", years->str, one ? "году" : "годах");
	}
}

/* --- the rest --- */

static void say_once(GString *out, const struct schedule *s)
{
	g_string_append(out, "один раз ");
	words_append_date(out, s, s->start);
}

static void append_length(GString *out, dur_us length)
{
	char number[G_ASCII_DTOSTR_BUF_SIZE];
	g_string_append(out, g_ascii_dtostr(number, sizeof number, (double)length / US_PER_SECOND));
	g_string_append(out, " с");
}

static void say_interval(GString *out, const struct schedule *s)
{
	int64_t count;
	if (s->step % US_PER_SECOND) {
		g_string_append(out, "каждые ");
		append_length(out, s->step);
	} else if (words_is_long(s->step)) {
		g_string_append(out, "каждые");
		words_append_parts(out, s->step, append_amount);
	} else {
		enum words_unit unit = words_unit_of(s->step, &count);
		append_every(out, count, unit);
	}
	g_string_append(out, ", считая от ");
	words_append_date(out, s, s->start);
}

static void say_rest(GString *out, const struct schedule *s, bool with_zone)
{
	if (s->has_start && s->format != SCHEDULE_INTERVAL && s->format != SCHEDULE_DATE) {
		g_string_append(out, " с ");
		words_append_date(out, s, s->start);
	}
	if (s->end != TIME_US_MAX) {
		g_string_append(out, " до ");
		words_append_date(out, s, s->end);
	}
	if (s->jitter) {
		g_string_append(out, ", со случайной задержкой до ");
		append_length(out, s->jitter);
	}
	if (with_zone)
		g_string_append_printf(out, ", по времени %s", zone_name(s->zone));
	if (s->fixed)
		g_string_append(out, "; время, которое часы пропускают, наступает сразу после, повторное "
				     "считается один раз");
}

const struct words_speaker words_russian = {
	.day = say_day,
	.dates = say_dates,
	.once = say_once,
	.interval = say_interval,
	.rest = say_rest,
	.never = "никогда",
};
