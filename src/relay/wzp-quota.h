/* wzp-quota: how much of a relay one identity, and one address, may use:
 * connections, calls, rooms and bytes per second. Pure.
 *
 * An address counts by its first 32 (IPv4) or 64 (IPv6) bits; loopback counts
 * as any other. An account exists as long as it has connections, or a rate that
 * has not recovered; there are at most WZP_QUOTA_MAX_ACCOUNTS, and a connection
 * over that is refused. Rates are token buckets that hold one second of bytes,
 * one minute of connections and calls. */
#pragma once

#include "wzp-addr.h"
#include "wzp-error.h"
#include "wzp-fingerprint.h"

G_BEGIN_DECLS

#define WZP_QUOTA_MAX_ACCOUNTS 131072u

/* Of one identity, or of one address; 0: no limit. */
typedef struct {
  guint connections;            /* at once */
  guint connections_per_minute; /* new ones */
  guint calls_per_minute;       /* placed */
  guint rooms;                  /* connections in rooms at once */
  guint64 bytes_per_second;     /* of media, into the relay */
} WzpQuotaRule;

typedef struct {
  WzpQuotaRule identity, address;
} WzpQuotaLimits;

typedef struct _WzpQuota WzpQuota;
/* What one connection uses: belongs to its identity and its address. */
typedef struct _WzpQuotaUse WzpQuotaUse;

typedef struct {
  guint accounts; /* one that has recovered is found within the next second's
                   * first connection */
  guint64 refused_connections, refused_calls, refused_rooms, dropped_bytes;
} WzpQuotaStats;

/* @limits: nullable: none. */
WzpQuota *wzp_quota_new (const WzpQuotaLimits *limits);
/* After every use was released. */
void wzp_quota_free (WzpQuota *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WzpQuota, wzp_quota_free)
/* From now on; what is in use stays. */
void wzp_quota_set_limits (WzpQuota *self, const WzpQuotaLimits *limits);

/* Whether a handshake from @addr is worth beginning: its address has a
 * connection left. Counts nothing but a refusal. */
gboolean wzp_quota_may_connect (
    WzpQuota *self, const WzpAddr *addr, gint64 now_us);
/* A connection. @who nullable: no identity. NULL: WZP_ERROR_BUSY says which
 * limit. Owned by @self until released. */
WzpQuotaUse *wzp_quota_connect (WzpQuota *self, const WzpAddr *addr,
    const WzpFingerprint *who, gint64 now_us, GError **error);
/* @self: the one it is of. Leaves the room too. */
void wzp_quota_release (WzpQuota *self, WzpQuotaUse *use, gint64 now_us);
/* FALSE: over the limit, counted. */
gboolean wzp_quota_use_call (WzpQuota *self, WzpQuotaUse *use, gint64 now_us);
/* Once for a connection. */
gboolean wzp_quota_use_room (WzpQuota *self, WzpQuotaUse *use, gint64 now_us);
/* Hot path: one datagram. */
gboolean wzp_quota_use_bytes (
    WzpQuota *self, WzpQuotaUse *use, gsize bytes, gint64 now_us);
void wzp_quota_get_stats (const WzpQuota *self, WzpQuotaStats *ret_stats);

G_END_DECLS
