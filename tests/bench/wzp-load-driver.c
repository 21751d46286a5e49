#include "wzp-load-driver.h"

#include "wzp-datagram.h"
#include "wzp-load-wait.h"

#define TICK_MS  5u
#define GRACE_MS 5000u /* for those under way when the time is over */

typedef struct {
  LoadScene *scene;
  const LoadDrive *drive;
  LoadDriven *driven;
  LoadCalls *calls; /* owned */
  GQueue talking;   /* of LoadCall: in their rooms, not heard by both yet */
  gint64 start_us;
  guint n_started;
} Driver;

static gboolean
is_over (const Driver *self)
{
  const LoadDrive *drive = self->drive;

  return (drive->n_calls != 0 && self->n_started >= drive->n_calls) ||
      g_get_monotonic_time () - self->start_us >= (gint64) drive->ms * 1000;
}

/* How many may have been begun by now. */
static guint
get_due (const Driver *self)
{
  const gint64 passed_us = g_get_monotonic_time () - self->start_us;

  if (self->drive->rate == 0)
    return G_MAXUINT;
  return (guint) (passed_us * self->drive->rate / G_USEC_PER_SEC) + 1;
}

static void
start_more (Driver *self)
{
  const guint due = get_due (self);

  while (!is_over (self) && self->n_started < due &&
      load_calls_get_count (self->calls) < self->drive->at_once) {
    LoadClient *caller, *callee;

    load_scene_get_pair (self->scene, self->n_started++, &caller, &callee);
    load_calls_start (self->calls, caller, callee);
  }
}

static void
finish (Driver *self, LoadCall *call)
{
  load_call_end (call);
  self->driven->n_done++;
  if (self->drive->done != NULL)
    self->drive->done (self->driven->n_done, self->drive->user_data);
  start_more (self);
}

static void
talk (LoadCall *call)
{
  guint8 data[WZP_DATAGRAM_MAX_PREFIX + 16] = { 0 };
  struct iovec iov = { data, sizeof data };

  for (guint i = 0; i < G_N_ELEMENTS (call->parties); i++) {
    LoadParty *party = &call->parties[i];

    wzp_datagram_write_prefix (data,
        WZP_DATAGRAM_FRAME_START | WZP_DATAGRAM_FRAME_END, party->n_sent++, 1);
    wzp_conn_send_datagram (party->conn, &iov, 1);
  }
}

static void
on_ready (LoadCall *call, gpointer user_data)
{
  Driver *self = user_data;

  load_histogram_add (
      &self->driven->latency, call->ready_us - call->offered_us);
  if (!self->drive->want_rooms) {
    finish (self, call);
    return;
  }
  g_queue_push_tail (&self->talking, call);
  talk (call);
}

static void
on_datagram (
    LoadParty *party, const guint8 *data, gsize len, gpointer user_data)
{
  Driver *self = user_data;
  LoadCall *call = party->call;

  party->n_received++;
  if (call->parties[0].n_received == 0 || call->parties[1].n_received == 0)
    return;
  g_queue_remove (&self->talking, call);
  finish (self, call);
}

static void
on_failed (LoadCall *call, gpointer user_data)
{
  Driver *self = user_data;

  g_queue_remove (&self->talking, call);
  self->driven->n_failed++;
}

static const LoadCallsHandler handler = {
  .ready = on_ready,
  .datagram = on_datagram,
  .failed = on_failed,
};

/* Also says again what came to the relay before the other party was there. */
static gboolean
on_tick (gpointer user_data)
{
  Driver *self = user_data;

  for (GList *l = self->talking.head; l != NULL; l = l->next)
    talk (l->data);
  start_more (self);
  return G_SOURCE_CONTINUE;
}

static gboolean
is_done (gpointer user_data)
{
  const Driver *self = user_data;

  return is_over (self) && load_calls_get_count (self->calls) == 0;
}

static char *
tell (gpointer user_data)
{
  const Driver *self = user_data;

  return g_strdup_printf (
      "%u calls, %u failed", self->driven->n_done, self->driven->n_failed);
}

void
load_drive (LoadScene *scene, const LoadDrive *drive, LoadDriven *ret_driven)
{
  Driver self = { .scene = scene, .drive = drive, .driven = ret_driven };
  guint tick;

  *ret_driven = (LoadDriven){ 0 };
  g_queue_init (&self.talking);
  self.calls = load_calls_new (drive->want_rooms, &handler, &self);
  scene->calls = self.calls;
  self.start_us = g_get_monotonic_time ();
  tick = g_timeout_add (TICK_MS, on_tick, &self);
  start_more (&self);
  load_wait (is_done, tell, &self, drive->ms + GRACE_MS);
  g_source_remove (tick);
  ret_driven->us = g_get_monotonic_time () - self.start_us;
  ret_driven->n_left = load_calls_get_count (self.calls);
  scene->calls = NULL;
  g_queue_clear (&self.talking);
  load_calls_free (self.calls);
}
