#include "wzp-abuse.h"
#include "wzp-party.h"

#define FRAME_SIZE  160u /* 20 ms of 64 kbit/s */
#define INTERVAL_US (20 * 1000)
#define N_BEFORE    25u /* frames each way before the attack begins */
/* What a listener hears as the call breaking off, and 50 frames of it: the
 * relay would have to stand still. The call's own latency is 125 ms; between
 * that and this is what a busy machine does to four processes by itself. */
#define MAX_GAP_US (1000 * 1000)
/* At most one frame of so many. None is, but on a machine with other work: the
 * relay has one socket, and where it does not get to read that, the kernel
 * drops what it has no room for, the flood's or the call's. Nothing is sent
 * again. */
#define LOST_OF 100u

typedef struct {
  WzpSendFlow *send;
  WzpRecvFlow *recv;
  WzpTestSinkhole *hole;
  GThread *source;
  int is_over; /* atomic */
  guint pushed;
} Way;

struct _AbuseCall {
  WzpTest *test;
  WzpParty *parties[2]; /* caller, callee */
  Way ways[2];
};

typedef struct {
  char *attack, *sent, *happened, *felt;
} Row;

static GPtrArray *rows;

static gpointer
run_source (gpointer data)
{
  Way *way = data;
  gint64 start_us = g_get_monotonic_time ();

  g_assert_true (
      wzp_send_flow_describe (way->send, "audio/x-test", NULL, NULL));
  for (; !g_atomic_int_get (&way->is_over); way->pushed++) {
    WzpFrame *frame = wzp_party_frame_new (way->pushed + 1, FRAME_SIZE);
    gint64 due_us = start_us + (gint64) way->pushed * INTERVAL_US;
    gint64 now_us = g_get_monotonic_time ();

    /* The pace of a microphone. */
    if (due_us > now_us)
      g_usleep ((gulong) (due_us - now_us));
    frame->meta.pts = (guint64) way->pushed * INTERVAL_US * 1000;
    g_assert_cmpint (
        wzp_send_flow_push (way->send, frame, TRUE), ==, WZP_PUSH_OK);
  }
  wzp_send_flow_eos (way->send, wzp_test_slower (ABUSE_WAIT_MS));
  return NULL;
}

static void
start_way (Way *way, WzpParty *from, WzpParty *to)
{
  way->send =
      wzp_node_add_send_flow (from->node, "voice", NULL, NULL, NULL, NULL);
  way->recv = wzp_node_add_recv_flow (to->node, NULL, NULL);
  way->hole = wzp_test_sinkhole_new (way->recv, FRAME_SIZE, 1);
  way->source = g_thread_new ("voice", run_source, way);
}

static WzpParty *
start_party (const AbuseTarget *target, WzpMode mode)
{
  WzpNodeConfig config;
  WzpParty *party;

  wzp_party_config (&config, NULL);
  config.relay = abuse_target_get_address (target);
  config.mode = mode;
  config.policy = WZP_POLICY_RELAY;
  config.alias = mode == WZP_MODE_LISTENER ? "cam1" : NULL;
  config.peer = mode == WZP_MODE_CALLER ? "cam1" : NULL;
  config.no_reconnect = TRUE;
  party = wzp_party_new (&config);
  wzp_party_start (party);
  return party;
}

AbuseCall *
abuse_call_new (WzpTest *test, AbuseTarget *target)
{
  AbuseCall *self = g_new0 (AbuseCall, 1);

  self->test = test;
  self->parties[1] = start_party (target, WZP_MODE_LISTENER);
  wzp_test_assert_until (test,
      wzp_party_log_has (self->parties[1], "progress listening"),
      ABUSE_WAIT_MS);
  self->parties[0] = start_party (target, WZP_MODE_CALLER);
  for (guint i = 0; i < 2; i++)
    start_way (&self->ways[i], self->parties[i], self->parties[1 - i]);
  for (guint i = 0; i < 2; i++)
    wzp_test_assert_until (test,
        wzp_test_sinkhole_get (
            self->ways[i].hole, &self->ways[i].hole->frames) >= N_BEFORE,
        ABUSE_WAIT_MS);
  return self;
}

const WzpFingerprint *
abuse_call_get_callee (const AbuseCall *self)
{
  return wzp_identity_get_fingerprint (
      wzp_node_get_identity (self->parties[1]->node));
}

/* What it felt, for people (transfer full). */
static char *
finish_ways (AbuseCall *self)
{
  gint64 max_gap_us = 0;
  guint frames = 0, pushed = 0;

  for (guint i = 0; i < 2; i++)
    g_atomic_int_set (&self->ways[i].is_over, TRUE);
  for (guint i = 0; i < 2; i++) {
    Way *way = &self->ways[i];

    g_thread_join (way->source);
    wzp_test_assert_until (self->test,
        wzp_test_sinkhole_get (way->hole, &way->hole->eos) == 1, ABUSE_WAIT_MS);
    frames += way->hole->frames;
    pushed += way->pushed;
    max_gap_us = MAX (max_gap_us, way->hole->max_gap_us);
  }
  g_test_message ("the call: %u of %u frames, largest gap %" G_GINT64_FORMAT
                  " ms",
      frames, pushed, max_gap_us / 1000);
  g_assert_cmpuint ((pushed - frames) * LOST_OF, <=, pushed);
  g_assert_cmpint (max_gap_us, <, MAX_GAP_US * wzp_test_slower (1));
  return g_strdup_printf ("%u frames, %u lost, gap %" G_GINT64_FORMAT " ms",
      pushed, pushed - frames, max_gap_us / 1000);
}

char *
abuse_call_end (AbuseCall *self)
{
  char *felt = finish_ways (self);

  for (guint i = 0; i < 2; i++) {
    WzpParty *party = self->parties[i];
    Way *way = &self->ways[i];

    g_assert_cmpuint (
        wzp_party_count (party, &party->states[WZP_STATE_CONNECTED]), ==, 1);
    g_assert_cmpuint (
        wzp_party_count (party, &party->states[WZP_STATE_DISCONNECTED]), ==, 0);
    g_assert_cmpuint (wzp_party_count (party, &party->retries), ==, 0);
    g_assert_cmpuint (way->hole->wrong + way->hole->disordered, ==, 0);
    g_assert_cmpuint (way->hole->lost * LOST_OF, <=, way->pushed);
    wzp_test_sinkhole_free (way->hole);
    wzp_send_flow_unref (way->send);
    wzp_recv_flow_unref (way->recv);
  }
  for (guint i = 0; i < 2; i++)
    wzp_party_free (self->parties[i]);
  g_free (self);
  return felt;
}

/* ---- a case ---- */

static void
free_row (gpointer data)
{
  Row *row = data;

  g_free (row->attack);
  g_free (row->sent);
  g_free (row->happened);
  g_free (row->felt);
  g_free (row);
}

void
abuse_case_begin (
    AbuseCase *self, WzpTest *test, const char *attack, const char *config)
{
  *self = (AbuseCase){ .test = test, .attack = attack };
  self->target = abuse_target_new (test, config);
  self->call = abuse_call_new (test, self->target);
  self->rss_before = abuse_target_get_rss (self->target);
}

void
abuse_case_end (AbuseCase *self, const char *sent, const char *happened)
{
  gsize rss = abuse_target_get_rss (self->target);
  double grown = ((double) rss - (double) self->rss_before) / (1 << 20);
  Row *row = g_new0 (Row, 1);

  g_test_message ("memory of the relay: %.1f MiB, %+.1f by the attack",
      (double) rss / (1 << 20), grown);
#ifndef ABUSE_SANITIZED
  g_assert_cmpfloat (
      grown, <, self->max_growth_mib> 0 ? self->max_growth_mib : 32);
#endif
  row->attack = g_strdup (self->attack);
  row->sent = g_strdup (sent);
  row->happened = g_strdup_printf ("%s; memory %+.1f MiB", happened, grown);
  row->felt = abuse_call_end (self->call);
  abuse_target_free (self->target);
  if (rows == NULL)
    rows = g_ptr_array_new_with_free_func (free_row);
  g_ptr_array_add (rows, row);
}

void
abuse_print_table (void)
{
  if (rows == NULL)
    return;
  g_test_message ("| attack | sent | what happened | what the call felt |");
  g_test_message ("|---|---|---|---|");
  for (guint i = 0; i < rows->len; i++) {
    const Row *row = rows->pdata[i];

    g_test_message ("| %s | %s | %s | %s |", row->attack, row->sent,
        row->happened, row->felt);
  }
  g_clear_pointer (&rows, g_ptr_array_unref);
}
