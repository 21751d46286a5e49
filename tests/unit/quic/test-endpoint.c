#include "quic-peer.h"

#include <string.h>

static void
test_dial (WzpTest *test, gconstpointer data)
{
  int family = GPOINTER_TO_INT (data);
  g_autoptr (Peer) server = peer_new (test->context, family, NULL, NULL);
  g_autoptr (Peer) client = peer_new (test->context, family, NULL, NULL);
  PeerConn *out = peer_dial (client, server), *in;

  wzp_test_assert_until (test, out->n_established == 1, 5000);
  wzp_test_assert_until (test, peer_accepted (server, 0) != NULL, 5000);
  in = peer_accepted (server, 0);

  g_assert_cmpmem (wzp_conn_get_peer_key (in->conn), WZP_PUBLIC_KEY_LEN,
      wzp_identity_get_public_key (client->identity), WZP_PUBLIC_KEY_LEN);
  g_assert_cmpmem (wzp_conn_get_peer_key (out->conn), WZP_PUBLIC_KEY_LEN,
      wzp_identity_get_public_key (server->identity), WZP_PUBLIC_KEY_LEN);
  g_assert_cmpstr (wzp_conn_get_server_name (in->conn), ==, "_signal");

  g_assert_true (peer_conn_send (out, "hello", 5));
  g_assert_true (peer_conn_send (in, "world!", 6));
  peer_conn_send_stream (out, "from the client");
  peer_conn_send_stream (in, "from the server");
  wzp_test_assert_until (test,
      in->n_datagrams == 1 && out->n_datagrams == 1 && in->n_fins == 1 &&
          out->n_fins == 1,
      5000);
  g_assert_cmpmem (in->last_datagram->data, in->last_datagram->len, "hello", 5);
  g_assert_cmpmem (
      out->last_datagram->data, out->last_datagram->len, "world!", 6);
  g_assert_cmpmem (in->stream_bytes->data, in->stream_bytes->len,
      "from the client", 15);

  wzp_conn_close (out->conn, WZP_CLOSE_BUSY, "no more");
  wzp_test_assert_until (test, in->n_closed == 1, 5000);
  g_assert_cmpstr (in->closed.reason, ==, "the peer said: no more");
  g_assert_cmpuint (out->n_closed, ==, 0);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  wzp_test_add ("/endpoint/dial-4", GINT_TO_POINTER (4), test_dial);
  wzp_test_add ("/endpoint/dial-6", GINT_TO_POINTER (6), test_dial);
  return wzp_test_run ();
}
