#include "store/mysql.h"

#include <string.h>

enum setting_kind {
	SETTING_TEXT,
	SETTING_BOOLEAN,
	SETTING_FLAG,
	SETTING_SOCKET,
	SETTING_CHARSET,
	SETTING_MODE
};

/* Names as PyMySQL, mysqlclient and the servers' own programs have them. */
static const struct setting {
	const char *name;
	enum setting_kind kind;
	enum mysql_option option;
} settings[] = {
	{"unix_socket", SETTING_SOCKET, 0},
	{"charset", SETTING_CHARSET, 0},
	{"ssl", SETTING_BOOLEAN, MYSQL_OPT_SSL_ENFORCE},
	{"ssl_mode", SETTING_MODE, 0},
	{"ssl_ca", SETTING_TEXT, MYSQL_OPT_SSL_CA},
	{"ssl_capath", SETTING_TEXT, MYSQL_OPT_SSL_CAPATH},
	{"ssl_cert", SETTING_TEXT, MYSQL_OPT_SSL_CERT},
	{"ssl_key", SETTING_TEXT, MYSQL_OPT_SSL_KEY},
	{"ssl_cipher", SETTING_TEXT, MYSQL_OPT_SSL_CIPHER},
	{"ssl_crl", SETTING_TEXT, MYSQL_OPT_SSL_CRL},
	{"ssl_verify_cert", SETTING_BOOLEAN, MYSQL_OPT_SSL_VERIFY_SERVER_CERT},
	{"ssl_verify_identity", SETTING_BOOLEAN, MYSQL_OPT_SSL_VERIFY_SERVER_CERT},
	{"tls_version", SETTING_TEXT, MARIADB_OPT_TLS_VERSION},
	{"compress", SETTING_FLAG, MYSQL_OPT_COMPRESS},
	{"init_command", SETTING_TEXT, MYSQL_INIT_COMMAND},
	{"read_default_file", SETTING_TEXT, MYSQL_READ_DEFAULT_FILE},
	{"read_default_group", SETTING_TEXT, MYSQL_READ_DEFAULT_GROUP},
	{"plugin_dir", SETTING_TEXT, MYSQL_PLUGIN_DIR},
};

static const struct setting *setting_find(const char *name, GError **error)
{
	g_autoptr(GString) known = g_string_new(NULL);
	g_autofree char *plain = g_strdelimit(g_ascii_strdown(name, -1), "-", '_');
	for (size_t i = 0; i < G_N_ELEMENTS(settings); i++) {
		if (strcmp(settings[i].name, plain) == 0)
			return &settings[i];
		g_string_append_printf(known, "%s%s", i ? ", " : "", settings[i].name);
	}
	g_set_error(error, AS_ERROR, AS_ERROR_INVALID,
		"options.%s: there is no such option of a MySQL or MariaDB connection; there is: %s", name,
		known->str);
	return NULL;
}

static bool invalid(const char *name, const char *value, const char *allowed, GError **error)
{
	g_set_error(
		error, AS_ERROR, AS_ERROR_INVALID, "options.%s: “%s” is not one of %s", name, value, allowed);
	return false;
}

static void set_bool(MYSQL *link, enum mysql_option option, bool value)
{
	my_bool byte = value;
	mysql_optionsv(link, option, &byte);
}

static bool set_mode(MYSQL *link, const char *name, const char *value, GError **error)
{
	static const char *const modes[] = {
		"disabled", "preferred", "required", "verify_ca", "verify_identity"};
	g_autofree char *plain = g_strdelimit(g_ascii_strdown(value, -1), "-", '_');
	for (size_t i = 0; i < G_N_ELEMENTS(modes); i++) {
		if (strcmp(modes[i], plain) != 0)
			continue;
		set_bool(link, MYSQL_OPT_SSL_ENFORCE, i >= 2);
		set_bool(link, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, i >= 3);
		return true;
	}
	return invalid(name, value, "DISABLED, PREFERRED, REQUIRED, VERIFY_CA, VERIFY_IDENTITY", error);
}

bool store_mysql_set(MYSQL *link, const char *name, const char *value, const char **socket, GError **error)
{
	const struct setting *setting = setting_find(name, error);
	struct maybe_int truth;
	if (!setting)
		return false;
	switch (setting->kind) {
	case SETTING_SOCKET: *socket = value; return true;
	case SETTING_MODE: return set_mode(link, name, value, error);
	case SETTING_CHARSET:
		/* Everything here is UTF-8; other sets could not even hold every text. */
		return g_ascii_strncasecmp(value, "utf8", 4) == 0 || invalid(name, value, "utf8mb4", error);
	case SETTING_TEXT:
		mysql_optionsv(link, setting->option, value);
		/* Who names an authority wants the server to be checked, unless it is said otherwise behind.
		 */
		if (setting->option == MYSQL_OPT_SSL_CA || setting->option == MYSQL_OPT_SSL_CAPATH)
			set_bool(link, MYSQL_OPT_SSL_ENFORCE, true);
		return true;
	default: break;
	}
	column_parse(COLUMN_BOOLEAN, (struct text){value, strlen(value)}, &truth);
	if (!truth.set)
		return invalid(name, value, "true, false", error);
	if (setting->kind == SETTING_BOOLEAN)
		set_bool(link, setting->option, truth.value != 0);
	else if (truth.value)
		mysql_optionsv(link, setting->option, NULL);
	return true;
}
