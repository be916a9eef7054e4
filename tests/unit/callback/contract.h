/* Purpose: the contract suite of callback.h (test_contract.c), run against every callback. A backend of the
 * suite, contract_NAME.c, says how to open an instance whose receiver the test holds in its hand; each makes
 * a program of its own with the suite (meson.build). Threads: the functions of a backend are called on the
 * main thread, mode also on another one while the main thread sits in close. Wait for conditions in them and
 * fail with fail_msg on the main thread only. */
#pragma once

#include "callback/callback.h"

/* What the receiver does. It begins with CONTRACT_ACCEPT. */
enum contract_mode {
	CONTRACT_ACCEPT, /* takes what comes; what it held on to under CONTRACT_HANG, too */
	CONTRACT_REFUSE, /* refuses every fire: an answer that uses up an attempt */
	CONTRACT_AWAY,   /* is out of reach; nothing that comes now is seen */
	CONTRACT_HANG,   /* does not answer, until the mode is another */
};
#define CONTRACT_MODE(mode) (1u << (mode))

/* The receiver of a backend; a struct of its own file. */
struct contract_receiver;

/* A fire as the receiver took it. Both are freed with g_free. */
struct contract_seen {
	char *token;   /* what stood in the command, see below */
	char *fire_id; /* NULL where the receiver is not told */
};

struct contract_backend {
	const char *name;
	const struct callback_vtable *vtable;
	/* What there is to test. What needs a mode that is missing here is left out, by name. */
	unsigned modes; /* bits CONTRACT_MODE(…) */
	bool timeouts;  /* action.timeout_s ends a fire under CONTRACT_HANG; every lasting callback has it */
	bool overlap;   /* fires of an action may run at the same time, so they arrive as they like; that they
			   were started in order is told from started_at */
	size_t batch;   /* fires of an ordinary case */
	size_t flood;   /* so many fires are more than it accepts at once; 0: it accepts everything */

	/* Before everything else, while there is one thread: the place for vtable->prepare. May be NULL. */
	void (*prepare)(void);
	struct contract_receiver *(*receiver_new)(void);
	/* After the close. It may have to end what an abandoned instance still waits for. */
	void (*receiver_free)(struct contract_receiver *receiver);
	/* An instance that sends to the receiver. Settings belong to the receiver and outlive the instance.
	 */
	struct callback *(*open)(
		struct contract_receiver *receiver, const struct callback_host *host, GError **error);
	void (*mode)(struct contract_receiver *receiver, enum contract_mode mode);
	/* The command that brings the token ([a-z0-9-], at most 40 bytes) to the receiver; NULL: the token as
	 * it is. Free with g_free. */
	char *(*command)(struct contract_receiver *receiver, const char *token);
	/* Appends (struct contract_seen) what the receiver took for good since it was made, in the order in
	 * which it came. What was delivered may come here a little later. NULL: nobody receives. */
	void (*seen)(struct contract_receiver *receiver, GArray *out);
};

/* The one of this program; in contract_NAME.c. */
extern const struct contract_backend contract_backend;

/* Settings with empty maps, to be filled by hand; everything else is 0. */
struct callback_settings *contract_settings_new(void);
/* Frees it, its maps, and nothing else. */
void contract_settings_free(struct callback_settings *settings);

/* --- for test_contract.c --- */

enum contract_state { CONTRACT_WAITING, CONTRACT_GIVEN, CONTRACT_ANSWERED };

/* A fire of the test. Ones of an action bear the numbers 0, 1, 2… in the order in which they are submitted.
 */
struct contract_fire {
	int64_t action_id;
	unsigned number;
	uint16_t attempt;
	int32_t timeout_s;
	char *token, *fire_id;
	struct action *action; /* while it is given: freed at its answer, so that a late look is found */
	char *manual;          /* the same */
	uint64_t ticket;
	enum contract_state state;
	unsigned unavailable;      /* answers of this kind that were taken and tried again */
	struct fire_result result; /* of the last answer; owns the detail */
	unsigned answered_as;      /* the how many-th answer of all it was, from 1 */
};

struct contract;

/* A receiver, an instance, and what the host was told. */
struct contract *contract_new(void);
/* Closes the instance where it is open, and frees. What the host is told afterwards is still found. */
void contract_free(struct contract *contract);
struct contract_receiver *contract_receiver(struct contract *contract);

/* Adds `count` fires of `actions` actions, interleaved, to those that are to be submitted. */
void contract_add(struct contract *contract, size_t actions, size_t count, int32_t timeout_s);
size_t contract_count(struct contract *contract);
/* The fire of an index in the order of adding. Stable only while nothing is given. */
struct contract_fire *contract_fire(struct contract *contract, size_t index);
/* A refused fire is submitted again, as the next attempt. */
void contract_again(struct contract *contract, size_t index);

/* Submits once, at most `most` of what waits; returns how many were accepted. */
size_t contract_submit(struct contract *contract, size_t most);
/* Whether more waits to be submitted. */
bool contract_is_waiting(struct contract *contract);

/* What the host was told so far. */
struct contract_told {
	size_t answers, given; /* answers; fires that are given and not answered */
	size_t delivered, rejected, unavailable;
	unsigned ready, trouble, trouble_over, broken;
};
struct contract_told contract_told(struct contract *contract);
/* Waits until it holds, at most a minute; the name is for the failure. Unless `hold`, what waits is submitted
 * meanwhile as `ready` comes, and what was answered by FIRE_UNAVAILABLE is submitted again. */
void contract_wait(
	struct contract *contract, bool (*holds)(struct contract *contract), bool hold, const char *name);
/* Everything is answered by something else than FIRE_UNAVAILABLE. */
bool contract_all_done(struct contract *contract);

/* Closes the instance, with this time left; negative: the deadline has passed. */
void contract_close(struct contract *contract, dur_us left);
/* What the receiver took, at least `least` fires of it. Free with contract_seen_free. */
GArray *contract_seen(struct contract *contract, size_t least);
void contract_seen_free(GArray *seen);
/* Fails where the host was told what may not be: now, or on any contract before. */
void contract_assert_no_fault(void);
