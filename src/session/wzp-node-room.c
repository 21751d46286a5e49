/* Mode ROOM: the node in an open room on its relay. */
#include "wzp-node-private.h"

static void
on_progress (WzpRoom *room, const char *step, gpointer user_data)
{
  wzp_node_emit_progress (user_data, step);
}

static void
on_joined (WzpRoom *room, gpointer user_data)
{
  WzpNode *self = user_data;

  self->attempts = 0;
  wzp_node_emit_path (
      self, WZP_PATH_NONE, WZP_PATH_RELAY, "the room was joined");
  wzp_node_set_state (self, WZP_STATE_CONNECTED, NULL);
  wzp_node_schedule (self, 0);
}

static void
on_ended (WzpRoom *room, const GError *error, const WzpCloseInfo *info,
    gpointer user_data)
{
  WzpNode *self = user_data;
  gboolean was_joined = wzp_node_get_path (self) != WZP_PATH_NONE;
  /* They belong to the room. */
  g_autoptr (GError) kept = g_error_copy (error);
  WzpCloseInfo kept_info = info != NULL ? *info : (WzpCloseInfo){ 0 };

  wzp_node_drop_room (self);
  if (was_joined)
    wzp_node_emit_path (
        self, WZP_PATH_RELAY, WZP_PATH_NONE, "the room was left");
  wzp_node_fail_attempt (self, kept, was_joined ? "media" : "connect",
      WZP_PATH_RELAY, info != NULL ? &kept_info : NULL);
}

static WzpRecvFlow *
on_claim (WzpRoom *room, const char *name, gpointer user_data)
{
  return wzp_node_claim_recv_flow (user_data, name, room);
}

static void
on_unclaimed (WzpRoom *room, WzpRecvFlow *flow, gpointer user_data)
{
  wzp_node_unclaim_recv_flow (user_data, flow);
}

static const WzpRoomHandler room_handler = {
  .progress = on_progress,
  .joined = on_joined,
  .ended = on_ended,
  .claim = on_claim,
  .unclaimed = on_unclaimed,
};

static gboolean
make_room_key (WzpNode *self, GError **error)
{
  if (self->config.room_key == NULL || self->room_key != NULL)
    return TRUE;
  self->room_key =
      wzp_room_key_new (self->config.room_key, self->config.peer, error);
  return self->room_key != NULL;
}

void
wzp_node_begin_room (WzpNode *self)
{
  const WzpNodeConfig *config = &self->config;
  g_autofree char *default_path = wzp_known_relays_default_path ();
  WzpRelayRule rule = { .trust = config->relay_trust,
    .known_path =
        (char *) (config->known_relays_path != NULL ? config->known_relays_path
                                                    : default_path) };
  WzpRoomConfig room = { .endpoint = self->endpoint,
    .context = self->context,
    .identity = self->identity,
    .rule = &rule,
    .name = config->peer,
    .alias = config->alias,
    .token = config->token,
    .timeout_ms = config->relay_timeout_ms };
  g_autoptr (GError) error = NULL;

  if (!wzp_relay_rule_read (
          &rule, config->relay, config->relay_fingerprint, &error) ||
      !make_room_key (self, &error)) {
    g_free (rule.host);
    wzp_node_fail_attempt (self, error, "connect", WZP_PATH_RELAY, NULL);
    return;
  }
  room.key = self->room_key;
  self->room = wzp_room_new (&room, &room_handler, self);
  g_free (rule.host);
  if (config->relay_trust == WZP_RELAY_TRUST_NONE)
    wzp_node_emit_warning (
        self, "The relay's certificate is not checked (relay-trust=none)");
  for (guint i = 0; i < self->send_flows->len; i++)
    wzp_room_add_send_flow (self->room, self->send_flows->pdata[i]);
  wzp_room_start (self->room);
}

void
wzp_node_drop_room (WzpNode *self)
{
  if (self->room == NULL)
    return;
  if (self->last_call == NULL)
    self->last_call = g_new (WzpCallStats, 1);
  wzp_room_get_stats (self->room, self->last_call);
  g_clear_pointer (&self->room, wzp_room_free);
  wzp_node_update_connected (self);
}
