/* What a relay sees: nothing of the media. Every datagram that is handed to
 * QUIC, by the relay's forwarding too, is recorded by a linker wrap. */
#include "wzp-party.h"

#include "wzp-conn.h"

#include <string.h>

#define MARK "this is what nobody in between may read"

static GMutex record_lock;
static GByteArray *record; /* with record_lock */

gboolean __real_wzp_conn_send_datagram (
    WzpConn *conn, const struct iovec *iov, int n_iov);
gboolean __wrap_wzp_conn_send_datagram (
    WzpConn *conn, const struct iovec *iov, int n_iov);

gboolean
__wrap_wzp_conn_send_datagram (
    WzpConn *conn, const struct iovec *iov, int n_iov)
{
  g_mutex_lock (&record_lock);
  for (int i = 0; i < n_iov && record != NULL; i++)
    g_byte_array_append (record, iov[i].iov_base, (guint) iov[i].iov_len);
  g_mutex_unlock (&record_lock);
  return __real_wzp_conn_send_datagram (conn, iov, n_iov);
}

static void
no_notify (gpointer unused)
{
}

/* How often MARK stands in what was recorded on a call by @policy. */
static guint
count_marks (WzpTest *test, WzpTransportPolicy policy, gsize *ret_recorded)
{
  WzpTestRelay *relay = wzp_test_relay_new (0);
  g_autoptr (WzpSendFlow) send = NULL;
  g_autoptr (WzpRecvFlow) recv = NULL;
  struct iovec iov = { .iov_base = (void *) MARK, .iov_len = strlen (MARK) };
  WzpNodeConfig config;
  WzpParty *listener, *caller;
  guint marks = 0, got = 0;

  g_mutex_lock (&record_lock);
  record = g_byte_array_new ();
  g_mutex_unlock (&record_lock);

  wzp_party_config (&config, relay);
  config.mode = WZP_MODE_LISTENER;
  config.alias = "cam1";
  config.policy = policy;
  listener = wzp_party_new (&config);
  config.mode = WZP_MODE_CALLER;
  config.alias = NULL;
  config.peer = "cam1";
  config.retry_backoff_factor = 0.1;
  caller = wzp_party_new (&config);
  send = wzp_node_add_send_flow (
      caller->node, "secret-name", NULL, NULL, NULL, NULL);
  recv = wzp_node_add_recv_flow (listener->node, NULL, NULL);
  wzp_party_start (listener);
  wzp_party_start (caller);

  g_assert_true (wzp_send_flow_describe (send, "text/x-" MARK, NULL, NULL));
  for (guint i = 0; i < 50; i++)
    g_assert_cmpint (
        wzp_send_flow_push (
            send, wzp_frame_new_wrapped (&iov, 1, NULL, no_notify), TRUE),
        ==, WZP_PUSH_OK);
  while (got < 50) {
    WzpRecvItem item;

    g_assert_true (wzp_recv_flow_pop (recv, 5 * G_USEC_PER_SEC, &item));
    if (item.kind == WZP_RECV_FRAME) {
      g_assert_cmpmem (item.frame->iov[0].iov_base, item.frame->iov[0].iov_len,
          MARK, strlen (MARK));
      got++;
    }
    wzp_recv_item_clear (&item);
  }
  wzp_party_free (caller);
  wzp_party_free (listener);
  wzp_test_relay_free (relay);

  g_mutex_lock (&record_lock);
  for (guint i = 0; i + strlen (MARK) <= record->len; i++)
    marks += memcmp (record->data + i, MARK, strlen (MARK)) == 0 ? 1 : 0;
  for (guint i = 0; i + 11 <= record->len; i++)
    marks += memcmp (record->data + i, "secret-name", 11) == 0 ? 1 : 0;
  *ret_recorded = record->len;
  g_byte_array_unref (g_steal_pointer (&record));
  g_mutex_unlock (&record_lock);
  return marks;
}

static void
test_relay_reads_nothing (WzpTest *test, gconstpointer data)
{
  gsize recorded;

  g_test_summary ("By the relay: neither frames nor caps nor names are to be "
                  "found in what it forwards");
  g_assert_cmpuint (count_marks (test, WZP_POLICY_RELAY, &recorded), ==, 0);
  /* 50 frames were forwarded, so the record is that of the relay too. */
  g_assert_cmpuint (recorded, >, 50 * strlen (MARK));
}

static void
test_recorder_works (WzpTest *test, gconstpointer data)
{
  gsize recorded;

  g_test_summary ("On the direct path, where QUIC alone protects, the same "
                  "record shows the caps: it would have found them");
  g_assert_cmpuint (count_marks (test, WZP_POLICY_DIRECT, &recorded), >, 0);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  wzp_test_add ("/sealed/relay-reads-nothing", NULL, test_relay_reads_nothing);
  wzp_test_add ("/sealed/recorder-works", NULL, test_recorder_works);
  return wzp_test_run ();
}
