#include "wzp-bench-case.h"

#define HOST "127.0.0.1" /* nothing leaves this machine */
#define NAME "bench"     /* what the listener registers with the relay */
/* What a UDP datagram over IPv4 can carry. */
#define UDP_MAX_PAYLOAD 65507u
/* As large as the buffers of the sockets of wzpsink and wzpsrc. */
#define SOCKET_BUFFER "4194304"
/* With the buffers that it has by itself, srtsink waits for ever once its own
 * is full (libsrt 1.5.1 does not say that there is room again). */
#define SRT_SEND_BUFFER    "sndbuf=48000000"
#define SRT_RECEIVE_BUFFER "rcvbuf=36000000"
/* AES-128, as what TLS 1.3 agrees on between wzpsink and wzpsrc. */
#define SRT_KEY "passphrase=0123456789abcdef pbkeylen=16"

const guint bench_sizes[BENCH_N_SIZES] = { 1316, 16384, 262144 };

static const char *const names[BENCH_N_TRANSPORTS] = {
  [BENCH_DIRECT] = "wzp direct",
  [BENCH_RELAY] = "wzp relay",
  [BENCH_UDP] = "udp",
  [BENCH_SRT] = "srt",
};

const char *
bench_transport_name (BenchTransport transport)
{
  return names[transport];
}

gboolean
bench_transport_parse (const char *name, BenchTransport *ret_transport)
{
  for (guint i = 0; i < BENCH_N_TRANSPORTS; i++) {
    if (g_str_equal (name, names[i])) {
      *ret_transport = i;
      return TRUE;
    }
  }
  return FALSE;
}

const char *
bench_size_name (guint size)
{
  switch (size) {
    case 1316:
      return "1316 B";
    case 16384:
      return "16 KiB";
    default:
      return "256 KiB";
  }
}

guint64
bench_paced_rate (guint size)
{
  /* At 10 Mbit/s too few of the largest would come for a percentile. */
  return size > 65536 ? 100 * 1000 * 1000 : 10 * 1000 * 1000;
}

const char *
bench_case_obstacle (const BenchCase *c)
{
  if (c->transport == BENCH_UDP && c->size > UDP_MAX_PAYLOAD)
    return "does not fit";
  return NULL;
}

char *
bench_case_sink (const BenchCase *c, const char *address, guint port)
{
  switch (c->transport) {
    case BENCH_DIRECT:
      return g_strdup ("wzpsink name=io mode=app transport-policy=direct "
                       "bind-address=" HOST " sync=false");
    case BENCH_RELAY:
      return g_strdup_printf ("wzpsink name=io uri=wzp://%s/" NAME
                              " mode=caller transport-policy=relay "
                              "bind-address=" HOST " sync=false",
          address);
    case BENCH_UDP:
      return g_strdup_printf ("udpsink name=io host=" HOST " port=%u "
                              "buffer-size=" SOCKET_BUFFER
                              " sync=false async=false",
          port);
    default:
      return g_strdup_printf ("srtsink name=io uri=srt://" HOST
                              ":%u?mode=caller&" SRT_SEND_BUFFER " " SRT_KEY
                              " sync=false async=false",
          port);
  }
}

char *
bench_case_src (const BenchCase *c, const char *address, guint port)
{
  switch (c->transport) {
    case BENCH_DIRECT:
      return g_strdup ("wzpsrc name=io mode=app transport-policy=direct "
                       "bind-address=" HOST);
    case BENCH_RELAY:
      return g_strdup_printf ("wzpsrc name=io uri=wzp://%s/" NAME
                              " mode=listener transport-policy=relay "
                              "bind-address=" HOST,
          address);
    case BENCH_UDP:
      return g_strdup_printf ("udpsrc name=io address=" HOST " port=%u "
                              "buffer-size=" SOCKET_BUFFER,
          port);
    default:
      /* As a property the mode would come too late for the address. */
      return g_strdup_printf ("srtsrc name=io uri=srt://" HOST
                              ":%u?mode=listener&" SRT_RECEIVE_BUFFER
                              " " SRT_KEY,
          port);
  }
}
