#include "wzp-batch.h"

#include "wzp-test.h"

static WzpAddr
make_addr (guint16 port)
{
  return (WzpAddr){ .family = 4, .port = port };
}

static void
add (WzpBatch *batch, gsize len, gboolean same_path, guint16 port, guint8 ecn)
{
  WzpAddr addr = make_addr (port);

  wzp_batch_add (batch, len, same_path, &addr, &addr, ecn);
}

static void
assert_run (const WzpBatch *batch, guint i, gsize offset, gsize len,
    gsize segment, guint16 port, guint8 ecn)
{
  const WzpBatchRun *run = &batch->runs[i];

  g_assert_cmpuint (i, <, batch->n_runs);
  g_assert_cmpuint (run->offset, ==, offset);
  g_assert_cmpuint (run->len, ==, len);
  g_assert_cmpuint (run->segment, ==, segment);
  g_assert_cmpuint (run->remote.port, ==, port);
  g_assert_cmpuint (run->local.port, ==, port);
  g_assert_cmpuint (run->ecn, ==, ecn);
}

static void
test_runs (void)
{
  WzpBatch batch;

  wzp_batch_init (&batch);
  g_assert_true (wzp_batch_is_empty (&batch));
  add (&batch, 1000, FALSE, 1, 0);
  add (&batch, 1000, TRUE, 1, 0);
  add (&batch, 500, TRUE, 1, 0); /* shorter: ends the run */
  add (&batch, 500, TRUE, 1, 0);
  add (&batch, 600, TRUE, 1, 0);  /* longer: another */
  add (&batch, 600, TRUE, 1, 2);  /* other ECN */
  add (&batch, 600, FALSE, 2, 2); /* other path */
  add (&batch, 600, TRUE, 9, 2);  /* addresses are not looked at */
  g_assert_cmpuint (batch.n_runs, ==, 5);
  g_assert_cmpuint (batch.n_packets, ==, 8);
  assert_run (&batch, 0, 0, 2500, 1000, 1, 0);
  assert_run (&batch, 1, 2500, 500, 500, 1, 0);
  assert_run (&batch, 2, 3000, 600, 600, 1, 0);
  assert_run (&batch, 3, 3600, 600, 600, 1, 2);
  assert_run (&batch, 4, 4200, 1200, 600, 2, 2);

  wzp_batch_reset (&batch);
  g_assert_true (wzp_batch_is_empty (&batch));
  g_assert_cmpuint (batch.n_runs, ==, 0);
  wzp_batch_clear (&batch);
}

static void
test_bounds (void)
{
  WzpBatch batch;
  gsize room;

  wzp_batch_init (&batch);
  for (guint i = 0; i < WZP_BATCH_PACKETS; i++) {
    g_assert_true (wzp_batch_get_room (&batch, &room) == batch.data + 100 * i);
    g_assert_cmpuint (room, ==, WZP_BATCH_BYTES - 100 * i);
    add (&batch, 100, FALSE, i, 0);
  }
  wzp_batch_get_room (&batch, &room);
  g_assert_cmpuint (room, ==, 0);
  g_assert_cmpuint (batch.n_runs, ==, WZP_BATCH_PACKETS);

  /* A run is what one system call takes. */
  wzp_batch_reset (&batch);
  for (guint i = 0; i < 46; i++)
    add (&batch, 1452, i > 0, 1, 0);
  g_assert_cmpuint (batch.n_runs, ==, 2);
  assert_run (&batch, 0, 0, 45 * 1452, 1452, 1, 0);
  assert_run (&batch, 1, 45 * 1452, 1452, 1452, 1, 0);

  wzp_batch_reset (&batch);
  add (&batch, WZP_BATCH_BYTES, FALSE, 1, 0);
  wzp_batch_get_room (&batch, &room);
  g_assert_cmpuint (room, ==, 0);
  wzp_batch_clear (&batch);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  g_test_add_func ("/batch/runs", test_runs);
  g_test_add_func ("/batch/bounds", test_bounds);
  return wzp_test_run ();
}
