/* The host of the contract suite, and the fires that it hands out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "contract.h"

#define WAIT_MAX             (60 * US_PER_SECOND)
#define AGAIN_AFTER          (50 * US_PER_MS)
/* How a fire is found from its ticket; the rest of it is another one at each submit. */
#define TICKET_INDEX(ticket) ((size_t)((ticket)&UINT32_MAX))

struct contract {
	struct contract_receiver *receiver;
	struct callback *callback;
	time_us began_at;
	int64_t next_action_id;
	uint64_t next_serial;

	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t changed;
	GPtrArray *fires; /* struct contract_fire */
	GArray *waiting;  /* size_t, indexes in the order in which they are submitted */
	struct contract_told told;
	bool closed;
	struct callback *left_behind; /* has a thread that may look at what it was given */
};

/* What went wrong on other threads, where cmocka cannot be told. */
static pthread_mutex_t faults_lock = PTHREAD_MUTEX_INITIALIZER;
static GString *faults;
/* Contracts stay until the program ends: a host that is called too late must be there to say so. */
static GPtrArray *contracts;

__attribute__((format(printf, 1, 2))) static void fault(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	pthread_mutex_lock(&faults_lock);
	if (!faults)
		faults = g_string_new(NULL);
	if (faults->len < 4000) {
		g_string_append_vprintf(faults, format, args);
		g_string_append_c(faults, '\n');
	}
	pthread_mutex_unlock(&faults_lock);
	va_end(args);
}

void contract_assert_no_fault(void)
{
	pthread_mutex_lock(&faults_lock);
	g_autofree char *text = faults ? g_string_free(faults, false) : NULL;
	faults = NULL;
	pthread_mutex_unlock(&faults_lock);
	if (text)
		fail_msg("%s", text);
}

struct callback_settings *contract_settings_new(void)
{
	struct callback_settings *s = g_new0(struct callback_settings, 1);
	GHashTable **maps[] = {&s->exec.programs, &s->exec.environment, &s->http.headers, &s->plugin.options};
	for (size_t i = 0; i < G_N_ELEMENTS(maps); i++)
		*maps[i] = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	return s;
}

void contract_settings_free(struct callback_settings *s)
{
	GHashTable *maps[] = {s->exec.programs, s->exec.environment, s->http.headers, s->plugin.options};
	for (size_t i = 0; i < G_N_ELEMENTS(maps); i++)
		g_hash_table_unref(maps[i]);
	g_free(s);
}

/* --- the host --- */

static void action_release(struct contract_fire *fire)
{
	g_clear_pointer(&fire->action, g_free);
	g_clear_pointer(&fire->manual, g_free);
}

static void result_check(const struct contract_fire *fire, const struct fire_result *result, time_us began_at)
{
	if (result->started_at > result->finished_at)
		fault("%s was started after it was finished", fire->token);
	if (result->started_at < began_at || result->finished_at > clock_now())
		fault("%s has times that cannot be", fire->token);
	if (result->answer != FIRE_DELIVERED && (!result->detail || !*result->detail))
		fault("%s was answered by %d without a reason", fire->token, result->answer);
	if (result->detail && !g_utf8_validate(result->detail, -1, NULL))
		fault("%s was answered with bytes that are no UTF-8", fire->token);
}

static void result_take(struct contract *contract, const struct fire_result *result)
{
	size_t index = TICKET_INDEX(result->ticket);
	struct contract_fire *fire =
		index < contract->fires->len ? g_ptr_array_index(contract->fires, index) : NULL;
	if (!fire || fire->state != CONTRACT_GIVEN || fire->ticket != result->ticket) {
		fault("an answer to what is not given: %s", fire ? fire->token : "no fire");
		g_free(result->detail);
		return;
	}
	result_check(fire, result, contract->began_at);
	g_free(fire->result.detail);
	fire->result = *result;
	fire->state = CONTRACT_ANSWERED;
	fire->answered_as = (unsigned)++contract->told.answers;
	contract->told.given--;
	contract->told.delivered += result->answer == FIRE_DELIVERED;
	contract->told.rejected += result->answer == FIRE_REJECTED;
	contract->told.unavailable += result->answer == FIRE_UNAVAILABLE;
	action_release(fire);
}

/* Locks; false where the host may not be called any more. */
static bool host_enter(struct contract *contract, const char *function)
{
	pthread_mutex_lock(&contract->lock);
	if (!contract->closed)
		return true;
	pthread_mutex_unlock(&contract->lock);
	fault("%s was called after the close", function);
	return false;
}

static void host_leave(struct contract *contract)
{
	pthread_cond_broadcast(&contract->changed);
	pthread_mutex_unlock(&contract->lock);
}

static void host_resolved(void *context, const struct fire_result *results, size_t count)
{
	struct contract *contract = context;
	if (!host_enter(contract, "resolved")) {
		for (size_t i = 0; i < count; i++)
			g_free(results[i].detail);
		return;
	}
	for (size_t i = 0; i < count; i++)
		result_take(contract, &results[i]);
	host_leave(contract);
}

static void host_ready(void *context)
{
	struct contract *contract = context;
	if (!host_enter(contract, "ready"))
		return;
	contract->told.ready++;
	host_leave(contract);
}

static void host_trouble(void *context, const char *message)
{
	struct contract *contract = context;
	if (!host_enter(contract, "trouble"))
		return;
	if (message && !*message)
		fault("trouble without a message");
	if (message)
		contract->told.trouble++;
	else
		contract->told.trouble_over++;
	if (contract->told.trouble - contract->told.trouble_over > 1)
		fault("trouble was said %u times and over %u times", contract->told.trouble,
			contract->told.trouble_over);
	host_leave(contract);
}

static void host_broken(void *context, const char *message)
{
	struct contract *contract = context;
	if (!host_enter(contract, "broken"))
		return;
	contract->told.broken++;
	fault("broken: %s", message);
	host_leave(contract);
}

static void host_say(void *context, const char *line)
{
	(void)line;
	if (host_enter(context, "say"))
		host_leave(context);
}

/* --- a contract --- */

static void fire_free(gpointer data)
{
	struct contract_fire *fire = data;
	action_release(fire);
	g_free(fire->result.detail);
	g_free(fire->token);
	g_free(fire->fire_id);
	g_free(fire);
}

struct contract *contract_new(void)
{
	struct contract *contract = g_new0(struct contract, 1);
	pthread_mutex_init(&contract->lock, NULL);
	pthread_cond_init(&contract->changed, NULL);
	contract->began_at = clock_now();
	contract->fires = g_ptr_array_new_with_free_func(fire_free);
	contract->waiting = g_array_new(false, false, sizeof(size_t));
	contract->next_action_id = 1;
	if (!contracts)
		contracts = g_ptr_array_new();
	g_ptr_array_add(contracts, contract);
	contract->receiver = contract_backend.receiver_new();
	const struct callback_host host = {
		host_resolved, host_ready, host_trouble, host_broken, host_say, contract};
	g_autoptr(GError) error = NULL;
	contract->callback = contract_backend.open(contract->receiver, &host, &error);
	if (!contract->callback)
		fail_msg("%s", error ? error->message : "no error was set");
	return contract;
}

void contract_close(struct contract *contract, dur_us left)
{
	bool ended = contract_backend.vtable->close(contract->callback, clock_monotonic() + left);
	contract->left_behind = ended ? NULL : contract->callback;
	contract->callback = NULL;
	pthread_mutex_lock(&contract->lock);
	contract->closed = true;
	/* What was abandoned is freed, so that a late look at it is found. */
	for (size_t i = 0; ended && i < contract->fires->len; i++)
		action_release(g_ptr_array_index(contract->fires, i));
	pthread_mutex_unlock(&contract->lock);
}

void contract_free(struct contract *contract)
{
	if (contract->callback) {
		contract_backend.mode(contract->receiver, CONTRACT_ACCEPT);
		contract_close(contract, WAIT_MAX);
	}
	if (contract->left_behind)
		return;
	contract_backend.receiver_free(contract->receiver);
	pthread_mutex_lock(&contract->lock);
	g_ptr_array_set_size(contract->fires, 0);
	g_array_set_size(contract->waiting, 0);
	pthread_mutex_unlock(&contract->lock);
}

struct contract_receiver *contract_receiver(struct contract *contract)
{
	return contract->receiver;
}

/* --- fires --- */

static time_us fire_nominal(const struct contract_fire *fire)
{
	return INT64_C(1704067200) * US_PER_SECOND + fire->number * US_PER_MINUTE;
}

/* Each seventh of an action is a manual one. */
static char *fire_manual(const struct contract_fire *fire)
{
	return fire->number % 7 == 6 ? g_strdup_printf("0b7f0fd2-6a3b-4a6e-9f0c-%06x%06x",
					       (unsigned)fire->action_id, fire->number)
				     : NULL;
}

static struct contract_fire *fire_new(int64_t action_id, unsigned number, int32_t timeout_s)
{
	struct contract_fire *fire = g_new0(struct contract_fire, 1);
	fire->action_id = action_id;
	fire->number = number;
	fire->attempt = 1;
	fire->timeout_s = timeout_s;
	fire->token = g_strdup_printf("%" G_GINT64_FORMAT "-%u", action_id, number);
	char id[FIRE_ID_MAX];
	g_autofree char *manual = fire_manual(fire);
	fire->fire_id = g_strdup(fire_id_format(action_id, fire_nominal(fire), manual, id));
	return fire;
}

void contract_add(struct contract *contract, size_t actions, size_t count, int32_t timeout_s)
{
	int64_t first = contract->next_action_id;
	contract->next_action_id += (int64_t)actions;
	pthread_mutex_lock(&contract->lock);
	for (size_t i = 0; i < count; i++) {
		struct contract_fire *fire =
			fire_new(first + (int64_t)(i % actions), (unsigned)(i / actions), timeout_s);
		size_t index = contract->fires->len;
		g_ptr_array_add(contract->fires, fire);
		g_array_append_val(contract->waiting, index);
	}
	pthread_mutex_unlock(&contract->lock);
}

size_t contract_count(struct contract *contract)
{
	return contract->fires->len;
}

struct contract_fire *contract_fire(struct contract *contract, size_t index)
{
	return g_ptr_array_index(contract->fires, index);
}

void contract_again(struct contract *contract, size_t index)
{
	pthread_mutex_lock(&contract->lock);
	struct contract_fire *fire = contract_fire(contract, index);
	assert_int_equal(fire->state, CONTRACT_ANSWERED);
	assert_int_equal(fire->result.answer, FIRE_REJECTED);
	fire->state = CONTRACT_WAITING;
	fire->attempt++;
	g_array_append_val(contract->waiting, index);
	pthread_mutex_unlock(&contract->lock);
}

/* An action object of its own for each fire: rows are edited, and what counts is the id. */
static struct action *action_make(struct contract *contract, const struct contract_fire *fire)
{
	static const char name[] = "a name\twith 'quotes' and \xd0\xb1";
	g_autofree char *command = contract_backend.command
					   ? contract_backend.command(contract->receiver, fire->token)
					   : g_strdup(fire->token);
	size_t length = strlen(command);
	struct action *action = g_malloc0(sizeof *action + sizeof name + length + 1);
	action->id = fire->action_id;
	action->refs = 1;
	action->timeout_s = fire->timeout_s;
	action->max_instances = 3;
	action->max_attempts = 1;
	action->name_length = sizeof name - 1;
	action->command_length = (uint32_t)length;
	memcpy(action->text, name, sizeof name);
	memcpy(action->text + sizeof name, command, length);
	return action;
}

static struct fire fire_give(struct contract *contract, size_t index)
{
	struct contract_fire *fire = contract_fire(contract, index);
	fire->action = action_make(contract, fire);
	fire->manual = fire_manual(fire);
	fire->ticket = ++contract->next_serial << 32 | index;
	fire->state = CONTRACT_GIVEN;
	contract->told.given++;
	return (struct fire){.ticket = fire->ticket,
		.action = fire->action,
		.nominal = fire_nominal(fire),
		.due_at = fire_nominal(fire) + 1,
		.attempt = fire->attempt,
		.manual = fire->manual};
}

/* What was not accepted waits as before. */
static void fires_take_back(struct contract *contract, const struct fire *fires, size_t from, size_t count)
{
	for (size_t i = from; i < count; i++) {
		struct contract_fire *fire = contract_fire(contract, TICKET_INDEX(fires[i].ticket));
		if (fire->state != CONTRACT_GIVEN)
			fault("%s was answered and not accepted", fire->token);
		fire->state = CONTRACT_WAITING;
		contract->told.given--;
		action_release(fire);
	}
}

size_t contract_submit(struct contract *contract, size_t most)
{
	pthread_mutex_lock(&contract->lock);
	size_t count = MIN(most, contract->waiting->len);
	/* Freed right after the submit: the array is not the callback's. */
	g_autofree struct fire *fires = g_new0(struct fire, count);
	for (size_t i = 0; i < count; i++)
		fires[i] = fire_give(contract, g_array_index(contract->waiting, size_t, i));
	pthread_mutex_unlock(&contract->lock);
	size_t accepted = contract_backend.vtable->submit(contract->callback, fires, count);
	assert_true(accepted <= count);
	pthread_mutex_lock(&contract->lock);
	fires_take_back(contract, fires, accepted, count);
	g_array_remove_range(contract->waiting, 0, (guint)accepted);
	pthread_mutex_unlock(&contract->lock);
	return accepted;
}

bool contract_is_waiting(struct contract *contract)
{
	pthread_mutex_lock(&contract->lock);
	bool waiting = contract->waiting->len > 0;
	pthread_mutex_unlock(&contract->lock);
	return waiting;
}

/* --- waiting --- */

struct contract_told contract_told(struct contract *contract)
{
	pthread_mutex_lock(&contract->lock);
	struct contract_told told = contract->told;
	pthread_mutex_unlock(&contract->lock);
	return told;
}

bool contract_all_done(struct contract *contract)
{
	pthread_mutex_lock(&contract->lock);
	bool done = contract->waiting->len == 0 && contract->told.given == 0;
	for (size_t i = 0; i < contract->fires->len && done; i++)
		done = contract_fire(contract, i)->result.answer != FIRE_UNAVAILABLE;
	pthread_mutex_unlock(&contract->lock);
	return done;
}

static int index_compare(gconstpointer a, gconstpointer b)
{
	const size_t *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

/* Puts what was answered by FIRE_UNAVAILABLE back in its place; the caller holds the lock. */
static void unavailable_put_back(struct contract *contract)
{
	for (size_t i = 0; i < contract->fires->len; i++) {
		struct contract_fire *fire = contract_fire(contract, i);
		if (fire->state != CONTRACT_ANSWERED || fire->result.answer != FIRE_UNAVAILABLE)
			continue;
		fire->state = CONTRACT_WAITING;
		fire->unavailable++;
		g_array_append_val(contract->waiting, i);
	}
	g_array_sort(contract->waiting, index_compare);
}

static void pause_until_changed(struct contract *contract, time_us until)
{
	struct timespec ts = {until / US_PER_SECOND, (until % US_PER_SECOND) * 1000};
	pthread_mutex_lock(&contract->lock);
	pthread_cond_clockwait(&contract->changed, &contract->lock, CLOCK_MONOTONIC, &ts);
	pthread_mutex_unlock(&contract->lock);
}

static void wait_failed(struct contract *contract, const char *name)
{
	struct contract_told told = contract_told(contract);
	contract_assert_no_fault();
	fail_msg("waited in vain: %s (%u fires, %u waiting, %zu given, %zu delivered, %zu rejected, %zu "
		 "unavailable, ready %u, trouble %u, over %u)",
		name, contract->fires->len, contract->waiting->len, told.given, told.delivered, told.rejected,
		told.unavailable, told.ready, told.trouble, told.trouble_over);
}

void contract_wait(
	struct contract *contract, bool (*holds)(struct contract *contract), bool hold, const char *name)
{
	time_us until = clock_monotonic() + WAIT_MAX, again_at = clock_monotonic();
	bool room = true; /* nothing was refused since the last ready */
	unsigned ready = contract_told(contract).ready;
	while (!holds(contract)) {
		time_us now = clock_monotonic();
		if (now >= until)
			wait_failed(contract, name);
		if (!hold && now >= again_at) {
			pthread_mutex_lock(&contract->lock);
			unavailable_put_back(contract);
			pthread_mutex_unlock(&contract->lock);
			again_at = now + AGAIN_AFTER;
		}
		unsigned ready_now = contract_told(contract).ready;
		room = room || ready_now != ready;
		if (!hold && room && contract_is_waiting(contract)) {
			ready = ready_now;
			room = contract_submit(contract, 1000) == 1000 || !contract_is_waiting(contract);
			continue;
		}
		pause_until_changed(contract, MIN(until, now + AGAIN_AFTER));
	}
}

/* --- what was seen --- */

GArray *contract_seen(struct contract *contract, size_t least)
{
	time_us until = clock_monotonic() + WAIT_MAX;
	for (;;) {
		GArray *seen = g_array_new(false, false, sizeof(struct contract_seen));
		contract_backend.seen(contract->receiver, seen);
		if (seen->len >= least)
			return seen;
		size_t length = seen->len;
		contract_seen_free(seen);
		if (clock_monotonic() >= until)
			fail_msg("the receiver has seen %zu of %zu", length, least);
		usleep(5000);
	}
}

void contract_seen_free(GArray *seen)
{
	for (size_t i = 0; i < seen->len; i++) {
		g_free(g_array_index(seen, struct contract_seen, i).token);
		g_free(g_array_index(seen, struct contract_seen, i).fire_id);
	}
	g_array_unref(seen);
}
