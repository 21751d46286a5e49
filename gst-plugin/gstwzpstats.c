#include "gstwzpstats.h"

#include "gstwzpenums.h"

static double
to_ms (gint64 us)
{
  return us < 0 ? -1.0 : (double) us / 1000.0;
}

/* Takes @s. */
static void
append_structure (GValue *array, GstStructure *s)
{
  GValue value = G_VALUE_INIT;

  g_value_init (&value, GST_TYPE_STRUCTURE);
  g_value_take_boxed (&value, s);
  gst_value_array_append_and_take_value (array, &value);
}

/* Left out where there is nothing to say. */
static void
set_text (GstStructure *s, const char *field, const char *text)
{
  if (text[0] != '\0')
    gst_structure_set (s, field, G_TYPE_STRING, text, NULL);
}

static GstStructure *
new_path (const WzpPathStats *path)
{
  return gst_structure_new ("application/x-wzp-path", "path",
      gst_wzp_path_get_type (), path->path, "local", G_TYPE_STRING, path->local,
      "remote", G_TYPE_STRING, path->remote, "rtt-ms", G_TYPE_DOUBLE,
      (double) path->srtt_us / 1000.0, "cwnd", G_TYPE_UINT64, path->cwnd,
      "lost", G_TYPE_UINT64, path->packets_lost, "state", G_TYPE_STRING,
      !path->is_up       ? "down"
          : path->in_use ? "in-use"
                         : "standby",
      "mtu", G_TYPE_UINT, path->mtu, "packets-sent", G_TYPE_UINT64,
      path->packets_sent, "packets-received", G_TYPE_UINT64,
      path->packets_received, NULL);
}

static GstStructure *
new_dial (const WzpDialStats *dial)
{
  GstStructure *s = gst_structure_new ("application/x-wzp-dial", "address",
      G_TYPE_STRING, dial->address, "type", G_TYPE_STRING, dial->type, "state",
      G_TYPE_STRING, dial->state, "took-ms", G_TYPE_DOUBLE,
      to_ms (dial->took_us), NULL);

  set_text (s, "reason", dial->reason);
  return s;
}

/* Takes nothing; @name: of the structure. */
static GstStructure *
new_race (const char *name, const WzpCallStats *call)
{
  GstStructure *s = gst_structure_new (name, "winner", gst_wzp_path_get_type (),
      call->winner, "time-to-connect-ms", G_TYPE_DOUBLE,
      to_ms (call->time_to_connect_us), "time-to-first-media-ms", G_TYPE_DOUBLE,
      to_ms (call->time_to_first_media_us), "time-to-direct-ms", G_TYPE_DOUBLE,
      to_ms (call->time_to_direct_us), NULL);
  GValue dials = G_VALUE_INIT;

  g_value_init (&dials, GST_TYPE_ARRAY);
  for (guint i = 0; i < call->n_dials; i++)
    append_structure (&dials, new_dial (&call->dials[i]));
  gst_structure_take_value (s, "candidates", &dials);
  return s;
}

/* The path in use, or the first; NULL: none. */
static const WzpPathStats *
main_path (const WzpCallStats *call)
{
  for (guint i = 0; i < call->n_paths; i++) {
    if (call->paths[i].in_use)
      return &call->paths[i];
  }
  return call->n_paths > 0 ? &call->paths[0] : NULL;
}

/* What the window lets through in a round trip. */
static double
bandwidth_mbps (const WzpPathStats *path)
{
  return path->srtt_us > 0 ? (double) path->cwnd * 8.0 / (double) path->srtt_us
                           : 0.0;
}

static void
add_call (WzpCallStats *sum, guint64 *ret_sent_lost, const WzpCallStats *call)
{
  sum->packets_sent += call->packets_sent;
  sum->bytes_sent += call->bytes_sent;
  sum->packets_received += call->packets_received;
  sum->bytes_received += call->bytes_received;
  sum->packets_received_lost += call->packets_received_lost;
  sum->packets_bad += call->packets_bad;
  sum->frames_sent += call->frames_sent;
  sum->frames_received += call->frames_received;
  sum->frames_lost += call->frames_lost;
  sum->frames_dropped += call->frames_dropped;
  for (guint i = 0; i < call->n_paths; i++)
    *ret_sent_lost += call->paths[i].packets_lost;
}

/* The types are those of srt, but that all packets-* are 64 bits wide. */
static void
set_counters (GstStructure *s, const WzpCallStats *sum, guint64 sent_lost)
{
  gst_structure_set (s, "packets-sent", G_TYPE_INT64,
      (gint64) sum->packets_sent, "packets-sent-lost", G_TYPE_INT64,
      (gint64) sent_lost,
      /* Nothing is sent twice yet. */
      "packets-retransmitted", G_TYPE_INT64, (gint64) 0, "bytes-sent",
      G_TYPE_UINT64, sum->bytes_sent, "packets-received", G_TYPE_INT64,
      (gint64) sum->packets_received, "packets-received-lost", G_TYPE_INT64,
      (gint64) sum->packets_received_lost, "packets-received-dropped",
      G_TYPE_INT64, (gint64) sum->packets_bad, "bytes-received", G_TYPE_UINT64,
      sum->bytes_received, "frames-sent", G_TYPE_UINT64, sum->frames_sent,
      "frames-received", G_TYPE_UINT64, sum->frames_received, "frames-lost",
      G_TYPE_UINT64, sum->frames_lost, "frames-dropped", G_TYPE_UINT64,
      sum->frames_dropped, NULL);
}

/* @call: nullable. */
static void
set_paths (GstStructure *s, const WzpCallStats *call)
{
  const WzpPathStats *path = call != NULL ? main_path (call) : NULL;
  GValue paths = G_VALUE_INIT;

  g_value_init (&paths, GST_TYPE_ARRAY);
  for (guint i = 0; call != NULL && i < call->n_paths; i++)
    append_structure (&paths, new_path (&call->paths[i]));
  gst_structure_take_value (s, "paths", &paths);
  gst_structure_set (s, "rtt-ms", G_TYPE_DOUBLE,
      path != NULL ? (double) path->srtt_us / 1000.0 : 0.0, "bandwidth-mbps",
      G_TYPE_DOUBLE, path != NULL ? bandwidth_mbps (path) : 0.0, NULL);
}

static void
set_race (GstStructure *s, const WzpCallStats *call)
{
  g_autoptr (GstStructure) race = new_race ("application/x-wzp-race", call);

  gst_structure_set (s, "race", GST_TYPE_STRUCTURE, race, NULL);
}

static GstStructure *
new_caller (const WzpCallStats *call)
{
  char text[WZP_FINGERPRINT_STRLEN];
  guint64 sent_lost = 0;
  WzpCallStats sum = { 0 };
  GstStructure *s =
      gst_structure_new ("application/x-wzp-caller", "fingerprint",
          G_TYPE_STRING, wzp_fingerprint_to_string (&call->peer, text), "path",
          gst_wzp_path_get_type (), call->path, NULL);

  add_call (&sum, &sent_lost, call);
  set_counters (s, &sum, sent_lost);
  set_text (s, "path-reason", call->path_reason);
  set_paths (s, call);
  set_race (s, call);
  return s;
}

/* What the peer is told of where we are. */
static void
set_candidates (GstStructure *s, const WzpNodeStats *stats)
{
  GValue local = G_VALUE_INIT;

  g_value_init (&local, GST_TYPE_ARRAY);
  for (guint i = 0; stats != NULL && i < stats->n_local_candidates; i++) {
    GValue text = G_VALUE_INIT;

    g_value_init (&text, G_TYPE_STRING);
    g_value_set_string (&text, stats->local_candidates[i]);
    gst_value_array_append_and_take_value (&local, &text);
  }
  gst_structure_take_value (s, "local-candidates", &local);
  gst_structure_set (s, "reflexive", G_TYPE_STRING,
      stats != NULL ? stats->reflexive : "", NULL);
}

/* As srt does: each caller apart where there are several. */
static void
set_callers (GstStructure *s, const WzpNodeStats *stats)
{
  GValue callers = G_VALUE_INIT;

  g_value_init (&callers, GST_TYPE_ARRAY);
  for (guint i = 0; i < stats->n_calls; i++)
    append_structure (&callers, new_caller (&stats->calls[i]));
  gst_structure_take_value (s, "callers", &callers);
}

static double
rate_mbps (guint64 before, guint64 now, gint64 elapsed_us)
{
  /* A call that ended takes its bytes along. */
  return now < before ? 0.0 : (double) (now - before) * 8.0 / elapsed_us;
}

void
gst_wzp_rates_update (
    GstWzpRates *self, const WzpNodeStats *stats, gint64 now_us)
{
  const gint64 elapsed_us = now_us - self->at_us;
  guint64 sent = 0, received = 0;

  if (elapsed_us < GST_WZP_RATE_INTERVAL_US)
    return;
  for (guint i = 0; i < stats->n_calls; i++) {
    sent += stats->calls[i].bytes_sent;
    received += stats->calls[i].bytes_received;
  }
  if (self->at_us != 0) {
    self->send_mbps = rate_mbps (self->sent, sent, elapsed_us);
    self->receive_mbps = rate_mbps (self->received, received, elapsed_us);
  }
  self->at_us = now_us;
  self->sent = sent;
  self->received = received;
}

GstStructure *
gst_wzp_stats_new (const WzpNodeStats *stats, const GstWzpRates *rates,
    guint latency_ms, guint64 dropped)
{
  const guint n_calls = stats != NULL ? stats->n_calls : 0;
  GstStructure *s = gst_structure_new_empty (GST_WZP_STATS_NAME);
  WzpCallStats sum = { .frames_dropped = dropped };
  guint64 sent_lost = 0;

  for (guint i = 0; i < n_calls; i++)
    add_call (&sum, &sent_lost, &stats->calls[i]);
  set_counters (s, &sum, sent_lost);
  gst_structure_set (s, "send-rate-mbps", G_TYPE_DOUBLE, rates->send_mbps,
      "receive-rate-mbps", G_TYPE_DOUBLE, rates->receive_mbps,
      "negotiated-latency-ms", G_TYPE_INT, (int) latency_ms, NULL);
  set_paths (s, n_calls > 0 ? &stats->calls[0] : NULL);
  set_candidates (s, stats);
  if (n_calls > 0) {
    set_text (s, "path-reason", stats->calls[0].path_reason);
    set_race (s, &stats->calls[0]);
  }
  if (n_calls > 1)
    set_callers (s, stats);
  if (stats != NULL && stats->room_members > 0)
    gst_structure_set (
        s, "room-members", G_TYPE_UINT, stats->room_members, NULL);
  return s;
}

GstStructure *
gst_wzp_stats_new_race (const WzpNodeStats *stats)
{
  const WzpCallStats *call;
  char text[WZP_FINGERPRINT_STRLEN];
  GstStructure *s;

  if (stats->n_calls == 0)
    return NULL;
  call = &stats->calls[stats->n_calls - 1];
  s = new_race ("wzp-race", call);
  gst_structure_set (s, "fingerprint", G_TYPE_STRING,
      wzp_fingerprint_to_string (&call->peer, text), "role", G_TYPE_STRING,
      call->role, NULL);
  return s;
}

GstStructure *
gst_wzp_stats_new_path (
    const WzpNodeStats *stats, WzpPath old_path, WzpPath new_path)
{
  GstStructure *s =
      gst_structure_new ("wzp-path", "old", gst_wzp_path_get_type (), old_path,
          "new", gst_wzp_path_get_type (), new_path, NULL);

  set_text (s, "reason", stats->path_reason);
  return s;
}
