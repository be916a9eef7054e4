#include "sim.h"

#include <stdio.h>
#include <string.h>

struct arguments {
	uint64_t from, to;
	enum fault fault;
	bool trace, expect_failure;
	unsigned twice; /* so many of the seeds run twice, to see that they do the same */
};

static bool usage(void)
{
	fputs("usage: sim [--seeds FROM..TO] [--seed N] [--trace] [--fault NAME] [--expect-failure] [--twice "
	      "N]\n",
		stderr);
	return false;
}

static bool read_fault(const char *name, enum fault *out)
{
	for (int i = 0; name && i < FAULT_COUNT; i++) {
		if (strcmp(fault_names[i], name) == 0) {
			*out = (enum fault)i;
			return true;
		}
	}
	return usage();
}

static bool read_arguments(int count, char **words, struct arguments *out)
{
	*out = (struct arguments){.from = 0, .to = 10000, .twice = 50};
	for (int i = 1; i < count; i++) {
		const char *value = i + 1 < count ? words[i + 1] : NULL;
		if (strcmp(words[i], "--trace") == 0) {
			out->trace = true;
		} else if (strcmp(words[i], "--expect-failure") == 0) {
			out->expect_failure = true;
		} else if (strcmp(words[i], "--fault") == 0) {
			if (!read_fault(value, &out->fault))
				return false;
			i++;
		} else if (value && strcmp(words[i], "--seed") == 0) {
			out->from = g_ascii_strtoull(value, NULL, 10);
			out->to = out->from + 1;
			i++;
		} else if (value && strcmp(words[i], "--twice") == 0) {
			out->twice = (unsigned)g_ascii_strtoull(value, NULL, 10);
			i++;
		} else if (value && strcmp(words[i], "--seeds") == 0) {
			char *end;
			out->from = g_ascii_strtoull(value, &end, 10);
			if (strncmp(end, "..", 2) != 0)
				return usage();
			out->to = g_ascii_strtoull(end + 2, NULL, 10);
			i++;
		} else {
			return usage();
		}
	}
	return true;
}

/* Runs a seed; false where it failed, which is said. */
static bool run_seed(const struct arguments *arguments, uint64_t seed)
{
	char message[512];
	uint64_t hash, again;
	if (!world_run(seed, arguments->fault, arguments->trace, &hash, message)) {
		printf("seed %" G_GUINT64_FORMAT " fails: %s\n  replay: sim --seed %" G_GUINT64_FORMAT
		       " --fault %s --trace\n",
			seed, message, seed, fault_names[arguments->fault]);
		return false;
	}
	if (seed - arguments->from >= arguments->twice)
		return true;
	world_run(seed, arguments->fault, false, &again, message);
	if (hash == again)
		return true;
	printf("seed %" G_GUINT64_FORMAT " does not do the same when it runs again\n", seed);
	return false;
}

int main(int count, char **words)
{
	struct arguments arguments;
	if (!read_arguments(count, words, &arguments))
		return 2;
	pool_open();
	uint64_t failed = 0;
	for (uint64_t seed = arguments.from; seed < arguments.to && failed < 10; seed++) {
		failed += !run_seed(&arguments, seed);
		if (failed && arguments.expect_failure)
			break;
	}
	pool_close();
	if (arguments.expect_failure)
		return failed ? 0 : 1;
	if (!failed)
		printf("%" G_GUINT64_FORMAT " seeds\n", arguments.to - arguments.from);
	return failed ? 1 : 0;
}
