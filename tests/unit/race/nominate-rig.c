#include "nominate-rig.h"

char *
nominate_rig_drain (WzpNominate *nominate, gint64 now, guint64 *ret_seq)
{
  GString *text = g_string_new (NULL);
  WzpNominateAction a;

  while (wzp_nominate_step (nominate, now, &a)) {
    if (text->len > 0)
      g_string_append_c (text, ' ');
    switch (a.type) {
      case WZP_NOMINATE_ACTION_CHANGED:
        g_string_append_printf (text, "%s>%s", wzp_path_to_string (a.old_path),
            wzp_path_to_string (a.path));
        break;
      case WZP_NOMINATE_ACTION_PROBE:
        g_assert_cmpint (a.control.type, ==, WZP_CONTROL_PROBE);
        g_assert_cmpuint (a.control.seq, ==, a.seq);
        g_assert_cmpint (a.control.path, ==, a.path);
        g_string_append_printf (text, "%s:%s", a.padded ? "PROBE" : "probe",
            wzp_path_to_string (a.path));
        if (ret_seq != NULL)
          *ret_seq = a.seq;
        break;
      case WZP_NOMINATE_ACTION_PROBE_ACK:
        g_assert_cmpint (a.control.type, ==, WZP_CONTROL_PROBE_ACK);
        g_assert_cmpuint (a.control.seq, ==, a.seq);
        g_assert_cmpint (a.control.path, ==, a.path);
        g_string_append_printf (text, "ack:%s:%" G_GUINT64_FORMAT,
            wzp_path_to_string (a.path), a.seq);
        break;
      case WZP_NOMINATE_ACTION_SEND:
        if (a.control.type == WZP_CONTROL_NOMINATE)
          g_string_append_printf (text,
              "NOMINATE:%" G_GUINT64_FORMAT ".%" G_GUINT64_FORMAT ":%s",
              a.control.epoch, a.control.n,
              wzp_path_to_string (a.control.path));
        else if (a.control.type == WZP_CONTROL_NOMINATE_ACK)
          g_string_append_printf (text,
              "ACK:%" G_GUINT64_FORMAT ".%" G_GUINT64_FORMAT, a.control.epoch,
              a.control.n);
        else
          g_string_append_printf (
              text, "SUSPECT:%s", wzp_path_to_string (a.control.path));
        break;
    }
  }
  return g_string_free (text, FALSE);
}

char *
nominate_rig_drain_decisions (
    WzpNominate *nominate, gint64 now, gboolean with_suspect)
{
  g_autofree char *all = nominate_rig_drain (nominate, now, NULL);
  g_auto (GStrv) words = g_strsplit (all, " ", -1);
  GString *text = g_string_new (NULL);

  for (guint i = 0; words[i] != NULL; i++)
    if (g_ascii_strncasecmp (words[i], "probe:", 6) != 0 &&
        (with_suspect || !g_str_has_prefix (words[i], "SUSPECT:")))
      g_string_append_printf (text, "%s%s", text->len > 0 ? " " : "", words[i]);
  return g_string_free (text, FALSE);
}

void
nominate_rig_receive (WzpNominate *nominate, WzpControlType type, WzpPath path,
    guint64 seq, gsize len, gint64 now)
{
  WzpControl control = { .type = type, .path = path, .seq = seq };

  wzp_nominate_receive (nominate, &control, path, len, now);
}

void
nominate_rig_receive_nominate (
    WzpNominate *nominate, guint64 epoch, guint64 n, WzpPath path, gint64 now)
{
  WzpControl control = {
    .type = WZP_CONTROL_NOMINATE, .epoch = epoch, .n = n, .path = path
  };

  wzp_nominate_receive (nominate, &control, WZP_PATH_NONE, 30, now);
}

void
nominate_rig_receive_ack (
    WzpNominate *nominate, guint64 epoch, guint64 n, gint64 now)
{
  WzpControl control = {
    .type = WZP_CONTROL_NOMINATE_ACK, .epoch = epoch, .n = n
  };

  wzp_nominate_receive (nominate, &control, WZP_PATH_NONE, 30, now);
}

void
nominate_rig_receive_suspect (WzpNominate *nominate, WzpPath path, gint64 now)
{
  WzpControl control = { .type = WZP_CONTROL_SUSPECT, .path = path };

  wzp_nominate_receive (nominate, &control, WZP_PATH_NONE, 30, now);
}

void
nominate_rig_sample (
    WzpNominate *nominate, WzpPath path, gint64 unacked, gint64 now)
{
  wzp_nominate_sample (nominate, path, 40 * MS, 70 * MS, unacked, now);
}

void
nominate_rig_prove (
    WzpNominate *nominate, WzpPath path, guint64 seq, gint64 now)
{
  nominate_rig_receive (
      nominate, WZP_CONTROL_PROBE, path, 7, WZP_NOMINATE_PROOF_TEXT, now);
  nominate_rig_receive (nominate, WZP_CONTROL_PROBE_ACK, path, seq, 12, now);
}

WzpNominate *
nominate_rig_dialer_on_relay (guint64 *ret_seq)
{
  WzpNominate *nominate = wzp_nominate_new (WZP_ROLE_DIALER);
  guint64 seq = 0;

  wzp_nominate_path_up (nominate, RELAY, T0 - 10 * SEC);
  g_free (nominate_rig_drain (nominate, T0 - 10 * SEC, &seq));
  nominate_rig_prove (nominate, RELAY, seq, T0 - 10 * SEC);
  g_free (nominate_rig_drain (nominate, T0 - 10 * SEC, NULL));
  nominate_rig_receive_ack (nominate, 1, 1, T0 - 9 * SEC);
  assert_paths (nominate, RELAY, WZP_PATH_NONE);
  g_free (nominate_rig_drain (nominate, T0 - 4 * SEC, NULL));
  wzp_nominate_heard (nominate, RELAY, T0);
  wzp_nominate_path_up (nominate, DIRECT, T0);
  g_free (nominate_rig_drain (nominate, T0, ret_seq));
  return nominate;
}

WzpNominate *
nominate_rig_dialer_on_direct (void)
{
  guint64 seq = 0;
  WzpNominate *nominate = nominate_rig_dialer_on_relay (&seq);

  nominate_rig_prove (nominate, DIRECT, seq, T0 + 40 * MS);
  assert_decisions (
      nominate, T0 + 40 * MS, "relay>direct NOMINATE:1.2:direct ack:direct:7");
  nominate_rig_receive_ack (nominate, 1, 2, T0 + 80 * MS);
  wzp_nominate_heard (nominate, DIRECT, T0 + SEC);
  g_free (nominate_rig_drain (nominate, T0 + SEC, NULL));
  assert_paths (nominate, DIRECT, WZP_PATH_NONE);
  return nominate;
}
