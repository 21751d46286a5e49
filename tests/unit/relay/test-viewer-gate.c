#include "wzp-test.h"
#include "wzp-viewer-gate.h"

#include <string.h>

#define VIEWER WZP_VIEWER_GATE_VIEWER_PER_S
#define ROOM   WZP_VIEWER_GATE_ROOM_PER_S

/* How many of @n at @now_us pass. */
static guint
ask (WzpViewerGate *viewer, WzpViewerGate *room, guint n, gint64 now_us)
{
  guint passed = 0;

  for (guint i = 0; i < n; i++)
    passed += wzp_viewer_gate_pass (viewer, room, now_us);
  return passed;
}

static void
test_viewer (void)
{
  WzpViewerGate viewer = { 0 }, room = { 0 };
  const gint64 t = 5 * G_USEC_PER_SEC;

  g_test_summary ("A second's worth at once, then one at a time");

  g_assert_cmpuint (ask (&viewer, &room, 100, t), ==, VIEWER);
  g_assert_cmpuint (ask (&viewer, &room, 100, t), ==, 0);
  g_assert_cmpuint (
      ask (&viewer, &room, 9, t + G_USEC_PER_SEC / VIEWER - 1), ==, 0);
  g_assert_cmpuint (
      ask (&viewer, &room, 9, t + G_USEC_PER_SEC / VIEWER), ==, 1);
  g_assert_cmpuint (
      ask (&viewer, &room, 100, t + 10 * G_USEC_PER_SEC), ==, VIEWER);
}

static void
test_room (void)
{
  WzpViewerGate viewers[100], room = { 0 };
  const gint64 t = G_USEC_PER_SEC;
  guint passed = 0;

  g_test_summary ("All viewers at once: a few are heard, and then again");

  memset (viewers, 0, sizeof viewers);
  for (guint i = 0; i < G_N_ELEMENTS (viewers); i++)
    passed += ask (&viewers[i], &room, 3, t);
  g_assert_cmpuint (passed, ==, ROOM);
  /* One who was not heard did not pay for it. */
  g_assert_cmpuint (ask (&viewers[99], &room, 1, t), ==, 0);
  g_assert_cmpint (viewers[99].due_us, ==, 0);
  g_assert_cmpuint (
      ask (&viewers[99], &room, 50, t + G_USEC_PER_SEC), ==, VIEWER);
  g_assert_cmpuint (
      ask (&viewers[98], &room, 50, t + G_USEC_PER_SEC), ==, VIEWER);
}

static void
test_flooder (void)
{
  WzpViewerGate flooder = { 0 }, other = { 0 }, room = { 0 };
  guint flooded = 0, heard = 0;

  g_test_summary ("One that floods keeps nobody else from being heard");

  for (gint64 t = 0; t < 10 * G_USEC_PER_SEC; t += 1000) {
    flooded += ask (&flooder, &room, 10, t);
    if (t % G_USEC_PER_SEC == 0)
      heard += ask (&other, &room, 1, t);
  }
  g_assert_cmpuint (heard, ==, 10);
  g_assert_cmpuint (flooded, ==, 11 * VIEWER - 1);
}

static void
test_random (void)
{
  WzpViewerGate viewers[20], room = { 0 };
  guint passed[20] = { 0 }, total = 0;
  GRand *rand = wzp_test_rand_new ();
  const guint seconds = 30;
  gint64 t = 0;

  g_test_summary ("Never more than the rates over any while");

  memset (viewers, 0, sizeof viewers);
  while (t < (gint64) seconds * G_USEC_PER_SEC) {
    guint i = (guint) g_rand_int_range (rand, 0, 20);
    guint n = ask (&viewers[i], &room, 1, t);

    passed[i] += n;
    total += n;
    t += g_rand_int_range (rand, 0, 2000);
  }
  g_assert_cmpuint (total, <=, (seconds + 1) * ROOM);
  g_assert_cmpuint (total, >=, seconds * ROOM / 2);
  for (guint i = 0; i < 20; i++)
    g_assert_cmpuint (passed[i], <=, (seconds + 1) * VIEWER);
  g_rand_free (rand);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  g_test_add_func ("/viewer-gate/viewer", test_viewer);
  g_test_add_func ("/viewer-gate/room", test_room);
  g_test_add_func ("/viewer-gate/flooder", test_flooder);
  g_test_add_func ("/viewer-gate/random", test_random);
  return wzp_test_run ();
}
