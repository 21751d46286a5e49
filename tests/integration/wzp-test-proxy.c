#include "wzp-test-proxy.h"

#include "wzp-sockaddr.h"

#include <poll.h>
#include <unistd.h>

typedef struct {
  WzpAddr client;
  int fd; /* towards the target; -1: free */
} Leg;

struct _WzpTestProxy {
  GThread *thread;
  WzpAddr target;
  int fd;      /* where clients send */
  int stop[2]; /* pipe: closed to end the thread */
  char address[WZP_ADDR_MAX_STRLEN];
  Leg legs[WZP_TEST_PROXY_MAX_CLIENTS];
  guint n_legs;
  GRand *rand;
  int blackhole, per_mille, passed, rebind; /* atomic */
};

static int
open_socket (WzpAddr *ret_bound)
{
  WzpAddr any = { .family = 4, .ip = { 127, 0, 0, 1 } };
  struct sockaddr_storage sa;
  socklen_t len = wzp_sockaddr_from_addr (&any, &sa);
  int fd = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  int size = 4 * 1024 * 1024;

  g_assert_cmpint (fd, >=, 0);
  setsockopt (fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
  g_assert_cmpint (bind (fd, (struct sockaddr *) &sa, len), ==, 0);
  len = sizeof sa;
  g_assert_cmpint (getsockname (fd, (struct sockaddr *) &sa, &len), ==, 0);
  wzp_sockaddr_to_addr ((struct sockaddr *) &sa, len, ret_bound);
  return fd;
}

static gboolean
may_pass (WzpTestProxy *self)
{
  int per_mille = g_atomic_int_get (&self->per_mille);

  if (g_atomic_int_get (&self->blackhole) ||
      (per_mille > 0 && g_rand_int_range (self->rand, 0, 1000) < per_mille))
    return FALSE;
  g_atomic_int_inc (&self->passed);
  return TRUE;
}

static Leg *
find_leg (WzpTestProxy *self, const WzpAddr *client)
{
  WzpAddr unused;
  Leg *leg;

  for (guint i = 0; i < self->n_legs; i++) {
    if (wzp_addr_equal (&self->legs[i].client, client))
      return &self->legs[i];
  }
  if (self->n_legs == WZP_TEST_PROXY_MAX_CLIENTS)
    return NULL;
  leg = &self->legs[self->n_legs++];
  leg->client = *client;
  leg->fd = open_socket (&unused);
  return leg;
}

/* One packet from @from on, to @to by @out. */
static void
pass (WzpTestProxy *self, int in, int out, const WzpAddr *to)
{
  guint8 data[65536];
  struct sockaddr_storage sa;
  socklen_t sa_len;
  gssize len = recv (in, data, sizeof data, MSG_DONTWAIT);

  if (len < 0 || !may_pass (self))
    return;
  sa_len = wzp_sockaddr_from_addr (to, &sa);
  sendto (out, data, (gsize) len, 0, (struct sockaddr *) &sa, sa_len);
}

static void
forget_legs (WzpTestProxy *self)
{
  for (guint i = 0; i < self->n_legs; i++)
    close (self->legs[i].fd);
  self->n_legs = 0;
}

static void
pass_in (WzpTestProxy *self)
{
  struct sockaddr_storage sa;
  socklen_t len = sizeof sa;
  WzpAddr client;
  guint8 byte;
  Leg *leg;

  if (recvfrom (self->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT,
          (struct sockaddr *) &sa, &len) < 0)
    return;
  wzp_sockaddr_to_addr ((struct sockaddr *) &sa, len, &client);
  if (g_atomic_int_compare_and_exchange (&self->rebind, TRUE, FALSE))
    forget_legs (self);
  leg = find_leg (self, &client);
  if (leg != NULL)
    pass (self, self->fd, leg->fd, &self->target);
}

static gpointer
run (gpointer data)
{
  WzpTestProxy *self = data;

  for (;;) {
    struct pollfd fds[WZP_TEST_PROXY_MAX_CLIENTS + 2];
    guint n = 0;

    fds[n++] = (struct pollfd){ .fd = self->stop[0], .events = POLLIN };
    fds[n++] = (struct pollfd){ .fd = self->fd, .events = POLLIN };
    for (guint i = 0; i < self->n_legs; i++)
      fds[n++] = (struct pollfd){ .fd = self->legs[i].fd, .events = POLLIN };
    poll (fds, n, -1);
    if (fds[0].revents != 0)
      return NULL;
    for (guint i = 2; i < n; i++) {
      if (fds[i].revents != 0)
        pass (self, fds[i].fd, self->fd, &self->legs[i - 2].client);
    }
    if (fds[1].revents != 0)
      pass_in (self);
  }
}

WzpTestProxy *
wzp_test_proxy_new (const WzpAddr *target)
{
  WzpTestProxy *self = g_new0 (WzpTestProxy, 1);
  WzpAddr bound;

  self->target = *target;
  self->fd = open_socket (&bound);
  wzp_addr_to_string (&bound, self->address);
  self->rand = g_rand_new_with_seed ((guint32) g_test_rand_int ());
  g_assert_cmpint (pipe (self->stop), ==, 0);
  self->thread = g_thread_new ("test-proxy", run, self);
  return self;
}

void
wzp_test_proxy_free (WzpTestProxy *self)
{
  close (self->stop[1]);
  g_thread_join (self->thread);
  close (self->stop[0]);
  close (self->fd);
  forget_legs (self);
  g_rand_free (self->rand);
  g_free (self);
}

const char *
wzp_test_proxy_get_address (WzpTestProxy *self)
{
  return self->address;
}

void
wzp_test_proxy_set_blackhole (WzpTestProxy *self, gboolean blackhole)
{
  g_atomic_int_set (&self->blackhole, blackhole);
}

void
wzp_test_proxy_set_loss (WzpTestProxy *self, guint per_mille)
{
  g_atomic_int_set (&self->per_mille, (int) per_mille);
}

void
wzp_test_proxy_rebind (WzpTestProxy *self)
{
  g_atomic_int_set (&self->rebind, TRUE);
}

guint
wzp_test_proxy_get_passed (WzpTestProxy *self)
{
  return (guint) g_atomic_int_get (&self->passed);
}
