#include "daemon/control.h"

#include "base/log.h"
#include "config/control_path.h"
#include "daemon/control_clients.h"
#include "daemon/control_socket.h"

#include <errno.h>
#include <glib-unix.h>
#include <sys/socket.h>

/* Accepted at a time, and after how long where the process has no descriptor left. */
#define ACCEPT_MAX 16
#define BREATH_S   1

struct control {
	struct control_clients clients;
	char *path;
	int fd;
	guint source;
};

static void listen_again(struct control *control);

static gboolean breath_over(gpointer data)
{
	struct control *control = data;
	control->source = 0;
	listen_again(control);
	return G_SOURCE_REMOVE;
}

static gboolean listener_ready(gint fd, GIOCondition condition, gpointer data)
{
	(void)condition;
	struct control *control = data;
	for (int i = 0; i < ACCEPT_MAX; i++) {
		int accepted = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (accepted >= 0) {
			control_clients_add(&control->clients, accepted);
			continue;
		}
		if (errno == EAGAIN || errno == ECONNABORTED || errno == EINTR)
			return G_SOURCE_CONTINUE;
		log_warning("control socket %s: %s", control->path, g_strerror(errno));
		control->source = g_timeout_add_seconds(BREATH_S, breath_over, control);
		return G_SOURCE_REMOVE;
	}
	return G_SOURCE_CONTINUE;
}

static void listen_again(struct control *control)
{
	control->source = g_unix_fd_add(control->fd, G_IO_IN, listener_ready, control);
}

struct control *control_start(const struct config *config, struct commands *commands)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *path = config_control_path(config);
	int fd = control_socket_listen(path, &error);
	if (fd < 0) {
		log_warning("control socket %s: %s; no other command can reach this scheduler", path,
			error->message);
		return NULL;
	}
	struct control *control = g_new0(struct control, 1);
	control->path = g_steal_pointer(&path);
	control->fd = fd;
	control_clients_init(&control->clients, commands, config_identity(config));
	listen_again(control);
	log_debug("control socket %s", control->path);
	return control;
}

void control_refuse(struct control *control)
{
	if (control)
		control->clients.refusing = true;
}

void control_stop(struct control *control)
{
	if (!control)
		return;
	control_clients_clear(&control->clients);
	g_clear_handle_id(&control->source, g_source_remove);
	control_socket_remove(control->path, control->fd);
	g_free(control->path);
	g_free(control);
}
