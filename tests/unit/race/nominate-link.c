#include "nominate-sim-private.h"

#include <string.h>

static gboolean
event_is_before (const Event *x, const Event *y)
{
  return x->at_us != y->at_us ? x->at_us < y->at_us : x->order < y->order;
}

void
sim_push (Sim *self, Event event)
{
  guint i = self->heap->len;
  Event *heap;

  event.order = self->order++;
  g_array_append_val (self->heap, event);
  heap = (Event *) (void *) self->heap->data;
  while (i > 0 && event_is_before (&event, &heap[(i - 1) / 2])) {
    heap[i] = heap[(i - 1) / 2];
    i = (i - 1) / 2;
  }
  heap[i] = event;
}

Event
sim_pop (Sim *self)
{
  Event *heap = (Event *) (void *) self->heap->data;
  const Event top = heap[0];
  const Event last = heap[self->heap->len - 1];
  guint i = 0, child;

  g_array_set_size (self->heap, self->heap->len - 1);
  while ((child = 2 * i + 1) < self->heap->len) {
    if (child + 1 < self->heap->len &&
        event_is_before (&heap[child + 1], &heap[child]))
      child++;
    if (!event_is_before (&heap[child], &last))
      break;
    heap[i] = heap[child];
    i = child;
  }
  if (self->heap->len > 0)
    heap[i] = last;
  return top;
}

gboolean
sim_chance (Sim *self, double p)
{
  return p > 0 && g_rand_double (self->rand) < p;
}

static gint64
leg_delay (Sim *self, WzpPath path)
{
  return self->config.delay_us[path] +
      (self->config.jitter_us > 0 ? g_rand_int_range (self->rand, 0,
                                        (gint32) self->config.jitter_us)
                                  : 0);
}

static gint64
path_delay (Sim *self, WzpPath path)
{
  return leg_delay (self, path) +
      (path == WZP_PATH_RELAY ? leg_delay (self, path) : 0);
}

static gint64
base_rtt (const Sim *self, WzpPath path)
{
  return 2 * self->config.delay_us[path] + self->config.jitter_us;
}

gboolean
sim_passes (const Sim *self, WzpPath path, int from)
{
  if (self->blackhole[path][from][SIM_LEG_OUT])
    return FALSE;
  return path == WZP_PATH_DIRECT ||
      !self->blackhole[path][1 - from][SIM_LEG_IN];
}

/* Whether what @side sends now is acknowledged: by the peer's connection, or
 * by the relay. */
static gboolean
is_acknowledged (const Sim *self, WzpPath path, int side)
{
  if (path == WZP_PATH_RELAY)
    return !self->blackhole[path][side][SIM_LEG_OUT] &&
        !self->blackhole[path][side][SIM_LEG_IN];
  return self->sides[1 - side].is_up[path] && sim_passes (self, path, side) &&
      sim_passes (self, path, 1 - side);
}

void
sim_update_good (Sim *self)
{
  for (WzpPath path = WZP_PATH_RELAY; path <= WZP_PATH_DIRECT; path++) {
    const gboolean is_good = self->sides[0].is_up[path] &&
        self->sides[1].is_up[path] && sim_passes (self, path, 0) &&
        sim_passes (self, path, 1) && is_acknowledged (self, path, 0) &&
        is_acknowledged (self, path, 1) &&
        !(path == WZP_PATH_DIRECT && self->config.is_narrow);

    if (!is_good)
      self->good_us[path] = -1;
    else if (self->good_us[path] < 0)
      self->good_us[path] = self->now_us;
  }
}

gboolean
sim_send_datagram (
    Sim *self, int side, WzpPath path, double loss, gint64 *ret_at)
{
  Connection *conn = &self->sides[side].conns[path];

  if (!self->sides[side].is_up[path])
    return FALSE;
  if (conn->n_sent < MAX_UNACKED)
    conn->sent[conn->n_sent++] = self->now_us;
  if (is_acknowledged (self, path, side) && !sim_chance (self, loss))
    sim_push (self,
        (Event){ .type = EVENT_QUIC_ACK,
            .at_us =
                self->now_us + leg_delay (self, path) + leg_delay (self, path),
            .side = side,
            .path = path,
            .a = (guint64) self->now_us });
  if (!sim_passes (self, path, side) || sim_chance (self, loss))
    return FALSE;
  *ret_at = self->now_us + path_delay (self, path);
  return TRUE;
}

void
sim_acknowledge (Sim *self, const Event *event)
{
  Connection *conn = &self->sides[event->side].conns[event->path];
  guint n = 0;

  while (n < conn->n_sent && conn->sent[n] <= (gint64) event->a)
    n++;
  conn->n_sent -= n;
  memmove (conn->sent, conn->sent + n, conn->n_sent * sizeof conn->sent[0]);
}

void
sim_sample (Sim *self, int side)
{
  Side *s = &self->sides[side];

  for (WzpPath path = WZP_PATH_RELAY; path <= WZP_PATH_DIRECT; path++) {
    const Connection *conn = &s->conns[path];
    const gint64 rtt_us = base_rtt (self, path);
    const gint64 pto_us = rtt_us + 2 * self->config.jitter_us + 25 * SIM_MS;
    const gint64 unacked_us =
        conn->n_sent > 0 ? self->now_us - conn->sent[0] : 0;

    if (!s->is_up[path])
      continue;
    wzp_nominate_sample (
        s->nominate, path, rtt_us, pto_us, unacked_us, self->now_us);
    /* QUIC's own probe, which lets it find out what was lost. */
    if (unacked_us > pto_us && is_acknowledged (self, path, side) &&
        !sim_chance (self, self->config.loss))
      sim_push (self,
          (Event){ .type = EVENT_QUIC_ACK,
              .at_us = self->now_us + rtt_us,
              .side = side,
              .path = path,
              .a = (guint64) self->now_us });
  }
}
