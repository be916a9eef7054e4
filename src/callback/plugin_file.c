#include "callback/plugin_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINKS_MAX 40 /* as Linux has it */

/* The way to a file, a component at a time. */
struct walk {
	int at;        /* O_PATH: the directory that is reached; at last the file */
	GString *path; /* of it, without links; empty for / */
	char *rest;    /* components to go */
	unsigned links;
};

bool plugin_file_split(const char *argument, char **path, char **symbol, GError **error)
{
	const char *colon = strrchr(argument, ':');
	if (argument[0] != '/') {
		g_set_error(error, AS_ERROR, AS_ERROR_INVALID,
			"\"%s\": the path of a plugin must be absolute, as in "
			"plugin:/usr/lib/example.so:symbol",
			argument);
		return false;
	}
	if (!colon ||
		!g_regex_match_simple("^[A-Za-z_][A-Za-z0-9_]*$", colon + 1, G_REGEX_DOLLAR_ENDONLY, 0)) {
		g_set_error(error, AS_ERROR, AS_ERROR_INVALID,
			"\"%s\": behind the path of a plugin stands a colon and the name of its symbol, as "
			"in "
			"plugin:/usr/lib/example.so:symbol",
			argument);
		return false;
	}
	*path = g_strndup(argument, (gsize)(colon - argument));
	*symbol = g_strdup(colon + 1);
	return true;
}

static bool fail_errno(const char *path, GError **error)
{
	g_set_error(error, AS_ERROR, AS_ERROR_INVALID, "%s: %s", path, g_strerror(errno));
	return false;
}

static bool owner_check(const char *path, const struct stat *st, GError **error)
{
	if (st->st_uid == 0 || st->st_uid == geteuid())
		return true;
	g_autofree char *us =
		geteuid() ? g_strdup_printf(" or to user %u, which the scheduler runs as", geteuid())
			  : g_strdup("");
	g_set_error(error, AS_ERROR, AS_ERROR_INVALID,
		"%s belongs to user %u, who could put anything there; it must belong to root%s: chown %sroot "
		"%s",
		path, st->st_uid, us, S_ISLNK(st->st_mode) ? "-h " : "", path);
	return false;
}

/* The bits of the group stand for access control lists, too. */
static bool writers_check(const char *path, const struct stat *st, GError **error)
{
	if (!(st->st_mode & (S_IWGRP | S_IWOTH)) || (S_ISDIR(st->st_mode) && st->st_mode & S_ISVTX))
		return true;
	g_set_error(error, AS_ERROR, AS_ERROR_INVALID,
		"%s may be written to by %s, who could put anything there: chmod go-w %s", path,
		st->st_mode & S_IWOTH ? "everybody" : "its group", path);
	return false;
}

/* Takes the next component off the rest; NULL at the end. Free with g_free. */
static char *component_take(struct walk *walk)
{
	const char *begin = walk->rest + strspn(walk->rest, "/");
	size_t length = strcspn(begin, "/");
	char *component = length ? g_strndup(begin, length) : NULL;
	char *rest = g_strdup(begin + length);
	g_free(walk->rest);
	walk->rest = rest;
	return component;
}

static bool walk_to_root(struct walk *walk, GError **error)
{
	struct stat st;
	int fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) != 0)
		return fail_errno("/", error);
	if (walk->at >= 0)
		close(walk->at);
	walk->at = fd;
	g_string_truncate(walk->path, 0);
	return owner_check("/", &st, error) && writers_check("/", &st, error);
}

/* What a link points to comes before the rest. */
static bool walk_link(struct walk *walk, int link, const char *path, GError **error)
{
	char target[PATH_MAX];
	ssize_t length = readlinkat(link, "", target, sizeof target);
	if (length >= 0 && ++walk->links > LINKS_MAX)
		errno = ELOOP;
	if (length < 0 || walk->links > LINKS_MAX)
		return fail_errno(path, error);
	char *rest = g_strdup_printf("%.*s/%s", (int)length, target, walk->rest);
	g_free(walk->rest);
	walk->rest = rest;
	return target[0] != '/' || walk_to_root(walk, error);
}

static void walk_into(struct walk *walk, int fd, const char *component)
{
	close(walk->at);
	walk->at = fd;
	if (strcmp(component, "..") != 0)
		g_string_append_printf(walk->path, "/%s", component);
	else if (walk->path->len)
		g_string_truncate(walk->path, (gsize)(strrchr(walk->path->str, '/') - walk->path->str));
}

static bool walk_step(struct walk *walk, const char *component, GError **error)
{
	struct stat st;
	if (strcmp(component, ".") == 0)
		return true;
	g_autofree char *path = g_strdup_printf("%s/%s", walk->path->str, component);
	int fd = openat(walk->at, component, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return fail_errno(path, error);
	if (fstat(fd, &st) != 0) {
		fail_errno(path, error);
		close(fd);
		return false;
	}
	bool good = owner_check(path, &st, error);
	if (good && S_ISLNK(st.st_mode)) {
		good = walk_link(walk, fd, path, error);
		close(fd);
		return good;
	}
	good = good && writers_check(path, &st, error);
	walk_into(walk, fd, component);
	return good;
}

/* False where it is no file that can be loaded. */
static bool is_regular(const struct walk *walk, GError **error)
{
	struct stat st;
	if (fstat(walk->at, &st) != 0)
		return fail_errno(walk->path->str, error);
	if (S_ISREG(st.st_mode))
		return true;
	g_set_error(error, AS_ERROR, AS_ERROR_INVALID, "%s is not a file", walk->path->str);
	return false;
}

bool plugin_file_check(const char *path, char **real, GError **error)
{
	struct walk walk = {.at = -1, .path = g_string_new(NULL), .rest = g_strdup(path)};
	bool good = walk_to_root(&walk, error);
	while (good) {
		g_autofree char *component = component_take(&walk);
		if (!component)
			break;
		good = walk_step(&walk, component, error);
	}
	good = good && is_regular(&walk, error);
	if (walk.at >= 0)
		close(walk.at);
	g_free(walk.rest);
	if (good)
		*real = g_string_free(walk.path, false);
	else
		g_string_free(walk.path, true);
	return good;
}
