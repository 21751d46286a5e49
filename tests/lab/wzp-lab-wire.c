/* wzp-lab-wire [--seed=N] [--hops=N]: see wzp-lab-wire.h. Commands, one a line:
 *
 *   port NAME NETNS DEVICE [CAPTURE]   a TUN device DEVICE in NETNS
 *   tap NETNS DEVICE CAPTURE           captures another device
 *   route PREFIX NAME                  which port a destination is behind
 *   router ADDRESS                     the wire's own, for "time exceeded"
 *   delay FROM TO MS [JITTER]          one way; order is kept in each family
 *   slow FROM TO 4|6 MS                so much more for one family
 *   loss FROM TO PERCENT               one way
 *   block FROM TO [4|6]                one way, silently, one family or both
 *   open FROM TO                       takes block and pass back
 *   pass FROM TO 4|6 N                 N more UDP packets of the family, then
 *                                      blocks it
 *
 * "*" stands for every port. Each is answered by a line of JSON with the
 * monotonic time; the end of the input ends the program, after a line with what
 * went each way. */
#include "wzp-lab-wire.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define N_FAMILIES  2u
#define MAX_PORTS   8u
#define MAX_TAPS    4u
#define MAX_ROUTES  32u
#define MAX_QUEUED  4096u /* packets of one way, as a long queue would */
#define MAX_LINE    512u
#define EXCEEDED_US 5000 /* back from the router that dropped it */

typedef struct {
  gint64 due_us;
  gsize len;
  guint8 data[];
} Packet;

/* Of a way: IPv4, IPv6. */
typedef struct {
  gint64 slow_us;
  gboolean is_blocked;
  gint64 pass;  /* UDP packets still let through; -1: any number */
  GQueue queue; /* of Packet */
  gint64 last_due_us;
} Family;

/* From one port to another. */
typedef struct {
  gint64 delay_us, jitter_us;
  double loss; /* 0..1 */
  Family families[N_FAMILIES];
  guint64 n_in, n_out, n_lost, n_blocked;
  GRand *rand;
} Way;

typedef struct {
  char *name;
  int fd;
  FILE *capture;
} Port;

typedef struct {
  int fd;
  FILE *capture;
} Tap;

typedef struct {
  LabWireAddr prefix;
  guint bits, port;
} Route;

typedef struct {
  guint seed, hops;
  Port ports[MAX_PORTS];
  guint n_ports;
  Way ways[MAX_PORTS][MAX_PORTS];
  Tap taps[MAX_TAPS];
  guint n_taps;
  Route routes[MAX_ROUTES];
  guint n_routes;
  LabWireAddr router4, router6;
  char line[MAX_LINE];
  gsize n_line;
  gboolean done;
} Wire;

static int
find_route (const Wire *self, const LabWireAddr *to)
{
  const Route *best = NULL;

  for (guint i = 0; i < self->n_routes; i++) {
    const Route *route = &self->routes[i];

    if (lab_wire_in_prefix (to, &route->prefix, route->bits) &&
        (best == NULL || route->bits > best->bits))
      best = route;
  }
  return best != NULL ? (int) best->port : -1;
}

static Family *
get_family (Way *way, int version)
{
  return &way->families[version == 4 ? 0 : 1];
}

static void
enqueue (Way *way, const guint8 *data, gsize len, gint64 delay_us)
{
  Family *family = get_family (way, data[0] >> 4);
  Packet *packet;

  if (g_queue_get_length (&family->queue) >= MAX_QUEUED) {
    way->n_lost++;
    return;
  }
  packet = g_malloc (sizeof *packet + len);
  packet->len = len;
  memcpy (packet->data, data, len);
  packet->due_us = g_get_monotonic_time () + delay_us + family->slow_us;
  if (way->jitter_us > 0)
    packet->due_us +=
        (gint64) g_rand_double_range (way->rand, 0, (double) way->jitter_us);
  packet->due_us = MAX (packet->due_us, family->last_due_us);
  family->last_due_us = packet->due_us;
  g_queue_push_tail (&family->queue, packet);
}

static gboolean
is_blocked (Family *family, gboolean is_udp)
{
  if (family->is_blocked)
    return TRUE;
  if (!is_udp || family->pass < 0)
    return FALSE;
  if (family->pass == 0)
    return TRUE;
  family->pass--;
  return FALSE;
}

/* A packet came in from port @from. */
static void
take (Wire *self, guint from, guint8 *data, gsize len)
{
  LabWireAddr to;
  gboolean is_udp;
  int port;
  Way *way;

  if (self->ports[from].capture != NULL)
    lab_wire_capture (self->ports[from].capture, data, len);
  if (!lab_wire_parse (data, len, &to, &is_udp))
    return;
  port = find_route (self, &to);
  if (port < 0)
    return;
  if (!lab_wire_age (data, self->hops)) {
    guint8 answer[1280];
    gsize answer_len = lab_wire_time_exceeded (
        data, len, to.family == 4 ? &self->router4 : &self->router6, answer);

    if (answer_len > 0)
      enqueue (&self->ways[from][from], answer, answer_len, EXCEEDED_US);
    return;
  }
  way = &self->ways[from][port];
  way->n_in++;
  if (is_blocked (get_family (way, to.family), is_udp))
    way->n_blocked++;
  else if (way->loss > 0 && g_rand_double (way->rand) < way->loss)
    way->n_lost++;
  else
    enqueue (way, data, len, way->delay_us);
}

static void
read_port (Wire *self, guint port)
{
  static guint8 buf[LAB_WIRE_MTU];

  for (;;) {
    ssize_t n = read (self->ports[port].fd, buf, sizeof buf);

    if (n <= 0)
      return;
    take (self, port, buf, (gsize) n);
  }
}

static void
read_tap (Tap *tap)
{
  static guint8 buf[LAB_WIRE_MTU];

  for (;;) {
    ssize_t n = read (tap->fd, buf, sizeof buf);

    if (n <= 0)
      return;
    lab_wire_capture (tap->capture, buf, (gsize) n);
  }
}

static void
deliver (Port *port, Way *way, const Packet *packet)
{
  if (port->capture != NULL)
    lab_wire_capture (port->capture, packet->data, packet->len);
  /* A device that is down takes nothing: lost, as on a pulled cable. */
  if (write (port->fd, packet->data, packet->len) < 0)
    way->n_lost++;
  else
    way->n_out++;
}

/* Hands over what is due on its way to @port. Returns when the next packet is;
 * -1: none waits. */
static gint64
deliver_queue (Port *port, Way *way, GQueue *queue, gint64 now_us)
{
  Packet *packet;

  while ((packet = g_queue_peek_head (queue)) != NULL &&
      packet->due_us <= now_us) {
    g_queue_pop_head (queue);
    deliver (port, way, packet);
    g_free (packet);
  }
  return packet != NULL ? packet->due_us : -1;
}

static gint64
deliver_due (Wire *self)
{
  gint64 next_us = -1, now_us = g_get_monotonic_time ();

  for (guint from = 0; from < self->n_ports; from++)
    for (guint to = 0; to < self->n_ports; to++)
      for (guint i = 0; i < N_FAMILIES; i++) {
        Way *way = &self->ways[from][to];
        gint64 due_us = deliver_queue (
            &self->ports[to], way, &way->families[i].queue, now_us);

        if (due_us >= 0 && (next_us < 0 || due_us < next_us))
          next_us = due_us;
      }
  return next_us;
}

/* ---- commands ---- */

static gboolean
add_port (Wire *self, GStrv words, guint n)
{
  const guint port = self->n_ports;

  if (n < 4 || n > 5 || port == MAX_PORTS)
    return FALSE;
  self->ports[port].fd = lab_wire_open_tun (words[2], words[3]);
  if (self->ports[port].fd < 0)
    return FALSE;
  if (n == 5)
    self->ports[port].capture = lab_wire_open_capture (words[4], 101);
  self->ports[port].name = g_strdup (words[1]);
  self->n_ports++;
  return TRUE;
}

static gboolean
add_tap (Wire *self, GStrv words, guint n)
{
  Tap *tap = &self->taps[self->n_taps];

  if (n != 4 || self->n_taps == MAX_TAPS)
    return FALSE;
  tap->fd = lab_wire_open_tap (words[1], words[2]);
  tap->capture = lab_wire_open_capture (words[3], 1);
  if (tap->fd < 0 || tap->capture == NULL)
    return FALSE;
  self->n_taps++;
  return TRUE;
}

static gboolean
add_route (Wire *self, GStrv words, guint n)
{
  Route *route = &self->routes[self->n_routes];

  if (n != 3 || self->n_routes == MAX_ROUTES ||
      !lab_wire_parse_prefix (words[1], &route->prefix, &route->bits))
    return FALSE;
  for (guint i = 0; i < self->n_ports; i++)
    if (g_str_equal (self->ports[i].name, words[2])) {
      route->port = i;
      self->n_routes++;
      return TRUE;
    }
  return FALSE;
}

static gboolean
set_router (Wire *self, GStrv words, guint n)
{
  LabWireAddr addr;
  guint bits;

  if (n != 2 || !lab_wire_parse_prefix (words[1], &addr, &bits))
    return FALSE;
  if (addr.family == 4)
    self->router4 = addr;
  else
    self->router6 = addr;
  return TRUE;
}

static gboolean
block (Way *way, const char *version)
{
  for (guint i = 0; i < N_FAMILIES; i++)
    if (version == NULL ||
        &way->families[i] == get_family (way, atoi (version)))
      way->families[i].is_blocked = TRUE;
  return TRUE;
}

static gboolean
unblock (Way *way)
{
  for (guint i = 0; i < N_FAMILIES; i++) {
    way->families[i].is_blocked = FALSE;
    way->families[i].pass = -1;
  }
  return TRUE;
}

static gint64
parse_ms (const char *text)
{
  return (gint64) (g_ascii_strtod (text, NULL) * 1000);
}

static gboolean
change_way (Way *way, GStrv words, guint n)
{
  const char *verb = words[0];

  if (g_str_equal (verb, "delay") && n >= 4) {
    way->delay_us = parse_ms (words[3]);
    way->jitter_us = n > 4 ? parse_ms (words[4]) : 0;
  } else if (g_str_equal (verb, "slow") && n == 5) {
    get_family (way, atoi (words[3]))->slow_us = parse_ms (words[4]);
  } else if (g_str_equal (verb, "loss") && n == 4) {
    way->loss = g_ascii_strtod (words[3], NULL) / 100;
  } else if (g_str_equal (verb, "block") && n <= 4) {
    return block (way, words[3]);
  } else if (g_str_equal (verb, "open") && n == 3) {
    return unblock (way);
  } else if (g_str_equal (verb, "pass") && n == 5) {
    get_family (way, atoi (words[3]))->pass =
        g_ascii_strtoll (words[4], NULL, 10);
  } else {
    return FALSE;
  }
  return TRUE;
}

static gboolean
is_named (const Port *port, const char *pattern)
{
  return g_str_equal (pattern, "*") || g_str_equal (pattern, port->name);
}

static gboolean
change_ways (Wire *self, GStrv words, guint n)
{
  gboolean found = FALSE;

  if (n < 3)
    return FALSE;
  for (guint from = 0; from < self->n_ports; from++)
    for (guint to = 0; to < self->n_ports; to++)
      if (is_named (&self->ports[from], words[1]) &&
          is_named (&self->ports[to], words[2])) {
        if (!change_way (&self->ways[from][to], words, n))
          return FALSE;
        found = TRUE;
      }
  return found;
}

static gboolean
obey (Wire *self, GStrv words)
{
  const guint n = g_strv_length (words);

  if (n == 0)
    return FALSE;
  if (g_str_equal (words[0], "port"))
    return add_port (self, words, n);
  if (g_str_equal (words[0], "tap"))
    return add_tap (self, words, n);
  if (g_str_equal (words[0], "route"))
    return add_route (self, words, n);
  if (g_str_equal (words[0], "router"))
    return set_router (self, words, n);
  return change_ways (self, words, n);
}

static void
take_line (Wire *self, const char *line)
{
  g_auto (GStrv) words = g_strsplit (line, " ", -1);
  const gboolean ok = obey (self, words);
  g_autofree char *text = g_strescape (line, NULL);

  printf ("{\"t\": %" G_GINT64_FORMAT ", \"did\": \"%s\", \"ok\": %s}\n",
      g_get_monotonic_time (), text, ok ? "true" : "false");
  fflush (stdout);
}

static void
read_commands (Wire *self)
{
  char *end;
  ssize_t n = read (STDIN_FILENO, self->line + self->n_line,
      sizeof self->line - 1 - self->n_line);

  if (n <= 0) {
    self->done = TRUE;
    return;
  }
  self->n_line += (gsize) n;
  self->line[self->n_line] = '\0';
  while ((end = strchr (self->line, '\n')) != NULL) {
    *end = '\0';
    take_line (self, self->line);
    self->n_line -= (gsize) (end + 1 - self->line);
    memmove (self->line, end + 1, self->n_line + 1);
  }
  if (self->n_line == sizeof self->line - 1)
    self->done = TRUE; /* nobody of ours writes such a line */
}

static void
wait_for_more (Wire *self, gint64 next_us)
{
  struct pollfd fds[MAX_PORTS + MAX_TAPS + 1];
  const gint64 wait_us =
      next_us < 0 ? -1 : MAX (0, next_us - g_get_monotonic_time ());
  const struct timespec wait = { wait_us / G_USEC_PER_SEC,
    wait_us % G_USEC_PER_SEC * 1000 };
  guint n = 0;

  for (guint i = 0; i < self->n_ports; i++)
    fds[n++] = (struct pollfd){ self->ports[i].fd, POLLIN, 0 };
  for (guint i = 0; i < self->n_taps; i++)
    fds[n++] = (struct pollfd){ self->taps[i].fd, POLLIN, 0 };
  fds[n++] = (struct pollfd){ STDIN_FILENO, POLLIN, 0 };
  if (ppoll (fds, n, wait_us < 0 ? NULL : &wait, NULL) <= 0)
    return;

  for (guint i = 0; i < self->n_ports; i++)
    if (fds[i].revents != 0)
      read_port (self, i);
  for (guint i = 0; i < self->n_taps; i++)
    if (fds[self->n_ports + i].revents != 0)
      read_tap (&self->taps[i]);
  if (fds[n - 1].revents != 0)
    read_commands (self);
}

static void
tell_counts (const Wire *self)
{
  const char *comma = "";

  printf ("{\"t\": %" G_GINT64_FORMAT ", \"ways\": [", g_get_monotonic_time ());
  for (guint from = 0; from < self->n_ports; from++)
    for (guint to = 0; to < self->n_ports; to++) {
      const Way *way = &self->ways[from][to];

      if (way->n_in == 0)
        continue;
      printf ("%s{\"from\": \"%s\", \"to\": \"%s\", \"packets\": %" //
          G_GUINT64_FORMAT ", \"delivered\": %" G_GUINT64_FORMAT
              ", \"lost\": %" G_GUINT64_FORMAT ", \"blocked\": %" //
          G_GUINT64_FORMAT "}",
          comma, self->ports[from].name, self->ports[to].name, way->n_in,
          way->n_out, way->n_lost, way->n_blocked);
      comma = ", ";
    }
  printf ("]}\n");
}

static void
set_up (Wire *self)
{
  for (guint from = 0; from < MAX_PORTS; from++)
    for (guint to = 0; to < MAX_PORTS; to++) {
      Way *way = &self->ways[from][to];
      guint32 seeds[] = { self->seed, from, to };

      way->rand = g_rand_new_with_seed_array (seeds, G_N_ELEMENTS (seeds));
      unblock (way);
      for (guint i = 0; i < N_FAMILIES; i++)
        g_queue_init (&way->families[i].queue);
    }
}

static void
tear_down (Wire *self)
{
  for (guint from = 0; from < MAX_PORTS; from++)
    for (guint to = 0; to < MAX_PORTS; to++) {
      Way *way = &self->ways[from][to];

      for (guint i = 0; i < N_FAMILIES; i++)
        g_queue_clear_full (&way->families[i].queue, g_free);
      g_rand_free (way->rand);
    }
  for (guint i = 0; i < self->n_ports; i++) {
    if (self->ports[i].capture != NULL)
      fclose (self->ports[i].capture);
    close (self->ports[i].fd);
    g_free (self->ports[i].name);
  }
  for (guint i = 0; i < self->n_taps; i++) {
    fclose (self->taps[i].capture);
    close (self->taps[i].fd);
  }
}

int
main (int argc, char **argv)
{
  static Wire wire = { .hops = 6 };
  int seed = 0, hops = 6;
  const GOptionEntry entries[] = {
    { "seed", 0, 0, G_OPTION_ARG_INT, &seed, "Of the losses", "N" },
    { "hops", 0, 0, G_OPTION_ARG_INT, &hops, "Routers that it stands for",
        "N" },
    { NULL },
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_autoptr (GError) error = NULL;

  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error)) {
    fprintf (stderr, "%s\n", error->message);
    return EXIT_FAILURE;
  }
  wire.seed = (guint) seed;
  wire.hops = (guint) CLAMP (hops, 0, 32);
  set_up (&wire);
  while (!wire.done)
    wait_for_more (&wire, deliver_due (&wire));
  tell_counts (&wire);
  tear_down (&wire);
  return EXIT_SUCCESS;
}
