/* Two ends of a control channel and a network that also makes up its own
 * datagrams: whatever is made up, sizes and bounds hold, and write() says when
 * to call it again; while nothing was made up, all that was sent comes, in
 * order.
 *
 * A record is an operation of one byte and what it takes; the high bit chooses
 * the end:
 *   0  a datagram that was made up: length, bytes
 *   1  send: size (2 bytes, big-endian)
 *   2  time passes: milliseconds, and write; the datagrams come over
 *   3  the same, and they are lost
 *   4  pop
 *   5  kick
 *   6  round trip: milliseconds */
#include "fuzz.h"

#include "wzp-control-channel.h"
#include "wzp-varint.h"

#include <string.h>

/* Rounds after the last record, a second each: no more than 64 messages are
 * queued, each of which may go alone, twice there and back. */
#define LAST_ROUNDS 300u

typedef struct {
  WzpControlChannel *channel;
  guint32 n_sent, n_got;
} End;

typedef struct {
  End ends[2];
  gint64 now_us;
  gboolean is_honest; /* nothing was made up */
} Net;

static void
send_message (End *end, gsize size)
{
  g_autofree guint8 *data = g_malloc0 (size + 4);
  g_autoptr (GBytes) message = NULL;

  memcpy (data, &end->n_sent, 4);
  message = g_bytes_new (data, size);
  if (wzp_control_channel_send (end->channel, message))
    end->n_sent++;
}

static void
pop (Net *net, guint i)
{
  End *end = &net->ends[i];
  g_autoptr (GBytes) message = wzp_control_channel_pop (end->channel);
  gsize size;
  const guint8 *data;

  if (message == NULL)
    return;
  data = g_bytes_get_data (message, &size);
  g_assert (size <= WZP_CONTROL_MAX_MESSAGE);
  if (net->is_honest && size >= 4)
    g_assert (memcmp (data, &end->n_got, 4) == 0);
  end->n_got++;
}

static void
write_all (Net *net, guint i, gboolean is_lost)
{
  WzpControlChannel *channel = net->ends[i].channel;
  guint8 buf[1200];
  gsize len;
  gint64 deadline_us;

  while ((len = wzp_control_channel_write (
              channel, net->now_us, buf, sizeof buf)) > 0) {
    g_assert (len <= sizeof buf);
    if (is_lost)
      continue;
    if (!wzp_control_channel_receive (
            net->ends[!i].channel, buf, len, net->now_us))
      g_assert (!net->is_honest);
  }
  deadline_us = wzp_control_channel_get_deadline (channel);
  g_assert (deadline_us == -1 || deadline_us > net->now_us);
}

static void
run_record (Net *net, WzpReader *r)
{
  guint8 op = wzp_reader_u8 (r);
  guint i = (op & 0x80) != 0;
  End *end = &net->ends[i];
  const guint8 *bytes;
  gsize len;

  switch (op & 0x7f) {
    case 0:
      len = MIN (wzp_reader_u8 (r), wzp_reader_left (r));
      bytes = wzp_reader_bytes (r, len);
      if (bytes != NULL &&
          wzp_control_channel_receive (end->channel, bytes, len, net->now_us))
        net->is_honest = FALSE;
      break;
    case 1:
      send_message (end, wzp_reader_u16 (r));
      break;
    case 2:
    case 3:
      net->now_us += wzp_reader_u8 (r) * G_TIME_SPAN_MILLISECOND;
      write_all (net, i, (op & 1) != 0);
      break;
    case 4:
      pop (net, i);
      break;
    case 5:
      wzp_control_channel_kick (end->channel);
      break;
    case 6:
      wzp_control_channel_set_rtt (
          end->channel, wzp_reader_u8 (r) * G_TIME_SPAN_MILLISECOND);
      break;
    default:
      break;
  }
}

/* What is under way comes over once the network is good. */
static void
finish (Net *net)
{
  for (guint round = 0; round < LAST_ROUNDS; round++) {
    net->now_us += G_USEC_PER_SEC;
    for (guint i = 0; i < 2; i++) {
      write_all (net, i, FALSE);
      for (guint k = 0; k < WZP_CONTROL_MAX_UNACKED; k++)
        pop (net, !i);
    }
    if (wzp_control_channel_is_idle (net->ends[0].channel) &&
        wzp_control_channel_is_idle (net->ends[1].channel))
      break;
  }
  for (guint i = 0; i < 2; i++) {
    g_assert (wzp_control_channel_is_idle (net->ends[i].channel));
    g_assert (net->ends[!i].n_got == net->ends[i].n_sent);
  }
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  Net net = { .now_us = 1, .is_honest = TRUE };
  WzpReader r;

  for (guint i = 0; i < 2; i++)
    net.ends[i].channel = wzp_control_channel_new ();
  wzp_reader_init (&r, data, size);
  while (wzp_reader_left (&r) > 0)
    run_record (&net, &r);
  if (net.is_honest)
    finish (&net);
  for (guint i = 0; i < 2; i++)
    wzp_control_channel_free (net.ends[i].channel);
  return 0;
}
