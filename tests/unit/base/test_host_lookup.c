#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/host_lookup.h"

#include <netdb.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define HOUR (3600 * US_PER_SECOND)

/* The resolver answers once it is let. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool answers = true;
static int begun, ended;

int __wrap_getaddrinfo(
	const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **list);

int __wrap_getaddrinfo(const char *name, const char *service G_GNUC_UNUSED,
	const struct addrinfo *hints G_GNUC_UNUSED, struct addrinfo **list G_GNUC_UNUSED)
{
	pthread_mutex_lock(&lock);
	begun++;
	while (!answers && !g_str_has_prefix(name, "fast"))
		pthread_cond_wait(&changed, &lock);
	ended++;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
	return EAI_NONAME;
}

static void resolver_set(bool value)
{
	pthread_mutex_lock(&lock);
	answers = value;
	pthread_cond_broadcast(&changed);
	while (answers && ended < begun)
		pthread_cond_wait(&changed, &lock);
	pthread_mutex_unlock(&lock);
}

static int locked(const int *count)
{
	pthread_mutex_lock(&lock);
	int value = *count;
	pthread_mutex_unlock(&lock);
	return value;
}

static int setup(void **state G_GNUC_UNUSED)
{
	resolver_set(false);
	pthread_mutex_lock(&lock);
	begun = ended = 0;
	pthread_mutex_unlock(&lock);
	return 0;
}

static int teardown(void **state G_GNUC_UNUSED)
{
	resolver_set(true);
	return 0;
}

static void expect_late(const char *hosts, int stop_fd, dur_us deadline, const char *part)
{
	g_autoptr(GError) error = NULL;
	assert_false(host_lookup(hosts, deadline, stop_fd, &error));
	assert_int_equal(error->code, AS_ERROR_UNAVAILABLE);
	assert_non_null(strstr(error->message, part));
}

static void an_answer_is_waited_for_whatever_it_is(void **state G_GNUC_UNUSED)
{
	assert_true(host_lookup("fast,faster", HOUR, 0, NULL));
	assert_int_equal(locked(&ended), 2);
}

static void what_is_no_name_takes_no_lookup(void **state G_GNUC_UNUSED)
{
	assert_true(host_lookup(NULL, HOUR, 0, NULL));
	assert_true(host_lookup("", HOUR, 0, NULL));
	assert_true(host_lookup("127.0.0.1,::1,/run/postgresql,@abstract", HOUR, 0, NULL));
	assert_int_equal(locked(&begun), 0);
}

static void a_resolver_that_hangs_costs_the_deadline_and_one_thread(void **state G_GNUC_UNUSED)
{
	for (int i = 0; i < 5; i++)
		expect_late("slow,fast", 0, 2 * US_PER_MS, "“slow” was not looked up in time");
	while (locked(&begun) == 0)
		g_usleep(1000);
	assert_int_equal(locked(&begun), 1);
	/* Once it is back. */
	resolver_set(true);
	while (!host_lookup("slow", US_PER_MS, 0, NULL))
		g_usleep(1000);
}

static void the_shutdown_ends_the_wait(void **state G_GNUC_UNUSED)
{
	int stop = eventfd(1, EFD_CLOEXEC);
	expect_late("slower", stop, HOUR, "shutdown");
	close(stop);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_answer_is_waited_for_whatever_it_is),
		TEST(what_is_no_name_takes_no_lookup),
		TEST(a_resolver_that_hangs_costs_the_deadline_and_one_thread),
		TEST(the_shutdown_ends_the_wait),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
