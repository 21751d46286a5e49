#include "udp-pair.h"

#include "wzp-test.h"

#include <poll.h>

static void
datagram_clear (gpointer data)
{
  g_free (((Datagram *) data)->data);
}

WzpAddr
udp_addr (const char *text)
{
  g_autoptr (GError) error = NULL;
  WzpAddr addr = { 0 };

  wzp_addr_parse (text, &addr, &error);
  g_assert_no_error (error);
  return addr;
}

WzpUdp *
udp_open (const char *addr, const WzpUdpOptions *options)
{
  const WzpAddr parsed = udp_addr (addr);
  g_autoptr (GError) error = NULL;
  WzpUdp *udp = wzp_udp_new (&parsed, options, &error);

  g_assert_no_error (error);
  return udp;
}

gboolean
udp_have_ipv6 (void)
{
  const WzpAddr addr = udp_addr ("[::1]:0");
  g_autoptr (WzpUdp) udp = wzp_udp_new (&addr, NULL, NULL);

  return udp != NULL;
}

GArray *
udp_datagrams_new (void)
{
  GArray *datagrams = g_array_new (FALSE, FALSE, sizeof (Datagram));

  g_array_set_clear_func (datagrams, datagram_clear);
  return datagrams;
}

void
udp_append (const WzpUdpPacket *packet, gpointer array)
{
  Datagram datagram = {
    .len = packet->len,
    .data = g_memdup2 (packet->data, packet->len),
    .local = packet->local,
    .remote = packet->remote,
    .ecn = packet->ecn,
  };

  g_array_append_val ((GArray *) array, datagram);
}

void
udp_wait (WzpUdp *udp)
{
  struct pollfd fd = { .fd = wzp_udp_get_fd (udp), .events = POLLIN };

  g_assert_cmpint (poll (&fd, 1, wzp_test_slower (UDP_PAIR_TIMEOUT_MS)), ==, 1);
}

void
udp_receive (WzpUdp *udp, GArray *datagrams, guint n)
{
  while (datagrams->len < n) {
    udp_wait (udp);
    wzp_udp_recv (udp, G_MAXUINT, udp_append, datagrams);
  }
  g_assert_cmpuint (datagrams->len, ==, n);
}

guint8 *
udp_make_data (gsize len)
{
  guint8 *data = g_malloc (len);

  for (gsize i = 0; i < len; i++)
    data[i] = udp_pattern (i);
  return data;
}

void
udp_assert_data (GArray *datagrams, gsize len, gsize segment)
{
  gsize offset = 0;

  for (guint i = 0; i < datagrams->len; i++) {
    const Datagram *datagram = &g_array_index (datagrams, Datagram, i);

    g_assert_cmpuint (datagram->len, ==, MIN (segment, len - offset));
    for (gsize j = 0; j < datagram->len; j++)
      if (datagram->data[j] != udp_pattern (offset + j))
        g_error ("Datagram %u differs at byte %" G_GSIZE_FORMAT, i, j);
    offset += datagram->len;
  }
  g_assert_cmpuint (offset, ==, len);
}
