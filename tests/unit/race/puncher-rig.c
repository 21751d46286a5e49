#include "puncher-rig.h"

#include <string.h>

WzpAddr
rig_addr (const char *text)
{
  WzpAddr addr;

  g_assert_true (wzp_addr_parse (text, &addr, NULL));
  return addr;
}

void
rig_add_candidate (WzpCandidateList *list, const char *text)
{
  const WzpAddr addr = rig_addr (text);

  list->items[list->n++] = (WzpCandidate){ .addr = addr,
    .type = wzp_addr_scope (&addr) == WZP_ADDR_GLOBAL
        ? WZP_CANDIDATE_SERVER_REFLEXIVE
        : WZP_CANDIDATE_HOST };
}

Rig
rig_new (WzpRole role, const WzpCandidateList *list)
{
  Rig rig = { .puncher = wzp_puncher_new (role, FALSE, 1), .now_us = T0 };

  rig.done = g_array_new (FALSE, FALSE, sizeof (Done));
  wzp_puncher_start (rig.puncher, list, T0);
  return rig;
}

Rig
rig_for (WzpRole role, const char *text)
{
  WzpCandidateList list = { 0 };

  rig_add_candidate (&list, text);
  return rig_new (role, &list);
}

void
rig_clear (Rig *rig)
{
  wzp_puncher_free (rig->puncher);
  g_array_unref (rig->done);
}

static void
drain (Rig *rig)
{
  Done done = { .at_us = rig->now_us };

  while (wzp_puncher_step (rig->puncher, rig->now_us, &done.action))
    g_array_append_val (rig->done, done);
}

void
rig_run (Rig *rig, gint64 until_us)
{
  gint64 deadline;

  drain (rig);
  while ((deadline = wzp_puncher_get_deadline (rig->puncher)) >= 0 &&
      deadline <= T0 + until_us) {
    /* It may never ask to be called in vain for ever. */
    g_assert_cmpint (deadline, >=, rig->now_us);
    rig->now_us = deadline;
    drain (rig);
  }
  rig->now_us = T0 + until_us;
}

char *
rig_describe (const Rig *rig, const char *to)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < rig->done->len; i++) {
    const Done *done = &g_array_index (rig->done, Done, i);
    const WzpPuncherAction *action = &done->action;
    char addr[WZP_ADDR_MAX_STRLEN];

    if (action->type != WZP_PUNCHER_ACTION_GO &&
        action->type != WZP_PUNCHER_ACTION_FRESH && to != NULL &&
        strcmp (wzp_addr_to_string (&action->addr, addr), to) != 0)
      continue;
    if (text->len > 0)
      g_string_append_c (text, ' ');
    if (action->is_fresh)
      g_string_append_c (text, 'f');
    if (action->type == WZP_PUNCHER_ACTION_FRESH)
      g_string_append (text, "fresh");
    else if (action->type == WZP_PUNCHER_ACTION_GO)
      g_string_append_printf (text, "go%d", (int) action->round);
    else if (action->type == WZP_PUNCHER_ACTION_DIAL)
      g_string_append (text, "dial");
    else if (action->ttl > 0)
      g_string_append_printf (text, "%u", action->ttl);
    else
      g_string_append (
          text, action->punch.kind == WZP_PUNCH_KIND_PUNCH ? "p" : "a");
    g_string_append_printf (text, "@%d", (int) ((done->at_us - T0) / MS));
  }
  return g_string_free (text, FALSE);
}

gboolean
rig_hear (Rig *rig, WzpPunchKind kind, guint32 number, const char *from)
{
  const WzpPunch punch = {
    .kind = kind, .role = WZP_ROLE_ACCEPTOR, .number = number
  };
  const WzpAddr addr = rig_addr (from);

  return wzp_puncher_take_punch (
      rig->puncher, &punch, &addr, FALSE, rig->now_us);
}

void
rig_hear_by (Rig *rig, guint32 number, const char *from, gboolean is_fresh)
{
  const WzpPunch punch = {
    .kind = WZP_PUNCH_KIND_PUNCH, .role = WZP_ROLE_ACCEPTOR, .number = number
  };
  const WzpAddr addr = rig_addr (from);

  g_assert_true (wzp_puncher_take_punch (
      rig->puncher, &punch, &addr, is_fresh, rig->now_us));
}

void
rig_assert_punched (const Rig *rig, const char *to)
{
  g_autofree char *done = rig_describe (rig, to);

  g_assert_nonnull (strchr (done, 'p'));
}

guint
rig_count (const Rig *rig, WzpPuncherActionType type)
{
  guint n = 0;

  for (guint i = 0; i < rig->done->len; i++)
    n += g_array_index (rig->done, Done, i).action.type == type;
  return n;
}
