/* A call's fresh sockets: some routers have got something wrong about the ports
 * of a call, and keep to it as long as packets come; others are not known to
 * them. */
#include "wzp-call-private.h"
#include "wzp-reflect-probe.h"
#include "wzp-sni.h"

WzpEndpoint *
wzp_call_get_socket (const WzpCall *self, WzpFreshSocket *fresh)
{
  return fresh != NULL ? wzp_fresh_socket_get_endpoint (fresh) : self->endpoint;
}

static void
on_seen (WzpFreshSocket *fresh, const WzpAddr *reflexive, gpointer user_data)
{
  WzpCall *self = user_data;
  char text[WZP_ADDR_MAX_STRLEN];

  if (self->state == CALL_ENDED || fresh != self->tried)
    return;
  g_debug ("call %s: the fresh socket is seen at %s", self->call_id,
      reflexive != NULL ? wzp_addr_to_string (reflexive, text) : "nowhere");
  for (guint i = 0; i < WZP_CALL_MAX_FRESH; i++)
    if (self->fresh[i] == fresh)
      self->fresh_us[i] = wzp_clock_now_us ();
  if (reflexive != NULL)
    self->handler->tell_reflexive (self, reflexive, self->user_data);
  wzp_puncher_set_fresh (self->puncher, reflexive != NULL, wzp_clock_now_us ());
  wzp_call_step_soon (self);
}

/* As at the node's own socket, but for one call. */
static gboolean
on_accept (WzpFreshSocket *fresh, WzpConn *conn, gpointer user_data)
{
  WzpCall *self = user_data;
  const guint8 *key = wzp_conn_get_peer_key (conn);
  const char *call_id;

  return wzp_sni_classify (wzp_conn_get_server_name (conn), &call_id) ==
      WZP_SNI_KIND_DIRECT &&
      g_strcmp0 (call_id, self->call_id) == 0 && key != NULL &&
      memcmp (key, self->peer_key, WZP_PUBLIC_KEY_LEN) == 0 &&
      wzp_call_offer_conn (self, conn);
}

static gboolean
on_packet (
    WzpFreshSocket *fresh, const WzpUdpPacket *packet, gpointer user_data)
{
  return wzp_call_take_packet_by (user_data, packet, fresh);
}

static const WzpFreshHandler fresh_handler = {
  .seen = on_seen,
  .accept = on_accept,
  .packet = on_packet,
};

static int
find_room (const WzpCall *self)
{
  for (guint i = 0; i < WZP_CALL_MAX_FRESH; i++)
    if (self->fresh[i] == NULL)
      return (int) i;
  return -1;
}

void
wzp_call_open_fresh (WzpCall *self, gint64 now_us)
{
  const int i = find_room (self);
  g_autoptr (GError) error = NULL;

  if (i >= 0)
    self->fresh[i] = self->handler->open_fresh (
        self, &fresh_handler, self, &error, self->user_data);
  if (i < 0 || self->fresh[i] == NULL) {
    g_debug ("call %s: no fresh socket: %s", self->call_id,
        error != NULL ? error->message : "there are enough");
    wzp_puncher_set_fresh (self->puncher, FALSE, now_us);
    return;
  }
  /* Until then it waits for the relay. */
  self->fresh_us[i] = now_us + (gint64) WZP_REFLECT_PROBE_TIMEOUT_MS * 1000;
  self->tried = self->fresh[i];
}

static gboolean
is_of (const WzpFreshSocket *fresh, const WzpLink *link)
{
  return link != NULL && wzp_fresh_socket_has (fresh, wzp_link_get_conn (link));
}

static gboolean
is_in_use (const WzpCall *self, const WzpFreshSocket *fresh)
{
  if (is_of (fresh, self->direct))
    return TRUE;
  for (guint i = 0; i < G_N_ELEMENTS (self->retired); i++)
    if (is_of (fresh, self->retired[i]))
      return TRUE;
  return FALSE;
}

static void
close_one (WzpCall *self, guint i)
{
  if (self->again_by == self->fresh[i]) {
    g_clear_pointer (&self->again, wzp_race_runner_free);
    self->again_by = NULL;
  }
  if (self->tried == self->fresh[i])
    self->tried = NULL;
  g_clear_pointer (&self->fresh[i], wzp_fresh_socket_free);
}

void
wzp_call_expire_fresh (WzpCall *self, gint64 now_us)
{
  for (guint i = 0; i < WZP_CALL_MAX_FRESH; i++) {
    if (self->fresh[i] == NULL ||
        now_us < self->fresh_us[i] + WZP_CALL_FRESH_TRIAL_US ||
        is_in_use (self, self->fresh[i]))
      continue;
    close_one (self, i);
    self->handler->tell_reflexive (self, NULL, self->user_data);
  }
}

void
wzp_call_close_fresh (WzpCall *self)
{
  for (guint i = 0; i < WZP_CALL_MAX_FRESH; i++)
    if (self->fresh[i] != NULL)
      close_one (self, i);
}
