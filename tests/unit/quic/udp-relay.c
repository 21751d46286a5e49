#include "udp-relay.h"

#include "wzp-udp-source.h"

#include "wzp-test.h"

#include <string.h>

static void
on_front (const WzpUdpPacket *packet, gpointer user_data)
{
  UdpRelay *self = user_data;

  self->client = packet->remote;
  if (self->is_cut)
    return;
  self->n_forward++;
  wzp_udp_send (self->back, NULL, &self->server, packet->ecn, packet->data,
      packet->len, packet->len, NULL);
}

static void
on_back (const WzpUdpPacket *packet, gpointer user_data)
{
  UdpRelay *self = user_data;

  if (self->is_cut || (self->drop_large_answers && packet->len > 400))
    return;
  self->n_backward++;
  wzp_udp_send (self->front, NULL, &self->client, packet->ecn, packet->data,
      packet->len, packet->len, NULL);
}

static gboolean
on_dispatch (WzpUdpSourceEvents events, gpointer user_data)
{
  UdpRelay *self = user_data;

  wzp_udp_recv (self->front, WZP_UDP_RECV_BATCH, on_front, self);
  wzp_udp_recv (self->back, WZP_UDP_RECV_BATCH, on_back, self);
  return G_SOURCE_CONTINUE;
}

WzpUdp *
udp_open_stranger (void)
{
  g_autoptr (GError) error = NULL;
  WzpAddr any;
  WzpUdp *udp;

  g_assert_true (wzp_addr_parse ("127.0.0.1:0", &any, NULL));
  udp = wzp_udp_new (&any, NULL, &error);
  g_assert_no_error (error);
  return udp;
}

static void
watch (UdpRelay *self)
{
  self->source = wzp_udp_source_new (self->front, self->back);
  g_source_set_callback (
      self->source, (GSourceFunc) (void (*) (void)) on_dispatch, self, NULL);
  g_source_attach (self->source, self->context);
}

static void
unwatch (UdpRelay *self)
{
  g_source_destroy (self->source);
  g_clear_pointer (&self->source, g_source_unref);
}

UdpRelay *
udp_relay_new (GMainContext *context, const WzpAddr *server)
{
  UdpRelay *self = g_new0 (UdpRelay, 1);

  self->context = context;
  self->server = *server;
  self->front = udp_open_stranger ();
  self->back = udp_open_stranger ();
  watch (self);
  return self;
}

void
udp_relay_free (UdpRelay *self)
{
  unwatch (self);
  wzp_udp_free (self->front);
  wzp_udp_free (self->back);
  g_free (self);
}

const WzpAddr *
udp_relay_get_addr (const UdpRelay *self)
{
  return wzp_udp_get_local (self->front);
}

void
udp_relay_rebind (UdpRelay *self)
{
  WzpUdp *old = self->back;

  unwatch (self);
  self->back = udp_open_stranger ();
  wzp_udp_free (old);
  watch (self);
}

typedef struct {
  guint8 *data;
  gsize room, len;
} Received;

static void
on_received (const WzpUdpPacket *packet, gpointer user_data)
{
  Received *received = user_data;

  received->len = MIN (packet->len, received->room);
  memcpy (received->data, packet->data, received->len);
}

gsize
udp_receive (WzpUdp *udp, GMainContext *context, guint timeout_ms, guint8 *data,
    gsize room)
{
  Received received = { .data = data, .room = room };
  WzpTestWait *wait = wzp_test_wait_new (context, timeout_ms);

  while (received.len == 0) {
    wzp_udp_recv (udp, 1, on_received, &received);
    if (received.len == 0 && !wzp_test_wait_step (wait))
      break;
  }
  wzp_test_wait_free (wait);
  return received.len;
}
