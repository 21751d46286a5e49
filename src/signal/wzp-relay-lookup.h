/* wzp-relay-lookup: from a relay's name to its addresses. An IP address and
 * "localhost" (RFC 6761) need no resolver.
 *
 * The thread whose context is thread-default at new(). */
#pragma once

#include "wzp-addr.h"

G_BEGIN_DECLS

#define WZP_RELAY_LOOKUP_MAX_ADDRS 8u /* more are passed over */

typedef struct _WzpRelayLookup WzpRelayLookup;

/* Once: @n addresses (borrowed), at least one, all different; or @error
 * (borrowed): G_RESOLVER_ERROR, or WZP_ERROR_UNREACHABLE for a name without
 * any. May free the lookup. */
typedef void (*WzpRelayLookupFunc) (WzpRelayLookup *lookup,
    const WzpAddr *addrs, guint n, const GError *error, gpointer user_data);

/* @host: a name or an IP address without brackets. Nothing is called from
 * inside this call. */
WzpRelayLookup *wzp_relay_lookup_new (const char *host, guint16 port,
    WzpRelayLookupFunc func, gpointer user_data);
/* Gives up what is under way; nothing is called after. */
void wzp_relay_lookup_free (WzpRelayLookup *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WzpRelayLookup, wzp_relay_lookup_free)

G_END_DECLS
