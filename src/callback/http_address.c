#include "callback/http_address.h"

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct prefix4 {
	uint8_t address[4];
	unsigned bits;
};

struct prefix6 {
	uint8_t address[16];
	unsigned bits;
};

static const struct prefix4 refused4[] = {
	{{169, 254, 0, 0}, 16},     /* link-local; AWS, Azure, Google and most others */
	{{100, 100, 100, 200}, 32}, /* Alibaba */
	{{168, 63, 129, 16}, 32},   /* Azure, the host */
	{{192, 0, 0, 192}, 32},     /* Oracle */
};

static const struct prefix6 refused6[] = {
	{{0xfe, 0x80}, 10},                                        /* link-local */
	{{0xfd, 0x00, 0x0e, 0xc2, [14] = 0x02, [15] = 0x54}, 128}, /* AWS */
	{{0xfd, 0x20, 0x00, 0xce, [14] = 0x02, [15] = 0x54}, 128}, /* Google */
};

/* Prefixes that have an IPv4 address behind them. */
static const struct prefix6 embedding[] = {
	{{[10] = 0xff, [11] = 0xff}, 96}, /* mapped */
	{{0}, 96},                        /* compatible */
	{{0x00, 0x64, 0xff, 0x9b}, 96},   /* NAT64 */
	{{0x20, 0x02}, 16},               /* 6to4 */
};

static bool has_prefix(const uint8_t *address, const uint8_t *prefix, unsigned bits)
{
	unsigned bytes = bits / 8, rest = bits % 8;
	if (memcmp(address, prefix, bytes) != 0)
		return false;
	return rest == 0 || (address[bytes] ^ prefix[bytes]) >> (8 - rest) == 0;
}

static bool is_refused4(const uint8_t address[static 4])
{
	for (size_t i = 0; i < sizeof refused4 / sizeof *refused4; i++)
		if (has_prefix(address, refused4[i].address, refused4[i].bits))
			return true;
	return false;
}

static bool is_refused6(const uint8_t address[static 16])
{
	for (size_t i = 0; i < sizeof refused6 / sizeof *refused6; i++)
		if (has_prefix(address, refused6[i].address, refused6[i].bits))
			return true;
	for (size_t i = 0; i < sizeof embedding / sizeof *embedding; i++)
		if (has_prefix(address, embedding[i].address, embedding[i].bits) &&
			is_refused4(address + embedding[i].bits / 8))
			return true;
	return false;
}

bool http_address_is_refused(const struct sockaddr *address)
{
	switch (address->sa_family) {
	case AF_INET: {
		struct sockaddr_in in;
		memcpy(&in, address, sizeof in);
		return is_refused4((const uint8_t *)&in.sin_addr);
	}
	case AF_INET6: {
		struct sockaddr_in6 in6;
		memcpy(&in6, address, sizeof in6);
		return is_refused6(in6.sin6_addr.s6_addr);
	}
	default: return true;
	}
}
