#include "callback/exec_client.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/thread_wait.h"
#include "callback/exec_keeper.h"

/* No more is asked for while so much is not yet sent. */
#define OUT_MAX     ((size_t)1 << 20)
#define RECEIVE     ((size_t)64 << 10)
#define DELAY_MIN   US_PER_SECOND
#define DELAY_MAX   US_PER_MINUTE
/* A difference between clocks that is a step of one. */
#define OFFSET_STEP US_PER_MS

/* What was asked for. */
struct asked {
	uint64_t ticket;
	char fire_id[FIRE_ID_MAX];
};

struct callback {
	struct exec_client_options options;
	GThread *thread;
	int wake;   /* eventfd */
	int ending; /* eventfd: nobody waits for a helper any more */

	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t answered;
	GArray *accepted; /* struct fire, for the thread to take */
	size_t unanswered;
	bool refused;   /* a submit was not accepted as a whole */
	bool away;      /* there is no helper, and that was said */
	bool abandoned; /* the thread is to end */
};

/* The thread's own. */
struct link {
	struct callback *client;
	int socket; /* -1: none */
	GByteArray *in, *out;
	GArray *fires;     /* struct fire, taken and not yet asked for */
	guint next;        /* of them */
	GHashTable *asked; /* ticket → struct asked */
	GArray *results;
	time_us connect_at; /* CLOCK_MONOTONIC; TIME_US_MAX: never again */
	dur_us delay;
	dur_us offset;
};

static int event_new(void)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (fd < 0)
		g_error("exec: eventfd: %m");
	return fd;
}

static void event_set(int fd)
{
	uint64_t one = 1;
	/* It fails only where it is set already. */
	if (write(fd, &one, sizeof one) < 0)
		return;
}

/* --- answers --- */

static void result_add(struct link *link, struct fire_result result)
{
	g_array_append_val(link->results, result);
}

/* A fire that no program was started for. */
static void result_refuse(struct link *link, uint64_t ticket, enum fire_answer answer, const char *detail)
{
	time_us now = clock_now();
	result_add(link, (struct fire_result){.ticket = ticket,
				 .answer = answer,
				 .started_at = now,
				 .finished_at = now,
				 .detail = g_utf8_make_valid(detail, -1)});
}

static void results_tell(struct link *link)
{
	struct callback *client = link->client;
	const struct callback_host *host = &client->options.host;
	guint count = link->results->len;
	if (count)
		host->resolved(host->context, (const struct fire_result *)(void *)link->results->data, count);
	g_array_set_size(link->results, 0);
	pthread_mutex_lock(&client->lock);
	client->unanswered -= count;
	bool ready = client->refused && !client->away &&
		     client->unanswered < (size_t)client->options.plan.concurrency;
	client->refused = client->refused && !ready;
	if (!client->unanswered)
		pthread_cond_signal(&client->answered);
	pthread_mutex_unlock(&client->lock);
	if (ready)
		host->ready(host->context);
}

/* --- the helper comes and goes --- */

/* Says that there is none, or (NULL) that there is one again; each once. */
static void away_say(struct link *link, const char *message)
{
	struct callback *client = link->client;
	const struct callback_host *host = &client->options.host;
	pthread_mutex_lock(&client->lock);
	bool changed = client->away != (message != NULL);
	client->away = message != NULL;
	pthread_mutex_unlock(&client->lock);
	if (changed)
		host->trouble(host->context, message);
}

static void fires_refuse(struct link *link, const char *why)
{
	for (; link->next < link->fires->len; link->next++)
		result_refuse(link, g_array_index(link->fires, struct fire, link->next).ticket,
			FIRE_UNAVAILABLE, why);
}

static void link_failed(struct link *link, const GError *error)
{
	const struct callback_host *host = &link->client->options.host;
	g_autofree char *message = g_strdup_printf("programs cannot be started: %s", error->message);
	if (g_error_matches(error, AS_ERROR, AS_ERROR_FAILED)) {
		link->connect_at = TIME_US_MAX;
		away_say(link, message);
		host->broken(host->context, message);
	} else {
		link->connect_at = clock_monotonic() + link->delay;
		link->delay = MIN(link->delay * 2, DELAY_MAX);
		away_say(link, message);
	}
	fires_refuse(link, message);
}

static void link_connect(struct link *link)
{
	g_autoptr(GError) error = NULL;
	if (link->socket >= 0 || clock_monotonic() < link->connect_at)
		return;
	link->socket = exec_helper_connect(&link->client->options.plan, link->client->ending, &error);
	if (link->socket < 0)
		link_failed(link, error);
	else
		away_say(link, NULL);
}

static void link_lost(struct link *link)
{
	static const char text[] = "the process that starts programs has died, and they with it";
	GHashTableIter iter;
	gpointer value;
	close(link->socket);
	link->socket = -1;
	link->connect_at = clock_monotonic() + link->delay;
	link->delay = MIN(link->delay * 2, DELAY_MAX);
	away_say(link, text);
	g_hash_table_iter_init(&iter, link->asked);
	while (g_hash_table_iter_next(&iter, NULL, &value))
		result_refuse(link, ((const struct asked *)value)->ticket,
			link->client->options.at_most_once ? FIRE_REJECTED : FIRE_UNAVAILABLE, text);
	g_hash_table_remove_all(link->asked);
	fires_refuse(link, text);
	g_byte_array_set_size(link->in, 0);
	g_byte_array_set_size(link->out, 0);
}

/* --- to the helper --- */

/* Takes what was submitted; false where the thread is to end. */
static bool fires_take(struct link *link)
{
	struct callback *client = link->client;
	if (link->next == link->fires->len) {
		g_array_set_size(link->fires, 0);
		link->next = 0;
	}
	pthread_mutex_lock(&client->lock);
	bool go_on = !client->abandoned;
	if (client->accepted->len)
		g_array_append_vals(link->fires, client->accepted->data, client->accepted->len);
	g_array_set_size(client->accepted, 0);
	pthread_mutex_unlock(&client->lock);
	return go_on;
}

static void fire_ask(struct link *link, const struct fire *fire)
{
	g_autoptr(GError) error = NULL;
	if (!exec_command_put(link->out, &link->client->options.commands, fire, &error)) {
		result_refuse(link, fire->ticket, FIRE_REJECTED, error->message);
		return;
	}
	struct asked *asked = g_new0(struct asked, 1);
	asked->ticket = fire->ticket;
	fire_id_format(fire->action->id, fire->nominal, fire->manual, asked->fire_id);
	g_hash_table_insert(link->asked, &asked->ticket, asked);
}

static void fires_ask(struct link *link)
{
	while (link->socket >= 0 && link->next < link->fires->len && link->out->len < OUT_MAX)
		fire_ask(link, &g_array_index(link->fires, struct fire, link->next++));
}

static void link_send(struct link *link)
{
	if (link->socket < 0 || !link->out->len)
		return;
	ssize_t n = send(link->socket, link->out->data, link->out->len, MSG_NOSIGNAL);
	if (n > 0)
		g_byte_array_remove_range(link->out, 0, (guint)n);
	/* That the helper has died is seen when its last words are read. */
}

/* --- from the helper --- */

/* What clock_now is ahead of CLOCK_MONOTONIC. It is kept as long as it holds, so that what began later has
 * the later time, however long this thread stands between two looks at clocks. */
static void offset_renew(struct link *link)
{
	time_us before, now, after;
	int tries = 0;
	do {
		before = clock_monotonic();
		now = clock_now();
		after = clock_monotonic();
	} while (after - before > OFFSET_STEP / 2 && ++tries < 10);
	dur_us fresh = now - after, change = fresh - link->offset;
	if (change > OFFSET_STEP || change < -OFFSET_STEP)
		link->offset = fresh;
}

static bool take_done(struct link *link, struct exec_frame *frame)
{
	size_t length;
	uint64_t ticket = (uint64_t)exec_get_number(frame);
	int64_t answer = exec_get_number(frame);
	time_us started_at = exec_get_number(frame), finished_at = exec_get_number(frame);
	const char *detail = exec_get_bytes(frame, &length);
	if (frame->bad || answer < FIRE_DELIVERED || answer > FIRE_UNAVAILABLE || finished_at < started_at ||
		!g_hash_table_remove(link->asked, &ticket))
		return false;
	time_us now = clock_now();
	result_add(link, (struct fire_result){.ticket = ticket,
				 .answer = (enum fire_answer)answer,
				 .started_at = MIN(started_at + link->offset, now),
				 .finished_at = MIN(finished_at + link->offset, now),
				 .detail = length ? g_utf8_make_valid(detail, (gssize)length) : NULL});
	link->delay = DELAY_MIN;
	return true;
}

static bool take_line(struct link *link, struct exec_frame *frame)
{
	const struct callback_host *host = &link->client->options.host;
	size_t length;
	uint64_t ticket = (uint64_t)exec_get_number(frame);
	const char *bytes = exec_get_bytes(frame, &length);
	const struct asked *asked = g_hash_table_lookup(link->asked, &ticket);
	if (frame->bad || !bytes || !asked)
		return false;
	g_autofree char *text = g_utf8_make_valid(bytes, (gssize)length);
	g_autofree char *line = g_strdup_printf("%s: %s", asked->fire_id, text);
	host->say(host->context, line);
	return true;
}

/* False where it says what cannot be. */
static bool frames_take(struct link *link)
{
	struct exec_frame frame;
	enum exec_frame_state state;
	size_t taken = 0;
	bool good = true;
	offset_renew(link);
	while (good && (state = exec_frame_next(link->in, &taken, &frame)) != EXEC_FRAME_PARTIAL)
		good = state == EXEC_FRAME_WHOLE &&
		       (frame.kind == EXEC_DONE          ? take_done(link, &frame)
			       : frame.kind == EXEC_LINE ? take_line(link, &frame)
							 : false);
	g_byte_array_remove_range(link->in, 0, (guint)taken);
	return good;
}

static void link_receive(struct link *link)
{
	size_t before = link->in->len;
	g_byte_array_set_size(link->in, (guint)(before + RECEIVE));
	ssize_t n = recv(link->socket, link->in->data + before, RECEIVE, 0);
	bool lost = n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
	g_byte_array_set_size(link->in, (guint)(before + (n > 0 ? (size_t)n : 0)));
	if (!frames_take(link) || lost)
		link_lost(link);
}

/* --- the thread --- */

static void link_wait(struct link *link)
{
	struct pollfd fds[] = {{link->client->wake, POLLIN, 0},
		{link->socket, (short)(POLLIN | (link->out->len ? POLLOUT : 0)), 0}};
	dur_us left = link->connect_at - clock_monotonic();
	int timeout = link->socket >= 0 || link->connect_at == TIME_US_MAX
			      ? -1
			      : (int)(MAX(left, 0) / US_PER_MS) + 1;
	uint64_t count;
	poll(fds, G_N_ELEMENTS(fds), timeout);
	if (fds[0].revents && read(link->client->wake, &count, sizeof count) < 0)
		return;
	if (fds[1].revents & (POLLIN | POLLHUP | POLLERR))
		link_receive(link);
}

static gpointer client_thread(gpointer data)
{
	struct link link = {.client = data,
		.socket = -1,
		.in = g_byte_array_new(),
		.out = g_byte_array_new(),
		.fires = g_array_new(false, false, sizeof(struct fire)),
		.asked = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, g_free),
		.results = g_array_new(false, false, sizeof(struct fire_result)),
		.delay = DELAY_MIN};
	while (fires_take(&link)) {
		link_connect(&link);
		fires_ask(&link);
		link_send(&link);
		results_tell(&link);
		link_wait(&link);
	}
	/* The helper stops what it still runs when it sees this. */
	if (link.socket >= 0)
		close(link.socket);
	for (guint i = 0; i < link.results->len; i++)
		g_free(g_array_index(link.results, struct fire_result, i).detail);
	g_array_unref(link.results);
	g_hash_table_unref(link.asked);
	g_array_unref(link.fires);
	g_byte_array_unref(link.in);
	g_byte_array_unref(link.out);
	return NULL;
}

/* --- the loop thread --- */

struct callback *exec_client_new(const struct exec_client_options *options)
{
	struct callback *client = g_new0(struct callback, 1);
	client->options = *options;
	client->accepted = g_array_new(false, false, sizeof(struct fire));
	client->wake = event_new();
	client->ending = event_new();
	pthread_mutex_init(&client->lock, NULL);
	pthread_cond_init(&client->answered, NULL);
	client->thread = g_thread_new("exec", client_thread, client);
	return client;
}

size_t exec_client_submit(struct callback *client, const struct fire *fires, size_t count)
{
	pthread_mutex_lock(&client->lock);
	size_t room = (size_t)client->options.plan.concurrency - client->unanswered;
	size_t accepted = client->away ? 0 : MIN(count, room);
	if (accepted)
		g_array_append_vals(client->accepted, fires, (guint)accepted);
	client->unanswered += accepted;
	client->refused = client->refused || accepted < count;
	pthread_mutex_unlock(&client->lock);
	if (accepted)
		event_set(client->wake);
	return accepted;
}

bool exec_client_close(struct callback *client, time_us deadline)
{
	pthread_mutex_lock(&client->lock);
	while (client->unanswered && thread_wait_until(&client->answered, &client->lock, deadline))
		continue;
	client->abandoned = true;
	pthread_mutex_unlock(&client->lock);
	event_set(client->ending);
	event_set(client->wake);
	g_thread_join(client->thread);
	pthread_mutex_destroy(&client->lock);
	pthread_cond_destroy(&client->answered);
	close(client->wake);
	close(client->ending);
	g_array_unref(client->accepted);
	exec_plan_clear(&client->options.plan);
	exec_commands_clear(&client->options.commands);
	g_free(client);
	return true;
}
