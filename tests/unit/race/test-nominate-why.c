/* Why the path changed, as WzpNominate says. */
#include "wzp-nominate.h"
#include "wzp-test.h"

#define MS 1000

typedef struct {
  WzpNominate *nominate;
  gint64 now_us;
  guint64 seq[WZP_PATH_DIRECT + 1]; /* of the last PROBE */
  WzpNominateAction changed;        /* the last one */
  guint n_changed;
} Rig;

static void
rig_init (Rig *rig, WzpRole role)
{
  *rig = (Rig){ .nominate = wzp_nominate_new (role), .now_us = 1000 * MS };
}

static void
run (Rig *rig)
{
  WzpNominateAction action;

  while (wzp_nominate_step (rig->nominate, rig->now_us, &action)) {
    if (action.type == WZP_NOMINATE_ACTION_PROBE)
      rig->seq[action.path] = action.control.seq;
    if (action.type != WZP_NOMINATE_ACTION_CHANGED)
      continue;
    rig->changed = action;
    rig->n_changed++;
  }
}

static void
come_up (Rig *rig, WzpPath path)
{
  wzp_nominate_path_up (rig->nominate, path, rig->now_us);
  wzp_nominate_heard (rig->nominate, path, rig->now_us);
  run (rig);
}

/* The last PROBE is answered after @rtt_us, and the peer probes too. */
static void
prove (Rig *rig, WzpPath path, gint64 rtt_us)
{
  const WzpControl probe = { .type = WZP_CONTROL_PROBE, .path = path };
  const WzpControl ack = {
    .type = WZP_CONTROL_PROBE_ACK, .path = path, .seq = rig->seq[path]
  };

  rig->now_us += rtt_us;
  wzp_nominate_receive (
      rig->nominate, &probe, path, WZP_NOMINATE_PROOF_TEXT, rig->now_us);
  wzp_nominate_receive (rig->nominate, &ack, path, 10, rig->now_us);
  run (rig);
}

static void
assert_changed (const Rig *rig, guint n, WzpPath path, WzpNominateWhy why)
{
  g_assert_cmpuint (rig->n_changed, ==, n);
  g_assert_cmpint (rig->changed.path, ==, path);
  g_assert_cmpint (rig->changed.why, ==, why);
}

static void
test_dialer (void)
{
  Rig rig;

  g_test_summary ("Heard, proved and better, silent, gone");
  rig_init (&rig, WZP_ROLE_DIALER);
  come_up (&rig, WZP_PATH_RELAY);
  assert_changed (&rig, 1, WZP_PATH_RELAY, WZP_NOMINATE_WHY_HEARD);
  prove (&rig, WZP_PATH_RELAY, 80 * MS);
  come_up (&rig, WZP_PATH_DIRECT);
  prove (&rig, WZP_PATH_DIRECT, 30 * MS);
  assert_changed (&rig, 2, WZP_PATH_DIRECT, WZP_NOMINATE_WHY_PROVED);
  g_assert_cmpint (rig.changed.why_us, ==, 50 * MS);

  wzp_nominate_sample (
      rig.nominate, WZP_PATH_DIRECT, 30 * MS, 40 * MS, 3000 * MS, rig.now_us);
  g_assert_true (
      wzp_nominate_is_suspect (rig.nominate, WZP_PATH_DIRECT, rig.now_us));
  g_assert_true (
      wzp_nominate_is_dead (rig.nominate, WZP_PATH_DIRECT, rig.now_us));
  g_assert_cmpint (
      wzp_nominate_get_silence_us (rig.nominate, WZP_PATH_DIRECT, rig.now_us),
      ==, 3000 * MS);
  run (&rig);
  assert_changed (&rig, 3, WZP_PATH_RELAY, WZP_NOMINATE_WHY_SILENT);
  g_assert_cmpint (rig.changed.why_us, ==, 3000 * MS);

  wzp_nominate_sample (
      rig.nominate, WZP_PATH_DIRECT, 30 * MS, 40 * MS, 0, rig.now_us);
  wzp_nominate_path_down (rig.nominate, WZP_PATH_RELAY, rig.now_us);
  run (&rig);
  assert_changed (&rig, 4, WZP_PATH_DIRECT, WZP_NOMINATE_WHY_LOST);
  g_assert_cmpint (
      wzp_nominate_get_silence_us (rig.nominate, WZP_PATH_RELAY, rig.now_us),
      ==, 0);
  wzp_nominate_free (rig.nominate);
}

static void
test_no_address (void)
{
  Rig rig;

  g_test_summary (
      "What cannot be sent is told apart from what is not answered");
  rig_init (&rig, WZP_ROLE_DIALER);
  come_up (&rig, WZP_PATH_RELAY);
  come_up (&rig, WZP_PATH_DIRECT);
  prove (&rig, WZP_PATH_DIRECT, 30 * MS);
  g_assert_cmpint (rig.changed.path, ==, WZP_PATH_DIRECT);
  wzp_nominate_sample (rig.nominate, WZP_PATH_DIRECT, 30 * MS, 40 * MS,
      WZP_NOMINATE_SEND_ERROR, rig.now_us);
  run (&rig);
  g_assert_cmpint (rig.changed.path, ==, WZP_PATH_RELAY);
  g_assert_cmpint (rig.changed.why, ==, WZP_NOMINATE_WHY_SILENT);
  g_assert_cmpint (rig.changed.why_us, ==, WZP_NOMINATE_SEND_ERROR);
  wzp_nominate_free (rig.nominate);
}

static void
nominate (Rig *rig, guint64 n, WzpPath path)
{
  const WzpControl control = {
    .type = WZP_CONTROL_NOMINATE, .epoch = 1, .n = n, .path = path
  };

  wzp_nominate_receive (
      rig->nominate, &control, WZP_PATH_NONE, 10, rig->now_us);
  run (rig);
}

static void
test_acceptor (void)
{
  Rig rig;

  g_test_summary ("The peer's choice, and what was seen here meanwhile");
  rig_init (&rig, WZP_ROLE_ACCEPTOR);
  come_up (&rig, WZP_PATH_RELAY);
  assert_changed (&rig, 1, WZP_PATH_RELAY, WZP_NOMINATE_WHY_HEARD);
  come_up (&rig, WZP_PATH_DIRECT);
  nominate (&rig, 1, WZP_PATH_DIRECT);
  g_assert_cmpint (rig.changed.path, ==, WZP_PATH_DIRECT);
  g_assert_cmpint (rig.changed.why, ==, WZP_NOMINATE_WHY_PEER);
  g_assert_cmpint (rig.changed.why_us, ==, 0);
  wzp_nominate_sample (
      rig.nominate, WZP_PATH_DIRECT, 30 * MS, 40 * MS, 200 * MS, rig.now_us);
  nominate (&rig, 2, WZP_PATH_RELAY);
  g_assert_cmpint (rig.changed.path, ==, WZP_PATH_RELAY);
  g_assert_cmpint (rig.changed.why, ==, WZP_NOMINATE_WHY_PEER);
  g_assert_cmpint (rig.changed.why_us, ==, 200 * MS);
  wzp_nominate_path_down (rig.nominate, WZP_PATH_RELAY, rig.now_us);
  run (&rig);
  g_assert_cmpint (rig.changed.path, ==, WZP_PATH_DIRECT);
  g_assert_cmpint (rig.changed.why, ==, WZP_NOMINATE_WHY_LOST);
  wzp_nominate_free (rig.nominate);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/nominate-why/dialer", test_dialer);
  g_test_add_func ("/nominate-why/no-address", test_no_address);
  g_test_add_func ("/nominate-why/acceptor", test_acceptor);
  return g_test_run ();
}
