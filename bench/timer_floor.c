/* The floor of punctuality: how late a thread that does nothing else wakes at each whole second.
 * timer_floor SECONDS. Prints a JSON line: wakes, p50_us, p99_us, max_us. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* Sleeps until the whole second and returns how late it woke, in microseconds. */
static double wake_at(time_t second)
{
	struct timespec at = {second, 0}, now;
	while (clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &at, NULL) != 0)
		continue;
	clock_gettime(CLOCK_REALTIME, &now);
	return (double)(now.tv_sec - second) * 1e6 + (double)now.tv_nsec / 1e3;
}

int main(int argc, char **argv)
{
	int count = argc > 1 ? atoi(argv[1]) : 20;
	if (count < 1) {
		fprintf(stderr, "usage: timer_floor SECONDS\n");
		return 2;
	}
	double *late = calloc((size_t)count, sizeof *late);
	time_t second = time(NULL);
	for (int i = 0; i < count; i++)
		late[i] = wake_at(++second);
	qsort(late, (size_t)count, sizeof *late, compare);
	printf("{\"wakes\": %d, \"p50_us\": %.1f, \"p99_us\": %.1f, \"max_us\": %.1f}\n", count,
		late[count / 2], late[count * 99 / 100], late[count - 1]);
	free(late);
	return 0;
}
