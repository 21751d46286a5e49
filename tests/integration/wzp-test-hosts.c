#include "wzp-test-hosts.h"

#include "netns.h"

#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

struct _WzpTestHost {
  WzpLoop *loop;
  guint number;
  pid_t thread; /* the loop's, whose namespace it is */
};

/* What one thread is to run in whose namespace. */
typedef struct {
  const WzpTestHost *host; /* NULL: the hub */
  const char *words;
  int status;
} Errand;

static void
enter (gpointer data)
{
  WzpTestHost *self = data;

  g_assert_cmpint (unshare (CLONE_NEWNET), ==, 0);
  self->thread = (pid_t) syscall (SYS_gettid);
}

/* In a thread of its own, so that the host's goes on meanwhile. */
static gpointer
run_errand (gpointer data)
{
  Errand *errand = data;

  if (errand->host != NULL) {
    g_autofree char *path =
        g_strdup_printf ("/proc/self/task/%d/ns/net", errand->host->thread);
    int fd = open (path, O_RDONLY | O_CLOEXEC);

    g_assert_cmpint (fd, >=, 0);
    g_assert_cmpint (setns (fd, CLONE_NEWNET), ==, 0);
    close (fd);
  }
  errand->status = system (errand->words);
  return NULL;
}

void
wzp_test_host_run (WzpTestHost *host, const char *words)
{
  g_autofree char *all = g_strdup_printf (
      "set -e; H=h%u; { %s; } 2>&1", host != NULL ? host->number : 0, words);
  Errand errand = { .host = host, .words = all };

  g_thread_join (g_thread_new ("errand", run_errand, &errand));
  if (errand.status != 0)
    g_error ("failed: %s", all);
}

gboolean
wzp_test_hosts_init (void)
{
  g_autofree char *ip = g_find_program_in_path ("ip");

  if (ip == NULL || !netns_enter ())
    return FALSE;
  return system ("ip link add probe0 type veth peer name probe1 2>/dev/null && "
                 "ip link delete probe0 && ip link set lo up && "
                 "ip address add " WZP_TEST_HUB_ADDRESS "/32 dev lo && "
                 "echo 1 2>/dev/null >/proc/sys/net/ipv4/ip_forward") == 0;
}

WzpTestHost *
wzp_test_host_new (guint number)
{
  WzpTestHost *self = g_new0 (WzpTestHost, 1);
  g_autofree char *at_hub = NULL;
  g_autofree char *at_host = NULL;

  self->number = number;
  self->loop = wzp_loop_new ("test-host");
  wzp_loop_invoke_sync (self->loop, enter, self);
  at_hub = g_strdup_printf ("ip link add h%u type veth peer name eth netns %d; "
                            "ip address add 10.%u.0.1/24 dev h%u; "
                            "ip link set h%u up",
      number, self->thread, number, number, number);
  at_host = g_strdup_printf ("ip link set lo up; ip link set eth up; "
                             "ip address add 10.%u.0.2/24 dev eth; "
                             "ip route add default via 10.%u.0.1",
      number, number);
  wzp_test_host_run (NULL, at_hub);
  wzp_test_host_run (self, at_host);
  return self;
}

/* Its cable goes with the namespace, but not at once; the next host may have
 * the same number. */
void
wzp_test_host_free (WzpTestHost *self)
{
  g_autofree char *words = g_strdup_printf ("ip link delete h%u", self->number);

  wzp_test_host_run (NULL, words);
  wzp_loop_free (self->loop);
  g_free (self);
}

GMainContext *
wzp_test_host_get_context (WzpTestHost *self)
{
  return wzp_loop_get_context (self->loop);
}
