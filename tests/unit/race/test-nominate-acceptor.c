/* The Acceptor's rules of wzp-nominate.h, one by one. */
#include "nominate-rig.h"
#include "wzp-test.h"

static void
test_accused_acceptor (void)
{
  g_autoptr (WzpNominate) nominate = wzp_nominate_new (WZP_ROLE_ACCEPTOR);
  guint64 seq = 0;

  g_test_summary ("The Dialer says that it does not hear us: duplicate; and "
                  "what the peer told is not told back");
  wzp_nominate_path_up (nominate, DIRECT, T0);
  wzp_nominate_path_up (nominate, RELAY, T0);
  nominate_rig_receive_nominate (nominate, 1, 1, RELAY, T0);
  g_free (nominate_rig_drain (nominate, T0, NULL));
  nominate_rig_receive (nominate, WZP_CONTROL_PROBE, RELAY, 1, 12, T0 + SEC);
  g_free (nominate_rig_drain (nominate, T0 + SEC, &seq));
  nominate_rig_receive (
      nominate, WZP_CONTROL_PROBE_ACK, RELAY, seq, 12, T0 + SEC);
  g_assert_cmpint (wzp_nominate_get_duplicate (nominate), ==, WZP_PATH_NONE);
  nominate_rig_receive_suspect (nominate, RELAY, T0 + SEC + MS);
  assert_paths (nominate, RELAY, DIRECT);
  assert_with_suspect (nominate, T0 + SEC + MS, "");
}

static void
test_acceptor_follows (void)
{
  g_autoptr (WzpNominate) nominate = wzp_nominate_new (WZP_ROLE_ACCEPTOR);
  guint64 epoch, n;

  wzp_nominate_path_up (nominate, RELAY, T0);
  assert_decisions (nominate, T0, "");
  wzp_nominate_heard (nominate, RELAY, T0);
  assert_decisions (nominate, T0, "none>relay");
  /* Provisionally, and it stays so. */
  wzp_nominate_path_up (nominate, DIRECT, T0 + MS);
  assert_decisions (nominate, T0 + MS, "");
  nominate_rig_receive_nominate (nominate, 1, 1, DIRECT, T0 + 2 * MS);
  assert_decisions (nominate, T0 + 2 * MS, "relay>direct ACK:1.1");
  /* 1 RTT, which is unknown: 100 ms */
  assert_paths (nominate, DIRECT, RELAY);
  g_free (nominate_rig_drain (nominate, T0 + 102 * MS - 1, NULL));
  assert_paths (nominate, DIRECT, RELAY);
  wzp_nominate_heard (nominate, DIRECT, T0 + 102 * MS);
  nominate_rig_sample (nominate, DIRECT, 0, T0 + 102 * MS);
  assert_paths (nominate, DIRECT, WZP_PATH_NONE);

  nominate_rig_receive_nominate (
      nominate, 1, 0, RELAY, T0 + 103 * MS); /* old */
  nominate_rig_receive_nominate (
      nominate, 0, 9, RELAY, T0 + 103 * MS); /* older */
  nominate_rig_receive_nominate (
      nominate, 1, 1, RELAY, T0 + 103 * MS); /* a lie */
  nominate_rig_receive_nominate (nominate, 7, 7, WZP_PATH_NONE, T0 + 103 * MS);
  nominate_rig_receive_nominate (nominate, 7, 7, (WzpPath) 9, T0 + 103 * MS);
  nominate_rig_receive_ack (nominate, 1, 1, T0 + 103 * MS);
  nominate_rig_receive_suspect (nominate, RELAY, T0 + 103 * MS);
  assert_decisions (nominate, T0 + 103 * MS, "");
  assert_paths (nominate, DIRECT, WZP_PATH_NONE);
  nominate_rig_receive_nominate (
      nominate, 1, 1, DIRECT, T0 + 104 * MS); /* once more */
  assert_decisions (nominate, T0 + 104 * MS, "ACK:1.1");
  nominate_rig_receive_nominate (
      nominate, 2, 1, RELAY, T0 + 105 * MS); /* a new life */
  assert_decisions (nominate, T0 + 105 * MS, "direct>relay ACK:2.1");
  g_assert_cmpint (
      wzp_nominate_get_nominated (nominate, &epoch, &n, NULL), ==, RELAY);
  g_assert_cmpuint (epoch, ==, 2);
  g_assert_cmpuint (n, ==, 1);
}

static void
test_acceptor_remembers (void)
{
  g_autoptr (WzpNominate) nominate = wzp_nominate_new (WZP_ROLE_ACCEPTOR);

  g_test_summary ("A path that is not up here yet: followed and acknowledged "
                  "when it is");
  nominate_rig_receive_nominate (nominate, 1, 1, DIRECT, T0);
  assert_actions (nominate, T0, "");
  wzp_nominate_path_up (nominate, RELAY, T0);
  wzp_nominate_heard (nominate, RELAY, T0);
  assert_decisions (nominate, T0, "none>relay");
  wzp_nominate_path_up (nominate, DIRECT, T0 + SEC);
  assert_decisions (nominate, T0 + SEC, "relay>direct ACK:1.1");
}

static void
test_acceptor_never_nominates (void)
{
  g_autoptr (WzpNominate) nominate = wzp_nominate_new (WZP_ROLE_ACCEPTOR);

  wzp_nominate_path_up (nominate, RELAY, T0);
  wzp_nominate_heard (nominate, RELAY, T0);
  wzp_nominate_path_up (nominate, DIRECT, T0);
  g_free (nominate_rig_drain (nominate, T0, NULL));
  for (guint64 seq = 0; seq < 10; seq++)
    nominate_rig_prove (nominate, DIRECT, seq, T0 + MS);
  nominate_rig_sample (nominate, RELAY, 0, T0 + MS);
  assert_paths (nominate, RELAY, WZP_PATH_NONE);
  {
    g_autofree char *text =
        nominate_rig_drain_decisions (nominate, T0 + MS, TRUE);

    g_assert_null (strstr (text, "NOMINATE"));
  }
}

static void
test_acceptor_path_down (void)
{
  g_autoptr (WzpNominate) nominate = wzp_nominate_new (WZP_ROLE_ACCEPTOR);

  g_test_summary ("The nominated path goes down: the other one, provisionally, "
                  "and SUSPECT; back when it is back");
  wzp_nominate_path_up (nominate, DIRECT, T0);
  nominate_rig_receive_nominate (nominate, 1, 1, DIRECT, T0);
  assert_with_suspect (nominate, T0, "none>direct ACK:1.1");
  wzp_nominate_path_up (nominate, RELAY, T0); /* never heard */
  wzp_nominate_path_down (nominate, DIRECT, T0 + SEC);
  assert_with_suspect (nominate, T0 + SEC, "direct>relay SUSPECT:direct");
  assert_with_suspect (nominate, T0 + 1200 * MS - 1, "");
  assert_with_suspect (nominate, T0 + 1200 * MS, "SUSPECT:direct");
  assert_with_suspect (nominate, T0 + 1600 * MS, "SUSPECT:direct");
  wzp_nominate_path_up (nominate, DIRECT, T0 + 1700 * MS);
  assert_with_suspect (nominate, T0 + 1700 * MS, "relay>direct");
  assert_with_suspect (nominate, T0 + 1750 * MS, "");
}

static void
test_acceptor_tells_suspect (void)
{
  g_autoptr (WzpNominate) nominate = wzp_nominate_new (WZP_ROLE_ACCEPTOR);
  guint n = 0;

  wzp_nominate_path_up (nominate, RELAY, T0);
  wzp_nominate_path_up (nominate, DIRECT, T0);
  nominate_rig_receive_nominate (nominate, 1, 1, DIRECT, T0);
  assert_with_suspect (nominate, T0, "none>direct ACK:1.1");
  nominate_rig_sample (nominate, DIRECT, 150 * MS, T0 + SEC);
  assert_paths (nominate, DIRECT, RELAY);
  assert_with_suspect (nominate, T0 + SEC, "SUSPECT:direct");
  /* For a minute: 0.2, 0.4 ... 16 s */
  for (gint64 t = SEC; t <= 61 * SEC; t += 10 * MS) {
    g_autofree char *text = nominate_rig_drain (nominate, T0 + t, NULL);

    n += strstr (text, "SUSPECT:direct") != NULL;
  }
  g_assert_cmpuint (n, ==, 9);
  assert_paths (nominate, DIRECT, RELAY);
  nominate_rig_sample (nominate, DIRECT, 0, T0 + 62 * SEC);
  assert_paths (nominate, DIRECT, WZP_PATH_NONE);
  assert_with_suspect (nominate, T0 + 200 * SEC, "");
}

static void
test_acceptor_tells_the_new_path (void)
{
  g_autoptr (WzpNominate) nominate = wzp_nominate_new (WZP_ROLE_ACCEPTOR);

  g_test_summary ("Another path is suspect: told at once, not by the old "
                  "one's pace");
  wzp_nominate_path_up (nominate, RELAY, T0);
  wzp_nominate_path_up (nominate, DIRECT, T0);
  nominate_rig_receive_nominate (nominate, 1, 1, DIRECT, T0);
  assert_with_suspect (nominate, T0, "none>direct ACK:1.1");
  nominate_rig_sample (nominate, RELAY, 300 * MS, T0 + SEC);
  nominate_rig_sample (nominate, DIRECT, 300 * MS, T0 + SEC);
  assert_with_suspect (nominate, T0 + SEC, "SUSPECT:direct");
  nominate_rig_receive_nominate (nominate, 1, 2, RELAY, T0 + SEC);
  assert_with_suspect (
      nominate, T0 + SEC, "direct>relay ACK:1.2 SUSPECT:relay");
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  g_test_add_func ("/nominate/acceptor/accused", test_accused_acceptor);
  g_test_add_func ("/nominate/acceptor/follows", test_acceptor_follows);
  g_test_add_func ("/nominate/acceptor/remembers", test_acceptor_remembers);
  g_test_add_func (
      "/nominate/acceptor/never-nominates", test_acceptor_never_nominates);
  g_test_add_func ("/nominate/acceptor/path-down", test_acceptor_path_down);
  g_test_add_func ("/nominate/acceptor/suspect", test_acceptor_tells_suspect);
  g_test_add_func (
      "/nominate/acceptor/suspects-both", test_acceptor_tells_the_new_path);
  return wzp_test_run ();
}
