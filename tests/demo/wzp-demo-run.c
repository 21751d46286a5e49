#include "wzp-demo-run.h"

#include <gst/gst.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "wzp-demo-child.h"
#include "wzp-demo-facts.h"
#include "wzp-demo-story.h"

#define START_SECONDS 10          /* for a relay or a peer to be ready */
#define CALL_SECONDS  30          /* for a call */
#define ADDRESS       "127.0.0.1" /* nothing leaves this machine */
#define NAME          "demo"      /* what the listener registers */

typedef struct Call Call;

typedef struct {
  Call *call;
  guint index;
  DemoChild *child; /* owned, nullable */
  gboolean is_ready;
  gboolean is_done;     /* all its streams have ended */
  gboolean is_over;     /* says no more */
  char *candidates;     /* owned, nullable: the line as it came */
  GstStructure *result; /* owned, nullable */
} Side;

struct Call {
  const DemoPlan *plan;
  const DemoPrograms *programs;
  DemoChild *relay;    /* owned, nullable */
  char *relay_address; /* owned, nullable */
  gboolean relay_is_ready;
  gboolean relay_is_over;
  Side sides[2];
  gboolean has_failed;
};

static void G_GNUC_PRINTF (2, 3) fail (Call *call, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  printf ("   FAILED      %s\n", text);
  call->has_failed = TRUE;
}

static void
note (const char *who, const char *text)
{
  printf ("   . %s: %s\n", who, text);
  fflush (stdout);
}

/* ---- the relay ---- */

static void
on_relay_line (const char *line, gpointer user_data)
{
  Call *call = user_data;

  if (line == NULL) {
    call->relay_is_over = TRUE;
    return;
  }
  if (g_str_equal (line, "ready"))
    call->relay_is_ready = TRUE;
  else if (g_str_has_prefix (line, "listening on ") &&
      call->relay_address == NULL)
    call->relay_address = g_strdup (line + strlen ("listening on "));
  else
    return;
  note ("relay", line);
}

static gboolean
relay_is_settled (gpointer data)
{
  Call *call = data;

  return call->relay_is_ready || call->relay_is_over;
}

static gboolean
start_relay (Call *call)
{
  const char *argv[] = { call->programs->relay, "--listen", ADDRESS, "--port",
    "0", "--ephemeral-key", "--quiet", NULL };
  g_autoptr (GError) error = NULL;

  call->relay = demo_child_new (argv, on_relay_line, call, &error);
  if (call->relay == NULL) {
    fail (call, "%s", error->message);
    return FALSE;
  }
  demo_wait (relay_is_settled, call, START_SECONDS);
  if (call->relay_is_ready && call->relay_address != NULL)
    return TRUE;
  fail (call, "the relay does not start");
  return FALSE;
}

/* ---- the peers ---- */

static void
take_result (Side *side, const char *text)
{
  side->result = gst_structure_from_string (text, NULL);
  if (side->result == NULL)
    fail (side->call, "what %s reports cannot be read",
        side->call->plan->names[side->index]);
}

static void
on_peer_line (const char *line, gpointer user_data)
{
  Side *side = user_data;
  const char *who = side->call->plan->names[side->index];

  if (line == NULL)
    side->is_over = TRUE;
  else if (g_str_equal (line, "ready"))
    side->is_ready = TRUE;
  else if (g_str_equal (line, "done"))
    side->is_done = TRUE;
  else if (g_str_has_prefix (line, "candidates ") && side->candidates == NULL)
    side->candidates = g_strdup (line);
  else if (g_str_has_prefix (line, "note "))
    note (who, line + strlen ("note "));
  else if (g_str_has_prefix (line, "error "))
    fail (side->call, "%s: %s", who, line + strlen ("error "));
  else if (g_str_has_prefix (line, "result ") && side->result == NULL)
    take_result (side, line + strlen ("result "));
}

static char *
peer_settings (const Call *call, guint index)
{
  const DemoPlan *plan = call->plan;

  if (!plan->with_relay)
    return g_strdup ("mode=app bind-address=" ADDRESS);
  return g_strdup_printf (
      "uri=wzp://%s/%s mode=%s bind-address=%s retry-backoff-factor=0.1%s",
      call->relay_address, NAME, index == 0 ? "caller" : "listener", ADDRESS,
      plan->relay_only ? " transport-policy=relay" : "");
}

static gboolean
start_peer (Call *call, guint index)
{
  const DemoPlan *plan = call->plan;
  Side *side = &call->sides[index];
  g_autofree char *png = g_strdup_printf ("%s/%s%s.png", call->programs->dir,
      plan->name, plan->two_ways && index == 0 ? "-back" : "");
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_autofree char *settings = peer_settings (call, index);
  g_auto (GStrv) argv = NULL;
  g_autoptr (GError) error = NULL;

  g_strv_builder_add_many (builder, call->programs->self, "--peer",
      index == 0 ? "0" : "1", "--settings", settings, "--png", png, NULL);
  if (plan->two_ways || index == 0)
    g_strv_builder_add (builder, "--sends");
  if (plan->two_ways || index == 1)
    g_strv_builder_add (builder, "--receives");
  if (plan->two_ways)
    g_strv_builder_add (builder, "--sound");
  if (!plan->with_relay)
    g_strv_builder_add (builder, "--app");
  argv = g_strv_builder_end (builder);

  side->call = call;
  side->index = index;
  side->child =
      demo_child_new ((const char *const *) argv, on_peer_line, side, &error);
  if (side->child == NULL)
    fail (call, "%s", error->message);
  return side->child != NULL;
}

static gboolean
listener_is_settled (gpointer data)
{
  Call *call = data;

  return call->sides[1].is_ready || call->sides[1].is_over || call->has_failed;
}

static gboolean
candidates_are_settled (gpointer data)
{
  Call *call = data;

  return (call->sides[0].candidates != NULL &&
             call->sides[1].candidates != NULL) ||
      call->sides[0].is_over || call->sides[1].is_over || call->has_failed;
}

static gboolean
streams_are_settled (gpointer data)
{
  Call *call = data;

  return (call->sides[0].is_done && call->sides[1].is_done) ||
      call->sides[0].is_over || call->sides[1].is_over || call->has_failed;
}

static gboolean
sides_are_over (gpointer data)
{
  Call *call = data;

  return call->sides[0].is_over && call->sides[1].is_over;
}

/* The listener first: it must be known before it can be called. */
static gboolean
start_by_name (Call *call)
{
  if (!start_relay (call) || !start_peer (call, 1))
    return FALSE;
  demo_wait (listener_is_settled, call, START_SECONDS);
  if (!call->sides[1].is_ready) {
    fail (call, "%s is not registered", call->plan->names[1]);
    return FALSE;
  }
  note (call->plan->names[1], "waits under the name " NAME);
  return start_peer (call, 0);
}

/* This program is the application's signalling: a line each way. */
static gboolean
start_by_hand (Call *call)
{
  Side *sides = call->sides;

  if (!start_peer (call, 0) || !start_peer (call, 1))
    return FALSE;
  demo_wait (candidates_are_settled, call, START_SECONDS);
  if (sides[0].candidates == NULL || sides[1].candidates == NULL) {
    fail (call, "no candidates came");
    return FALSE;
  }
  demo_child_send (sides[0].child, sides[1].candidates);
  demo_child_send (sides[1].child, sides[0].candidates);
  note ("demo", "carried one line of candidates each way");
  return TRUE;
}

/* Both go on until both are done: who goes first ends the other's streams. */
static gboolean
finish (Call *call)
{
  demo_wait (streams_are_settled, call, CALL_SECONDS);
  if (call->has_failed)
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (call->sides); i++) {
    Side *side = &call->sides[i];

    if (!side->is_done) {
      fail (call, "%s: its streams have not ended", call->plan->names[i]);
      return FALSE;
    }
    demo_child_send (side->child, "end");
  }
  demo_wait (sides_are_over, call, START_SECONDS);
  return TRUE;
}

static void
judge (Call *call)
{
  const GstStructure *const results[2] = { call->sides[0].result,
    call->sides[1].result };
  g_autoptr (GPtrArray) complaints = NULL;

  if (results[0] == NULL || results[1] == NULL) {
    fail (call, "a side has not told how it was");
    return;
  }
  demo_story_tell (call->plan, results);
  complaints = demo_story_judge (call->plan, results);
  for (guint i = 0; i < complaints->len; i++)
    fail (call, "%s", (const char *) g_ptr_array_index (complaints, i));
}

static void
end_side (Side *side)
{
  const char *who =
      side->call != NULL ? side->call->plan->names[side->index] : "";

  if (side->child != NULL && !demo_child_end (side->child, 0))
    fail (side->call, "%s did not end in order", who);
  g_clear_pointer (&side->child, demo_child_free);
  g_clear_pointer (&side->candidates, g_free);
  g_clear_pointer (&side->result, gst_structure_free);
}

static void
end_call (Call *call)
{
  for (guint i = 0; i < G_N_ELEMENTS (call->sides); i++)
    end_side (&call->sides[i]);
  if (call->relay != NULL && !demo_child_end (call->relay, SIGTERM))
    fail (call, "the relay did not end in order");
  g_clear_pointer (&call->relay, demo_child_free);
  g_clear_pointer (&call->relay_address, g_free);
}

gboolean
demo_run (const DemoPlan *plan, const DemoPrograms *programs)
{
  Call call = { .plan = plan, .programs = programs };
  const gint64 start_us = g_get_monotonic_time ();

  printf ("%s\n", plan->title);
  fflush (stdout);
  if ((plan->with_relay ? start_by_name (&call) : start_by_hand (&call)) &&
      finish (&call))
    judge (&call);
  end_call (&call);
  printf ("   %s, %.1f s\n\n",
      call.has_failed ? "NOT as it should be" : "as it should be",
      (double) (g_get_monotonic_time () - start_us) / G_USEC_PER_SEC);
  fflush (stdout);
  return !call.has_failed;
}
