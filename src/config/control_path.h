/* Purpose: where the running scheduler of a configuration answers, and by what both sides know that they mean
 * the same one. Daemon and verbs ask here. Any thread; reads the environment and the file system. */
#pragma once

#include "config/config.h"

/* The absolute path of the control socket: server.socket; else control.sock beside the file of internal_db
 * where that is SQLite; else HASH.sock in the runtime directory, of the real path of config.yaml. Free with
 * g_free. */
char *config_control_path(const struct config *config);

/* The runtime directory: /run/action-scheduler for root, else $XDG_RUNTIME_DIR, else
 * /tmp/action-scheduler-UID, which no other user must be able to write. Free with g_free. */
char *config_runtime_directory(void);

/* What the scheduler of a configuration is known by: its internal_db, else its actions_db, as dialect and
 * place. Free with g_free. */
char *config_identity(const struct config *config);
