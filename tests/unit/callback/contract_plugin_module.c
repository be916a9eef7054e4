/* Plugins for the contract suite, each in one of the two ways in which one can be written.
 * `queueing` takes a bounded number of fires at a time, works on them in a thread of its own, answers
 * ACTION_SCHEDULER_UNAVAILABLE while its receiver is away, and can cancel. `blocking` does the work within
 * submit, goes on trying while its receiver is away, and cannot cancel. */
#include <action_scheduler/plugin.h>

#include <stdlib.h>
#include <string.h>

#include "contract_plugin.h"

#define QUEUE_MAX 64

struct work {
	const struct action_scheduler_fire *fire;
	bool cancelled;
};

struct instance {
	const struct action_scheduler_host *host;
	struct contract_receiver *receiver;
	/* Of queueing, under the receiver's lock. */
	pthread_t thread;
	struct work queue[QUEUE_MAX];
	size_t count;
	bool refused, stopping, trouble;
};

static int find_receiver(struct instance *instance, const struct action_scheduler_option *options,
	size_t count, char *error, size_t error_size)
{
	if (count != 1 || strcmp(options[0].name, "receiver") != 0) {
		g_strlcpy(error, "the only option is receiver", error_size);
		return ACTION_SCHEDULER_BAD;
	}
	instance->receiver = (void *)(uintptr_t)strtoull(options[0].value, NULL, 10);
	return ACTION_SCHEDULER_OK;
}

static void resolve(
	struct instance *instance, const struct action_scheduler_fire *fire, int answer, const char *detail)
{
	struct action_scheduler_result result = ACTION_SCHEDULER_RESULT_INIT;
	result.ticket = fire->ticket;
	result.answer = answer;
	result.detail = detail;
	instance->host->resolve(instance->host, &result);
}

static void take(struct instance *instance, const struct action_scheduler_fire *fire)
{
	struct contract_seen seen = {g_strdup(fire->command), g_strdup(fire->fire_id)};
	g_array_append_val(instance->receiver->seen, seen);
}

/* --- queueing --- */

static size_t cancelled_find(const struct instance *instance)
{
	size_t i = 0;
	while (i < instance->count && !instance->queue[i].cancelled)
		i++;
	return i;
}

/* Takes one out of the queue and answers it; locked. */
static void work_end(struct instance *instance, size_t index, int answer, const char *detail)
{
	const struct action_scheduler_fire *fire = instance->queue[index].fire;
	memmove(&instance->queue[index], &instance->queue[index + 1],
		(--instance->count - index) * sizeof(struct work));
	resolve(instance, fire, answer, detail);
	if (instance->refused && instance->count <= QUEUE_MAX / 2) {
		instance->refused = false;
		instance->host->ready(instance->host);
	}
}

static void work_do(struct instance *instance)
{
	switch (instance->receiver->mode) {
	case CONTRACT_ACCEPT:
		take(instance, instance->queue[0].fire);
		work_end(instance, 0, ACTION_SCHEDULER_DELIVERED, NULL);
		break;
	case CONTRACT_REFUSE: work_end(instance, 0, ACTION_SCHEDULER_REJECTED, "refused"); break;
	case CONTRACT_AWAY: work_end(instance, 0, ACTION_SCHEDULER_UNAVAILABLE, "nobody is there"); break;
	case CONTRACT_HANG: break;
	}
}

static void *queueing_run(void *data)
{
	struct instance *instance = data;
	struct contract_receiver *receiver = instance->receiver;
	pthread_mutex_lock(&receiver->lock);
	while (!instance->stopping) {
		size_t cancelled = cancelled_find(instance);
		if (cancelled < instance->count)
			work_end(instance, cancelled, ACTION_SCHEDULER_REJECTED, "cancelled");
		else if (instance->count && receiver->mode != CONTRACT_HANG)
			work_do(instance);
		else
			pthread_cond_wait(&receiver->changed, &receiver->lock);
	}
	pthread_mutex_unlock(&receiver->lock);
	return NULL;
}

static int queueing_init(const struct action_scheduler_host *host,
	const struct action_scheduler_option *options, size_t option_count, void **data, char *error,
	size_t error_size)
{
	struct instance *instance = g_new0(struct instance, 1);
	instance->host = host;
	int outcome = find_receiver(instance, options, option_count, error, error_size);
	if (outcome != ACTION_SCHEDULER_OK) {
		g_free(instance);
		return outcome;
	}
	pthread_create(&instance->thread, NULL, queueing_run, instance);
	*data = instance;
	return ACTION_SCHEDULER_OK;
}

static size_t queueing_submit(void *data, const struct action_scheduler_fire *const *fires, size_t count)
{
	struct instance *instance = data;
	size_t accepted = 0;
	pthread_mutex_lock(&instance->receiver->lock);
	while (accepted < count && instance->count < QUEUE_MAX)
		instance->queue[instance->count++] = (struct work){.fire = fires[accepted++]};
	instance->refused = accepted < count;
	pthread_cond_broadcast(&instance->receiver->changed);
	pthread_mutex_unlock(&instance->receiver->lock);
	return accepted;
}

static void queueing_cancel(void *data, uint64_t ticket)
{
	struct instance *instance = data;
	pthread_mutex_lock(&instance->receiver->lock);
	for (size_t i = 0; i < instance->count; i++)
		if (instance->queue[i].fire->ticket == ticket)
			instance->queue[i].cancelled = true;
	pthread_cond_broadcast(&instance->receiver->changed);
	pthread_mutex_unlock(&instance->receiver->lock);
}

static void queueing_stop(void *data)
{
	struct instance *instance = data;
	pthread_mutex_lock(&instance->receiver->lock);
	instance->stopping = true;
	pthread_cond_broadcast(&instance->receiver->changed);
	pthread_mutex_unlock(&instance->receiver->lock);
	pthread_join(instance->thread, NULL);
	g_free(instance);
}

ACTION_SCHEDULER_PLUGIN(queueing) = {
	.abi = ACTION_SCHEDULER_PLUGIN_ABI,
	.size = sizeof(struct action_scheduler_plugin),
	.init = queueing_init,
	.submit = queueing_submit,
	.cancel = queueing_cancel,
	.stop = queueing_stop,
};

/* --- blocking --- */

static int blocking_init(const struct action_scheduler_host *host,
	const struct action_scheduler_option *options, size_t option_count, void **data, char *error,
	size_t error_size)
{
	struct instance *instance = g_new0(struct instance, 1);
	instance->host = host;
	*data = instance;
	return find_receiver(instance, options, option_count, error, error_size);
}

static void blocking_do(struct instance *instance, const struct action_scheduler_fire *fire)
{
	struct contract_receiver *receiver = instance->receiver;
	pthread_mutex_lock(&receiver->lock);
	while (receiver->mode == CONTRACT_HANG || receiver->mode == CONTRACT_AWAY) {
		if (receiver->mode == CONTRACT_AWAY)
			instance->host->trouble(instance->host, "nobody is there");
		pthread_cond_wait(&receiver->changed, &receiver->lock);
	}
	instance->host->trouble(instance->host, NULL);
	bool refuse = receiver->mode == CONTRACT_REFUSE;
	if (!refuse)
		take(instance, fire);
	pthread_mutex_unlock(&receiver->lock);
	resolve(instance, fire, refuse ? ACTION_SCHEDULER_REJECTED : ACTION_SCHEDULER_DELIVERED, NULL);
}

static size_t blocking_submit(void *data, const struct action_scheduler_fire *const *fires, size_t count)
{
	for (size_t i = 0; i < count; i++)
		blocking_do(data, fires[i]);
	return count;
}

static void blocking_stop(void *data)
{
	g_free(data);
}

ACTION_SCHEDULER_PLUGIN(blocking) = {
	.abi = ACTION_SCHEDULER_PLUGIN_ABI,
	.size = sizeof(struct action_scheduler_plugin),
	.init = blocking_init,
	.submit = blocking_submit,
	.stop = blocking_stop,
};
