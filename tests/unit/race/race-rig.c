#include "race-rig.h"

WzpCandidate
race_rig_candidate (guint n)
{
  WzpCandidate c = { .type = WZP_CANDIDATE_HOST };

  c.addr.family = 4;
  c.addr.ip[0] = 10;
  c.addr.ip[3] = (guint8) (n + 1);
  c.addr.port = (guint16) (4000 + n);
  return c;
}

WzpCandidateList
race_rig_candidates (guint n)
{
  WzpCandidateList list = { .n = n };

  for (guint i = 0; i < n; i++)
    list.items[i] = race_rig_candidate (i);
  return list;
}

WzpRaceConfig
race_rig_config_for (WzpRole role)
{
  WzpRaceConfig config;

  wzp_race_config_init (&config);
  config.role = role;
  return config;
}

WzpRace *
race_rig_start_with (const WzpRaceConfig *config, guint n)
{
  WzpRace *race = wzp_race_new (config);
  WzpCandidateList list = race_rig_candidates (n);

  wzp_race_start (race, &list, T0);
  return race;
}

WzpRace *
race_rig_start (WzpRole role, guint n)
{
  WzpRaceConfig config = race_rig_config_for (role);

  return race_rig_start_with (&config, n);
}

static const char *
action_name (WzpRaceActionType type)
{
  switch (type) {
    case WZP_RACE_ACTION_DIAL_RELAY:
      return "dial-relay";
    case WZP_RACE_ACTION_DIAL:
      return "dial";
    case WZP_RACE_ACTION_LISTEN:
      return "listen";
    case WZP_RACE_ACTION_ABORT_DIAL:
      return "abort";
    case WZP_RACE_ACTION_ABORT_RELAY:
      return "abort-relay";
    case WZP_RACE_ACTION_STOP_LISTEN:
      return "stop-listen";
    case WZP_RACE_ACTION_WON:
      return "won";
    case WZP_RACE_ACTION_DIRECT_LATE:
      return "late";
    case WZP_RACE_ACTION_DIRECT_GAVE_UP:
      return "gave-up";
    case WZP_RACE_ACTION_FAILED:
      return "failed";
  }
  g_return_val_if_reached ("?");
}

char *
race_rig_drain (WzpRace *race, gint64 now)
{
  GString *text = g_string_new (NULL);
  WzpRaceAction action;

  while (wzp_race_step (race, now, &action)) {
    g_string_append_printf (
        text, "%s%s", text->len > 0 ? " " : "", action_name (action.type));
    if (action.type == WZP_RACE_ACTION_WON)
      g_string_append_printf (text, ":%s", wzp_path_to_string (action.path));
    if (action.type == WZP_RACE_ACTION_DIAL ||
        action.type == WZP_RACE_ACTION_ABORT_DIAL ||
        action.type == WZP_RACE_ACTION_DIRECT_LATE ||
        (action.type == WZP_RACE_ACTION_WON && action.path == WZP_PATH_DIRECT))
      g_string_append_printf (text, ":%d", action.index);
  }
  return g_string_free (text, FALSE);
}
