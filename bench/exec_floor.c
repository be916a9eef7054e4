/* The floor of exec: a small process that does nothing but start /bin/true, at most so many at a time, and
 * wait for their ends. exec_floor COUNT AT_A_TIME. Prints a JSON line: per_s, spawns a second. */
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

static double now_s(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int spawn_one(void)
{
	char program[] = "/bin/true";
	char *words[] = {program, NULL}, *variables[] = {NULL};
	pid_t pid;
	return posix_spawn(&pid, program, NULL, NULL, words, variables);
}

/* True where the end of a program was awaited, and it was a good one. */
static int wait_one(void)
{
	int status;
	return wait(&status) > 0 && status == 0;
}

int main(int argc, char **argv)
{
	int count = argc > 1 ? atoi(argv[1]) : 0, most = argc > 2 ? atoi(argv[2]) : 1, running = 0;
	if (count < 1 || most < 1) {
		fprintf(stderr, "usage: exec_floor COUNT AT_A_TIME\n");
		return 2;
	}
	double begin = now_s();
	for (int i = 0; i < count; i++) {
		if (running == most && !wait_one())
			return 1;
		running -= running == most;
		if (spawn_one() != 0)
			return 1;
		running++;
	}
	for (; running; running--)
		if (!wait_one())
			return 1;
	printf("{\"per_s\": %.1f}\n", count / (now_s() - begin));
}
