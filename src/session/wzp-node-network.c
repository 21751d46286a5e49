/* The node when its network is another one: calls are told, peers are told, and
 * the relay is asked whether it is there and where it sees us. */
#include "wzp-clock.h"
#include "wzp-node-private.h"

void
wzp_node_take_reflexive (WzpNode *self)
{
  const char *reflexive = wzp_signal_client_get_reflexive (self->signal);

  g_mutex_lock (&self->lock);
  g_strlcpy (self->stats->reflexive, reflexive != NULL ? reflexive : "",
      sizeof self->stats->reflexive);
  g_mutex_unlock (&self->lock);
  wzp_node_learn_nat (self);
}

void
wzp_node_tell_network (WzpNode *self)
{
  if (self->config.mode == WZP_MODE_APP)
    wzp_node_republish_local (self);
  else
    wzp_node_tell_changes (self);
}

/* A wait that was for a network which is another one now is over. */
static void
hurry (WzpNode *self)
{
  if (self->retry_at_us < 0)
    return;
  self->retry_at_us = wzp_clock_now_us ();
  wzp_node_schedule (self, self->retry_at_us);
}

static void
on_network_changed (WzpNetworkMonitor *monitor, const WzpNetworkChange *change,
    gpointer user_data)
{
  WzpNode *self = user_data;

  g_debug ("network: %u host candidates, %u before, slept %d ms",
      wzp_network_state_get_hosts (change->now)->n,
      wzp_network_state_get_hosts (change->before)->n,
      (int) (change->slept_us / 1000));
  if (self->has_failed)
    return;
  self->network_us = wzp_clock_now_us ();
  for (guint i = 0; i < self->calls->len; i++) {
    const WzpCallEntry *entry = self->calls->pdata[i];

    wzp_call_network_changed (entry->call, change->now, change->slept_us);
  }
  wzp_node_tell_network (self);
  if (self->signal != NULL)
    wzp_signal_client_check (self->signal);
  hurry (self);
}

void
wzp_node_watch_network (WzpNode *self)
{
  g_autoptr (GError) error = NULL;

  self->monitor = wzp_network_monitor_new (self->context,
      wzp_endpoint_get_port (self->endpoint, 4),
      wzp_endpoint_get_port (self->endpoint, 6),
      wzp_endpoint_get_bound (self->endpoint), on_network_changed, self,
      &error);
  if (self->monitor == NULL)
    wzp_node_emit_warning (self, error->message);
}

static gboolean
take_stood (WzpNode *self)
{
  gboolean stood = self->signal_stood;

  self->signal_stood = FALSE;
  return stood;
}

static gint64
wait_for (WzpNode *self, WzpRedial *rule, gboolean is_loss)
{
  const WzpNodeConfig *config = &self->config;
  gint64 first_us = (gint64) (config->retry_backoff_factor * G_USEC_PER_SEC);
  gint64 max_us = (gint64) (config->retry_backoff_max * G_USEC_PER_SEC);

  if (!is_loss)
    return wzp_redial_failed (rule, first_us, max_us, g_random_int ());
  /* Who is called must be there first. */
  return wzp_redial_lost (
             rule, first_us, max_us, wzp_clock_now_us (), g_random_int ()) +
      (config->mode == WZP_MODE_CALLER ? WZP_REDIAL_SPREAD_US : 0);
}

gint64
wzp_node_get_signal_retry_us (WzpNode *self)
{
  gint64 now_us = wzp_clock_now_us ();

  if (self->network_us > 0 &&
      now_us - self->network_us < WZP_NODE_NETWORK_NEW_US) {
    self->network_us = 0; /* once: it may be down at the other end */
    return now_us;
  }
  return now_us + wait_for (self, &self->signal_rule, take_stood (self));
}

/* A relay that goes tells nobody, or all at the same moment. */
static gboolean
is_relay_lost (
    WzpNode *self, const WzpFailure *failure, const WzpCloseInfo *info)
{
  if (failure->path != WZP_PATH_RELAY)
    return FALSE;
  if (g_strcmp0 (failure->phase, "connect") == 0)
    return take_stood (self);
  return g_strcmp0 (failure->phase, "media") == 0 && info != NULL &&
      (!info->is_application || info->code == WZP_CLOSE_SHUTDOWN);
}

guint
wzp_node_get_retry_ms (
    WzpNode *self, const WzpFailure *failure, const WzpCloseInfo *info)
{
  gint64 wait_us;

  if (failure->attempts == 1)
    wzp_redial_up (&self->retry_rule);
  wait_us =
      wait_for (self, &self->retry_rule, is_relay_lost (self, failure, info));
  return (guint) (wait_us / 1000);
}

/* A router forgets, or has another address since last night: nobody tells us
 * but the relay. */
void
wzp_node_housekeep_network (WzpNode *self, gint64 now_us)
{
  if (self->signal == NULL || !wzp_signal_client_is_ready (self->signal))
    return;
  if (now_us >= self->reflect_at_us) {
    self->reflect_at_us = now_us + WZP_NODE_REFLECT_US;
    wzp_signal_client_check (self->signal);
  }
  wzp_node_schedule (self, self->reflect_at_us);
}
