#include "daemon/inbox.h"

#include "daemon/journal_thread.h"
#include "model/change.h"

#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Messages of bulk that may wait. */
#define BULK_MAX 8

struct queue {
	struct message *first, **end;
	size_t count;
};

struct inbox {
	int fd;
	pthread_mutex_t lock;
	pthread_cond_t room;
	struct queue urgent, bulk;
	bool told; /* the descriptor is readable */
	bool closed;
};

struct inbox *inbox_new(void)
{
	struct inbox *inbox = g_new0(struct inbox, 1);
	inbox->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (inbox->fd < 0)
		g_error("eventfd: %m");
	pthread_mutex_init(&inbox->lock, NULL);
	pthread_cond_init(&inbox->room, NULL);
	inbox->urgent.end = &inbox->urgent.first;
	inbox->bulk.end = &inbox->bulk.first;
	return inbox;
}

static void queue_put(struct queue *queue, const struct message *message)
{
	struct message *copy = g_memdup2(message, sizeof *message);
	copy->next = NULL;
	*queue->end = copy;
	queue->end = &copy->next;
	queue->count++;
}

static struct message *queue_take(struct queue *queue)
{
	struct message *message = queue->first;
	if (!message)
		return NULL;
	queue->first = message->next;
	if (!queue->first)
		queue->end = &queue->first;
	queue->count--;
	return message;
}

static void inbox_tell(struct inbox *inbox)
{
	if (inbox->told)
		return;
	inbox->told = true;
	if (write(inbox->fd, &(uint64_t){1}, 8) < 0)
		g_error("eventfd: %m");
}

void inbox_put(struct inbox *inbox, const struct message *message)
{
	pthread_mutex_lock(&inbox->lock);
	queue_put(&inbox->urgent, message);
	inbox_tell(inbox);
	pthread_mutex_unlock(&inbox->lock);
}

bool inbox_put_bulk(struct inbox *inbox, const struct message *message)
{
	pthread_mutex_lock(&inbox->lock);
	while (inbox->bulk.count >= BULK_MAX && !inbox->closed)
		pthread_cond_wait(&inbox->room, &inbox->lock);
	bool open = !inbox->closed;
	if (open) {
		queue_put(&inbox->bulk, message);
		inbox_tell(inbox);
	}
	pthread_mutex_unlock(&inbox->lock);
	if (!open)
		message_free(g_memdup2(message, sizeof *message));
	return open;
}

void inbox_close(struct inbox *inbox)
{
	pthread_mutex_lock(&inbox->lock);
	inbox->closed = true;
	pthread_cond_broadcast(&inbox->room);
	pthread_mutex_unlock(&inbox->lock);
}

int inbox_fd(struct inbox *inbox)
{
	return inbox->fd;
}

void inbox_drain_fd(struct inbox *inbox)
{
	pthread_mutex_lock(&inbox->lock);
	uint64_t count;
	if (inbox->told && read(inbox->fd, &count, sizeof count) < 0)
		g_error("eventfd: %m");
	inbox->told = false;
	pthread_mutex_unlock(&inbox->lock);
}

struct message *inbox_take(struct inbox *inbox)
{
	pthread_mutex_lock(&inbox->lock);
	struct message *message = queue_take(&inbox->urgent);
	pthread_mutex_unlock(&inbox->lock);
	return message;
}

struct message *inbox_bulk(struct inbox *inbox)
{
	pthread_mutex_lock(&inbox->lock);
	struct message *message = inbox->bulk.first;
	pthread_mutex_unlock(&inbox->lock);
	return message;
}

void inbox_bulk_done(struct inbox *inbox)
{
	pthread_mutex_lock(&inbox->lock);
	struct message *message = queue_take(&inbox->bulk);
	pthread_cond_signal(&inbox->room);
	pthread_mutex_unlock(&inbox->lock);
	message_free(message);
}

static void message_data_free(struct message *message)
{
	if (message->kind == MESSAGE_JOURNAL_LOADED) {
		loaded_free(message->data);
		return;
	}
	if (message->kind == MESSAGE_LOOKED_UP) {
		lookup_free(message->data);
		return;
	}
	if (message->kind == MESSAGE_RESOLVED)
		for (size_t i = 0; i < message->count; i++)
			g_free(((struct fire_result *)message->data)[i].detail);
	if (message->kind == MESSAGE_CHANGES)
		for (size_t i = message->done; i < message->count; i++)
			action_change_clear(&((struct action_change *)message->data)[i]);
	g_free(message->data);
}

void message_free(struct message *message)
{
	message_data_free(message);
	g_free(message->text);
	g_free(message);
}

void inbox_free(struct inbox *inbox)
{
	struct message *message;
	while ((message = queue_take(&inbox->urgent)) || (message = queue_take(&inbox->bulk)))
		message_free(message);
	close(inbox->fd);
	pthread_mutex_destroy(&inbox->lock);
	pthread_cond_destroy(&inbox->room);
	g_free(inbox);
}
