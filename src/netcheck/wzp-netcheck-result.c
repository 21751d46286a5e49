#include "wzp-netcheck-result.h"

static void
free_probe (gpointer data)
{
  WzpNetcheckProbe *probe = data;

  g_clear_error (&probe->error);
  g_free (probe);
}

static void
free_relay (gpointer data)
{
  WzpNetcheckRelay *relay = data;

  g_ptr_array_unref (relay->probes);
  g_clear_error (&relay->error);
  g_free (relay->name);
  g_free (relay);
}

WzpNetcheckResult *
wzp_netcheck_result_new (void)
{
  WzpNetcheckResult *self = g_new0 (WzpNetcheckResult, 1);

  self->relays = g_ptr_array_new_with_free_func (free_relay);
  return self;
}

void
wzp_netcheck_result_free (WzpNetcheckResult *self)
{
  if (self == NULL)
    return;
  g_ptr_array_unref (self->relays);
  g_free (self);
}

WzpNetcheckRelay *
wzp_netcheck_result_add_relay (WzpNetcheckResult *self, const char *name)
{
  WzpNetcheckRelay *relay = g_new0 (WzpNetcheckRelay, 1);

  relay->name = g_strdup (name);
  relay->probes = g_ptr_array_new_with_free_func (free_probe);
  g_ptr_array_add (self->relays, relay);
  return relay;
}

WzpNetcheckProbe *
wzp_netcheck_relay_add_probe (
    WzpNetcheckRelay *relay, const WzpNetcheckProbe *after, const WzpAddr *addr)
{
  WzpNetcheckProbe *probe = g_new0 (WzpNetcheckProbe, 1);
  guint at = 0;

  probe->addr = *addr;
  probe->answer = WZP_NAT_NO_ANSWER;
  probe->handshake_us = probe->reflect_us = -1;
  if (after != NULL && g_ptr_array_find (relay->probes, after, &at))
    g_ptr_array_insert (relay->probes, (int) at + 1, probe);
  else
    g_ptr_array_add (relay->probes, probe);
  return probe;
}

gboolean
wzp_netcheck_relay_has_answered (const WzpNetcheckRelay *relay)
{
  for (guint i = 0; i < relay->probes->len; i++) {
    const WzpNetcheckProbe *probe = relay->probes->pdata[i];

    if (probe->answer == WZP_NAT_ANSWERED)
      return TRUE;
  }
  return FALSE;
}

gboolean
wzp_netcheck_result_is_complete (const WzpNetcheckResult *self)
{
  for (guint i = 0; i < self->relays->len; i++)
    if (!wzp_netcheck_relay_has_answered (self->relays->pdata[i]))
      return FALSE;
  return TRUE;
}

void
wzp_netcheck_result_judge (WzpNetcheckResult *self)
{
  g_autoptr (GArray) observations =
      g_array_new (FALSE, FALSE, sizeof (WzpNatObservation));
  const WzpNatObservation *all;

  for (guint i = 0; i < self->relays->len; i++) {
    const WzpNetcheckRelay *relay = self->relays->pdata[i];

    for (guint j = 0; j < relay->probes->len; j++) {
      const WzpNetcheckProbe *probe = relay->probes->pdata[j];
      const WzpNatObservation observation = { .server = probe->addr,
        .local = probe->local,
        .observed = probe->observed,
        .answer = probe->answer };

      g_array_append_val (observations, observation);
    }
  }
  all = (const WzpNatObservation *) (gconstpointer) observations->data;
  wzp_nat_classify (all, observations->len, 4, &self->ipv4);
  wzp_nat_classify (all, observations->len, 6, &self->ipv6);
}
