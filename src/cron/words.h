/* Purpose: a schedule in words: `every 20 seconds until 2050-05-05`, `каждые 20 секунд до 2050-05-05`. Pure;
 * any thread. Two schedules with the same words have the same fires, as long as both leave out the same zone.
 */
#pragma once

#include "cron/schedule.h"

enum words_language { WORDS_ENGLISH, WORDS_RUSSIAN };

/* False where it is no language there are words in; `en` and `ru` are. */
bool words_language_parse(const char *text, enum words_language *out);

/* The words; with_zone tells whether the zone is among them. Free with g_free. */
char *schedule_words(const struct schedule *schedule, enum words_language language, bool with_zone);
