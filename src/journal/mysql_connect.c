#include "journal/mysql.h"

#include <mysqld_error.h>
#include <string.h>

/* The lock goes with the session, so the server must not end it because it is idle. */
#define SESSION                                                                                              \
	"SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_BACKSLASH_ESCAPES', SESSION wait_timeout = 31536000, " \
	"SESSION innodb_lock_wait_timeout = %u, SESSION lock_wait_timeout = %u, SESSION autocommit = 1; "    \
	"SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ"

/* The connection is lost or of no use. 3169, 4031: ended by an operator, or as idle, on MySQL. */
static bool is_lost(unsigned number)
{
	bool of_client = (number >= 2000 && number < 3000) || (number >= 5000 && number < 6000);
	return of_client || number == ER_SERVER_SHUTDOWN || number == ER_CONNECTION_KILLED ||
	       number == 3169 || number == 4031 ||
	       (number >= ER_NET_READ_ERROR && number <= ER_NET_WRITE_INTERRUPTED);
}

static enum as_error kind_of(unsigned number)
{
	switch (number) {
	case ER_LOCK_WAIT_TIMEOUT:
	case ER_LOCK_DEADLOCK:
	case ER_CON_COUNT_ERROR:
	case ER_DISK_FULL:
	case ER_RECORD_FILE_FULL:
	case ER_OUTOFMEMORY:
	case ER_OUT_OF_RESOURCES:
	case ER_QUERY_INTERRUPTED:
	case ER_OPTION_PREVENTS_STATEMENT: /* a server that only reads */
	case ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION: return AS_ERROR_UNAVAILABLE;
	case ER_NOT_KEYFILE:
	case ER_CRASHED_ON_USAGE: return AS_ERROR_CORRUPT;
	case ER_TABLEACCESS_DENIED_ERROR:
	case ER_COLUMNACCESS_DENIED_ERROR:
	case ER_SPECIFIC_ACCESS_DENIED_ERROR:
	case ER_DBACCESS_DENIED_ERROR: return AS_ERROR_INVALID;
	default: return is_lost(number) ? AS_ERROR_UNAVAILABLE : AS_ERROR_FAILED;
	}
}

bool jmy_fail(struct jmy_link *link, GError **error)
{
	unsigned number = mysql_errno(link->mysql);
	g_set_error(error, AS_ERROR, (gint)kind_of(number), "%s (%u)", mysql_error(link->mysql), number);
	if (is_lost(number))
		link->base.broken = true;
	return false;
}

/* --- connecting --- */

enum setting_kind { SETTING_TEXT, SETTING_BOOLEAN, SETTING_SOCKET };

static const struct setting {
	const char *name;
	enum setting_kind kind;
	enum mysql_option option;
} settings[] = {
	{"unix_socket", SETTING_SOCKET, 0},
	{"ssl", SETTING_BOOLEAN, MYSQL_OPT_SSL_ENFORCE},
	{"ssl_ca", SETTING_TEXT, MYSQL_OPT_SSL_CA},
	{"ssl_capath", SETTING_TEXT, MYSQL_OPT_SSL_CAPATH},
	{"ssl_cert", SETTING_TEXT, MYSQL_OPT_SSL_CERT},
	{"ssl_key", SETTING_TEXT, MYSQL_OPT_SSL_KEY},
	{"ssl_cipher", SETTING_TEXT, MYSQL_OPT_SSL_CIPHER},
	{"ssl_crl", SETTING_TEXT, MYSQL_OPT_SSL_CRL},
	{"ssl_verify_cert", SETTING_BOOLEAN, MYSQL_OPT_SSL_VERIFY_SERVER_CERT},
	{"tls_version", SETTING_TEXT, MARIADB_OPT_TLS_VERSION},
	{"plugin_dir", SETTING_TEXT, MYSQL_PLUGIN_DIR},
};

static const struct setting *find_setting(const char *name)
{
	for (size_t i = 0; i < G_N_ELEMENTS(settings); i++)
		if (strcmp(settings[i].name, name) == 0)
			return &settings[i];
	return NULL;
}

static bool parse_bool(const char *value, my_bool *out)
{
	static const char *const words[] = {"false", "true", "no", "yes", "off", "on", "0", "1"};
	for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
		if (g_ascii_strcasecmp(words[i], value) != 0)
			continue;
		*out = i % 2 == 1;
		return true;
	}
	return false;
}

bool jmy_check_target(const struct server_target *target, GError **error)
{
	for (size_t i = 0; i < target->setting_count; i++) {
		const struct journal_setting *given = &target->settings[i];
		const struct setting *setting = find_setting(given->name);
		my_bool value;
		if (setting && (setting->kind != SETTING_BOOLEAN || parse_bool(given->value, &value)))
			continue;
		g_set_error(error, AS_ERROR, AS_ERROR_INVALID,
			setting ? "internal_db.options.%s is neither true nor false"
				: "internal_db.options.%s is no option of a MySQL or MariaDB connection "
				  "that internal_db takes",
			given->name);
		return false;
	}
	return true;
}

/* Returns the path of the Unix socket, NULL where the host counts. */
static const char *apply_settings(MYSQL *mysql, const struct server_target *target)
{
	const char *socket = target->host && *target->host == '/' ? target->host : NULL;
	for (size_t i = 0; i < target->setting_count; i++) {
		const struct setting *setting = find_setting(target->settings[i].name);
		const char *value = target->settings[i].value;
		my_bool flag;
		if (!setting)
			continue;
		if (setting->kind == SETTING_SOCKET)
			socket = value;
		else if (setting->kind == SETTING_TEXT)
			mysql_optionsv(mysql, setting->option, value);
		else if (parse_bool(value, &flag))
			mysql_optionsv(mysql, setting->option, &flag);
	}
	return socket;
}

static bool connect_to(struct jmy_link *link, const struct server_target *target, GError **error)
{
	MYSQL *mysql = link->mysql;
	unsigned seconds = (unsigned)((target->deadline + US_PER_SECOND - 1) / US_PER_SECOND);
	unsigned local_files = 0;
	mysql_optionsv(mysql, MYSQL_OPT_CONNECT_TIMEOUT, &seconds);
	mysql_optionsv(mysql, MYSQL_OPT_READ_TIMEOUT, &seconds);
	mysql_optionsv(mysql, MYSQL_OPT_WRITE_TIMEOUT, &seconds);
	mysql_optionsv(mysql, MYSQL_OPT_LOCAL_INFILE, &local_files);
	mysql_optionsv(mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4");
	mysql_optionsv(mysql, MYSQL_OPT_CONNECT_ATTR_ADD, "program_name", target->program);
	const char *socket = apply_settings(mysql, target);
	if (!mysql_real_connect(mysql, socket ? NULL : target->host, target->username, target->password,
		    target->database, (unsigned)target->port, socket,
		    CLIENT_MULTI_STATEMENTS | CLIENT_FOUND_ROWS)) {
		/* Whatever it is, an administrator can mend it while we try again. */
		g_set_error(error, AS_ERROR, AS_ERROR_UNAVAILABLE, "%s (%u)", mysql_error(mysql),
			mysql_errno(mysql));
		return false;
	}
	link->base.session = (int64_t)mysql_thread_id(mysql);
	g_autofree char *session = g_strdup_printf(SESSION, seconds, seconds);
	return jmy_script(&link->base, session, error);
}

struct server_link *jmy_connect(const struct server_target *target, GError **error)
{
	struct jmy_link *link = g_new0(struct jmy_link, 1);
	link->mysql = mysql_init(NULL);
	g_assert(link->mysql); /* out of memory */
	if (connect_to(link, target, error))
		return &link->base;
	jmy_close(&link->base);
	return NULL;
}

void jmy_close(struct server_link *link)
{
	mysql_close(jmy_link(link)->mysql);
	g_free(link);
}

/* --- statements whose rows nobody wants --- */

bool jmy_send(struct jmy_link *link, const char *sql, size_t length, uint64_t *found, GError **error)
{
	if (mysql_real_query(link->mysql, sql, length) != 0)
		return jmy_fail(link, error);
	int more = 0;
	while (more == 0) {
		MYSQL_RES *result = mysql_store_result(link->mysql);
		if (!result && mysql_field_count(link->mysql) > 0)
			return jmy_fail(link, error);
		if (!result && found)
			*found = mysql_affected_rows(link->mysql);
		mysql_free_result(result);
		more = mysql_next_result(link->mysql);
	}
	return more < 0 || jmy_fail(link, error);
}

bool jmy_script(struct server_link *link, const char *sql, GError **error)
{
	return jmy_send(jmy_link(link), sql, strlen(sql), NULL, error);
}
