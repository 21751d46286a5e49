/* udp-relay: a man in the middle on loopback: one client, one server, packets
 * handed on, or not. It can change the port it speaks to the server from, as
 * a NAT does. */
#pragma once

#include "wzp-udp.h"

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct {
  WzpUdp *front, *back; /* owned: towards the client, towards the server */
  GSource *source;      /* owned */
  GMainContext *context;
  WzpAddr client, server; /* @client: learnt */
  gboolean is_cut;        /* nothing passes */
  gboolean drop_large_answers; /* a server's Retry passes, its hello does not */
  guint n_forward, n_backward;
} UdpRelay;

UdpRelay *udp_relay_new (GMainContext *context, const WzpAddr *server);
void udp_relay_free (UdpRelay *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (UdpRelay, udp_relay_free)
const WzpAddr *udp_relay_get_addr (const UdpRelay *self);
void udp_relay_rebind (UdpRelay *self);

/* A socket on loopback, of any port: for strangers. */
WzpUdp *udp_open_stranger (void);
/* One packet out of a socket that is read until one comes: for strangers. */
gsize udp_receive (WzpUdp *udp, GMainContext *context, guint timeout_ms,
    guint8 *data, gsize room);

G_END_DECLS
