#include "wzp-demo-story.h"

#include <stdio.h>

#include "wzp-demo-facts.h"
#include "wzp-demo-peer.h"
#include "wzp-demo-picture.h"

/* Of the pictures and sounds that one side sends, so many must come: the rest
 * is what passed before the call was up. */
#define MIN_PICTURES (DEMO_PICTURES / 2)
#define MIN_WINDOWS  20u /* of 0.1 s */
#define MAX_TIME_MS  100.0
#define MAX_START_MS 8000.0

/* Which sides receive: of a call one way, the one called. */
static gboolean
receives (const DemoPlan *plan, guint side)
{
  return plan->two_ways || side == 1;
}

/* ---- telling ---- */

static void
    G_GNUC_PRINTF (2, 3) tell (const char *what, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  printf ("   %-11s %s\n", what, text);
}

static void
tell_side (
    const DemoPlan *plan, const GstStructure *const results[2], guint side)
{
  const GstStructure *r = results[side];
  const char *candidates = demo_facts_string (r, "candidates");
  const char *dials = demo_facts_string (r, "dials");

  if (plan->relay_only)
    tell (plan->names[side], "tells nobody its address");
  else if (*candidates != '\0')
    tell (plan->names[side], "candidates %s", candidates);
  tell (plan->names[side], "%s; dialled %s", demo_facts_string (r, "role"),
      *dials != '\0' ? dials : "nobody");
}

static void
tell_race (const DemoPlan *plan, const GstStructure *const results[2])
{
  const GstStructure *r = results[0];
  const char *winner = demo_facts_string (r, "winner");
  const char *path = demo_facts_string (r, "path");
  const double direct_ms = demo_facts_double (r, "direct-ms", -1.0);

  if (direct_ms >= 0.0 && !g_str_equal (winner, "direct"))
    tell ("race", "won by %s, direct was up after %.1f ms and took over",
        winner, direct_ms);
  else
    tell ("race", "won by %s", winner);
  tell ("paths", "%s", path != NULL ? demo_facts_string (r, "paths") : "");
}

static void
tell_times (const DemoPlan *plan, const GstStructure *const results[2])
{
  tell ("time",
      "%s connected %.0f ms after its start; first media %.0f ms "
      "after the race began, first picture %.0f ms after its start",
      plan->names[0], demo_facts_double (results[0], "up-ms", -1.0),
      demo_facts_double (results[1], "media-ms", -1.0),
      demo_facts_double (results[1], "picture-ms", -1.0));
}

static void
tell_direction (
    const DemoPlan *plan, const GstStructure *const results[2], guint to)
{
  const GstStructure *sender = results[1 - to];
  const GstStructure *r = results[to];

  tell ("frames",
      "%s sent %" G_GUINT64_FORMAT ", %s received %" G_GUINT64_FORMAT
      ", lost %" G_GUINT64_FORMAT ", rtt %.2f ms",
      plan->names[1 - to], demo_facts_count (sender, "sent"), plan->names[to],
      demo_facts_count (r, "received"), demo_facts_count (r, "lost"),
      demo_facts_double (r, "rtt-ms", -1.0));
  tell ("pictures",
      "%" G_GUINT64_FORMAT " compared with the source, %" G_GUINT64_FORMAT
      " right: %.1f dB at worst (12 pictures off: %.1f dB), times %.1f ms off",
      demo_facts_count (r, "compared"), demo_facts_count (r, "right"),
      demo_facts_double (r, "worst-db", 0.0),
      demo_facts_double (r, "moved-db", 0.0),
      demo_facts_double (r, "time-ms", 0.0));
  if (!plan->two_ways)
    return;
  tell ("sound",
      "%.1f s of a %.0f Hz tone, %.1f s right: %.1f %% of its power at worst, "
      "level %+.1f dB",
      (double) demo_facts_count (r, "windows") / 10.0,
      demo_facts_double (r, "tone-hz", 0.0),
      (double) demo_facts_count (r, "windows-right") / 10.0,
      demo_facts_double (r, "purity", 0.0) * 100.0,
      demo_facts_double (r, "level-db", 0.0));
}

/* As seen from where we are, if it is below. */
static const char *
relative_path (const char *path)
{
  g_autofree char *here = g_get_current_dir ();
  const gsize len = strlen (here);

  if (g_str_has_prefix (path, here) && path[len] == G_DIR_SEPARATOR)
    return path + len + 1;
  return path;
}

void
demo_story_tell (const DemoPlan *plan, const GstStructure *const results[2])
{
  for (guint side = 0; side < 2; side++)
    tell_side (plan, results, side);
  tell_race (plan, results);
  tell_times (plan, results);
  for (guint side = 0; side < 2; side++) {
    if (receives (plan, side))
      tell_direction (plan, results, side);
  }
  tell ("see", "%s", relative_path (demo_facts_string (results[1], "png")));
}

/* ---- judging ---- */

static void G_GNUC_PRINTF (3, 4)
    complain (GPtrArray *complaints, const char *who, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  g_ptr_array_add (complaints, g_strdup_printf ("%s: %s", who, text));
}

static void
judge_path (const DemoPlan *plan, const GstStructure *r, const char *who,
    GPtrArray *complaints)
{
  const char *wanted = plan->relay_only ? "relay" : "direct";
  const char *path = demo_facts_string (r, "path");
  const double up_ms = demo_facts_double (r, "up-ms", -1.0);

  if (!g_str_equal (path, wanted))
    complain (complaints, who, "media went by %s, not by %s", path, wanted);
  if (!plan->with_relay &&
      !g_str_equal (demo_facts_string (r, "winner"), "direct"))
    complain (complaints, who, "without a relay only direct can win");
  if (plan->relay_only && demo_facts_double (r, "direct-ms", -1.0) >= 0.0)
    complain (complaints, who, "there was a direct path, against the policy");
  if (up_ms < 0.0)
    complain (complaints, who, "was never connected");
  if (g_str_equal (demo_facts_string (r, "role"), "unknown"))
    complain (complaints, who, "told of no race");
}

static void
judge_roles (const GstStructure *const results[2], GPtrArray *complaints)
{
  const char *a = demo_facts_string (results[0], "role");
  const char *b = demo_facts_string (results[1], "role");

  if (g_str_equal (a, b))
    complain (complaints, "roles", "both sides are %s", a);
}

/* Pictures may be missing or wrong only where the call says it lost some. */
static void
judge_pictures (const GstStructure *r, const char *who, GPtrArray *complaints)
{
  const guint64 compared = demo_facts_count (r, "compared");
  const guint64 right = demo_facts_count (r, "right");
  const guint64 bad =
      demo_facts_count (r, "unreadable") + demo_facts_count (r, "disordered");
  const guint64 span = compared == 0
      ? 0
      : demo_facts_count (r, "last") - demo_facts_count (r, "first") + 1;
  const gboolean is_lossy = demo_facts_count (r, "lost") > 0;

  if (compared < MIN_PICTURES)
    complain (
        complaints, who, "only %" G_GUINT64_FORMAT " pictures came", compared);
  if (right < (is_lossy ? span * 8 / 10 : span))
    complain (complaints, who,
        "of %" G_GUINT64_FORMAT " pictures %" G_GUINT64_FORMAT
        " came and %" G_GUINT64_FORMAT " are right",
        span, compared, right);
  if (bad > 0 && !is_lossy)
    complain (complaints, who,
        "%" G_GUINT64_FORMAT " pictures cannot be read or came out of order",
        bad);
  if (demo_facts_double (r, "moved-db", 0.0) >= DEMO_MIN_PSNR_DB)
    complain (complaints, who, "a wrong picture would have passed");
  if (demo_facts_double (r, "time-ms", 0.0) > MAX_TIME_MS)
    complain (complaints, who, "a picture's time is off by %.0f ms",
        demo_facts_double (r, "time-ms", 0.0));
  if (*demo_facts_string (r, "png") == '\0')
    complain (complaints, who, "no picture was written");
}

static void
judge_sound (const GstStructure *r, const char *who, GPtrArray *complaints)
{
  const guint64 windows = demo_facts_count (r, "windows");
  const guint64 right = demo_facts_count (r, "windows-right");
  const gboolean is_lossy = demo_facts_count (r, "lost") > 0;

  if (windows < MIN_WINDOWS)
    complain (
        complaints, who, "only %.1f s of sound came", (double) windows / 10.0);
  if (right < (is_lossy ? windows * 8 / 10 : windows))
    complain (complaints, who, "the tone is wrong in %.1f s of %.1f s",
        (double) (windows - right) / 10.0, (double) windows / 10.0);
}

static void
judge_frames (const GstStructure *sender, const GstStructure *r,
    const char *who, GPtrArray *complaints)
{
  const guint64 sent = demo_facts_count (sender, "sent");
  const guint64 received = demo_facts_count (r, "received");
  const guint64 lost = demo_facts_count (r, "lost");

  if (received + lost != sent)
    complain (complaints, who,
        "%" G_GUINT64_FORMAT " frames were sent, %" G_GUINT64_FORMAT
        " came and %" G_GUINT64_FORMAT " are said to be lost",
        sent, received, lost);
  if (demo_facts_double (r, "media-ms", -1.0) < 0.0)
    complain (complaints, who, "does not know when its first media came");
  if (demo_facts_double (r, "picture-ms", -1.0) > MAX_START_MS)
    complain (complaints, who, "the first picture took %.0f ms",
        demo_facts_double (r, "picture-ms", -1.0));
  if (demo_facts_double (r, "rtt-ms", -1.0) <= 0.0)
    complain (complaints, who, "no round-trip time was measured");
}

GPtrArray *
demo_story_judge (const DemoPlan *plan, const GstStructure *const results[2])
{
  GPtrArray *complaints = g_ptr_array_new_with_free_func (g_free);

  judge_roles (results, complaints);
  for (guint side = 0; side < 2; side++) {
    const char *who = plan->names[side];

    judge_path (plan, results[side], who, complaints);
    if (!receives (plan, side))
      continue;
    judge_frames (results[1 - side], results[side], who, complaints);
    judge_pictures (results[side], who, complaints);
    if (plan->two_ways)
      judge_sound (results[side], who, complaints);
  }
  return complaints;
}
