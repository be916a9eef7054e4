/* Purpose: a network between a journal and its server that fails as it is told. A thread of its own; the mode
 * is set by the test's. */
#pragma once

struct proxy;

enum proxy_mode {
	PROXY_PASS,
	PROXY_STALL, /* nothing is forwarded; what was sent arrives late */
};

struct proxy *proxy_start(int server_port);
void proxy_stop(struct proxy *proxy);
int proxy_port(const struct proxy *proxy);
void proxy_set(struct proxy *proxy, enum proxy_mode mode);
/* After so many more answers of the server one is thrown away, and its connection cut; -1: none is. */
void proxy_lose_after(struct proxy *proxy, int answers);
