#include "base/host_lookup.h"

#include <errno.h>
#include <gio/gio.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"

struct lookup {
	char *host;
	int done; /* eventfd, readable once it is */
	gint references;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards the table */
static GHashTable *under_way; /* name → struct lookup, borrowed: it leaves when it is done */

static void lookup_unref(struct lookup *lookup)
{
	if (!g_atomic_int_dec_and_test(&lookup->references))
		return;
	close(lookup->done);
	g_free(lookup->host);
	g_free(lookup);
}

static gpointer lookup_run(gpointer data)
{
	struct lookup *lookup = data;
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *list = NULL;
	if (getaddrinfo(lookup->host, NULL, &hints, &list) == 0)
		freeaddrinfo(list);
	pthread_mutex_lock(&lock);
	g_hash_table_remove(under_way, lookup->host);
	pthread_mutex_unlock(&lock);
	if (write(lookup->done, &(uint64_t){1}, 8) < 0)
		g_error("eventfd: %m");
	lookup_unref(lookup);
	return NULL;
}

/* NULL where there can be no thread; the library looks it up all the same. */
static struct lookup *lookup_start(const char *host)
{
	struct lookup *lookup = g_new0(struct lookup, 1);
	lookup->host = g_strdup(host);
	lookup->references = 1;
	lookup->done = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	GThread *thread = lookup->done < 0 ? NULL : g_thread_try_new("lookup", lookup_run, lookup, NULL);
	if (!thread) {
		lookup_unref(lookup);
		return NULL;
	}
	g_thread_unref(thread);
	return lookup;
}

/* A reference to the lookup of this name that is under way, or that begins. */
static struct lookup *lookup_join(const char *host)
{
	pthread_mutex_lock(&lock);
	if (!under_way)
		under_way = g_hash_table_new(g_str_hash, g_str_equal);
	struct lookup *lookup = g_hash_table_lookup(under_way, host);
	if (!lookup && (lookup = lookup_start(host)))
		g_hash_table_insert(under_way, lookup->host, lookup);
	if (lookup)
		g_atomic_int_inc(&lookup->references);
	pthread_mutex_unlock(&lock);
	return lookup;
}

static bool wait_done(const struct lookup *lookup, time_us until, int stop_fd, GError **error)
{
	struct pollfd fds[2] = {
		{.fd = lookup->done, .events = POLLIN}, {.fd = stop_fd > 0 ? stop_fd : -1, .events = POLLIN}};
	for (;;) {
		dur_us left = until - clock_monotonic();
		int ready = left > 0 ? poll(fds, 2, (int)MIN(left / US_PER_MS + 1, INT64_C(3600000))) : 0;
		if (ready > 0 && fds[0].revents)
			return true;
		if ((ready < 0 && errno == EINTR) || (ready == 0 && until > clock_monotonic()))
			continue;
		g_set_error(error, AS_ERROR, AS_ERROR_UNAVAILABLE, "the name of the host “%s” %s",
			lookup->host,
			ready > 0 ? "was being looked up at the shutdown" : "was not looked up in time");
		return false;
	}
}

static bool takes_time(const char *host)
{
	return *host && !strchr(host, '/') && *host != '@' && !g_hostname_is_ip_address(host);
}

bool host_lookup(const char *hosts, dur_us deadline, int stop_fd, GError **error)
{
	g_auto(GStrv) names = g_strsplit(hosts ? hosts : "", ",", -1);
	time_us until = clock_monotonic() + deadline;
	bool done = true;
	for (char **name = names; *name && done; name++) {
		struct lookup *lookup = takes_time(*name) ? lookup_join(*name) : NULL;
		if (!lookup)
			continue;
		done = wait_done(lookup, until, stop_fd, error);
		lookup_unref(lookup);
	}
	return done;
}
