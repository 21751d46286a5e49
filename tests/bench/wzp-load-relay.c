#include "wzp-load-relay.h"

#include <sys/resource.h>

#include "wzp-bench-child.h"
#include "wzp-bench-pin.h"

#define START_MS 10000u

struct _LoadRelay {
  BenchChild *child; /* owned */
  WzpAddr addr;
};

static gboolean
read_address (LoadRelay *self, GError **error)
{
  g_autofree char *address =
      bench_child_expect (self->child, "listening on ", START_MS, error);
  g_autofree char *ready = NULL;

  if (address == NULL || !wzp_addr_parse (address, &self->addr, error))
    return FALSE;
  ready = bench_child_expect (self->child, "ready", START_MS, error);
  return ready != NULL;
}

LoadRelay *
load_relay_new (const char *path, GError **error)
{
  const char *argv[] = { path, "--listen", "127.0.0.1", "--port", "0",
    "--ephemeral-key", "--no-config", "--quiet", NULL };
  g_autoptr (LoadRelay) self = g_new0 (LoadRelay, 1);

  bench_pin (BENCH_CORE_RELAY);
  self->child = bench_child_new ("the relay", argv, error);
  bench_pin (BENCH_CORE_ENDS);
  if (self->child == NULL || !read_address (self, error))
    return NULL;
  return g_steal_pointer (&self);
}

void
load_relay_free (LoadRelay *self)
{
  g_clear_pointer (&self->child, bench_child_free);
  g_free (self);
}

const WzpAddr *
load_relay_get_addr (const LoadRelay *self)
{
  return &self->addr;
}

guint64
load_relay_get_rss_kib (const LoadRelay *self)
{
  return bench_child_get_rss_kib (self->child);
}

static gint64
us_of (struct timeval time)
{
  return (gint64) time.tv_sec * G_USEC_PER_SEC + time.tv_usec;
}

void
load_cpu_take (LoadCpu *ret_cpu, const LoadRelay *relay)
{
  struct rusage own;

  getrusage (RUSAGE_SELF, &own);
  ret_cpu->at_us = g_get_monotonic_time ();
  ret_cpu->relay_us = bench_child_get_cpu_us (relay->child);
  ret_cpu->own_us = us_of (own.ru_utime) + us_of (own.ru_stime);
}

static double
share (gint64 used_us, const LoadCpu *from, const LoadCpu *to)
{
  return (double) used_us / (double) MAX (to->at_us - from->at_us, 1);
}

double
load_cpu_relay_share (const LoadCpu *from, const LoadCpu *to)
{
  return share (to->relay_us - from->relay_us, from, to);
}

double
load_cpu_own_share (const LoadCpu *from, const LoadCpu *to)
{
  return share (to->own_us - from->own_us, from, to);
}
