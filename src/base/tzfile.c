#include "base/tzfile.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

#define NAME_MAX_LENGTH 64
#define SIZE_MAX_BYTES  (256 * 1024) /* the largest of the system's are below 4 KB */

static bool component_is_valid(const char *from, size_t length)
{
	if (!length || *from == '-')
		return false;
	for (size_t i = 0; i < length; i++)
		if (!g_ascii_isalnum(from[i]) && !strchr("_+-", from[i]))
			return false;
	return true;
}

bool tzfile_name_is_valid(const char *name)
{
	static const char *const refused[] = {"posix/", "right/", "posixrules", "localtime", NULL};
	if (strlen(name) > NAME_MAX_LENGTH)
		return false;
	for (int i = 0; refused[i]; i++)
		if (g_str_has_prefix(name, refused[i]))
			return false;
	for (const char *from = name;; from++) {
		size_t length = strcspn(from, "/");
		if (!component_is_valid(from, length))
			return false;
		from += length;
		if (!*from)
			return true;
	}
}

static void set_unknown(const char *name, GError **error)
{
	g_autofree char *shown = g_strescape(name, NULL);
	g_set_error(error, AS_ERROR, AS_ERROR_INVALID,
		"\"%.80s\" is no time zone; names are those of the tz database, such as Europe/Moscow",
		shown);
}

/* Reads the open file, up to the largest size. */
static uint8_t *read_all(int fd, size_t *size)
{
	uint8_t *data = g_malloc(SIZE_MAX_BYTES + 1);
	size_t used = 0;
	while (used <= SIZE_MAX_BYTES) {
		ssize_t n = read(fd, data + used, SIZE_MAX_BYTES + 1 - used);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			g_free(data);
			return NULL;
		}
		if (n == 0)
			break;
		used += (size_t)n;
	}
	*size = used;
	return g_realloc(data, MAX(used, 1));
}

uint8_t *tzfile_read(const char *name, size_t *size, GError **error)
{
	if (!tzfile_name_is_valid(name)) {
		set_unknown(name, error);
		return NULL;
	}
	const char *directory = g_getenv("TZDIR");
	g_autofree char *path =
		g_build_filename(directory && *directory ? directory : "/usr/share/zoneinfo", name, NULL);
	struct stat status;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) {
		set_unknown(name, error);
		return NULL;
	}
	uint8_t *data =
		fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode) ? read_all(fd, size) : NULL;
	int why = errno;
	bool directory_found = fd >= 0 && !data && S_ISDIR(status.st_mode);
	if (fd >= 0)
		close(fd);
	if (directory_found ||
		(data && (*size < 4 || *size > SIZE_MAX_BYTES || memcmp(data, "TZif", 4) != 0))) {
		g_free(data);
		set_unknown(name, error);
		return NULL;
	}
	if (!data)
		g_set_error(
			error, AS_ERROR, AS_ERROR_UNAVAILABLE, "cannot read %s: %s", path, g_strerror(why));
	return data;
}

static bool is_zone(const char *name)
{
	size_t size;
	g_autofree uint8_t *data = tzfile_read(name, &size, NULL);
	return data != NULL;
}

static char *zone_of_localtime(void)
{
	g_autofree char *target = g_file_read_link("/etc/localtime", NULL);
	const char *name = target ? strstr(target, "/zoneinfo/") : NULL;
	if (!name)
		return NULL;
	name += strlen("/zoneinfo/");
	if (g_str_has_prefix(name, "posix/"))
		name += strlen("posix/");
	return is_zone(name) ? g_strdup(name) : NULL;
}

static char *zone_of_timezone_file(void)
{
	char *text = NULL;
	if (!g_file_get_contents("/etc/timezone", &text, NULL, NULL))
		return NULL;
	g_strstrip(text);
	if (is_zone(text))
		return text;
	g_free(text);
	return NULL;
}

char *tzfile_machine_zone_name(void)
{
	const char *variable = g_getenv("TZ");
	if (variable && *variable == ':')
		variable++;
	if (variable && *variable && is_zone(variable))
		return g_strdup(variable);
	char *name = zone_of_localtime();
	if (!name)
		name = zone_of_timezone_file();
	return name ? name : g_strdup("UTC");
}
