#include "base/time_us.h"

#include <glib.h>
#include <stdio.h>

int64_t days_from_civil(int32_t year, int month, int day)
{
	int64_t y = (int64_t)year - (month <= 2);
	int64_t era = floor_div(y, 400);
	int64_t yoe = y - era * 400;
	int64_t doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
	return era * 146097 + doe - 719468;
}

void civil_from_days(int64_t days, int32_t *year, int8_t *month, int8_t *day)
{
	int64_t z = days + 719468;
	int64_t era = floor_div(z, 146097);
	int64_t doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153;
	*day = (int8_t)(doy - (153 * mp + 2) / 5 + 1);
	*month = (int8_t)(mp < 10 ? mp + 3 : mp - 9);
	*year = (int32_t)(yoe + era * 400 + (*month <= 2));
}

bool year_is_leap(int32_t year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

int month_days(int32_t year, int month)
{
	static const int8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	return days[month - 1] + (month == 2 && year_is_leap(year));
}

time_us time_from_civil(const struct civil *c)
{
	int64_t days = days_from_civil(c->year, c->month, c->day);
	return (((days * 24 + c->hour) * 60 + c->minute) * 60 + c->second) * US_PER_SECOND + c->us;
}

void time_to_civil(time_us t, struct civil *out)
{
	int64_t days = floor_div(t, US_PER_DAY);
	int64_t rest = floor_mod(t, US_PER_DAY);
	civil_from_days(days, &out->year, &out->month, &out->day);
	out->us = (int32_t)(rest % US_PER_SECOND);
	rest /= US_PER_SECOND;
	out->second = (int8_t)(rest % 60);
	out->minute = (int8_t)(rest / 60 % 60);
	out->hour = (int8_t)(rest / 3600);
}

/* Writes a number that has at most so many digits, and what comes behind it; returns the end. */
static char *put_number(char *at, int32_t number, int digits, char behind)
{
	for (int i = digits - 1; i >= 0; i--, number /= 10)
		at[i] = (char)('0' + number % 10);
	at[digits] = behind;
	return at + digits + 1;
}

/* Writes the civil part; returns its length. By hand, as each fire has its time in its id. */
static size_t format_civil(time_us t, char buf[static TIME_TEXT_MAX])
{
	struct civil c;
	time_to_civil(t, &c);
	char *at = c.year >= 0 && c.year <= 9999 ? put_number(buf, c.year, 4, '-')
						 : buf + snprintf(buf, TIME_TEXT_MAX, "%04d-", c.year);
	at = put_number(at, c.month, 2, '-');
	at = put_number(at, c.day, 2, 'T');
	at = put_number(at, c.hour, 2, ':');
	at = put_number(at, c.minute, 2, ':');
	at = put_number(at, c.second, 2, '.');
	if (c.us)
		at = put_number(at, c.us, 6, '\0');
	return (size_t)(at - buf) - 1;
}

char *time_format(time_us t, int32_t offset_s, char buf[static TIME_TEXT_MAX])
{
	size_t n = format_civil(t + offset_s * US_PER_SECOND, buf);
	int32_t minutes = ABS(offset_s) / 60;
	buf[n] = offset_s < 0 ? '-' : '+';
	char *at = put_number(buf + n + 1, minutes / 60, 2, ':');
	put_number(at, minutes % 60, 2, '\0');
	return buf;
}

char *time_format_utc(time_us t, char buf[static TIME_TEXT_MAX])
{
	size_t n = format_civil(t, buf);
	buf[n] = 'Z';
	buf[n + 1] = '\0';
	return buf;
}

/* Reads exactly `digits` digits. */
static bool take_number(const char **p, int digits, int *out)
{
	int value = 0;
	for (int i = 0; i < digits; i++) {
		if (!g_ascii_isdigit((*p)[i]))
			return false;
		value = value * 10 + ((*p)[i] - '0');
	}
	*p += digits;
	*out = value;
	return true;
}

static bool take_char(const char **p, char c)
{
	if (**p != c)
		return false;
	(*p)++;
	return true;
}

static bool take_time_of_day(const char **p, struct civil *c)
{
	int hour, minute, second = 0;
	if (!take_number(p, 2, &hour) || !take_char(p, ':') || !take_number(p, 2, &minute))
		return false;
	if (take_char(p, ':')) {
		if (!take_number(p, 2, &second))
			return false;
		if (take_char(p, '.')) {
			int scale = 100000;
			if (!g_ascii_isdigit(**p))
				return false;
			for (; g_ascii_isdigit(**p); (*p)++, scale /= 10)
				c->us += (**p - '0') * scale;
		}
	}
	c->hour = (int8_t)hour;
	c->minute = (int8_t)minute;
	c->second = (int8_t)second;
	return hour < 24 && minute < 60 && second < 60;
}

static bool take_offset(const char **p, dur_us *offset)
{
	int hours, minutes, sign = **p == '-' ? -1 : 1;
	if (take_char(p, 'Z') || take_char(p, 'z')) {
		*offset = 0;
		return true;
	}
	if (!take_char(p, '+') && !take_char(p, '-'))
		return false;
	if (!take_number(p, 2, &hours) || !take_char(p, ':') || !take_number(p, 2, &minutes))
		return false;
	*offset = sign * (hours * US_PER_HOUR + minutes * US_PER_MINUTE);
	return hours < 24 && minutes < 60;
}

bool time_parse(const char *text, time_us *out, bool *has_offset)
{
	const char *p = text;
	int year, month, day;
	if (!take_number(&p, 4, &year) || !take_char(&p, '-') || !take_number(&p, 2, &month) ||
		!take_char(&p, '-') || !take_number(&p, 2, &day))
		return false;
	if (year < 1 || month < 1 || month > 12 || day < 1 || day > month_days(year, month))
		return false;
	struct civil c = {.year = year, .month = (int8_t)month, .day = (int8_t)day};
	if ((*p == 'T' || *p == 't' || *p == ' ') && p++ && !take_time_of_day(&p, &c))
		return false;
	dur_us offset = 0;
	bool with_offset = *p != '\0';
	if (with_offset && (!take_offset(&p, &offset) || *p))
		return false;
	*out = time_from_civil(&c) - offset;
	*has_offset = with_offset;
	return true;
}
