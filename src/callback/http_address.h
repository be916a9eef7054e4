/* Purpose: addresses that requests do not go to unless http.allow_link_local: link-local ones, and those
 * where clouds keep the machine's credentials. What is looked at is the address that is connected to, so no
 * name and no redirect gets around it. Pure; any thread. */
#pragma once

#include <stdbool.h>
#include <sys/socket.h>

/* Whether it is one of them, also as an IPv4 address within an IPv6 one (mapped, compatible, NAT64, 6to4).
 * Families other than IPv4 and IPv6 are. */
bool http_address_is_refused(const struct sockaddr *address);
