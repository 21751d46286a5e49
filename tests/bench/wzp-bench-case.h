/* wzp-bench-case: what is measured: which elements, with buffers of which size,
 * at which pace. Pure. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum {
  BENCH_DIRECT, /* wzpsink, wzpsrc, peer to peer */
  BENCH_RELAY,  /* the same through a wzp-relay */
  BENCH_UDP,    /* udpsink, udpsrc: neither encrypted nor controlled */
  BENCH_SRT,    /* srtsink, srtsrc, encrypted */
  BENCH_N_TRANSPORTS,
} BenchTransport;

#define BENCH_N_SIZES 3u

typedef struct {
  BenchTransport transport;
  guint size;   /* of a buffer, bytes */
  guint64 rate; /* bit/s; 0: as fast as the element takes them */
} BenchCase;

extern const guint bench_sizes[BENCH_N_SIZES];

const char *bench_transport_name (BenchTransport transport);
/* FALSE: no such name. */
gboolean bench_transport_parse (
    const char *name, BenchTransport *ret_transport);
/* How people write a size. */
const char *bench_size_name (guint size);
/* The pace at which buffers of @size are sent when they are paced, bit/s. */
guint64 bench_paced_rate (guint size);
/* NULL: it can be measured; else why not. */
const char *bench_case_obstacle (const BenchCase *c);

/* The elements in gst-launch's words, named "io". @address: of the relay
 * ("host:port"); @port: for udp and srt. Either is ignored by the others. */
char *bench_case_sink (const BenchCase *c, const char *address, guint port);
char *bench_case_src (const BenchCase *c, const char *address, guint port);

G_END_DECLS
