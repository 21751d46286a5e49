#include "wzp-datagram-log.h"

#include "wzp-test.h"

static void
test_oldest (void)
{
  g_autoptr (WzpDatagramLog) log = wzp_datagram_log_new ();

  g_assert_cmpint (wzp_datagram_log_oldest_us (log), ==, 0);
  for (guint i = 0; i < 5; i++) {
    g_assert_cmpuint (wzp_datagram_log_next_id (log), ==, i);
    wzp_datagram_log_sent (log, 100 + i, i);
  }
  g_assert_cmpint (wzp_datagram_log_oldest_us (log), ==, 100);
  wzp_datagram_log_acked (log, 1);
  wzp_datagram_log_acked (log, 1);
  g_assert_cmpint (wzp_datagram_log_oldest_us (log), ==, 100);
  wzp_datagram_log_acked (log, 0);
  g_assert_cmpint (wzp_datagram_log_oldest_us (log), ==, 102);
  wzp_datagram_log_lost (log, 2);
  wzp_datagram_log_acked (log, 4);
  g_assert_cmpint (wzp_datagram_log_oldest_us (log), ==, 103);
  wzp_datagram_log_acked (log, 3);
  g_assert_cmpint (wzp_datagram_log_oldest_us (log), ==, 0);
  wzp_datagram_log_acked (log, 5); /* never sent */
  wzp_datagram_log_acked (log, G_MAXUINT64);
  wzp_datagram_log_trim (log);
  wzp_datagram_log_sent (log, 0, 9); /* time zero is a time, too */
  g_assert_cmpint (wzp_datagram_log_oldest_us (log), ==, 1);
  wzp_datagram_log_settle (log);
  g_assert_cmpint (wzp_datagram_log_oldest_us (log), ==, 0);
}

static void
test_lost_packets (void)
{
  g_autoptr (WzpDatagramLog) log = wzp_datagram_log_new ();

  g_test_summary ("Three datagrams in one packet are one packet lost");

  wzp_datagram_log_sent (log, 1, 0);
  wzp_datagram_log_sent (log, 1, 0);
  wzp_datagram_log_sent (log, 1, 0);
  wzp_datagram_log_sent (log, 1, 1);
  g_assert_true (wzp_datagram_log_lost (log, 0));
  g_assert_false (wzp_datagram_log_lost (log, 1));
  g_assert_false (wzp_datagram_log_lost (log, 2));
  g_assert_false (wzp_datagram_log_lost (log, 2));
  g_assert_true (wzp_datagram_log_lost (log, 3));
  g_assert_false (wzp_datagram_log_lost (log, 4));
}

static void
test_bound (void)
{
  g_autoptr (WzpDatagramLog) log = wzp_datagram_log_new ();

  for (guint i = 0; i < WZP_DATAGRAM_LOG_MAX; i++)
    wzp_datagram_log_sent (log, 1000 + i, i);
  g_assert_cmpint (wzp_datagram_log_oldest_us (log), ==, 1000);
  wzp_datagram_log_sent (log, 999999, 0);
  g_assert_cmpint (wzp_datagram_log_oldest_us (log), ==, 1001);
  wzp_datagram_log_acked (log, 0); /* settled already */
  g_assert_cmpint (wzp_datagram_log_oldest_us (log), ==, 1001);
}

static void
test_stale (void)
{
  g_autoptr (WzpDatagramLog) log = wzp_datagram_log_new ();
  const gint64 later = 10 + WZP_DATAGRAM_LOG_STALE_US;

  wzp_datagram_log_sent (log, 10, 0);
  wzp_datagram_log_sent (log, 20, 1);
  wzp_datagram_log_sent (log, later, 2);
  wzp_datagram_log_sent (log, later + 1, 3);
  wzp_datagram_log_acked (log, 2);
  g_assert_cmpint (wzp_datagram_log_oldest_us (log), ==, 10);
  wzp_datagram_log_acked (log, 3);
  g_assert_cmpint (wzp_datagram_log_oldest_us (log), ==, 20);
}

static void
test_random (void)
{
  g_autoptr (GRand) rand = wzp_test_rand_new ();
  g_autoptr (WzpDatagramLog) log = wzp_datagram_log_new ();
  g_autoptr (GArray) settled = g_array_new (FALSE, TRUE, sizeof (gboolean));
  guint oldest = 0;

  for (guint i = 0; i < 50000; i++) {
    if (g_rand_int_range (rand, 0, 100) < 45) {
      gboolean no = FALSE;

      wzp_datagram_log_sent (log, 1 + settled->len, i);
      g_array_append_val (settled, no);
    } else if (settled->len > 0) {
      guint id = g_rand_int_range (
          rand, MAX ((int) settled->len - 500, 0), settled->len);

      if (i % 2)
        wzp_datagram_log_acked (log, id);
      else
        wzp_datagram_log_lost (log, id);
      g_array_index (settled, gboolean, id) = TRUE;
    }
    while (oldest < settled->len && g_array_index (settled, gboolean, oldest))
      oldest++;
    g_assert_cmpint (wzp_datagram_log_oldest_us (log), ==,
        oldest < settled->len ? 1 + oldest : 0);
  }
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  g_test_add_func ("/datagram-log/oldest", test_oldest);
  g_test_add_func ("/datagram-log/lost-packets", test_lost_packets);
  g_test_add_func ("/datagram-log/bound", test_bound);
  g_test_add_func ("/datagram-log/stale", test_stale);
  g_test_add_func ("/datagram-log/random", test_random);
  return wzp_test_run ();
}
