#include "wzp-quota.h"

#include <string.h>

#define SECOND_US ((gint64) G_USEC_PER_SEC)
#define MINUTE_US (60 * SECOND_US)

/* 8 Tbit/s: so that a second of it, in byte-microseconds, fits a gint64. */
#define MAX_BYTES_PER_SECOND G_GUINT64_CONSTANT (1000000000000)

/* Seconds ahead that an account without a connection can be parked: a minute's
 * rates recover in a minute at most. A power of two over that. */
#define PARK_SLOTS 64

/* A token bucket that counts exactly: what is left, times the microseconds of
 * the period, so that a refill needs no division and loses nothing. */
typedef struct {
  gint64 left;
  gint64 filled_us; /* when `left` was true */
} Bucket;

typedef enum {
  KIND_IDENTITY,
  KIND_IPV4,
  KIND_IPV6
} Kind;

typedef struct {
  guint8 bytes[WZP_FINGERPRINT_LEN];
  Kind kind;
  guint32 hash; /* keyed: addresses are a stranger's to choose */
} Key;

typedef struct {
  Key key;
  const WzpQuotaRule *rule; /* of the quota */
  guint n_connections;
  guint n_rooms;
  Bucket connections, calls, bytes;
  GList link; /* in a slot of the parking, when `parked_in` is not NULL */
  GQueue *parked_in;
} Account;

struct _WzpQuotaUse {
  Account *identity; /* nullable */
  Account *address;
  gboolean is_in_room;
};

struct _WzpQuota {
  WzpQuotaLimits limits;
  GHashTable *accounts; /* Key to Account, owns them */
  /* Accounts without a connection whose rates recover in a second of the
   * clock, at that second modulo PARK_SLOTS: a connection pays for the few
   * that are due, never for a search. */
  GQueue parking[PARK_SLOTS];
  gint64 swept_s;
  guint64 seed;
  guint n_uses;
  WzpQuotaStats stats; /* counters only */
};

static guint
hash_key (gconstpointer data)
{
  return ((const Key *) data)->hash;
}

static gboolean
equal_keys (gconstpointer a, gconstpointer b)
{
  const Key *x = a, *y = b;

  return x->kind == y->kind &&
      memcmp (x->bytes, y->bytes, sizeof x->bytes) == 0;
}

static void
finish_key (const WzpQuota *self, Key *key)
{
  guint64 hash = self->seed ^ (guint64) key->kind;

  for (gsize at = 0; at < sizeof key->bytes; at += sizeof hash) {
    guint64 word;

    memcpy (&word, key->bytes + at, sizeof word);
    hash = (hash ^ word) * (self->seed | 1);
    hash ^= hash >> 32;
    hash *= G_GUINT64_CONSTANT (0x9e3779b97f4a7c15);
    hash ^= hash >> 29;
  }
  key->hash = (guint32) (hash ^ hash >> 32);
}

static Key
key_of_identity (const WzpQuota *self, const WzpFingerprint *who)
{
  Key key = { .kind = KIND_IDENTITY };

  memcpy (key.bytes, who->bytes, sizeof who->bytes);
  finish_key (self, &key);
  return key;
}

/* A host has all of its /64 to itself. */
static Key
key_of_address (const WzpQuota *self, const WzpAddr *addr)
{
  WzpAddr plain = *addr;
  Key key = { 0 };

  wzp_addr_canonicalise (&plain);
  key.kind = plain.family == 6 ? KIND_IPV6 : KIND_IPV4;
  memcpy (key.bytes, plain.ip, key.kind == KIND_IPV6 ? 8 : 4);
  finish_key (self, &key);
  return key;
}

/* @limit: per @period_us, not 0. */
static void
refill (Bucket *bucket, guint64 limit, gint64 period_us, gint64 now_us)
{
  const gint64 full = (gint64) limit * period_us;
  const gint64 passed_us = now_us - bucket->filled_us;

  if (passed_us >= period_us)
    bucket->left = full;
  else if (passed_us > 0)
    bucket->left += passed_us * (gint64) limit;
  if (passed_us > 0)
    bucket->filled_us = now_us;
  bucket->left = MIN (bucket->left, full);
}

/* Whether there is @amount; takes nothing. @limit 0: always. */
static gboolean
has_left (Bucket *bucket, guint64 limit, gint64 period_us, guint64 amount,
    gint64 now_us)
{
  if (limit == 0)
    return TRUE;
  if (amount > limit)
    return FALSE;
  refill (bucket, limit, period_us, now_us);
  return bucket->left >= (gint64) amount * period_us;
}

/* After has_left() of the same. */
static void
take (Bucket *bucket, guint64 limit, gint64 period_us, guint64 amount)
{
  if (limit != 0)
    bucket->left -= (gint64) amount * period_us;
}

/* How long until it is full again. */
static gint64
get_recovery_us (Bucket *bucket, guint64 limit, gint64 period_us, gint64 now_us)
{
  gint64 missing;

  if (limit == 0)
    return 0;
  refill (bucket, limit, period_us, now_us);
  missing = (gint64) limit * period_us - bucket->left;
  return missing / (gint64) limit + (missing % (gint64) limit != 0);
}

/* Without a connection: forgets the account now, or when it has recovered. */
static void
park (WzpQuota *self, Account *account, gint64 now_us)
{
  const WzpQuotaRule *rule = account->rule;
  gint64 recovery_us = get_recovery_us (
      &account->connections, rule->connections_per_minute, MINUTE_US, now_us);
  gint64 other_us;

  other_us = get_recovery_us (
      &account->calls, rule->calls_per_minute, MINUTE_US, now_us);
  recovery_us = MAX (recovery_us, other_us);
  other_us = get_recovery_us (
      &account->bytes, rule->bytes_per_second, SECOND_US, now_us);
  recovery_us = MAX (recovery_us, other_us);

  if (recovery_us == 0) {
    g_hash_table_remove (self->accounts, &account->key);
    return;
  }
  account->parked_in =
      &self->parking[((now_us + recovery_us) / SECOND_US + 1) % PARK_SLOTS];
  g_queue_push_tail_link (account->parked_in, &account->link);
}

static void
unpark (Account *account)
{
  if (account->parked_in != NULL)
    g_queue_unlink (account->parked_in, &account->link);
  account->parked_in = NULL;
}

/* Forgets the accounts that have recovered. */
static void
sweep (WzpQuota *self, gint64 now_us)
{
  const gint64 now_s = now_us / SECOND_US;

  for (gint64 s = MAX (self->swept_s + 1, now_s - PARK_SLOTS + 1); s <= now_s;
       s++) {
    GQueue *due = &self->parking[s % PARK_SLOTS];

    while (due->head != NULL) {
      Account *account = due->head->data;

      unpark (account);
      g_hash_table_remove (self->accounts, &account->key);
    }
  }
  self->swept_s = MAX (self->swept_s, now_s);
}

static Account *
get_account (WzpQuota *self, const Key *key, gint64 now_us)
{
  Account *account = g_hash_table_lookup (self->accounts, key);

  if (account != NULL) {
    unpark (account);
    return account;
  }
  account = g_new0 (Account, 1);
  account->key = *key;
  account->rule = key->kind == KIND_IDENTITY ? &self->limits.identity
                                             : &self->limits.address;
  account->link.data = account;
  /* Full from the beginning. */
  account->connections.filled_us = now_us - MINUTE_US;
  account->calls.filled_us = now_us - MINUTE_US;
  account->bytes.filled_us = now_us - SECOND_US;
  g_hash_table_add (self->accounts, account);
  return account;
}

static gboolean
refuse (WzpQuota *self, GError **error, const char *what)
{
  self->stats.refused_connections++;
  g_set_error_literal (error, WZP_ERROR, WZP_ERROR_BUSY, what);
  return FALSE;
}

/* Whether the account of @key, if there is one, has a connection left. */
static gboolean
may_connect (WzpQuota *self, const Key *key, gint64 now_us, GError **error)
{
  Account *account = g_hash_table_lookup (self->accounts, key);
  const gboolean is_identity = key->kind == KIND_IDENTITY;
  const WzpQuotaRule *rule;

  if (account == NULL)
    return TRUE;
  rule = account->rule;
  if (rule->connections != 0 && account->n_connections >= rule->connections)
    return refuse (self, error,
        is_identity ? "Too many connections of this identity"
                    : "Too many connections from this address");
  if (!has_left (&account->connections, rule->connections_per_minute, MINUTE_US,
          1, now_us))
    return refuse (self, error,
        is_identity ? "Too many new connections of this identity in a minute"
                    : "Too many new connections from this address in a minute");
  return TRUE;
}

/* Whether accounts for those keys that have none can still be made. */
static gboolean
has_room_for (
    WzpQuota *self, const Key *address, const Key *identity, GError **error)
{
  guint n = g_hash_table_size (self->accounts);

  n += !g_hash_table_contains (self->accounts, address);
  n += identity != NULL && !g_hash_table_contains (self->accounts, identity);
  if (n > WZP_QUOTA_MAX_ACCOUNTS)
    return refuse (
        self, error, "Too many identities and addresses at this relay");
  return TRUE;
}

static Account *
connect_account (WzpQuota *self, const Key *key, gint64 now_us)
{
  Account *account = get_account (self, key, now_us);
  const guint limit = account->rule->connections_per_minute;

  account->n_connections++;
  /* Filled up before taken from: an account that is new is empty as yet. */
  if (has_left (&account->connections, limit, MINUTE_US, 1, now_us))
    take (&account->connections, limit, MINUTE_US, 1);
  return account;
}

static void
release_account (
    WzpQuota *self, Account *account, gboolean was_in_room, gint64 now_us)
{
  if (account == NULL)
    return;
  account->n_connections--;
  if (was_in_room)
    account->n_rooms--;
  if (account->n_connections == 0)
    park (self, account, now_us);
}

WzpQuota *
wzp_quota_new (const WzpQuotaLimits *limits)
{
  WzpQuota *self = g_new0 (WzpQuota, 1);

  self->seed = (guint64) g_random_int () << 32 | g_random_int ();
  self->accounts = g_hash_table_new_full (hash_key, equal_keys, NULL, g_free);
  for (guint i = 0; i < PARK_SLOTS; i++)
    g_queue_init (&self->parking[i]);
  wzp_quota_set_limits (self, limits);
  return self;
}

void
wzp_quota_free (WzpQuota *self)
{
  if (self == NULL)
    return;
  g_warn_if_fail (self->n_uses == 0);
  g_hash_table_unref (self->accounts);
  g_free (self);
}

void
wzp_quota_set_limits (WzpQuota *self, const WzpQuotaLimits *limits)
{
  static const WzpQuotaLimits none;
  WzpQuotaLimits *own = &self->limits;

  *own = limits != NULL ? *limits : none;
  own->identity.bytes_per_second =
      MIN (own->identity.bytes_per_second, MAX_BYTES_PER_SECOND);
  own->address.bytes_per_second =
      MIN (own->address.bytes_per_second, MAX_BYTES_PER_SECOND);
}

gboolean
wzp_quota_may_connect (WzpQuota *self, const WzpAddr *addr, gint64 now_us)
{
  const Key address = key_of_address (self, addr);

  sweep (self, now_us);
  return may_connect (self, &address, now_us, NULL) &&
      has_room_for (self, &address, NULL, NULL);
}

WzpQuotaUse *
wzp_quota_connect (WzpQuota *self, const WzpAddr *addr,
    const WzpFingerprint *who, gint64 now_us, GError **error)
{
  const Key address = key_of_address (self, addr);
  Key identity = { 0 };
  WzpQuotaUse *use;

  sweep (self, now_us);
  if (who != NULL)
    identity = key_of_identity (self, who);
  if (!may_connect (self, &address, now_us, error) ||
      (who != NULL && !may_connect (self, &identity, now_us, error)) ||
      !has_room_for (self, &address, who != NULL ? &identity : NULL, error))
    return NULL;

  use = g_new0 (WzpQuotaUse, 1);
  use->address = connect_account (self, &address, now_us);
  if (who != NULL)
    use->identity = connect_account (self, &identity, now_us);
  self->n_uses++;
  return use;
}

void
wzp_quota_release (WzpQuota *self, WzpQuotaUse *use, gint64 now_us)
{
  sweep (self, now_us);
  release_account (self, use->identity, use->is_in_room, now_us);
  release_account (self, use->address, use->is_in_room, now_us);
  self->n_uses--;
  g_free (use);
}

gboolean
wzp_quota_use_call (WzpQuota *self, WzpQuotaUse *use, gint64 now_us)
{
  Account *accounts[] = { use->address, use->identity };

  for (guint i = 0; i < G_N_ELEMENTS (accounts) && accounts[i] != NULL; i++)
    if (!has_left (&accounts[i]->calls, accounts[i]->rule->calls_per_minute,
            MINUTE_US, 1, now_us)) {
      self->stats.refused_calls++;
      return FALSE;
    }
  for (guint i = 0; i < G_N_ELEMENTS (accounts) && accounts[i] != NULL; i++)
    take (
        &accounts[i]->calls, accounts[i]->rule->calls_per_minute, MINUTE_US, 1);
  return TRUE;
}

gboolean
wzp_quota_use_room (WzpQuota *self, WzpQuotaUse *use, gint64 now_us)
{
  Account *accounts[] = { use->address, use->identity };

  g_return_val_if_fail (!use->is_in_room, FALSE);

  for (guint i = 0; i < G_N_ELEMENTS (accounts) && accounts[i] != NULL; i++)
    if (accounts[i]->rule->rooms != 0 &&
        accounts[i]->n_rooms >= accounts[i]->rule->rooms) {
      self->stats.refused_rooms++;
      return FALSE;
    }
  for (guint i = 0; i < G_N_ELEMENTS (accounts) && accounts[i] != NULL; i++)
    accounts[i]->n_rooms++;
  use->is_in_room = TRUE;
  return TRUE;
}

gboolean
wzp_quota_use_bytes (
    WzpQuota *self, WzpQuotaUse *use, gsize bytes, gint64 now_us)
{
  const guint64 of_address = self->limits.address.bytes_per_second;
  const guint64 of_identity =
      use->identity != NULL ? self->limits.identity.bytes_per_second : 0;

  if (!has_left (&use->address->bytes, of_address, SECOND_US, bytes, now_us) ||
      (of_identity != 0 &&
          !has_left (
              &use->identity->bytes, of_identity, SECOND_US, bytes, now_us))) {
    self->stats.dropped_bytes += bytes;
    return FALSE;
  }
  take (&use->address->bytes, of_address, SECOND_US, bytes);
  if (of_identity != 0)
    take (&use->identity->bytes, of_identity, SECOND_US, bytes);
  return TRUE;
}

void
wzp_quota_get_stats (const WzpQuota *self, WzpQuotaStats *ret_stats)
{
  *ret_stats = self->stats;
  ret_stats->accounts = g_hash_table_size (self->accounts);
}
