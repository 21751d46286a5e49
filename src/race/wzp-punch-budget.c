#include "wzp-punch-budget.h"

#define MINUTE_US (60 * (gint64) G_USEC_PER_SEC)

static gboolean
is_in_burst (const WzpPunchBudget *self, gint64 now_us)
{
  return now_us - self->burst_us < WZP_PUNCH_BURST_US;
}

static void
note (WzpPunchBudget *self, const WzpAddr *to, gint64 now_us, gboolean is_dial)
{
  self->log[self->next] = (WzpPunchEntry){ .at_us = now_us,
    .to = *to,
    .in_burst = is_in_burst (self, now_us),
    .is_dial = is_dial };
  self->next = (self->next + 1) % WZP_PUNCH_LOG_SIZE;
  self->len = MIN (self->len + 1, WZP_PUNCH_LOG_SIZE);
}

/* Packets, or dials, of the last minute: @ret_to: to this address, @ret_idle:
 * outside of bursts. Returns: all. */
static guint
count (const WzpPunchBudget *self, const WzpAddr *to, gint64 now_us,
    gboolean is_dial, guint *ret_to, guint *ret_idle)
{
  guint n = 0;

  *ret_to = *ret_idle = 0;
  for (guint i = 0; i < self->len; i++) {
    const WzpPunchEntry *entry = &self->log[i];

    if (now_us - entry->at_us >= MINUTE_US || entry->is_dial != is_dial)
      continue;
    n++;
    *ret_to += wzp_addr_equal_ip (&entry->to, to);
    *ret_idle += !entry->in_burst;
  }
  return n;
}

void
wzp_punch_budget_init (WzpPunchBudget *self, gint64 now_us)
{
  *self = (WzpPunchBudget){ .burst_us = now_us };
}

void
wzp_punch_budget_renew (WzpPunchBudget *self, gint64 now_us)
{
  if (now_us - self->burst_us < WZP_PUNCH_NEW_BURST_US)
    return;
  self->burst_us = now_us;
  self->burst_sent = 0;
}

gboolean
wzp_punch_budget_take_packet (
    WzpPunchBudget *self, const WzpAddr *to, gint64 now_us)
{
  const gboolean in_burst = is_in_burst (self, now_us);
  guint n_to, n_idle;

  count (self, to, now_us, FALSE, &n_to, &n_idle);
  if (n_to >= WZP_PUNCH_MAX_TO_ADDRESS ||
      (in_burst ? self->burst_sent >= WZP_PUNCH_MAX_BURST
                : n_idle >= WZP_PUNCH_MAX_A_MINUTE))
    return FALSE;
  self->burst_sent += in_burst;
  note (self, to, now_us, FALSE);
  return TRUE;
}

gboolean
wzp_punch_budget_take_dial (
    WzpPunchBudget *self, const WzpAddr *to, gint64 now_us)
{
  guint n_to, n_idle;

  if (count (self, to, now_us, TRUE, &n_to, &n_idle) >= WZP_PUNCH_MAX_DIALS ||
      n_to >= WZP_PUNCH_MAX_DIALS_TO_ADDRESS)
    return FALSE;
  note (self, to, now_us, TRUE);
  return TRUE;
}
