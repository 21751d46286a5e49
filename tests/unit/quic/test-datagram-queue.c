#include "wzp-datagram-queue.h"

#include "wzp-test.h"

#include <string.h>

static gboolean
push (WzpDatagramQueue *queue, const guint8 *data, gsize len)
{
  const struct iovec iov[] = {
    { .iov_base = (void *) data, .iov_len = len / 2 },
    { .iov_base = (void *) (data + len / 2), .iov_len = len - len / 2 },
  };

  return wzp_datagram_queue_push (queue, iov, 2);
}

static GByteArray *
pop (WzpDatagramQueue *queue)
{
  struct iovec iov[2];
  int n = wzp_datagram_queue_peek (queue, iov);
  GByteArray *bytes;

  if (n == 0)
    return NULL;
  bytes = g_byte_array_new ();
  for (int i = 0; i < n; i++)
    g_byte_array_append (bytes, iov[i].iov_base, iov[i].iov_len);
  wzp_datagram_queue_pop (queue);
  return bytes;
}

static void
test_order (void)
{
  g_autoptr (WzpDatagramQueue) queue = wzp_datagram_queue_new (1000, 10);
  struct iovec iov[2];

  g_assert_cmpint (wzp_datagram_queue_peek (queue, iov), ==, 0);
  g_assert_true (push (queue, (const guint8 *) "one", 3));
  g_assert_true (push (queue, (const guint8 *) "", 0));
  g_assert_true (push (queue, (const guint8 *) "three", 5));
  g_assert_cmpuint (wzp_datagram_queue_get_count (queue), ==, 3);
  g_assert_cmpuint (wzp_datagram_queue_get_bytes (queue), ==, 8);
  for (guint i = 0; i < 3; i++) {
    static const char *const expected[] = { "one", "", "three" };
    g_autoptr (GByteArray) bytes = pop (queue);

    g_assert_cmpmem (
        bytes->data, bytes->len, expected[i], strlen (expected[i]));
  }
  g_assert_null (pop (queue));
}

static void
test_bounds (void)
{
  g_autoptr (WzpDatagramQueue) bytes = wzp_datagram_queue_new (100, 1000);
  g_autoptr (WzpDatagramQueue) count = wzp_datagram_queue_new (1000000, 7);
  guint8 data[101] = { 0 };

  g_assert_false (push (bytes, data, 101));
  g_assert_true (push (bytes, data, 60));
  g_assert_false (push (bytes, data, 41));
  g_assert_cmpuint (wzp_datagram_queue_get_count (bytes), ==, 1);
  g_assert_true (push (bytes, data, 40));
  g_assert_true (push (bytes, data, 0));
  g_assert_false (push (bytes, data, 1));

  for (guint i = 0; i < 7; i++)
    g_assert_true (push (count, data, 0));
  g_assert_false (push (count, data, 0));
  wzp_datagram_queue_pop (count);
  g_assert_true (push (count, data, 1));
  g_assert_false (push (count, data, 0));
}

static void
test_clear_and_trim (void)
{
  g_autoptr (WzpDatagramQueue) queue = wzp_datagram_queue_new (1000, 10);

  push (queue, (const guint8 *) "abc", 3);
  wzp_datagram_queue_trim (queue); /* not empty: keeps */
  g_assert_cmpuint (wzp_datagram_queue_get_count (queue), ==, 1);
  wzp_datagram_queue_clear (queue);
  g_assert_cmpuint (wzp_datagram_queue_get_bytes (queue), ==, 0);
  wzp_datagram_queue_trim (queue);
  g_assert_true (push (queue, (const guint8 *) "def", 3));
  {
    g_autoptr (GByteArray) bytes = pop (queue);

    g_assert_cmpmem (bytes->data, bytes->len, "def", 3);
  }
}

static void
test_random (void)
{
  g_autoptr (GRand) rand = wzp_test_rand_new ();
  g_autoptr (WzpDatagramQueue) queue = wzp_datagram_queue_new (20000, 200);
  GQueue model = G_QUEUE_INIT;
  gsize bytes = 0;

  g_test_summary ("Like a list of byte strings, round and round the ring");

  for (guint i = 0; i < 200000; i++) {
    if (g_rand_int_range (rand, 0, 100) < (int) (40 + 20 * (i / 1000 % 2))) {
      gsize len = g_rand_int_range (rand, 0, 400);
      guint8 data[400];
      gboolean fits = model.length < 200 && bytes + len <= 20000;

      memset (data, i, len);
      g_assert_true (push (queue, data, len) == fits);
      if (fits) {
        g_queue_push_tail (&model, g_bytes_new (data, len));
        bytes += len;
      }
    } else {
      g_autoptr (GByteArray) got = pop (queue);
      g_autoptr (GBytes) expected = g_queue_pop_head (&model);

      g_assert_true ((got == NULL) == (expected == NULL));
      if (got == NULL)
        continue;
      g_assert_cmpmem (got->data, got->len, g_bytes_get_data (expected, NULL),
          g_bytes_get_size (expected));
      bytes -= got->len;
    }
    g_assert_cmpuint (wzp_datagram_queue_get_bytes (queue), ==, bytes);
    g_assert_cmpuint (wzp_datagram_queue_get_count (queue), ==, model.length);
    if (i % 10000 == 0)
      wzp_datagram_queue_trim (queue);
  }
  g_queue_clear_full (&model, (GDestroyNotify) g_bytes_unref);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  g_test_add_func ("/datagram-queue/order", test_order);
  g_test_add_func ("/datagram-queue/bounds", test_bounds);
  g_test_add_func ("/datagram-queue/clear-and-trim", test_clear_and_trim);
  g_test_add_func ("/datagram-queue/random", test_random);
  return wzp_test_run ();
}
