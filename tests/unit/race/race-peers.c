/* Peers and sides of a race over loopback. */
#include "race-peers.h"

#include "wzp-sni.h"

static gboolean
on_accept (WzpEndpoint *endpoint, WzpConn *conn, gpointer user_data)
{
  Peer *peer = user_data;

  if (peer->refuses)
    return FALSE;
  if (peer->runner == NULL) {
    g_ptr_array_add (peer->accepted, wzp_conn_ref (conn));
    return TRUE;
  }
  peer->n_offered++;
  if (!wzp_race_runner_offer_conn (peer->runner, conn))
    return FALSE;
  peer->n_taken++;
  return TRUE;
}

static const WzpEndpointHandler endpoint_handler = {
  .accept = on_accept,
};

Peer *
peer_new (WzpTest *test, WzpIdentity *identity)
{
  const WzpEndpointConfig config = { .bind_address = "127.0.0.1" };
  g_autoptr (GError) error = NULL;
  Peer *peer = g_new0 (Peer, 1);

  peer->identity = identity != NULL ? wzp_identity_ref (identity)
                                    : wzp_identity_new_ephemeral ();
  peer->accepted =
      g_ptr_array_new_with_free_func ((GDestroyNotify) wzp_conn_unref);
  peer->endpoint = wzp_endpoint_new (
      test->context, peer->identity, &config, &endpoint_handler, peer, &error);
  g_assert_no_error (error);
  return peer;
}

void
peer_free (Peer *peer)
{
  g_ptr_array_unref (peer->accepted);
  wzp_endpoint_free (peer->endpoint);
  wzp_identity_unref (peer->identity);
  g_free (peer);
}

WzpAddr
loopback (guint16 port)
{
  WzpAddr addr;
  g_autoptr (GError) error = NULL;

  g_assert_true (wzp_addr_parse_ip ("127.0.0.1", port, &addr, &error));
  g_assert_no_error (error);
  return addr;
}

WzpAddr
peer_addr (const Peer *peer)
{
  return loopback (wzp_endpoint_get_port (peer->endpoint, 4));
}

WzpAddr
silent_addr (GSocket **ret_socket)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocketAddress) any =
      g_inet_socket_address_new_from_string ("127.0.0.1", 0);
  g_autoptr (GSocketAddress) bound = NULL;

  *ret_socket = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_DATAGRAM,
      G_SOCKET_PROTOCOL_UDP, &error);
  g_assert_no_error (error);
  g_socket_bind (*ret_socket, any, FALSE, &error);
  g_assert_no_error (error);
  bound = g_socket_get_local_address (*ret_socket, &error);
  g_assert_no_error (error);
  return loopback (
      g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (bound)));
}

WzpAddr
closed_addr (void)
{
  g_autoptr (GSocket) socket = NULL;

  return silent_addr (&socket);
}

static void
tell (Side *side, const char *what)
{
  g_string_append_printf (
      side->told, "%s%s", side->told->len > 0 ? " " : "", what);
  if (g_strcmp0 (side->free_at, what) == 0) {
    wzp_race_runner_free (g_steal_pointer (&side->runner));
    side->peer->runner = NULL;
  }
}

static void
keep (WzpConn **slot, WzpConn *conn)
{
  g_assert_null (*slot);
  g_assert_true (wzp_conn_is_established (conn));
  *slot = conn;
}

static void
on_won (WzpRaceRunner *runner, WzpPath path, WzpConn *conn, gpointer user_data)
{
  Side *side = user_data;

  keep (path == WZP_PATH_DIRECT ? &side->direct : &side->relay_conn, conn);
  tell (side, path == WZP_PATH_DIRECT ? "won-direct" : "won-relay");
}

static void
on_direct_late (WzpRaceRunner *runner, WzpConn *conn, gpointer user_data)
{
  Side *side = user_data;

  keep (&side->direct, conn);
  tell (side, "late");
}

static void
on_direct_gave_up (WzpRaceRunner *runner, gpointer user_data)
{
  tell (user_data, "gave-up");
}

static void
on_relay_up (WzpRaceRunner *runner, WzpConn *conn, gpointer user_data)
{
  Side *side = user_data;

  keep (&side->relay_conn, conn);
  tell (side, "relay-up");
}

static void
on_failed (WzpRaceRunner *runner, const GError *error, gpointer user_data)
{
  Side *side = user_data;

  g_assert_null (side->error);
  side->error = g_strdup (error->message);
  tell (side, "failed");
}

static void
on_dial_changed (WzpRaceRunner *runner, gpointer user_data)
{
  Side *side = user_data;

  side->n_changed++;
  if (g_strcmp0 (side->free_at, "changed") == 0) {
    wzp_race_runner_free (g_steal_pointer (&side->runner));
    side->peer->runner = NULL;
  }
}

static const WzpRaceRunnerHandler runner_handler = {
  .won = on_won,
  .direct_late = on_direct_late,
  .direct_gave_up = on_direct_gave_up,
  .relay_up = on_relay_up,
  .failed = on_failed,
  .dial_changed = on_dial_changed,
};

static WzpConn *
dial_relay (WzpRaceRunner *runner, const WzpConnHandler *handler,
    gpointer handler_data, gpointer user_data, GError **error)
{
  Side *side = user_data;
  g_autofree char *name = wzp_sni_for_call_room (CALL_ID);
  WzpDialOptions options = { .server_name = name };
  WzpConn *conn;
  WzpAddr addr;

  if (side->silent_relay.family != 0) {
    addr = side->silent_relay;
    options.expect_key = wzp_identity_get_public_key (side->peer->identity);
  } else if (side->relay != NULL) {
    addr = peer_addr (side->relay);
    options.expect_key = wzp_identity_get_public_key (side->relay->identity);
  } else {
    g_set_error (error, WZP_ERROR, WZP_ERROR_UNREACHABLE, "The relay is away");
    return NULL;
  }
  conn = wzp_endpoint_dial (
      side->peer->endpoint, &addr, &options, handler, handler_data, error);
  if (conn != NULL)
    side->relay_dialled = wzp_conn_ref (conn);
  return conn;
}

WzpRaceRunnerConfig
config_for (WzpTest *test, WzpRole role, const Peer *other)
{
  WzpRaceRunnerConfig config = {
    .call_id = CALL_ID,
    .peer_key = wzp_identity_get_public_key (other->identity),
    .context = test->context,
    .dial_relay = dial_relay,
  };

  wzp_race_config_init (&config.race);
  config.race.role = role;
  /* A slow machine is no reason to fail. */
  config.race.direct_timeout_us = 6000 * MS;
  return config;
}

void
side_start (Side *side, Peer *peer, Peer *relay,
    const WzpRaceRunnerConfig *config, const WzpCandidateList *candidates)
{
  side->peer = peer;
  side->relay = relay;
  side->told = g_string_new (NULL);
  side->runner =
      wzp_race_runner_new (peer->endpoint, config, &runner_handler, side);
  if (config->race.role == WZP_ROLE_ACCEPTOR)
    peer->runner = side->runner;
  wzp_race_runner_start (side->runner, candidates);
  g_assert_cmpstr (side->told->str, ==, "");
}

void
side_clear (Side *side)
{
  if (side->peer != NULL)
    side->peer->runner = NULL;
  g_clear_pointer (&side->runner, wzp_race_runner_free);
  g_clear_pointer (&side->direct, wzp_conn_unref);
  g_clear_pointer (&side->relay_conn, wzp_conn_unref);
  g_clear_pointer (&side->relay_dialled, wzp_conn_unref);
  if (side->told != NULL)
    g_string_free (side->told, TRUE);
  g_free (side->error);
}

void
add (WzpCandidateList *list, WzpAddr addr)
{
  list->items[list->n].type = WZP_CANDIDATE_HOST;
  list->items[list->n++].addr = addr;
}

WzpDialState
dial_state (const Side *side, guint index)
{
  return wzp_race_get_dial (
      wzp_race_runner_get_race (side->runner), index, NULL, NULL);
}
