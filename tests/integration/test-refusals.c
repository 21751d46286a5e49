/* What bad input, bad names, bad keys and bad neighbours get: a clear error,
 * and nothing else disturbed. */
#include "wzp-party.h"

#include "wzp-endpoint.h"
#include "wzp-loop.h"
#include "wzp-sockaddr.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static WzpParty *
new_party (WzpTestRelay *relay, WzpMode mode, gboolean reconnect)
{
  WzpNodeConfig config;

  wzp_party_config (&config, relay);
  config.mode = mode;
  config.alias = mode == WZP_MODE_LISTENER ? "cam1" : NULL;
  config.peer = mode == WZP_MODE_CALLER ? "cam1" : NULL;
  config.no_reconnect = !reconnect;
  config.retry_backoff_factor = 0.1;
  return wzp_party_new (&config);
}

/* Waits for FAILED and checks the error. */
static void
expect_failure (WzpTest *test, WzpParty *party, int code, const char *phase)
{
  wzp_test_assert_until (
      test, wzp_party_state (party) == WZP_STATE_FAILED, 15000);
  g_test_message ("%s: %s", party->error_phase, party->error_text);
  g_assert_cmpint (wzp_party_error (party), ==, code);
  g_assert_cmpstr (party->error_phase, ==, phase);
}

static guint16
closed_port (void)
{
  WzpTestRelay *relay = wzp_test_relay_new (0);
  guint16 port = wzp_test_relay_get_port (relay);

  wzp_test_relay_free (relay);
  return port;
}

static void
test_no_relay (WzpTest *test, gconstpointer data)
{
  g_autofree char *address = g_strdup_printf ("127.0.0.1:%u", closed_port ());
  WzpNodeConfig config;
  WzpParty *party;

  g_test_summary ("Nobody at the relay's address");
  wzp_party_config (&config, NULL);
  config.relay = address;
  config.peer = "cam1";
  config.no_reconnect = TRUE;
  party = wzp_party_new (&config);
  wzp_party_start (party);
  wzp_test_assert_until (
      test, wzp_party_state (party) == WZP_STATE_FAILED, 15000);
  g_assert_cmpstr (party->error_phase, ==, "connect");
  g_assert_nonnull (strstr (party->error_text, address));
  wzp_party_free (party);
}

static void
test_unknown_name (WzpTest *test, gconstpointer data)
{
  WzpTestRelay *relay = wzp_test_relay_new (0);
  WzpParty *caller = new_party (relay, WZP_MODE_CALLER, FALSE);

  g_test_summary ("A name that nobody registered");
  wzp_party_start (caller);
  expect_failure (test, caller, WZP_ERROR_NOT_FOUND, "call");
  g_assert_nonnull (strstr (caller->error_text, "cam1"));
  wzp_party_free (caller);
  wzp_test_relay_free (relay);
}

static void
test_declined (WzpTest *test, gconstpointer data)
{
  WzpTestRelay *relay = wzp_test_relay_new (0);
  WzpParty *listener = new_party (relay, WZP_MODE_LISTENER, TRUE);
  WzpParty *caller = new_party (relay, WZP_MODE_CALLER, TRUE);

  g_test_summary ("The application declines: final for the caller");
  listener->declines = TRUE;
  wzp_party_start (listener);
  wzp_test_assert_until (
      test, wzp_party_log_has (listener, "progress listening"), 5000);
  wzp_party_start (caller);
  expect_failure (test, caller, WZP_ERROR_REJECTED, "call");
  wzp_party_free (caller);
  wzp_party_free (listener);
  wzp_test_relay_free (relay);
}

static void
test_wrong_peer (WzpTest *test, gconstpointer data)
{
  WzpTestRelay *relay = wzp_test_relay_new (0);
  WzpParty *listener = new_party (relay, WZP_MODE_LISTENER, TRUE);
  WzpNodeConfig config;
  WzpParty *caller;

  g_test_summary ("The name is held by another key than peer-fingerprint says");
  wzp_party_start (listener);
  wzp_test_assert_until (
      test, wzp_party_log_has (listener, "progress listening"), 5000);
  wzp_party_config (&config, relay);
  config.peer = "cam1";
  config.peer_fingerprint = "0000:1111:2222:3333:4444:5555:6666:7777";
  caller = wzp_party_new (&config);
  wzp_party_start (caller);
  expect_failure (test, caller, WZP_ERROR_IDENTITY, "call");
  g_assert_cmpuint (
      wzp_party_count (listener, &listener->callers_added), ==, 0);
  wzp_party_free (caller);
  wzp_party_free (listener);
  wzp_test_relay_free (relay);
}

static void
test_relay_key (WzpTest *test, gconstpointer data)
{
  WzpTestRelay *relay = wzp_test_relay_new (0);
  WzpNodeConfig config;
  WzpParty *party;

  g_test_summary ("A relay with another certificate than the pinned one, and "
                  "one with the right one");
  wzp_party_config (&config, relay);
  config.mode = WZP_MODE_LISTENER;
  config.alias = "cam1";
  config.relay_trust = WZP_RELAY_TRUST_PIN;
  config.relay_fingerprint = "00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff:"
                             "00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff";
  party = wzp_party_new (&config);
  wzp_party_start (party);
  expect_failure (test, party, WZP_ERROR_IDENTITY, "connect");
  wzp_party_free (party);

  config.relay_fingerprint = wzp_test_relay_get_fingerprint (relay);
  party = wzp_party_new (&config);
  wzp_party_start (party);
  wzp_test_assert_until (
      test, wzp_party_log_has (party, "progress listening"), 5000);
  wzp_party_free (party);
  wzp_test_relay_free (relay);
}

static void
test_port_taken (WzpTest *test, gconstpointer data)
{
  WzpTestRelay *relay = wzp_test_relay_new (0);
  WzpNodeConfig config;
  WzpParty *party;

  g_test_summary ("bind-port is taken: an error at once, not a retry");
  wzp_party_config (&config, relay);
  config.peer = "cam1";
  config.bind_port = wzp_test_relay_get_port (relay);
  party = wzp_party_new (&config);
  wzp_party_start (party);
  expect_failure (test, party, G_IO_ERROR_ADDRESS_IN_USE, "bind");
  wzp_party_free (party);
  wzp_test_relay_free (relay);
}

static void
test_bad_config (WzpTest *test, gconstpointer data)
{
  static const struct {
    const char *relay, *peer, *fingerprint, *bind, *alias, *names;
  } bad[] = {
    { NULL, "cam1", NULL, NULL, NULL, "relay" },
    { "host:0", "cam1", NULL, NULL, NULL, "relay" },
    { "host:99999", "cam1", NULL, NULL, NULL, "relay" },
    { "host", NULL, NULL, NULL, NULL, "peer" },
    { "host", "no spaces", NULL, NULL, NULL, "peer" },
    { "host", "_signal", NULL, NULL, NULL, "peer" },
    { "host", "cam1", "xyz", NULL, NULL, "peer-fingerprint" },
    { "host", "cam1", NULL, "localhost", NULL, "bind-address" },
    { "host", "cam1", NULL, NULL, "a/b", "alias" },
  };

  g_test_summary ("A bad configuration is refused with the field's name");
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autoptr (GError) error = NULL;
    WzpNodeConfig config;

    wzp_node_config_init (&config);
    config.relay = bad[i].relay;
    config.peer = bad[i].peer;
    config.peer_fingerprint = bad[i].fingerprint;
    config.bind_address = bad[i].bind;
    config.alias = bad[i].alias;
    g_assert_null (wzp_node_new (&config, NULL, &error));
    g_assert_error (error, WZP_ERROR, WZP_ERROR_INVALID);
    g_assert_true (g_str_has_prefix (error->message, bad[i].names));
  }
}

/* ---- bad neighbours of a call that runs ---- */

typedef struct {
  WzpParty *a, *b;
  WzpSendFlow *send;
  WzpRecvFlow *recv;
  WzpTestSource *source;
  WzpTestSinkhole *hole;
  WzpDescription *of_a, *of_b;
} Call;

static void
begin (WzpTest *test, Call *call, guint n_frames)
{
  WzpNodeConfig config;

  wzp_party_config (&config, NULL);
  config.mode = WZP_MODE_APP;
  call->a = wzp_party_new (&config);
  call->b = wzp_party_new (&config);
  wzp_party_start (call->a);
  wzp_party_start (call->b);
  wzp_test_assert_until (
      test, (call->of_a = wzp_party_dup_local (call->a)) != NULL, 5000);
  wzp_test_assert_until (
      test, (call->of_b = wzp_party_dup_local (call->b)) != NULL, 5000);
  call->send =
      wzp_node_add_send_flow (call->a->node, "video", NULL, NULL, NULL, NULL);
  call->recv = wzp_node_add_recv_flow (call->b->node, NULL, NULL);
  call->hole = wzp_test_sinkhole_new (call->recv, 3000, 0);
  call->source =
      wzp_test_source_new (call->send, "x/y", n_frames, 3000, 5000, 0, TRUE);
}

static void
connect_call (WzpTest *test, Call *call)
{
  g_assert_true (wzp_node_set_remote (call->a->node, call->of_b, NULL));
  g_assert_true (wzp_node_set_remote (call->b->node, call->of_a, NULL));
  wzp_test_assert_until (
      test, wzp_party_path (call->b) == WZP_PATH_DIRECT, 5000);
}

/* Everything came, in order, whatever happened around. */
static void
finish (WzpTest *test, Call *call, guint n_frames)
{
  g_assert_true (wzp_test_source_join (call->source));
  wzp_test_assert_until (
      test, wzp_test_sinkhole_get (call->hole, &call->hole->eos) == 1, 10000);
  g_assert_cmpuint (call->hole->frames, ==, n_frames);
  g_assert_cmpuint (call->hole->wrong + call->hole->disordered, ==, 0);
  g_assert_cmpuint (call->hole->lost, ==, 0);
  wzp_test_sinkhole_free (call->hole);
  wzp_send_flow_unref (call->send);
  wzp_recv_flow_unref (call->recv);
  wzp_party_free (call->a);
  wzp_party_free (call->b);
  wzp_description_free (call->of_a);
  wzp_description_free (call->of_b);
}

static void
test_garbage (WzpTest *test, gconstpointer data)
{
  const char *addresses[2];
  Call call = { 0 };
  WzpNodeStats stats;
  int fd = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  g_autoptr (GRand) rand = wzp_test_rand_new ();

  g_test_summary ("4000 packets of garbage to both sockets: counted, nothing "
                  "else");
  begin (test, &call, 200);
  connect_call (test, &call);
  addresses[0] = call.of_a->local[0];
  addresses[1] = call.of_b->local[0];
  for (guint i = 0; i < 4000; i++) {
    guint8 packet[1400];
    gsize len = (gsize) g_rand_int_range (rand, 1, sizeof packet);
    struct sockaddr_storage sa;
    socklen_t sa_len;
    WzpAddr addr;

    for (gsize k = 0; k < len; k++)
      packet[k] = (guint8) g_rand_int (rand);
    if (i % 3 == 0)
      packet[0] |= 0xc0; /* a long header */
    if (i % 5 == 0 && len > 5)
      memcpy (packet + 1, "\0\0\0\1", 4); /* of QUIC version 1 */
    g_assert_true (wzp_addr_parse (addresses[i % 2], &addr, NULL));
    sa_len = wzp_sockaddr_from_addr (&addr, &sa);
    sendto (fd, packet, len, 0, (struct sockaddr *) &sa, sa_len);
  }
  close (fd);
  wzp_test_assert_until (test,
      (wzp_node_get_stats (call.b->node, &stats),
          stats.bad_packets + stats.refused > 0),
      5000);
  finish (test, &call, 200);
}

typedef struct {
  WzpEndpoint *endpoint;
  WzpIdentity *identity;
  WzpLoop *loop;
  WzpAddr target;
  char *server_name;
  int closed; /* atomic */
  GError *error;
} Stranger;

static void
on_stranger_closed (WzpConn *conn, const WzpCloseInfo *info, gpointer user_data)
{
  Stranger *self = user_data;

  self->error = g_error_copy (info->error);
  g_atomic_int_set (&self->closed, TRUE);
}

static const WzpConnHandler stranger_handler = { .closed = on_stranger_closed };

static gboolean
trust_anybody (const guint8 cert_sha256[32], const guint8 *key,
    gpointer user_data, GError **error)
{
  return TRUE;
}

static void
stranger_dial (gpointer data)
{
  Stranger *self = data;
  WzpEndpointConfig config = { .bind_address = "127.0.0.1" };
  WzpDialOptions options = { .server_name = self->server_name,
    .timeout_ms = 5000,
    .verify = trust_anybody };
  g_autoptr (GError) error = NULL;
  WzpConn *conn;

  self->identity = wzp_identity_new_ephemeral ();
  self->endpoint = wzp_endpoint_new (wzp_loop_get_context (self->loop),
      self->identity, &config, NULL, NULL, NULL);
  g_assert_nonnull (self->endpoint);
  conn = wzp_endpoint_dial (
      self->endpoint, &self->target, &options, &stranger_handler, self, &error);
  g_assert_no_error (error);
  wzp_conn_unref (conn);
}

static void
stranger_end (gpointer data)
{
  Stranger *self = data;

  g_clear_pointer (&self->endpoint, wzp_endpoint_free);
  g_clear_pointer (&self->identity, wzp_identity_unref);
}

static void
test_stranger (WzpTest *test, gconstpointer data)
{
  Call call = { 0 };
  WzpFingerprint of_a, of_b;
  g_autofree char *call_id = NULL;
  g_autofree char *both = NULL;
  g_autofree char *nonce = NULL;

  g_test_summary ("A stranger that knows the call's name but not the key is "
                  "turned away from both sides");
  begin (test, &call, 200);
  connect_call (test, &call);
  wzp_fingerprint_of_key (call.of_a->identity, &of_a);
  wzp_fingerprint_of_key (call.of_b->identity, &of_b);
  both = strcmp (call.of_a->nonce, call.of_b->nonce) < 0
      ? g_strconcat (call.of_a->nonce, call.of_b->nonce, NULL)
      : g_strconcat (call.of_b->nonce, call.of_a->nonce, NULL);
  nonce = g_compute_checksum_for_string (G_CHECKSUM_SHA256, both, -1);
  nonce[WZP_DESCRIPTION_NONCE_LEN] = '\0';
  call_id = wzp_call_id_new_self_naming (nonce, &of_a, &of_b);
  for (guint i = 0; i < 2; i++) {
    Stranger stranger = { 0 };

    stranger.loop = wzp_loop_new ("stranger");
    stranger.server_name = wzp_sni_for_direct (call_id);
    g_assert_true (wzp_addr_parse (
        (i == 0 ? call.of_a : call.of_b)->local[0], &stranger.target, NULL));
    wzp_loop_invoke_sync (stranger.loop, stranger_dial, &stranger);
    wzp_test_assert_until (test, g_atomic_int_get (&stranger.closed), 5000);
    g_test_message ("%s", stranger.error->message);
    wzp_loop_invoke_sync (stranger.loop, stranger_end, &stranger);
    wzp_loop_free (stranger.loop);
    g_clear_error (&stranger.error);
    g_free (stranger.server_name);
  }
  finish (test, &call, 200);
}

static void
test_bogus_candidates (WzpTest *test, gconstpointer data)
{
  static const char *const bogus[] = { "0.0.0.0:1", "224.0.0.1:5", "x",
    "255.255.255.255:9", "169.254.1.1:9", "[fe80::1]:9", "127.0.0.1:0",
    "example.org:80", "1.2.3.4", "[::]:7", "[ff02::1]:7", "-1:5" };
  g_autoptr (WzpDescription) many = NULL;
  g_autoptr (GError) error = NULL;
  GPtrArray *list = g_ptr_array_new ();
  Call call = { 0 };

  g_test_summary ("1000 candidates are refused; bad ones among few are passed "
                  "over and the good one is used");
  begin (test, &call, 100);
  many = wzp_description_copy (call.of_b);
  for (guint i = 0; i < 1000; i++)
    g_ptr_array_add (list, g_strdup (bogus[i % G_N_ELEMENTS (bogus)]));
  g_ptr_array_add (list, NULL);
  g_strfreev (many->local);
  many->local = (char **) g_ptr_array_free (list, FALSE);
  g_assert_false (wzp_node_set_remote (call.a->node, many, &error));
  g_assert_error (error, WZP_ERROR, WZP_ERROR_INVALID);

  list = g_ptr_array_new ();
  for (guint i = 0; i < G_N_ELEMENTS (bogus); i++)
    g_ptr_array_add (list, g_strdup (bogus[i]));
  g_ptr_array_add (list, g_strdup (call.of_b->local[0]));
  g_ptr_array_add (list, NULL);
  g_strfreev (call.of_b->local);
  call.of_b->local = (char **) g_ptr_array_free (list, FALSE);
  connect_call (test, &call);
  finish (test, &call, 100);
}

static void
test_forged_description (WzpTest *test, gconstpointer data)
{
  Call call = { 0 };
  g_autoptr (WzpDescription) forged = NULL;

  g_test_summary (
      "A description with another's keys, or one's own, is refused");
  begin (test, &call, 20);
  for (guint i = 0; i < 3; i++) {
    g_autoptr (GError) error = NULL;

    g_clear_pointer (&forged, wzp_description_free);
    forged = wzp_description_copy (call.of_b);
    if (i == 0)
      forged->ephemeral[3] ^= 1;
    else if (i == 1)
      memcpy (forged->identity, call.of_a->identity, WZP_PUBLIC_KEY_LEN);
    else
      forged->nonce[0] = 'z';
    g_assert_false (wzp_node_set_remote (call.a->node, forged, &error));
    g_assert_nonnull (error);
  }
  g_assert_false (wzp_node_set_remote (call.a->node, call.of_a, NULL));
  connect_call (test, &call);
  finish (test, &call, 20);
}

static void
test_reader_stops (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpRecvFlow) idle = NULL;
  g_autoptr (WzpSendFlow) big = NULL;
  WzpTestSource *source;
  WzpRecvFlowStats stats;
  Call call = { 0 };

  g_test_summary ("A pipeline that reads no more loses its oldest frames; the "
                  "other flow of the call goes on");
  begin (test, &call, 300);
  idle = wzp_node_add_recv_flow (call.b->node, "idle", NULL);
  big = wzp_node_add_send_flow (call.a->node, "idle", NULL, NULL, NULL, NULL);
  connect_call (test, &call);
  source = wzp_test_source_new (big, "x/z", 60, 1000 * 1000, 5000, 0, FALSE);
  wzp_test_source_join (source);
  finish (test, &call, 300);
  wzp_recv_flow_get_stats (idle, &stats);
  g_assert_cmpuint (stats.frames_dropped, >, 0);
  g_assert_cmpuint (stats.queued_bytes, <=, WZP_RECV_QUEUE_BYTES);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  wzp_test_add ("/refusals/no-relay", NULL, test_no_relay);
  wzp_test_add ("/refusals/unknown-name", NULL, test_unknown_name);
  wzp_test_add ("/refusals/declined", NULL, test_declined);
  wzp_test_add ("/refusals/wrong-peer", NULL, test_wrong_peer);
  wzp_test_add ("/refusals/relay-key", NULL, test_relay_key);
  wzp_test_add ("/refusals/port-taken", NULL, test_port_taken);
  wzp_test_add ("/refusals/bad-config", NULL, test_bad_config);
  wzp_test_add ("/refusals/garbage", NULL, test_garbage);
  wzp_test_add ("/refusals/stranger", NULL, test_stranger);
  wzp_test_add ("/refusals/bogus-candidates", NULL, test_bogus_candidates);
  wzp_test_add ("/refusals/forged-description", NULL, test_forged_description);
  wzp_test_add ("/refusals/reader-stops", NULL, test_reader_stops);
  return wzp_test_run ();
}
