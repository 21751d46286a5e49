#include "wzp-quota.h"
#include "wzp-test.h"

#include <string.h>

#define SECOND ((gint64) G_USEC_PER_SEC)
#define MINUTE (60 * SECOND)
#define START  (1000 * SECOND)

static WzpFingerprint
fp (guint index)
{
  WzpFingerprint result = { { 0 } };

  memcpy (result.bytes, &index, sizeof index);
  return result;
}

static WzpAddr
ipv4 (guint index)
{
  WzpAddr result = { .family = 4, .port = 1000 };

  index = GUINT32_TO_BE (index);
  memcpy (result.ip, &index, sizeof index);
  return result;
}

static WzpAddr
addr (const char *ip)
{
  WzpAddr result;

  g_assert_true (wzp_addr_parse_ip (ip, 5, &result, NULL));
  return result;
}

/* @who 0: no identity. */
static WzpQuotaUse *
connect_one (WzpQuota *quota, guint where, guint who, gint64 now_us)
{
  WzpAddr at = ipv4 (where);
  WzpFingerprint id = fp (who);

  return wzp_quota_connect (quota, &at, who != 0 ? &id : NULL, now_us, NULL);
}

static void
assert_refused (
    WzpQuota *quota, guint where, guint who, gint64 now_us, const char *message)
{
  g_autoptr (GError) error = NULL;
  WzpAddr at = ipv4 (where);
  WzpFingerprint id = fp (who);

  g_assert_null (
      wzp_quota_connect (quota, &at, who != 0 ? &id : NULL, now_us, &error));
  g_assert_error (error, WZP_ERROR, WZP_ERROR_BUSY);
  g_assert_cmpstr (error->message, ==, message);
}

static gboolean
may_connect (WzpQuota *quota, guint where, gint64 now_us)
{
  WzpAddr at = ipv4 (where);

  return wzp_quota_may_connect (quota, &at, now_us);
}

static WzpQuotaStats
stats_of (const WzpQuota *quota)
{
  WzpQuotaStats stats;

  wzp_quota_get_stats (quota, &stats);
  return stats;
}

static void
test_no_limits (void)
{
  g_autoptr (WzpQuota) quota = wzp_quota_new (NULL);
  WzpQuotaUse *uses[1000];

  for (guint i = 0; i < G_N_ELEMENTS (uses); i++) {
    g_assert_true (may_connect (quota, 1, START));
    uses[i] = connect_one (quota, 1, 1 + i % 2, START);
    g_assert_nonnull (uses[i]);
    g_assert_true (wzp_quota_use_call (quota, uses[0], START));
    g_assert_true (wzp_quota_use_room (quota, uses[i], START));
    g_assert_true (wzp_quota_use_bytes (quota, uses[0], G_MAXSIZE, START));
  }
  g_assert_cmpuint (stats_of (quota).accounts, ==, 3);
  for (guint i = 0; i < G_N_ELEMENTS (uses); i++)
    wzp_quota_release (quota, uses[i], START);
  g_assert_cmpuint (stats_of (quota).accounts, ==, 0);
  g_assert_cmpuint (stats_of (quota).refused_connections, ==, 0);
}

static void
test_connections_at_once (void)
{
  const WzpQuotaLimits limits = { .identity.connections = 2,
    .address.connections = 3 };
  g_autoptr (WzpQuota) quota = wzp_quota_new (&limits);
  WzpQuotaUse *a, *b, *c, *d;

  a = connect_one (quota, 1, 1, START);
  b = connect_one (quota, 1, 1, START);
  assert_refused (quota, 1, 1, START, "Too many connections of this identity");
  assert_refused (quota, 9, 1, START, "Too many connections of this identity");
  g_assert_true (may_connect (quota, 1, START));
  c = connect_one (quota, 1, 2, START);
  g_assert_nonnull (c);
  g_assert_false (may_connect (quota, 1, START));
  assert_refused (quota, 1, 3, START, "Too many connections from this address");
  assert_refused (quota, 1, 0, START, "Too many connections from this address");
  g_assert_cmpuint (stats_of (quota).refused_connections, ==, 5);
  /* Nothing is left of those refused: 2 identities, 1 address. */
  g_assert_cmpuint (stats_of (quota).accounts, ==, 3);

  wzp_quota_release (quota, a, START);
  d = connect_one (quota, 1, 1, START);
  g_assert_nonnull (d);
  wzp_quota_release (quota, b, START);
  wzp_quota_release (quota, c, START);
  wzp_quota_release (quota, d, START);
  g_assert_cmpuint (stats_of (quota).accounts, ==, 0);
}

static void
test_connections_per_minute (void)
{
  const WzpQuotaLimits limits = { .identity.connections_per_minute = 3,
    .address.connections_per_minute = 6 };
  g_autoptr (WzpQuota) quota = wzp_quota_new (&limits);
  WzpQuotaUse *use;

  for (guint i = 0; i < 3; i++)
    wzp_quota_release (quota, connect_one (quota, 1, 1, START), START);
  assert_refused (quota, 1, 1, START,
      "Too many new connections of this identity in a minute");
  for (guint i = 0; i < 3; i++)
    wzp_quota_release (quota, connect_one (quota, 1, 0, START), START);
  g_assert_false (may_connect (quota, 1, START));
  assert_refused (quota, 1, 0, START,
      "Too many new connections from this address in a minute");

  /* One comes back in a sixth of a minute, of the identity in a third. */
  g_assert_false (may_connect (quota, 1, START + MINUTE / 6 - 1));
  g_assert_true (may_connect (quota, 1, START + MINUTE / 6));
  assert_refused (quota, 1, 1, START + MINUTE / 3 - 1,
      "Too many new connections of this identity in a minute");
  use = connect_one (quota, 1, 1, START + MINUTE / 3);
  g_assert_nonnull (use);
  wzp_quota_release (quota, use, START + MINUTE / 3);
  assert_refused (quota, 1, 1, START + MINUTE / 3,
      "Too many new connections of this identity in a minute");

  /* Never more than a minute's. */
  for (guint i = 0; i < 3; i++)
    wzp_quota_release (
        quota, connect_one (quota, 1, 1, START + 9 * MINUTE), START);
  assert_refused (quota, 1, 1, START + 9 * MINUTE,
      "Too many new connections of this identity in a minute");
}

static void
test_calls (void)
{
  const WzpQuotaLimits limits = { .identity.calls_per_minute = 2,
    .address.calls_per_minute = 3 };
  g_autoptr (WzpQuota) quota = wzp_quota_new (&limits);
  WzpQuotaUse *a = connect_one (quota, 1, 1, START);
  WzpQuotaUse *b = connect_one (quota, 1, 2, START);

  g_assert_true (wzp_quota_use_call (quota, a, START));
  g_assert_true (wzp_quota_use_call (quota, a, START));
  /* One refused by the identity takes nothing from the address. */
  g_assert_false (wzp_quota_use_call (quota, a, START));
  g_assert_true (wzp_quota_use_call (quota, b, START));
  g_assert_false (wzp_quota_use_call (quota, b, START));
  g_assert_cmpuint (stats_of (quota).refused_calls, ==, 2);
  g_assert_false (wzp_quota_use_call (quota, b, START + MINUTE / 3 - 1));
  g_assert_true (wzp_quota_use_call (quota, b, START + MINUTE / 3));
  wzp_quota_release (quota, a, START + MINUTE / 3);
  wzp_quota_release (quota, b, START + MINUTE / 3);
}

static void
test_rooms (void)
{
  const WzpQuotaLimits limits = { .identity.rooms = 1, .address.rooms = 2 };
  g_autoptr (WzpQuota) quota = wzp_quota_new (&limits);
  WzpQuotaUse *uses[5];
  const guint who[] = { 1, 1, 2, 3, 1 };

  for (guint i = 0; i < G_N_ELEMENTS (uses); i++)
    uses[i] = connect_one (quota, 1, who[i], START);
  g_assert_true (wzp_quota_use_room (quota, uses[0], START));
  g_assert_false (wzp_quota_use_room (quota, uses[1], START));
  g_assert_true (wzp_quota_use_room (quota, uses[2], START));
  g_assert_false (wzp_quota_use_room (quota, uses[3], START));
  g_assert_cmpuint (stats_of (quota).refused_rooms, ==, 2);

  /* One that was in none leaves none. */
  wzp_quota_release (quota, uses[3], START);
  g_assert_false (wzp_quota_use_room (quota, uses[1], START));
  wzp_quota_release (quota, uses[0], START);
  g_assert_true (wzp_quota_use_room (quota, uses[1], START));
  g_assert_false (wzp_quota_use_room (quota, uses[4], START));
  wzp_quota_release (quota, uses[1], START);
  wzp_quota_release (quota, uses[2], START);
  wzp_quota_release (quota, uses[4], START);
}

static void
test_bytes (void)
{
  const WzpQuotaLimits limits = { .identity.bytes_per_second = 3000,
    .address.bytes_per_second = 4000 };
  g_autoptr (WzpQuota) quota = wzp_quota_new (&limits);
  WzpQuotaUse *a = connect_one (quota, 1, 1, START);
  WzpQuotaUse *b = connect_one (quota, 1, 2, START);
  gint64 now = START;
  guint64 sum = 0;

  g_assert_false (wzp_quota_use_bytes (quota, a, 3001, now));
  g_assert_true (wzp_quota_use_bytes (quota, a, 3000, now));
  g_assert_false (wzp_quota_use_bytes (quota, a, 1, now));
  g_assert_true (wzp_quota_use_bytes (quota, b, 1000, now));
  g_assert_false (wzp_quota_use_bytes (quota, b, 1, now));
  g_assert_cmpuint (stats_of (quota).dropped_bytes, ==, 3003);
  /* A byte in 250 us of the address, in 333.3 us of the identity. */
  g_assert_false (wzp_quota_use_bytes (quota, a, 1, now + 333));
  g_assert_true (wzp_quota_use_bytes (quota, a, 1, now + 334));
  g_assert_false (wzp_quota_use_bytes (quota, a, G_MAXSIZE, now + MINUTE));

  /* Asked far more often than bytes come back, it loses none of them. */
  now += MINUTE;
  g_assert_true (wzp_quota_use_bytes (quota, a, 3000, now));
  for (guint i = 0; i < 1000000; i += 7)
    sum += wzp_quota_use_bytes (quota, a, 1, now + i);
  g_assert_cmpuint (sum, ==, 2999);
  /* A clock that goes back gives nothing. */
  g_assert_false (wzp_quota_use_bytes (quota, a, 1, now));
  wzp_quota_release (quota, a, now);
  wzp_quota_release (quota, b, now);
}

/* Numbers that would overflow. */
static void
test_huge_limits (void)
{
  const WzpQuotaRule huge = { G_MAXUINT, G_MAXUINT, G_MAXUINT, G_MAXUINT,
    G_MAXUINT64 };
  const WzpQuotaLimits limits = { huge, huge };
  g_autoptr (WzpQuota) quota = wzp_quota_new (&limits);
  WzpQuotaUse *use = connect_one (quota, 1, 1, START);

  for (guint i = 0; i < 10; i++) {
    const gint64 now = START + i * (MINUTE - 1);

    g_assert_true (wzp_quota_use_call (quota, use, now));
    g_assert_true (
        wzp_quota_use_bytes (quota, use, G_GINT64_CONSTANT (1) << 39, now));
    g_assert_false (wzp_quota_use_bytes (quota, use, G_MAXSIZE, now));
  }
  wzp_quota_release (quota, use, START + 10 * MINUTE);
  g_assert_cmpuint (stats_of (quota).accounts, <=, 2);
}

static void
test_prefixes (void)
{
  static const struct {
    const char *a, *b;
    gboolean is_same;
  } cases[] = {
    { "192.0.2.1", "192.0.2.1", TRUE },
    { "192.0.2.1", "192.0.2.2", FALSE },
    { "192.0.2.1", "::ffff:192.0.2.1", TRUE },
    { "2001:db8:1:2::1", "2001:db8:1:2:ffff::9", TRUE },
    { "2001:db8:1:2::1", "2001:db8:1:3::1", FALSE },
    { "c000:201::", "192.0.2.1", FALSE },
    { "127.0.0.1", "127.0.0.1", TRUE },
    { "::1", "::1", TRUE },
  };
  const WzpQuotaLimits limits = { .address.connections = 1 };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (WzpQuota) quota = wzp_quota_new (&limits);
    WzpAddr a = addr (cases[i].a), b = addr (cases[i].b);
    WzpQuotaUse *use = wzp_quota_connect (quota, &a, NULL, START, NULL);

    g_assert_nonnull (use);
    /* Another port is nobody else. */
    b.port = 99;
    g_test_message ("%s and %s", cases[i].a, cases[i].b);
    g_assert_cmpint (
        wzp_quota_may_connect (quota, &b, START), ==, !cases[i].is_same);
    wzp_quota_release (quota, use, START);
  }
}

static void
test_new_limits (void)
{
  WzpQuotaLimits limits = { .identity.connections = 3 };
  g_autoptr (WzpQuota) quota = wzp_quota_new (&limits);
  WzpQuotaUse *a = connect_one (quota, 1, 1, START);
  WzpQuotaUse *b = connect_one (quota, 1, 1, START);

  limits.identity.connections = 1;
  limits.identity.bytes_per_second = 1000;
  wzp_quota_set_limits (quota, &limits);
  assert_refused (quota, 1, 1, START, "Too many connections of this identity");
  /* What is in use stays, and a new rate begins full. */
  g_assert_true (wzp_quota_use_bytes (quota, a, 1000, START));
  g_assert_false (wzp_quota_use_bytes (quota, a, 1, START));
  limits.identity.bytes_per_second = 100;
  wzp_quota_set_limits (quota, &limits);
  g_assert_false (wzp_quota_use_bytes (quota, a, 2, START + SECOND / 100));
  g_assert_true (wzp_quota_use_bytes (quota, a, 1, START + SECOND / 100));
  wzp_quota_set_limits (quota, NULL);
  g_assert_true (wzp_quota_use_bytes (quota, a, 100000, START + 1));
  wzp_quota_release (quota, a, START);
  wzp_quota_release (quota, b, START);
  g_assert_cmpuint (stats_of (quota).accounts, ==, 0);
}

/* A connection makes an account of its identity and one of its address. */
static void
test_table_bound (void)
{
  const WzpQuotaLimits limits = { .address.connections_per_minute = 60 };
  g_autoptr (WzpQuota) quota = wzp_quota_new (&limits);
  g_autofree WzpQuotaUse **uses = NULL;
  const guint n = WZP_QUOTA_MAX_ACCOUNTS / 2;

  uses = g_new (WzpQuotaUse *, n + 1);
  for (guint i = 0; i < n; i++) {
    uses[i] = connect_one (quota, 1 + i, 1 + i, START);
    g_assert_nonnull (uses[i]);
  }
  g_assert_cmpuint (stats_of (quota).accounts, ==, WZP_QUOTA_MAX_ACCOUNTS);
  assert_refused (quota, n + 1, 0, START,
      "Too many identities and addresses at this relay");
  assert_refused (quota, 1, n + 1, START,
      "Too many identities and addresses at this relay");
  g_assert_false (may_connect (quota, n + 1, START));
  /* Those who have an account are not concerned. */
  g_assert_true (may_connect (quota, 1, START));
  uses[n] = connect_one (quota, 1, 2, START);
  g_assert_nonnull (uses[n]);

  /* An identity has no rates here and goes at once; the address recovers in a
   * second, is found within the next. */
  wzp_quota_release (quota, uses[n], START);
  wzp_quota_release (quota, uses[n - 1], START);
  g_assert_cmpuint (stats_of (quota).accounts, ==, WZP_QUOTA_MAX_ACCOUNTS - 1);
  /* An address would fit, with an identity it does not. */
  g_assert_true (may_connect (quota, n + 1, START + SECOND / 2));
  assert_refused (quota, n + 1, n + 1, START + SECOND / 2,
      "Too many identities and addresses at this relay");
  uses[n - 1] = connect_one (quota, n + 1, n + 1, START + 2 * SECOND);
  g_assert_nonnull (uses[n - 1]);

  for (guint i = 0; i < n; i++)
    wzp_quota_release (quota, uses[i], START + 4 * SECOND);
  g_assert_cmpuint (stats_of (quota).accounts, <=, 1);
}

/* Accounts that cannot recover at once are forgotten at their time, whether
 * the next connection comes after a second or after an hour. */
static void
test_eviction (gconstpointer data)
{
  const gint64 step = GPOINTER_TO_INT (data) * SECOND;
  const WzpQuotaLimits limits = { .identity.connections_per_minute = 4,
    .identity.calls_per_minute = 1 };
  g_autoptr (WzpQuota) quota = wzp_quota_new (&limits);
  gint64 now = START;
  WzpQuotaUse *use;

  for (guint i = 1; i <= 500; i++) {
    use = connect_one (quota, 1, i, now);
    if (i % 5 == 0)
      g_assert_true (wzp_quota_use_call (quota, use, now));
    wzp_quota_release (quota, use, now);
  }
  g_assert_cmpuint (stats_of (quota).accounts, ==, 500);
  for (guint i = 0; i < 64; i++) {
    now += step;
    wzp_quota_release (quota, connect_one (quota, 1, 0, now), now);
    if (now <= START + 15 * SECOND)
      g_assert_cmpuint (stats_of (quota).accounts, ==, 500);
    else if (now >= START + 17 * SECOND && now <= START + 60 * SECOND)
      g_assert_cmpuint (stats_of (quota).accounts, ==, 100);
    else if (now >= START + 62 * SECOND)
      g_assert_cmpuint (stats_of (quota).accounts, ==, 0);
  }
}

/* The slow model: every event of an account is kept, and what is left of a
 * rate is worked out anew each time. */
typedef struct {
  gint64 at_us;
  guint64 amount;
} Event;

typedef struct {
  GArray *events;
} ModelRate;

typedef struct {
  guint n_connections, n_rooms;
  ModelRate connections, calls, bytes;
} ModelAccount;

/* Exactly, in units times microseconds. */
static gint64
model_left (const ModelRate *rate, guint64 limit, gint64 period, gint64 now)
{
  gint64 left = (gint64) limit * period, last = 0;

  for (guint i = 0; i < rate->events->len; i++) {
    const Event *event = &g_array_index (rate->events, Event, i);

    left = MIN (
        (gint64) limit * period, left + (event->at_us - last) * (gint64) limit);
    left -= (gint64) event->amount * period;
    last = event->at_us;
  }
  return MIN ((gint64) limit * period, left + (now - last) * (gint64) limit);
}

static gboolean
model_has (const ModelRate *rate, guint64 limit, gint64 period, guint64 amount,
    gint64 now)
{
  return limit == 0 ||
      model_left (rate, limit, period, now) >= (gint64) amount * period;
}

static void
model_take (ModelRate *rate, gint64 now, guint64 amount)
{
  Event event = { now, amount };

  g_array_append_val (rate->events, event);
}

#define MODEL_IDENTITIES 5u /* the first is none */
#define MODEL_ADDRESSES  4u
#define MODEL_USES       24u

typedef struct {
  WzpQuotaUse *use; /* NULL: not connected */
  guint who, where;
  gboolean is_in_room;
} ModelUse;

typedef struct {
  GRand *rand;
  WzpQuota *quota;
  WzpQuotaLimits limits;
  ModelAccount identities[MODEL_IDENTITIES], addresses[MODEL_ADDRESSES];
  ModelUse uses[MODEL_USES];
  gint64 now;
  guint granted, refused;
} Model;

static guint
pick (Model *m, guint n)
{
  return (guint) g_rand_int_range (m->rand, 0, (gint32) n);
}

static WzpQuotaRule
random_rule (Model *m)
{
  WzpQuotaRule rule = { 0 };

  if (pick (m, 4) > 0)
    rule.connections = 1 + pick (m, 8);
  if (pick (m, 4) > 0)
    rule.connections_per_minute = 1 + pick (m, 90);
  if (pick (m, 4) > 0)
    rule.calls_per_minute = 1 + pick (m, 50);
  if (pick (m, 4) > 0)
    rule.rooms = 1 + pick (m, 5);
  if (pick (m, 4) > 0)
    rule.bytes_per_second = 1 + pick (m, 20000);
  return rule;
}

static ModelAccount *
model_account (Model *m, const ModelUse *use, gboolean want_identity)
{
  if (!want_identity)
    return &m->addresses[use->where];
  return use->who > 0 ? &m->identities[use->who] : NULL;
}

static const WzpQuotaRule *
model_rule (const Model *m, gboolean want_identity)
{
  return want_identity ? &m->limits.identity : &m->limits.address;
}

static gboolean
model_may_connect (Model *m, const ModelUse *use, gboolean want_identity)
{
  const ModelAccount *account = model_account (m, use, want_identity);
  const WzpQuotaRule *rule = model_rule (m, want_identity);

  return account == NULL ||
      ((rule->connections == 0 || account->n_connections < rule->connections) &&
          model_has (&account->connections, rule->connections_per_minute,
              MINUTE, 1, m->now));
}

static void
random_connect (Model *m, ModelUse *use)
{
  gboolean expected;
  WzpAddr at;

  use->who = pick (m, MODEL_IDENTITIES);
  use->where = pick (m, MODEL_ADDRESSES);
  at = ipv4 (use->where);
  g_assert_cmpint (wzp_quota_may_connect (m->quota, &at, m->now), ==,
      model_may_connect (m, use, FALSE));
  expected =
      model_may_connect (m, use, FALSE) && model_may_connect (m, use, TRUE);
  use->use = connect_one (m->quota, use->where, use->who, m->now);
  g_assert_cmpint (use->use != NULL, ==, expected);
  for (guint i = 0; expected && i < 2; i++) {
    ModelAccount *account = model_account (m, use, i == 1);

    if (account == NULL)
      continue;
    account->n_connections++;
    model_take (&account->connections, m->now, 1);
  }
  *(expected ? &m->granted : &m->refused) += 1;
}

static void
random_release (Model *m, ModelUse *use)
{
  wzp_quota_release (m->quota, use->use, m->now);
  for (guint i = 0; i < 2; i++) {
    ModelAccount *account = model_account (m, use, i == 1);

    if (account == NULL)
      continue;
    account->n_connections--;
    account->n_rooms -= use->is_in_room;
  }
  *use = (ModelUse){ 0 };
}

static void
random_room (Model *m, ModelUse *use)
{
  gboolean expected = TRUE;

  for (guint i = 0; i < 2; i++) {
    const ModelAccount *account = model_account (m, use, i == 1);
    const guint limit = model_rule (m, i == 1)->rooms;

    expected &= account == NULL || limit == 0 || account->n_rooms < limit;
  }
  g_assert_cmpint (
      wzp_quota_use_room (m->quota, use->use, m->now), ==, expected);
  use->is_in_room = expected;
  for (guint i = 0; expected && i < 2; i++)
    if (model_account (m, use, i == 1) != NULL)
      model_account (m, use, i == 1)->n_rooms++;
  *(expected ? &m->granted : &m->refused) += 1;
}

/* @amount 0: a call. */
static void
random_rate (Model *m, ModelUse *use, guint amount)
{
  gboolean expected = TRUE, got;

  for (guint i = 0; i < 2; i++) {
    const ModelAccount *account = model_account (m, use, i == 1);
    const WzpQuotaRule *rule = model_rule (m, i == 1);

    if (account == NULL)
      continue;
    expected &= amount == 0
        ? model_has (&account->calls, rule->calls_per_minute, MINUTE, 1, m->now)
        : model_has (
              &account->bytes, rule->bytes_per_second, SECOND, amount, m->now);
  }
  got = amount == 0 ? wzp_quota_use_call (m->quota, use->use, m->now)
                    : wzp_quota_use_bytes (m->quota, use->use, amount, m->now);
  g_assert_cmpint (got, ==, expected);
  for (guint i = 0; expected && i < 2; i++) {
    ModelAccount *account = model_account (m, use, i == 1);

    if (account != NULL)
      model_take (amount == 0 ? &account->calls : &account->bytes, m->now,
          MAX (amount, 1));
  }
  *(expected ? &m->granted : &m->refused) += 1;
}

/* Those that are in use or have not recovered now, and those that had not two
 * seconds ago: the real number is between. */
static guint
model_count (Model *m, gint64 at)
{
  guint n = 0;

  for (guint i = 0; i < MODEL_IDENTITIES + MODEL_ADDRESSES; i++) {
    const gboolean is_identity = i < MODEL_IDENTITIES;
    const ModelAccount *account =
        is_identity ? &m->identities[i] : &m->addresses[i - MODEL_IDENTITIES];
    const WzpQuotaRule *rule = model_rule (m, is_identity);

    n += account->n_connections > 0 ||
        !model_has (&account->connections, rule->connections_per_minute, MINUTE,
            rule->connections_per_minute, at) ||
        !model_has (&account->calls, rule->calls_per_minute, MINUTE,
            rule->calls_per_minute, at) ||
        !model_has (&account->bytes, rule->bytes_per_second, SECOND,
            rule->bytes_per_second, at);
  }
  return n;
}

static void
random_step (Model *m)
{
  ModelUse *use = &m->uses[pick (m, MODEL_USES)];

  m->now += pick (m, 50) == 0 ? (gint64) pick (m, 40) * SECOND
                              : (gint64) pick (m, 20000);
  if (use->use == NULL) {
    random_connect (m, use);
    g_assert_cmpuint (
        stats_of (m->quota).accounts, >=, model_count (m, m->now));
    return;
  }
  switch (pick (m, 6)) {
    case 0:
      random_release (m, use);
      break;
    case 1:
      if (!use->is_in_room)
        random_room (m, use);
      break;
    case 2:
      random_rate (m, use, 0);
      break;
    default:
      random_rate (m, use, 1 + pick (m, 3000));
      break;
  }
}

static void
init_rates (ModelAccount *account)
{
  account->connections.events = g_array_new (FALSE, FALSE, sizeof (Event));
  account->calls.events = g_array_new (FALSE, FALSE, sizeof (Event));
  account->bytes.events = g_array_new (FALSE, FALSE, sizeof (Event));
}

static void
free_rates (ModelAccount *account)
{
  g_array_unref (account->connections.events);
  g_array_unref (account->calls.events);
  g_array_unref (account->bytes.events);
}

static void
run_model (Model *m)
{
  m->now = START;
  m->limits.identity = random_rule (m);
  m->limits.address = random_rule (m);
  m->quota = wzp_quota_new (&m->limits);
  for (guint i = 0; i < MODEL_IDENTITIES; i++)
    init_rates (&m->identities[i]);
  for (guint i = 0; i < MODEL_ADDRESSES; i++)
    init_rates (&m->addresses[i]);

  for (guint i = 0; i < 2000; i++)
    random_step (m);

  for (guint i = 0; i < MODEL_USES; i++)
    if (m->uses[i].use != NULL)
      random_release (m, &m->uses[i]);
  g_assert_cmpuint (stats_of (m->quota).accounts, >=, model_count (m, m->now));
  /* The next one to connect finds what has recovered. */
  m->now += 62 * SECOND;
  may_connect (m->quota, 1, m->now);
  g_assert_cmpuint (stats_of (m->quota).accounts, ==, 0);
  g_assert_cmpuint (model_count (m, m->now), ==, 0);

  for (guint i = 0; i < MODEL_IDENTITIES; i++)
    free_rates (&m->identities[i]);
  for (guint i = 0; i < MODEL_ADDRESSES; i++)
    free_rates (&m->addresses[i]);
  wzp_quota_free (m->quota);
}

static void
test_random (void)
{
  GRand *rand = wzp_test_rand_new ();
  guint granted = 0, refused = 0;

  for (guint round = 0; round < 60; round++) {
    Model m = { .rand = rand };

    run_model (&m);
    granted += m.granted;
    refused += m.refused;
  }
  g_test_message ("%u granted, %u refused", granted, refused);
  g_assert_cmpuint (granted, >, 10000);
  g_assert_cmpuint (refused, >, 10000);
  g_rand_free (rand);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  g_test_add_func ("/quota/no-limits", test_no_limits);
  g_test_add_func ("/quota/connections-at-once", test_connections_at_once);
  g_test_add_func (
      "/quota/connections-per-minute", test_connections_per_minute);
  g_test_add_func ("/quota/calls", test_calls);
  g_test_add_func ("/quota/rooms", test_rooms);
  g_test_add_func ("/quota/bytes", test_bytes);
  g_test_add_func ("/quota/huge-limits", test_huge_limits);
  g_test_add_func ("/quota/prefixes", test_prefixes);
  g_test_add_func ("/quota/new-limits", test_new_limits);
  g_test_add_func ("/quota/table-bound", test_table_bound);
  g_test_add_data_func (
      "/quota/eviction/each-second", GINT_TO_POINTER (1), test_eviction);
  g_test_add_data_func (
      "/quota/eviction/seldom", GINT_TO_POINTER (3600), test_eviction);
  g_test_add_func ("/quota/random", test_random);
  return wzp_test_run ();
}
