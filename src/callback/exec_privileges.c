#include "callback/exec_privileges.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.h"

/* Descriptors of the helper beside a pipe for each run. */
#define FILES_OWN 64

static bool refuse(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);
static bool refuse(GError **error, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree char *message = g_strdup_vprintf(format, args);
	va_end(args);
	g_set_error_literal(error, AS_ERROR, AS_ERROR_INVALID, message);
	return false;
}

/* --- who to be --- */

struct identity {
	bool has_user, has_group;
	uid_t uid;
	gid_t gid;
};

static bool number_parse(const char *text, uint32_t *out)
{
	guint64 value;
	/* The largest is -1, which means "unchanged" to setresuid. */
	if (!g_ascii_string_to_unsigned(text, 10, 0, UINT32_MAX - 1, &value, NULL))
		return false;
	*out = (uint32_t)value;
	return true;
}

static bool user_find(const struct exec_plan *plan, struct identity *who, GError **error)
{
	errno = 0;
	const struct passwd *entry = getpwnam(plan->user);
	bool numeric = !entry && number_parse(plan->user, &who->uid);
	if (numeric)
		entry = getpwuid(who->uid);
	if (!entry && !numeric)
		return refuse(error, "exec.user: there is no user \"%s\"%s%s", plan->user, errno ? ": " : "",
			errno ? g_strerror(errno) : "");
	if (!entry && !plan->group)
		return refuse(error,
			"exec.user: the user %s has no entry that tells its group; set exec.group",
			plan->user);
	who->has_user = who->has_group = true;
	if (entry) {
		who->uid = entry->pw_uid;
		who->gid = entry->pw_gid;
	}
	return true;
}

static bool group_find(const struct exec_plan *plan, struct identity *who, GError **error)
{
	errno = 0;
	const struct group *entry = getgrnam(plan->group);
	if (entry)
		who->gid = entry->gr_gid;
	else if (!number_parse(plan->group, &who->gid))
		return refuse(error, "exec.group: there is no group \"%s\"%s%s", plan->group,
			errno ? ": " : "", errno ? g_strerror(errno) : "");
	who->has_group = true;
	return true;
}

/* --- becoming it --- */

static bool group_become(const struct exec_plan *plan, const struct identity *who, GError **error)
{
	const char *key = plan->group ? "exec.group" : "exec.user", *name = plan->group ?: plan->user;
	gid_t real, effective, saved;
	if (setgroups(0, NULL) != 0)
		return refuse(error,
			"%s: supplementary groups cannot be given up: %s; the scheduler must "
			"run as root for this",
			key, g_strerror(errno));
	if (setresgid(who->gid, who->gid, who->gid) != 0)
		return refuse(error,
			"%s: the group cannot become %s: %s; the scheduler must run as root for "
			"this",
			key, name, g_strerror(errno));
	if (getresgid(&real, &effective, &saved) != 0 || real != who->gid || effective != who->gid ||
		saved != who->gid || getgroups(0, NULL) != 0)
		return refuse(error, "%s: the group has not become %s", key, name);
	return true;
}

/* A change from one ordinary user to another, by a capability, keeps capabilities unless they are cleared. */
static bool capabilities_clear(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0 ||
		syscall(SYS_capset, &header, data) != 0 || syscall(SYS_capget, &header, data) != 0)
		return false;
	for (size_t i = 0; i < G_N_ELEMENTS(data); i++)
		if (data[i].effective || data[i].permitted || data[i].inheritable)
			return false;
	return true;
}

static bool user_become(const struct exec_plan *plan, const struct identity *who, GError **error)
{
	uid_t real, effective, saved;
	if (setresuid(who->uid, who->uid, who->uid) != 0)
		return refuse(error,
			"exec.user: cannot become %s: %s; the scheduler must run as root for this",
			plan->user, g_strerror(errno));
	if (getresuid(&real, &effective, &saved) != 0 || real != who->uid || effective != who->uid ||
		saved != who->uid)
		return refuse(error, "exec.user: has not become %s", plan->user);
	if (who->uid == 0)
		return true;
	if (!capabilities_clear())
		return refuse(error, "exec.user: capabilities cannot be given up: %s", g_strerror(errno));
	if (setresuid((uid_t)-1, 0, (uid_t)-1) == 0 || setuid(0) == 0)
		return refuse(error, "exec.user: %s can become root again", plan->user);
	if (who->gid != 0 && (setresgid((gid_t)-1, 0, (gid_t)-1) == 0 || setgid(0) == 0))
		return refuse(error, "exec.user: %s can get root's group again", plan->user);
	return true;
}

/* --- limits --- */

/* The hard limit must be at least what programs shall get. */
static bool limit_allow(const char *key, __rlimit_resource_t resource, int64_t limit, GError **error)
{
	struct rlimit now;
	if (!limit)
		return true;
	if (getrlimit(resource, &now) != 0)
		return refuse(error, "%s: %s", key, g_strerror(errno));
	if (now.rlim_max >= (rlim_t)limit)
		return true;
	struct rlimit raised = {now.rlim_cur, (rlim_t)limit};
	if (setrlimit(resource, &raised) == 0)
		return true;
	return refuse(error,
		"%s: %" G_GINT64_FORMAT " is more than the %" G_GUINT64_FORMAT
		" that the scheduler itself may have",
		key, limit, (guint64)now.rlim_max);
}

static bool limits_allow(const struct exec_plan *plan, GError **error)
{
	return limit_allow("exec.limit_memory", RLIMIT_AS, plan->memory_bytes, error) &&
	       limit_allow("exec.limit_file_size", RLIMIT_FSIZE, plan->file_bytes, error) &&
	       limit_allow("exec.limit_open_files", RLIMIT_NOFILE, plan->open_files, error) &&
	       limit_allow("exec.limit_processes", RLIMIT_NPROC, plan->processes, error) &&
	       limit_allow("exec.limit_cpu", RLIMIT_CPU, plan->cpu_s, error);
}

static bool files_raise(const struct exec_plan *plan, struct rlimit *before, GError **error)
{
	rlim_t needed = (rlim_t)plan->concurrency + FILES_OWN;
	if (getrlimit(RLIMIT_NOFILE, before) != 0)
		return refuse(error, "RLIMIT_NOFILE: %s", g_strerror(errno));
	struct rlimit raised = {MAX(needed, before->rlim_cur), MAX(needed, before->rlim_max)};
	if (setrlimit(RLIMIT_NOFILE, &raised) != 0)
		return refuse(error,
			"exec.concurrency: %" G_GINT64_FORMAT " needs more open files than the "
			"%" G_GUINT64_FORMAT " that the scheduler may have",
			plan->concurrency, (guint64)before->rlim_max);
	return true;
}

bool exec_privileges_drop(const struct exec_plan *plan, struct rlimit *files, GError **error)
{
	struct identity who = {0};
	if (plan->user && !user_find(plan, &who, error))
		return false;
	if (plan->group && !group_find(plan, &who, error))
		return false;
	if (!limits_allow(plan, error) || !files_raise(plan, files, error))
		return false;
	if (who.has_group && !group_become(plan, &who, error))
		return false;
	if (who.has_user && !user_become(plan, &who, error))
		return false;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		return refuse(error, "no_new_privs cannot be set: %s", g_strerror(errno));
	return true;
}
