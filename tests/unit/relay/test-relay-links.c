/* Relays that link to each other over loopback, all in one context. */
#include "relay-test-fake.h"
#include "wzp-clock.h"
#include "wzp-relay-link-conn.h"
#include "wzp-relay-link-private.h"

#include <string.h>

#define WAIT_MS 8000u

/* ---- what is logged ---- */

static GString *logged;

static GLogWriterOutput
keep_log (GLogLevelFlags level, const GLogField *fields, gsize n_fields,
    gpointer user_data)
{
  if (level & G_LOG_LEVEL_MESSAGE) {
    for (gsize i = 0; i < n_fields; i++)
      if (strcmp (fields[i].key, "MESSAGE") == 0)
        g_string_append_printf (logged, "%s\n", (const char *) fields[i].value);
  }
  return g_log_writer_default (level, fields, n_fields, user_data);
}

static guint
count_logged (const char *text)
{
  guint n = 0;

  for (const char *at = logged->str; (at = strstr (at, text)) != NULL; at++)
    n++;
  return n;
}

/* ---- what arrives, and when ---- */

typedef struct {
  WzpRelay *relay;
  WzpRelayLink *link;
  guint64 tag;
  GBytes *data;
} Delivered;

static GPtrArray *delivered;
static gint64 clock_offset_us;

static void
free_delivered (gpointer data)
{
  Delivered *one = data;

  g_bytes_unref (one->data);
  g_free (one);
}

/* The linker puts these in the places of the real ones. */
void __wrap_wzp_relay_guest_deliver (WzpRelay *relay, WzpRelayLink *link,
    guint64 tag, const guint8 *data, gsize len);
gint64 __real_wzp_clock_now_us (void);
gint64 __wrap_wzp_clock_now_us (void);

void
__wrap_wzp_relay_guest_deliver (WzpRelay *relay, WzpRelayLink *link,
    guint64 tag, const guint8 *data, gsize len)
{
  Delivered *one = g_new0 (Delivered, 1);

  one->relay = relay;
  one->link = link;
  one->tag = tag;
  one->data = g_bytes_new (data, len);
  g_ptr_array_add (delivered, one);
}

gint64
__wrap_wzp_clock_now_us (void)
{
  return __real_wzp_clock_now_us () + clock_offset_us;
}

/* ---- relays ---- */

static char *
dup_address (const WzpRelay *relay)
{
  char text[WZP_ADDR_MAX_STRLEN];
  WzpAddr addr;

  test_relay_get_addr (relay, &addr);
  return g_strdup (wzp_addr_to_string (&addr, text));
}

static void
set_peers (WzpRelay *relay, const WzpRelayPeer *peers, guint n)
{
  g_autoptr (GError) error = NULL;

  wzp_relay_links_set_peers (relay->links, peers, n, &error);
  g_assert_no_error (error);
}

/* @to is the only peer of @from; it is dialled or not. */
static void
set_peer (WzpRelay *from, const WzpRelay *to, gboolean dials, const char *label)
{
  g_autofree char *address = dup_address (to);
  const WzpRelayPeer peer = { .address = dials ? address : NULL,
    .fingerprint = wzp_relay_get_fingerprint (to),
    .label = label };

  set_peers (from, &peer, 1);
}

static WzpRelayLink *
find_link (const WzpRelay *from, const char *fingerprint)
{
  guint8 sha256[32];

  g_assert_true (wzp_relay_fingerprint_parse (fingerprint, sha256, NULL));
  return wzp_relay_links_find (from->links, sha256);
}

static WzpRelayLink *
link_of (const WzpRelay *from, const WzpRelay *to)
{
  return find_link (from, wzp_relay_get_fingerprint (to));
}

static gboolean
is_up (const WzpRelay *from, const WzpRelay *to)
{
  return wzp_relay_link_get_conn (link_of (from, to)) != NULL;
}

static guint
n_conns (const WzpRelay *relay)
{
  WzpEndpointStats stats;

  wzp_endpoint_get_stats (relay->endpoint, &stats);
  return stats.connections;
}

static WzpRelayLinkStats
link_stats (const WzpRelay *relay, guint i)
{
  WzpRelayStats stats;

  wzp_relay_get_stats (relay, &stats);
  g_assert_cmpuint (i, <, stats.n_links);
  return stats.links[i];
}

static WzpRegistryStats
registry_stats (const WzpRelay *relay)
{
  WzpRegistryStats stats;

  wzp_registry_get_stats (relay->registry, &stats);
  return stats;
}

/* Linked, and all connections but one are gone. */
static void
wait_linked (WzpTest *test, const WzpRelay *a, const WzpRelay *b)
{
  wzp_test_assert_until (test, is_up (a, b) && is_up (b, a), WAIT_MS);
  wzp_test_assert_until (test, n_conns (a) == 1 && n_conns (b) == 1, WAIT_MS);
  g_assert_true (is_up (a, b) && is_up (b, a));
  g_assert_cmpuint (registry_stats (a).links, ==, 1);
  g_assert_cmpuint (registry_stats (b).links, ==, 1);
}

/* A relay that takes @fake as its only peer. */
static WzpRelay *
new_relay_for (WzpTest *test, const Fake *fake)
{
  WzpRelay *relay = test_relay_new (test, NULL);
  const WzpRelayPeer peer = { .fingerprint = fake->fingerprint };

  set_peers (relay, &peer, 1);
  return relay;
}

/* ---- tests ---- */

static void
test_retry_times (void)
{
  static const gint64 whole_s[] = { 1, 2, 4, 8, 16, 32, 60, 60, 60 };

  for (guint i = 0; i < G_N_ELEMENTS (whole_s); i++) {
    gint64 whole = whole_s[i] * G_USEC_PER_SEC;

    g_assert_cmpint (wzp_relay_link_retry_us (i, 0), ==, whole / 2);
    g_assert_cmpint (wzp_relay_link_retry_us (i, 1), ==, whole);
    g_assert_cmpint (wzp_relay_link_retry_us (i, 0.5), ==, whole / 4 * 3);
  }
  g_assert_cmpint (
      wzp_relay_link_retry_us (G_MAXUINT, 1), ==, WZP_RELAY_LINK_MAX_RETRY_US);
}

static void
test_one_side (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpRelay) a = test_relay_new (test, NULL);
  g_autoptr (WzpRelay) b = test_relay_new (test, NULL);
  WzpRelayLinkStats stats;

  g_test_summary ("One dials, the other only knows its fingerprint");

  set_peer (b, a, FALSE, NULL);
  stats = link_stats (b, 0);
  g_assert_false (stats.is_up);
  g_assert_cmpint (stats.rtt_us, ==, -1);
  set_peer (a, b, TRUE, "berlin");
  wait_linked (test, a, b);

  g_assert_false (
      wzp_conn_is_server (wzp_relay_link_get_conn (link_of (a, b))));
  stats = link_stats (a, 0);
  g_assert_true (stats.is_up);
  g_assert_cmpint (stats.rtt_us, >=, 0);
  g_assert_cmpstr (stats.label, ==, "berlin");
  /* Without a label: the fingerprint's beginning. */
  stats = link_stats (b, 0);
  g_assert_true (stats.is_up);
  g_assert_cmpuint (strlen (stats.label), ==, 11);
  g_assert_true (g_str_has_prefix (wzp_relay_get_fingerprint (a), stats.label));
  g_assert_cmpstr (wzp_relay_link_get_label (link_of (b, a)), ==, stats.label);
}

static void
test_both_sides (WzpTest *test, gconstpointer data)
{
  WzpRelay *pairs[5][2];

  g_test_summary ("Both dial at once: what the smaller fingerprint dialled "
                  "stays, whoever comes first");

  for (guint i = 0; i < G_N_ELEMENTS (pairs); i++) {
    for (guint k = 0; k < 2; k++)
      pairs[i][k] = test_relay_new (test, NULL);
    for (guint k = 0; k < 2; k++)
      set_peer (pairs[i][k], pairs[i][1 - k], TRUE, NULL);
  }
  for (guint i = 0; i < G_N_ELEMENTS (pairs); i++) {
    WzpRelay *a = pairs[i][0];
    WzpRelay *b = pairs[i][1];
    gboolean a_is_smaller = strcmp (wzp_relay_get_fingerprint (a),
                                wzp_relay_get_fingerprint (b)) < 0;

    wait_linked (test, a, b);
    g_assert_cmpint (
        wzp_conn_is_server (wzp_relay_link_get_conn (link_of (a, b))), ==,
        !a_is_smaller);
    g_assert_cmpint (
        wzp_conn_is_server (wzp_relay_link_get_conn (link_of (b, a))), ==,
        a_is_smaller);
  }
  for (guint i = 0; i < G_N_ELEMENTS (pairs); i++)
    for (guint k = 0; k < 2; k++)
      wzp_relay_free (pairs[i][k]);
}

static void
test_stranger (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpRelay) a = test_relay_new (test, NULL);
  g_autoptr (WzpRelay) b = test_relay_new (test, NULL);
  g_autofree char *line =
      g_strdup_printf ("\nfingerprint = %s\n", wzp_relay_get_fingerprint (a));
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_auto (GStrv) groups = NULL;
  g_autofree char *pasted = NULL;
  WzpRelayPeer peer = { NULL };

  g_test_summary ("One that is no peer is refused; both logs have the lines "
                  "that the configuration needs, and with them it comes up");

  g_string_truncate (logged, 0);
  set_peer (a, b, TRUE, "berlin");
  wzp_test_assert_until (test, count_logged (line) == 2, WAIT_MS);
  g_test_message ("%s", logged->str);
  g_assert_cmpuint (count_logged ("wants a link"), ==, 1);
  g_assert_cmpuint (
      count_logged ("berlin: the peer said: this relay is not a peer here"), ==,
      1);
  g_assert_false (is_up (a, b));
  g_assert_cmpuint (b->stats.refused, ==, 1);
  /* It is tried again and not told again. */
  wzp_test_assert_until (test, b->stats.refused == 2, WAIT_MS);
  wzp_test_assert_until (test, n_conns (a) == 0, WAIT_MS);
  g_assert_cmpuint (count_logged (line), ==, 2);

  g_assert_true (g_key_file_load_from_data (
      file, strstr (logged->str, "[peer "), strlen (line) + 21, 0, NULL));
  groups = g_key_file_get_groups (file, NULL);
  g_assert_cmpuint (g_strv_length (groups), ==, 1);
  g_assert_true (g_str_has_prefix (groups[0], "peer relay-"));
  pasted = g_key_file_get_string (file, groups[0], "fingerprint", NULL);
  peer.fingerprint = pasted;
  set_peers (b, &peer, 1);
  wait_linked (test, a, b);
}

static void
test_strangers_logged (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpRelay) relay = test_relay_new (test, NULL);

  g_test_summary ("Many strangers: not many lines");

  g_string_truncate (logged, 0);
  for (guint i = 0; i < 20; i++) {
    Fake *fake = fake_new (test);

    for (guint j = 0; j < 2; j++) {
      FakeConn *conn = fake_dial (fake, relay);

      fake_hello (conn, fake->fingerprint);
      fake_expect_closed (
          fake, conn, WZP_CLOSE_REFUSED, "this relay is not a peer here");
      fake_conn_free (conn);
    }
    fake_free (fake);
  }
  g_assert_cmpuint (relay->stats.refused, ==, 40);
  g_assert_cmpuint (count_logged ("wants a link"), ==, 16);
  g_assert_cmpuint (registry_stats (relay).links, ==, 0);
}

static void
test_wrong_hello (WzpTest *test, gconstpointer data)
{
  Fake *fake = fake_new (test);
  g_autoptr (WzpRelay) relay = new_relay_for (test, fake);
  const char *const wrong[] = { wzp_relay_get_fingerprint (relay), "aa:bb",
    "nonsense" };

  g_test_summary ("The hello has to name the certificate that was shown");

  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++) {
    FakeConn *conn = fake_dial (fake, relay);

    fake_hello (conn, wrong[i]);
    fake_expect_closed (
        fake, conn, WZP_CLOSE_PROTOCOL, "the hello names another certificate");
    fake_conn_free (conn);
    g_assert_null (
        wzp_relay_link_get_conn (find_link (relay, fake->fingerprint)));
  }
  g_assert_cmpuint (registry_stats (relay).links, ==, 0);
  fake_free (fake);
}

static void
test_early (WzpTest *test, gconstpointer data)
{
  Fake *fake = fake_new (test);
  g_autoptr (WzpRelay) relay = new_relay_for (test, fake);
  WzpRelayLink *link = find_link (relay, fake->fingerprint);
  FakeConn *conn = fake_dial (fake, relay);

  g_test_summary ("What overtook the hello is taken after it, not before; and "
                  "only so much of it");

  for (guint i = 0; i < WZP_RELAY_LINK_CONN_MAX_EARLY; i++)
    fake_ping (conn, i);
  wzp_test_assert_until (test, conn->messages->len >= 1, WAIT_MS);
  for (guint i = 0; i < 20; i++)
    wzp_test_drain (test->context);
  g_assert_cmpuint (conn->messages->len, ==, 1);
  g_assert_cmpint (((WzpMessage *) conn->messages->pdata[0])->type, ==,
      WZP_MESSAGE_FEDERATION_HELLO);
  g_assert_cmpstr (((WzpMessage *) conn->messages->pdata[0])->tls_fingerprint,
      ==, wzp_relay_get_fingerprint (relay));
  fake_hello (conn, fake->fingerprint);
  wzp_test_assert_until (
      test, conn->messages->len == 1 + WZP_RELAY_LINK_CONN_MAX_EARLY, WAIT_MS);
  g_assert_nonnull (wzp_relay_link_get_conn (link));
  /* A second hello says nothing new. */
  fake_hello (conn, "nonsense");
  fake_ping (conn, 1);
  wzp_test_assert_until (
      test, conn->messages->len == 2 + WZP_RELAY_LINK_CONN_MAX_EARLY, WAIT_MS);
  g_assert_nonnull (wzp_relay_link_get_conn (link));
  fake_conn_free (conn);
  wzp_test_assert_until (test, wzp_relay_link_get_conn (link) == NULL, WAIT_MS);

  conn = fake_dial (fake, relay);
  for (guint i = 0; i <= WZP_RELAY_LINK_CONN_MAX_EARLY; i++)
    fake_ping (conn, i);
  fake_expect_closed (
      fake, conn, WZP_CLOSE_PROTOCOL, "too many messages before the hello");
  fake_conn_free (conn);
  fake_free (fake);
}

static void
test_no_hello (WzpTest *test, gconstpointer data)
{
  Fake *fake = fake_new (test);
  g_autoptr (WzpRelay) relay = new_relay_for (test, fake);
  FakeConn *older = fake_dial (fake, relay);
  FakeConn *newer;

  g_test_summary ("One that says nothing is sent away, at most one waits");

  wzp_test_assert_until (test, older->messages->len == 1, WAIT_MS);
  newer = fake_dial (fake, relay);
  fake_expect_closed (
      fake, older, WZP_CLOSE_REPLACED, "another connection took its place");
  fake_expect_closed (fake, newer, WZP_CLOSE_PROTOCOL, "no hello came");
  fake_conn_free (older);
  fake_conn_free (newer);
  fake_free (fake);
}

static void
test_return (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpIdentity) identity = wzp_identity_new_ephemeral ();
  WzpRelayConfig config = { .identity = identity };
  g_autoptr (WzpRelay) a = test_relay_new (test, NULL);
  WzpRelay *b = test_relay_new (test, &config);

  g_test_summary ("A link that breaks is dialled again");

  config.port = wzp_relay_get_port (b);
  set_peer (b, a, FALSE, NULL);
  set_peer (a, b, TRUE, NULL);
  wait_linked (test, a, b);
  g_string_truncate (logged, 0);
  wzp_relay_free (b);
  wzp_test_assert_until (test, !link_stats (a, 0).is_up, WAIT_MS);
  g_assert_cmpuint (registry_stats (a).links, ==, 0);
  g_assert_cmpuint (count_logged ("the relay ends"), ==, 1);

  b = test_relay_new (test, &config);
  set_peer (b, a, FALSE, NULL);
  wait_linked (test, a, b);
  wzp_relay_free (b);
}

static void
test_same_dialer (WzpTest *test, gconstpointer data)
{
  Fake *fake = fake_new (test);
  g_autoptr (WzpRelay) relay = new_relay_for (test, fake);
  WzpRelayLink *link = find_link (relay, fake->fingerprint);
  FakeConn *older = fake_dial (fake, relay);
  FakeConn *newer;
  WzpConn *first;

  g_test_summary ("The peer came back before its loss was noticed: its newer "
                  "connection is used, the older one read until its end");

  fake_hello (older, fake->fingerprint);
  wzp_test_assert_until (
      test, (first = wzp_relay_link_get_conn (link)) != NULL, WAIT_MS);
  newer = fake_dial (fake, relay);
  fake_hello (newer, fake->fingerprint);
  wzp_test_assert_until (
      test, wzp_relay_link_get_conn (link) != first, WAIT_MS);
  g_assert_nonnull (wzp_relay_link_get_conn (link));
  fake_ping (older, 1);
  wzp_test_assert_until (test, older->messages->len == 2, WAIT_MS);
  fake_expect_closed (
      fake, older, WZP_CLOSE_REPLACED, "another connection took its place");
  g_assert_nonnull (wzp_relay_link_get_conn (link));
  g_assert_false (newer->is_closed);
  g_assert_cmpuint (registry_stats (relay).links, ==, 1);
  fake_conn_free (older);
  fake_conn_free (newer);
  fake_free (fake);
}

static void
test_two_dialers (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpRelay) relay = test_relay_new (test, NULL);
  Fake *fake = fake_new_larger (test, relay);
  g_autofree char *address = fake_dup_address (fake);
  const WzpRelayPeer peer = { .address = address,
    .fingerprint = fake->fingerprint };
  FakeConn *first, *at_once, *late;
  WzpRelayLink *link;
  WzpConn *conn;

  g_test_summary ("The peer's own dial loses against ours when it comes at "
                  "once; later it means that the peer has lost ours");

  set_peers (relay, &peer, 1);
  link = find_link (relay, fake->fingerprint);
  wzp_test_assert_until (test, fake->accepted != NULL, WAIT_MS);
  first = fake->accepted;
  fake_hello (first, fake->fingerprint);
  wzp_test_assert_until (
      test, (conn = wzp_relay_link_get_conn (link)) != NULL, WAIT_MS);

  at_once = fake_dial (fake, relay);
  fake_hello (at_once, fake->fingerprint);
  fake_ping (at_once, 1);
  wzp_test_assert_until (test, at_once->messages->len == 2, WAIT_MS);
  fake_expect_closed (
      fake, at_once, WZP_CLOSE_REPLACED, "another connection took its place");
  g_assert_true (conn == wzp_relay_link_get_conn (link));
  g_assert_false (first->is_closed);

  clock_offset_us = WZP_RELAY_LINK_AT_ONCE_US;
  late = fake_dial (fake, relay);
  fake_hello (late, fake->fingerprint);
  wzp_test_assert_until (test, conn != wzp_relay_link_get_conn (link), WAIT_MS);
  g_assert_nonnull (wzp_relay_link_get_conn (link));
  clock_offset_us = 0;
  g_assert_cmpuint (registry_stats (relay).links, ==, 1);
  fake_conn_free (at_once);
  fake_conn_free (late);
  fake_free (fake);
}

static void
test_datagrams (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpRelay) a = test_relay_new (test, NULL);
  g_autoptr (WzpRelay) b = test_relay_new (test, NULL);
  static const guint64 tags[] = { 0, 1, 0x0123456789abcdef, G_MAXUINT64 };
  g_autofree guint8 *big = NULL;
  WzpRelayLink *link;
  gsize max;

  g_test_summary ("A datagram comes out as it went in, with its tag");

  g_ptr_array_set_size (delivered, 0);
  set_peer (b, a, FALSE, NULL);
  set_peer (a, b, TRUE, NULL);
  link = link_of (a, b);
  g_assert_cmpuint (wzp_relay_link_get_max_datagram (link), ==, 0);
  g_assert_false (wzp_relay_link_send_datagram (link, 1, (guint8 *) "x", 1));
  wait_linked (test, a, b);

  for (guint i = 0; i < G_N_ELEMENTS (tags); i++) {
    WzpRelay *to = i % 2 == 0 ? b : a;
    WzpRelay *from = i % 2 == 0 ? a : b;
    Delivered *one;

    g_assert_true (wzp_relay_link_send_datagram (
        link_of (from, to), tags[i], (guint8 *) "hello", i));
    wzp_test_assert_until (test, delivered->len == i + 1, WAIT_MS);
    one = delivered->pdata[i];
    g_assert_true (one->relay == to);
    g_assert_true (one->link == link_of (to, from));
    g_assert_cmpuint (one->tag, ==, tags[i]);
    g_assert_cmpmem (g_bytes_get_data (one->data, NULL),
        g_bytes_get_size (one->data), "hello", i);
  }
  g_assert_cmpuint (link_stats (a, 0).datagrams_sent, ==, 2);
  g_assert_cmpuint (link_stats (a, 0).datagrams_received, ==, 2);
  g_assert_cmpuint (link_stats (b, 0).datagrams_received, ==, 2);

  max = wzp_relay_link_get_max_datagram (link);
  big = g_malloc0 (max + 1);
  g_assert_false (wzp_relay_link_send_datagram (link, 1, big, max + 1));
  g_assert_true (wzp_relay_link_send_datagram (link, 1, big, max));
  wzp_test_assert_until (
      test, delivered->len == G_N_ELEMENTS (tags) + 1, WAIT_MS);
  g_ptr_array_set_size (delivered, 0);
}

static void
expect_bad_peers (
    WzpRelay *relay, const WzpRelayPeer *peers, guint n, const char *says)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (wzp_relay_links_set_peers (relay->links, peers, n, &error));
  g_assert_error (error, WZP_ERROR, WZP_ERROR_INVALID);
  if (strstr (error->message, says) == NULL)
    g_error ("\"%s\" does not say: %s", error->message, says);
}

static void
test_bad_peers (WzpTest *test, gconstpointer data)
{
  static const char fp1[] = "00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:"
                            "00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:01";
  static const char fp2[] =
      "00000000000000000000000000000000000000000000000000000000000000ff";
  g_autoptr (WzpRelay) a = test_relay_new (test, NULL);
  g_autoptr (WzpRelay) b = test_relay_new (test, NULL);
  g_autofree char *long_label = g_strnfill (WZP_MESSAGE_MAX_LABEL + 1, 'x');
  const char *own = wzp_relay_get_fingerprint (a);
  const struct {
    WzpRelayPeer peer;
    const char *says;
  } cases[] = {
    { { .label = "x" }, "peer 2, \"x\": it has no fingerprint" },
    { { .fingerprint = "aa:bb" }, "peer 2: \"aa:bb\" is not" },
    { { .fingerprint = own }, "of this relay itself" },
    { { .fingerprint = fp1 }, "peer 2: its fingerprint is that of peer 1" },
    { { .fingerprint = fp2, .address = "a:b:c:1" }, "peer 2: " },
    { { .fingerprint = fp2, .address = "" }, "peer 2: " },
    { { .fingerprint = fp2, .address = "host:0" }, "peer 2: " },
    { { .fingerprint = fp2, .label = "" }, "is not a name" },
    { { .fingerprint = fp2, .label = "a\nb" }, "is not a name" },
    { { .fingerprint = fp2, .label = "\xff" }, "is not a name" },
    { { .fingerprint = fp2, .label = long_label }, "is not a name" },
  };
  WzpRelayPeer many[WZP_REGISTRY_MAX_LINKS + 1];
  char *fingerprints[G_N_ELEMENTS (many)];

  g_test_summary ("A bad peer is named, and changes nothing");

  set_peer (b, a, FALSE, NULL);
  set_peer (a, b, TRUE, NULL);
  wait_linked (test, a, b);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    const WzpRelayPeer peers[] = { { .fingerprint = fp1 }, cases[i].peer };

    expect_bad_peers (a, peers, G_N_ELEMENTS (peers), cases[i].says);
    g_assert_true (is_up (a, b));
  }

  for (guint i = 0; i < G_N_ELEMENTS (many); i++) {
    fingerprints[i] = g_strdup_printf ("%064x", i + 1);
    many[i] = (WzpRelayPeer){ .fingerprint = fingerprints[i] };
  }
  expect_bad_peers (
      a, many, G_N_ELEMENTS (many), "17 peers are too many, there may be 16");
  g_assert_true (is_up (a, b));
  set_peers (a, many, G_N_ELEMENTS (many) - 1);
  g_assert_false (link_stats (a, WZP_REGISTRY_MAX_LINKS - 1).is_up);
  for (guint i = 0; i < G_N_ELEMENTS (many); i++)
    g_free (fingerprints[i]);
}

static void
test_change_peers (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpRelay) a = test_relay_new (test, NULL);
  g_autoptr (WzpRelay) b = test_relay_new (test, NULL);
  g_autoptr (WzpRelay) c = test_relay_new (test, NULL);
  WzpRelayPeer wrong = { .fingerprint = wzp_relay_get_fingerprint (b) };
  g_autofree char *nowhere = NULL;
  WzpConn *conn;

  g_test_summary ("New peers, other addresses and labels, and none any more");

  /* The address of one, the key of another: found out in the handshake. */
  nowhere = dup_address (c);
  wrong.address = nowhere;
  g_string_truncate (logged, 0);
  set_peer (b, a, FALSE, NULL);
  set_peers (a, &wrong, 1);
  wzp_test_assert_until (
      test, count_logged ("The relay's certificate is") == 1, WAIT_MS);
  g_assert_cmpuint (c->stats.refused, ==, 0);
  set_peer (a, b, TRUE, "one");
  wait_linked (test, a, b);

  conn = wzp_relay_link_get_conn (link_of (a, b));
  set_peer (a, b, TRUE, "two");
  g_assert_true (conn == wzp_relay_link_get_conn (link_of (a, b)));
  g_assert_cmpstr (link_stats (a, 0).label, ==, "two");
  set_peers (a, &wrong, 1);
  g_assert_true (conn == wzp_relay_link_get_conn (link_of (a, b)));

  g_string_truncate (logged, 0);
  set_peers (a, NULL, 0);
  g_assert_cmpuint (registry_stats (a).links, ==, 0);
  wzp_test_assert_until (test, !is_up (b, a), WAIT_MS);
  g_assert_cmpuint (
      count_logged ("the peer said: this relay is not a peer here"), ==, 1);
}

static void
test_three (WzpTest *test, gconstpointer data)
{
  WzpRelay *relays[3];

  g_test_summary ("Three relays, each linked to the two others");

  for (guint i = 0; i < 3; i++)
    relays[i] = test_relay_new (test, NULL);
  for (guint i = 0; i < 3; i++) {
    WzpRelayPeer peers[2];
    g_autofree char *first = dup_address (relays[(i + 1) % 3]);
    g_autofree char *second = dup_address (relays[(i + 2) % 3]);

    peers[0] = (WzpRelayPeer){ .address = first,
      .fingerprint = wzp_relay_get_fingerprint (relays[(i + 1) % 3]) };
    peers[1] = (WzpRelayPeer){ .address = second,
      .fingerprint = wzp_relay_get_fingerprint (relays[(i + 2) % 3]) };
    set_peers (relays[i], peers, 2);
  }
  for (guint i = 0; i < 3; i++)
    wzp_test_assert_until (test,
        registry_stats (relays[i]).links == 2 && n_conns (relays[i]) == 2,
        WAIT_MS);
  for (guint i = 0; i < 3; i++)
    wzp_relay_free (relays[i]);
}

static void
test_call (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpRelay) a = test_relay_new (test, NULL);
  g_autoptr (WzpRelay) b = test_relay_new (test, NULL);
  TestNode *anna = test_node_new (test, a, 1);
  TestNode *bert = test_node_new (test, b, 2);

  g_test_summary ("A call goes over the link; the peer that is none any more "
                  "ends it after the grace, not at once");

  set_peer (b, a, FALSE, NULL);
  set_peer (a, b, TRUE, NULL);
  wait_linked (test, a, b);
  test_node_register (anna, "anna");
  test_node_register (bert, "bert");
  test_node_call (anna, bert, "c1");
  g_assert_true (
      wzp_registry_get_room_link (a->registry, "c1") == link_of (a, b));
  g_assert_true (
      wzp_registry_get_room_link (b->registry, "c1") == link_of (b, a));
  set_peers (a, NULL, 0);
  g_assert_null (wzp_registry_get_room_link (a->registry, "c1"));
  wzp_test_assert_until (test, !is_up (b, a), WAIT_MS);
  g_assert_cmpint (
      wzp_registry_get_call_state (b->registry, "c1"), ==, WZP_CALL_ACTIVE);
  test_node_free (anna);
  test_node_free (bert);
}

static gboolean
on_tick (gpointer user_data)
{
  return G_SOURCE_CONTINUE;
}

static void
test_free_at_once (WzpTest *test, gconstpointer data)
{
  /* A link that is up is quiet: a turn must end all the same. */
  g_autoptr (GSource) tick = g_timeout_source_new (1);

  g_test_summary ("Freed after any number of turns of the link's set-up");

  g_source_set_callback (tick, on_tick, NULL, NULL);
  g_source_attach (tick, test->context);
  for (guint n = 0; n < 30; n++) {
    WzpRelay *a = test_relay_new (test, NULL);
    WzpRelay *b = test_relay_new (test, NULL);

    set_peer (a, b, TRUE, NULL);
    set_peer (b, a, TRUE, NULL);
    for (guint i = 0; i < n; i++)
      g_main_context_iteration (test->context, TRUE);
    wzp_relay_free (a);
    for (guint i = 0; i < n % 5; i++)
      g_main_context_iteration (test->context, FALSE);
    wzp_relay_free (b);
  }
  g_source_destroy (tick);
}

int
main (int argc, char **argv)
{
  int result;

  wzp_test_init (&argc, &argv);
  logged = g_string_new (NULL);
  delivered = g_ptr_array_new_with_free_func (free_delivered);
  g_log_set_writer_func (keep_log, NULL, NULL);
  g_test_add_func ("/relay-links/retry-times", test_retry_times);
  wzp_test_add ("/relay-links/one-side", NULL, test_one_side);
  wzp_test_add ("/relay-links/both-sides", NULL, test_both_sides);
  wzp_test_add ("/relay-links/stranger", NULL, test_stranger);
  wzp_test_add ("/relay-links/strangers-logged", NULL, test_strangers_logged);
  wzp_test_add ("/relay-links/wrong-hello", NULL, test_wrong_hello);
  wzp_test_add ("/relay-links/early", NULL, test_early);
  wzp_test_add ("/relay-links/no-hello", NULL, test_no_hello);
  wzp_test_add ("/relay-links/return", NULL, test_return);
  wzp_test_add ("/relay-links/same-dialer", NULL, test_same_dialer);
  wzp_test_add ("/relay-links/two-dialers", NULL, test_two_dialers);
  wzp_test_add ("/relay-links/datagrams", NULL, test_datagrams);
  wzp_test_add ("/relay-links/bad-peers", NULL, test_bad_peers);
  wzp_test_add ("/relay-links/change-peers", NULL, test_change_peers);
  wzp_test_add ("/relay-links/three", NULL, test_three);
  wzp_test_add ("/relay-links/call", NULL, test_call);
  wzp_test_add ("/relay-links/free-at-once", NULL, test_free_at_once);
  result = wzp_test_run ();
  g_string_free (logged, TRUE);
  g_ptr_array_unref (delivered);
  return result;
}
