#include "wzp-room-peers.h"

#include "wzp-room-inbox.h"

#include <string.h>

#define OWN_TAG 77u

/* A room with one who listens, and those who send made by hand. */
typedef struct {
  WzpRoomPeers *peers;
  WzpRecvFlow *flow; /* claimed by the first flow named "video" */
  gboolean is_claimed;
  GString *log;
  guint64 message_id;
} Rig;

static WzpRecvFlow *
on_claim (const char *name, gpointer user_data)
{
  Rig *rig = user_data;

  if (rig->is_claimed || strcmp (name, "video") != 0)
    return NULL;
  rig->is_claimed = TRUE;
  return wzp_recv_flow_ref (rig->flow);
}

static void
on_unclaimed (WzpRecvFlow *flow, gpointer user_data)
{
  Rig *rig = user_data;

  rig->is_claimed = FALSE;
  g_string_append (rig->log, "unclaimed ");
}

static void
on_control (guint64 tag, const WzpControl *control, gpointer user_data)
{
  Rig *rig = user_data;

  g_assert_cmpint (control->type, ==, WZP_CONTROL_KEY_REQUEST);
  g_string_append_printf (rig->log, "ask %u ", (guint) tag);
}

static void
on_key_requested (guint32 flow, gpointer user_data)
{
  Rig *rig = user_data;

  g_string_append_printf (rig->log, "key %u ", flow);
}

static const WzpRoomPeersHandler handler = {
  .claim = on_claim,
  .unclaimed = on_unclaimed,
  .control = on_control,
  .key_requested = on_key_requested,
};

static void
rig_init (Rig *rig)
{
  memset (rig, 0, sizeof *rig);
  rig->log = g_string_new (NULL);
  rig->flow = wzp_recv_flow_new (NULL);
  rig->peers = wzp_room_peers_new (OWN_TAG, NULL, &handler, rig);
}

static void
rig_clear (Rig *rig)
{
  g_clear_pointer (&rig->peers, wzp_room_peers_free);
  wzp_recv_flow_unref (rig->flow);
  g_string_free (rig->log, TRUE);
}

static void
assert_log (Rig *rig, const char *wanted)
{
  g_assert_cmpstr (rig->log->str, ==, wanted);
  g_string_truncate (rig->log, 0);
}

/* Number 0 and up are media's, these are control's. */
static void
send_control (
    Rig *rig, guint64 tag, guint64 to, const WzpControl *control, gint64 now_us)
{
  g_autoptr (GBytes) message = wzp_control_write (control, NULL);
  guint64 id = rig->message_id++;
  guint8 buf[1200];
  gsize offset = 0, len;

  len = wzp_datagram_write_prefix (
      buf, WZP_DATAGRAM_CONTROL, 1000 + id, wzp_datagram_room_flow (tag, 0));
  len += wzp_room_fragment_write (
      buf + len, sizeof buf - len, to, id, message, &offset);
  g_assert_cmpuint (offset, ==, g_bytes_get_size (message));
  wzp_room_peers_push (rig->peers, buf, len, now_us);
}

static void
send_open (Rig *rig, guint64 tag, gint64 now_us)
{
  WzpControl control = { .type = WZP_CONTROL_FLOW_OPEN,
    .flow = 1,
    .generation = 1,
    .name = (char *) "video",
    .caps = (char *) "video/x-test" };

  send_control (rig, tag, 0, &control, now_us);
}

static void
send_frame (
    Rig *rig, guint64 tag, guint64 number, gboolean is_delta, gint64 now_us)
{
  WzpMediaHead head = { .frame = number,
    .is_start = TRUE,
    .meta = { .flags = is_delta ? WZP_FRAME_DELTA_UNIT : 0,
        .generation = 1,
        .size = 4,
        .pts = number * 1000,
        .dts = WZP_TIME_NONE,
        .duration = WZP_TIME_NONE } };
  guint8 buf[200];
  gsize len = wzp_datagram_write_prefix (buf,
      WZP_DATAGRAM_FRAME_START | WZP_DATAGRAM_FRAME_END, number,
      wzp_datagram_room_flow (tag, 1));

  len += wzp_datagram_write_media (buf + len, &head);
  memcpy (buf + len, "data", 4);
  wzp_room_peers_push (rig->peers, buf, len + 4, now_us);
}

/* The number of the next frame handed out; -1: none. */
static gint64
pop_frame (Rig *rig)
{
  WzpRecvItem item;
  gint64 number;

  while (wzp_recv_flow_pop (rig->flow, 0, &item)) {
    if (item.kind != WZP_RECV_FRAME) {
      wzp_recv_item_clear (&item);
      continue;
    }
    number = (gint64) (item.frame->meta.pts / 1000);
    wzp_recv_item_clear (&item);
    return number;
  }
  return -1;
}

static guint64
get_bad (Rig *rig)
{
  WzpReceiverStats stats;
  guint64 bad;

  wzp_room_peers_get_stats (rig->peers, &stats, &bad);
  return bad;
}

/* In the middle of a stream: nothing before a key frame, which is asked for. */
static void
test_begins_at_key (void)
{
  Rig rig;

  rig_init (&rig);
  send_open (&rig, 5, 0);
  send_frame (&rig, 5, 100, TRUE, 0);
  wzp_room_peers_advance (rig.peers, 200 * 1000);
  send_frame (&rig, 5, 101, TRUE, 200 * 1000);
  g_assert_cmpint (pop_frame (&rig), ==, -1);
  wzp_room_peers_collect_key_requests (rig.peers);
  assert_log (&rig, "ask 5 ");
  send_frame (&rig, 5, 102, FALSE, 210 * 1000);
  send_frame (&rig, 5, 103, TRUE, 220 * 1000);
  wzp_room_peers_advance (rig.peers, 500 * 1000);
  g_assert_cmpint (pop_frame (&rig), ==, 102);
  g_assert_cmpint (pop_frame (&rig), ==, 103);
  g_assert_cmpint (pop_frame (&rig), ==, -1);
  rig_clear (&rig);
}

/* A stream that has no key frames begins after a while all the same. */
static void
test_without_keys (void)
{
  Rig rig;

  rig_init (&rig);
  send_open (&rig, 5, 0);
  send_frame (&rig, 5, 1, TRUE, 1000);
  wzp_room_peers_advance (rig.peers, WZP_RECEIVER_SKIP_MAX_US - 1);
  g_assert_cmpint (pop_frame (&rig), ==, -1);
  send_frame (&rig, 5, 2, TRUE, WZP_RECEIVER_SKIP_MAX_US);
  g_assert_cmpint (pop_frame (&rig), ==, 2);
  rig_clear (&rig);
}

static void
test_silence_and_bye (void)
{
  const WzpControl bye = { .type = WZP_CONTROL_BYE };
  Rig rig;

  rig_init (&rig);
  send_open (&rig, 5, 0);
  g_assert_cmpuint (wzp_room_peers_get_count (rig.peers), ==, 1);
  g_assert_cmpint (
      wzp_room_peers_get_deadline (rig.peers), ==, WZP_ROOM_SILENCE_US);
  wzp_room_peers_advance (rig.peers, WZP_ROOM_SILENCE_US - 1);
  assert_log (&rig, "");
  wzp_room_peers_advance (rig.peers, WZP_ROOM_SILENCE_US);
  assert_log (&rig, "unclaimed ");
  g_assert_cmpuint (wzp_room_peers_get_count (rig.peers), ==, 0);

  /* The flow is free for the next one, who says when he goes. */
  send_open (&rig, 6, WZP_ROOM_SILENCE_US);
  send_frame (&rig, 6, 0, FALSE, WZP_ROOM_SILENCE_US);
  g_assert_cmpint (pop_frame (&rig), ==, 0);
  send_control (&rig, 6, 0, &bye, WZP_ROOM_SILENCE_US);
  assert_log (&rig, "unclaimed ");
  g_assert_cmpuint (wzp_room_peers_get_count (rig.peers), ==, 0);
  rig_clear (&rig);
}

/* Those who send are bounded; those who only ask for a key frame are not
 * counted among them. */
static void
test_bounds (void)
{
  const WzpControl request = { .type = WZP_CONTROL_KEY_REQUEST, .flow = 3 };
  Rig rig;

  rig_init (&rig);
  for (guint i = 0; i < WZP_ROOM_MAX_PEERS; i++)
    send_open (&rig, 100 + i, 0);
  g_assert_cmpuint (
      wzp_room_peers_get_count (rig.peers), ==, WZP_ROOM_MAX_PEERS);
  g_assert_cmpuint (get_bad (&rig), ==, 0);
  send_open (&rig, 99, 0);
  send_frame (&rig, 99, 0, FALSE, 0);
  g_assert_cmpuint (get_bad (&rig), ==, 2);
  send_control (&rig, 99, OWN_TAG, &request, 0);
  send_control (&rig, 98, OWN_TAG, &request, 0);
  send_control (&rig, 98, 55, &request, 0); /* somebody else's */
  send_control (&rig, 100, OWN_TAG, &request, 0);
  assert_log (&rig, "key 3 key 3 key 3 ");
  g_assert_cmpuint (get_bad (&rig), ==, 2);
  g_assert_cmpuint (
      wzp_room_peers_get_count (rig.peers), ==, WZP_ROOM_MAX_PEERS);
  rig_clear (&rig);
}

/* What is not of a room, or says to come from us. */
static void
test_malformed (void)
{
  Rig rig;
  guint8 buf[64];
  gsize len;

  rig_init (&rig);
  wzp_room_peers_push (rig.peers, (const guint8 *) "\x80", 1, 0);
  g_assert_cmpuint (get_bad (&rig), ==, 1);
  send_open (&rig, OWN_TAG, 0);
  g_assert_cmpuint (get_bad (&rig), ==, 2);
  len = wzp_datagram_write_prefix (buf, 0, 0, 1); /* a call's */
  wzp_room_peers_push (rig.peers, buf, len, 0);
  g_assert_cmpuint (get_bad (&rig), ==, 3);
  g_assert_cmpuint (wzp_room_peers_get_count (rig.peers), ==, 0);
  len = wzp_datagram_write_prefix (
      buf, WZP_DATAGRAM_CONTROL, 0, wzp_datagram_room_flow (5, 0));
  wzp_room_peers_push (rig.peers, buf, len, 0); /* no fragment in it */
  g_assert_cmpuint (get_bad (&rig), ==, 4);
  rig_clear (&rig);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/room-peers/begins-at-key", test_begins_at_key);
  g_test_add_func ("/room-peers/without-keys", test_without_keys);
  g_test_add_func ("/room-peers/silence-and-bye", test_silence_and_bye);
  g_test_add_func ("/room-peers/bounds", test_bounds);
  g_test_add_func ("/room-peers/malformed", test_malformed);
  return g_test_run ();
}
