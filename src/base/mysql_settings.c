#include "base/mysql_settings.h"

#include "base/error.h"

#include <string.h>

enum setting_kind {
	SETTING_TEXT,
	SETTING_CREDENTIAL, /* a text that makes no sense without TLS */
	SETTING_CA,         /* and with which the server is checked */
	SETTING_CAPATH,
	SETTING_TLS,
	SETTING_VERIFY_CERT,
	SETTING_VERIFY_IDENTITY,
	SETTING_MODE,
	SETTING_COMPRESS,
	SETTING_SOCKET,
	SETTING_CHARSET,
};

/* Names as PyMySQL, mysqlclient and the servers' own programs have them. */
static const struct setting {
	const char *name;
	enum setting_kind kind;
	enum mysql_option option; /* of those that are handed on as they are */
} known_settings[] = {
	{"unix_socket", SETTING_SOCKET, 0},
	{"charset", SETTING_CHARSET, 0},
	{"ssl", SETTING_TLS, 0},
	{"ssl_mode", SETTING_MODE, 0},
	{"ssl_ca", SETTING_CA, MYSQL_OPT_SSL_CA},
	{"ssl_capath", SETTING_CAPATH, MYSQL_OPT_SSL_CAPATH},
	{"ssl_cert", SETTING_CREDENTIAL, MYSQL_OPT_SSL_CERT},
	{"ssl_key", SETTING_CREDENTIAL, MYSQL_OPT_SSL_KEY},
	{"ssl_cipher", SETTING_CREDENTIAL, MYSQL_OPT_SSL_CIPHER},
	{"ssl_crl", SETTING_CREDENTIAL, MYSQL_OPT_SSL_CRL},
	{"ssl_verify_cert", SETTING_VERIFY_CERT, 0},
	{"ssl_verify_identity", SETTING_VERIFY_IDENTITY, 0},
	{"tls_version", SETTING_CREDENTIAL, MARIADB_OPT_TLS_VERSION},
	{"compress", SETTING_COMPRESS, 0},
	{"init_command", SETTING_TEXT, MYSQL_INIT_COMMAND},
	{"read_default_file", SETTING_TEXT, MYSQL_READ_DEFAULT_FILE},
	{"read_default_group", SETTING_TEXT, MYSQL_READ_DEFAULT_GROUP},
	{"plugin_dir", SETTING_TEXT, MYSQL_PLUGIN_DIR},
};

static const struct setting *setting_find(const char *name, GError **error)
{
	g_autoptr(GString) known = g_string_new(NULL);
	g_autofree char *plain = g_strdelimit(g_ascii_strdown(name, -1), "-", '_');
	for (size_t i = 0; i < G_N_ELEMENTS(known_settings); i++) {
		if (strcmp(known_settings[i].name, plain) == 0)
			return &known_settings[i];
		g_string_append_printf(known, "%s%s", i ? ", " : "", known_settings[i].name);
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

/* What is wished of TLS, whatever the order of the settings: -1 is not said. `cert` is the chain of the
 * server's certificate, `identity` the host's name in it. */
struct tls {
	int on, cert, identity;
	bool credential;
	const char *ca, *capath;
};

static bool mode_take(struct tls *tls, const char *name, const char *value, GError **error)
{
	static const struct {
		const char *name;
		int on, cert, identity;
	} modes[] = {{"disabled", 0, -1, 0}, {"preferred", -1, -1, 0}, {"required", 1, -1, 0},
		{"verify_ca", 1, 1, 0}, {"verify_identity", 1, 1, 1}};
	g_autofree char *plain = g_strdelimit(g_ascii_strdown(value, -1), "-", '_');
	for (size_t i = 0; i < G_N_ELEMENTS(modes); i++) {
		if (strcmp(modes[i].name, plain) != 0)
			continue;
		tls->on = modes[i].on;
		tls->cert = modes[i].cert;
		tls->identity = modes[i].identity;
		return true;
	}
	return invalid(name, value, "DISABLED, PREFERRED, REQUIRED, VERIFY_CA, VERIFY_IDENTITY", error);
}

static bool truth_parse(const char *value, bool *out)
{
	static const char *const words[] = {
		"false", "true", "no", "yes", "off", "on", "0", "1", "f", "t", "n", "y"};
	for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
		if (g_ascii_strcasecmp(words[i], value) != 0)
			continue;
		*out = i % 2 == 1;
		return true;
	}
	return false;
}

static bool truth_take(
	MYSQL *link, const struct setting *setting, struct tls *tls, const char *value, GError **error)
{
	bool truth;
	if (!truth_parse(value, &truth))
		return invalid(setting->name, value, "true, false", error);
	if (setting->kind == SETTING_TLS)
		tls->on = truth;
	else if (setting->kind == SETTING_VERIFY_CERT)
		tls->cert = truth;
	else if (setting->kind == SETTING_VERIFY_IDENTITY)
		tls->identity = truth;
	else if (truth)
		mysql_optionsv(link, MYSQL_OPT_COMPRESS, NULL);
	return true;
}

static bool setting_take(MYSQL *link, const char *name, const char *value, struct tls *tls,
	const char **socket, GError **error)
{
	const struct setting *setting = setting_find(name, error);
	if (!setting)
		return false;
	switch (setting->kind) {
	case SETTING_CA: tls->ca = value; return true;
	case SETTING_CAPATH: tls->capath = value; return true;
	case SETTING_CREDENTIAL:
		tls->credential = true;
		mysql_optionsv(link, setting->option, value);
		return true;
	case SETTING_TEXT: mysql_optionsv(link, setting->option, value); return true;
	case SETTING_SOCKET: *socket = value; return true;
	case SETTING_MODE: return mode_take(tls, name, value, error);
	case SETTING_CHARSET:
		/* Everything here is UTF-8; other sets could not even hold every text. */
		return g_ascii_strncasecmp(value, "utf8", 4) == 0 || invalid(name, value, "utf8mb4", error);
	default: return truth_take(link, setting, tls, value, error);
	}
}

/* With an authority the library always checks the chain, without one it never does. */
static bool tls_apply(MYSQL *link, const struct tls *tls, bool *required, GError **error)
{
	bool authority = tls->ca || tls->capath;
	my_bool on = tls->on >= 0 ? tls->on > 0
				  : tls->credential || authority || tls->cert > 0 || tls->identity > 0;
	my_bool identity = on && (tls->identity >= 0 ? tls->identity > 0 : authority && tls->cert != 0);
	if (on && !authority && (tls->cert > 0 || identity)) {
		g_set_error(error, AS_ERROR, AS_ERROR_INVALID,
			"options: the server's certificate can be checked only with ssl_ca or ssl_capath");
		return false;
	}
	if (tls->ca && tls->cert != 0)
		mysql_optionsv(link, MYSQL_OPT_SSL_CA, tls->ca);
	if (tls->capath && tls->cert != 0)
		mysql_optionsv(link, MYSQL_OPT_SSL_CAPATH, tls->capath);
	mysql_optionsv(link, MYSQL_OPT_SSL_ENFORCE, &on);
	mysql_optionsv(link, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &identity);
	*required = on;
	return true;
}

bool mysql_settings_apply(
	const GPtrArray *settings, MYSQL *link, const char **socket, bool *tls_required, GError **error)
{
	struct tls tls = {.on = -1, .cert = -1, .identity = -1};
	for (guint i = 0; i < settings->len; i += 2)
		if (!setting_take(link, settings->pdata[i], settings->pdata[i + 1], &tls, socket, error))
			return false;
	return tls_apply(link, &tls, tls_required, error);
}
