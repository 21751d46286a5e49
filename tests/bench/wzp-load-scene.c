#include "wzp-load-scene.h"

#define REGISTER_MS 300000u

static void
on_message (LoadClient *client, const WzpMessage *message, gpointer user_data)
{
  LoadScene *self = user_data;

  if (self->calls != NULL)
    load_calls_message (self->calls, client, message);
}

static void
on_packet (const WzpUdpPacket *packet, gpointer user_data)
{
  LoadScene *self = user_data;

  if (self->packet != NULL)
    self->packet (packet, self->packet_data);
}

static const LoadFleetHandler handler = {
  .message = on_message,
  .packet = on_packet,
};

static gboolean
start (LoadScene *self, const LoadOptions *options, guint n_clients,
    GError **error)
{
  self->relay = load_relay_new (options->relay, error);
  if (self->relay == NULL)
    return FALSE;
  self->fleet = load_fleet_new (load_relay_get_addr (self->relay),
      options->n_sockets, &handler, self, error);
  if (self->fleet == NULL)
    return FALSE;
  if (load_fleet_register (self->fleet, n_clients, options->at_once,
          REGISTER_MS, &self->register_us))
    return TRUE;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED,
      "%u of %u clients could register",
      load_fleet_get_registered (self->fleet), n_clients);
  return FALSE;
}

LoadScene *
load_scene_new (const LoadOptions *options, guint n_clients, LoadReport *report,
    const char *part)
{
  g_autoptr (LoadScene) self = g_new0 (LoadScene, 1);
  g_autoptr (GError) error = NULL;

  if (start (self, options, n_clients, &error))
    return g_steal_pointer (&self);
  load_report_fail (report, part, error->message);
  return NULL;
}

void
load_scene_free (LoadScene *self)
{
  g_clear_pointer (&self->fleet, load_fleet_free);
  g_clear_pointer (&self->relay, load_relay_free);
  g_free (self);
}

void
load_scene_get_pair (const LoadScene *self, guint index,
    LoadClient **ret_caller, LoadClient **ret_callee)
{
  const guint n_pairs = load_fleet_get_registered (self->fleet) / 2;

  *ret_caller = load_fleet_get_client (self->fleet, index % n_pairs * 2);
  *ret_callee = load_fleet_get_client (self->fleet, index % n_pairs * 2 + 1);
}
