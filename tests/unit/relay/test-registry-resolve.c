/* Names that are with other relays. */
#include "relay-test-links.h"
#include "wzp-test.h"

static void
resolve (TestLinks *f, TestClient *client, const char *alias)
{
  WzpMessage *message = wzp_message_new (WZP_MESSAGE_RESOLVE_ALIAS);

  message->alias = g_strdup (alias);
  test_client_send (&f->sim, client, message);
}

static void
expect_asked (TestLinks *f, const TestLink *link, const char *alias)
{
  g_autoptr (WzpMessage) message =
      test_link_expect (&f->sim, link, WZP_MESSAGE_RESOLVE_ALIAS);

  g_assert_cmpstr (message->alias, ==, alias);
}

/* @fp: NULL: nobody has the name. */
static WzpMessage *
new_resolved (const char *alias, const WzpFingerprint *fp)
{
  WzpMessage *message = wzp_message_new (WZP_MESSAGE_ALIAS_RESOLVED);

  message->alias = g_strdup (alias);
  message->has_target_fp = fp != NULL;
  if (fp != NULL)
    message->target_fp = *fp;
  return message;
}

/* Takes @reply. */
static void
check_resolved (WzpMessage *reply, const char *alias, const WzpFingerprint *fp)
{
  g_assert_cmpstr (reply->alias, ==, alias);
  g_assert_cmpint (reply->has_target_fp, ==, fp != NULL);
  if (fp != NULL)
    g_assert_true (wzp_fingerprint_equal (&reply->target_fp, fp));
  wzp_message_free (reply);
}

static void
expect_resolved (TestLinks *f, const TestClient *client, const char *alias,
    const WzpFingerprint *fp)
{
  check_resolved (
      test_client_expect (&f->sim, client, WZP_MESSAGE_ALIAS_RESOLVED), alias,
      fp);
}

static void
test_found (void)
{
  TestLinks f;

  test_links_set_up (&f, NULL);
  resolve (&f, f.a, "bert"); /* who is here is found here */
  expect_resolved (&f, f.a, "bert", f.b->peer->fp);

  resolve (&f, f.a, "far-one");
  expect_asked (&f, f.l, "far-one");
  expect_asked (&f, f.m, "far-one");
  test_sim_expect_nothing (&f.sim);
  test_link_send (&f.sim, f.m, new_resolved ("far-one", NULL));
  test_sim_expect_nothing (&f.sim);
  test_link_send (&f.sim, f.l, new_resolved ("far-one", f.far->fp));
  expect_resolved (&f, f.a, "far-one", f.far->fp);
  g_assert_cmpint (wzp_registry_get_deadline (f.sim.registry), ==, -1);

  /* A first answer is one. */
  resolve (&f, f.a, "far-one");
  expect_asked (&f, f.l, "far-one");
  expect_asked (&f, f.m, "far-one");
  test_link_send (&f.sim, f.m, new_resolved ("far-one", f.b->peer->fp));
  expect_resolved (&f, f.a, "far-one", f.b->peer->fp);
  g_assert_cmpuint (test_sim_stats (&f.sim).refused, ==, 0);
  test_link_send (&f.sim, f.l, new_resolved ("far-one", f.far->fp));
  test_sim_expect_nothing (&f.sim);
  g_assert_cmpuint (test_sim_stats (&f.sim).refused, ==, 1);
  test_links_tear_down (&f);
}

static void
test_not_found (void)
{
  TestLinks f;
  gint64 deadline_us;

  test_links_set_up (&f, NULL);
  resolve (&f, f.a, "nobody");
  test_link_skip (&f.sim, f.l, WZP_MESSAGE_RESOLVE_ALIAS);
  test_link_skip (&f.sim, f.m, WZP_MESSAGE_RESOLVE_ALIAS);
  /* One cannot say it twice, nor of another name. */
  test_link_send (&f.sim, f.l, new_resolved ("nobody", NULL));
  test_link_send (&f.sim, f.l, new_resolved ("nobody", NULL));
  test_link_send (&f.sim, f.m, new_resolved ("nobody-else", NULL));
  test_sim_expect_nothing (&f.sim);
  g_assert_cmpuint (test_sim_stats (&f.sim).refused, ==, 2);
  test_link_send (&f.sim, f.m, new_resolved ("nobody", NULL));
  expect_resolved (&f, f.a, "nobody", NULL);

  /* One does not answer. */
  resolve (&f, f.a, "nobody");
  test_link_skip (&f.sim, f.l, WZP_MESSAGE_RESOLVE_ALIAS);
  test_link_skip (&f.sim, f.m, WZP_MESSAGE_RESOLVE_ALIAS);
  test_link_send (&f.sim, f.l, new_resolved ("nobody", NULL));
  deadline_us = f.sim.now_us + WZP_REGISTRY_RESOLVE_US;
  g_assert_cmpint (
      wzp_registry_advance (f.sim.registry, deadline_us - 1), ==, deadline_us);
  test_sim_expect_nothing (&f.sim);
  g_assert_cmpint (wzp_registry_advance (f.sim.registry, deadline_us), ==, -1);
  expect_resolved (&f, f.a, "nobody", NULL);

  /* What cannot be an alias is not asked for. */
  resolve (&f, f.a, "no \"name\"");
  expect_resolved (&f, f.a, "no \"name\"", NULL);
  test_links_tear_down (&f);
}

static void
test_lost (void)
{
  TestLinks f;

  test_links_set_up (&f, NULL);
  resolve (&f, f.a, "far-one");
  resolve (&f, f.b, "far-two");
  for (guint i = 0; i < 2; i++) {
    test_link_skip (&f.sim, f.l, WZP_MESSAGE_RESOLVE_ALIAS);
    test_link_skip (&f.sim, f.m, WZP_MESSAGE_RESOLVE_ALIAS);
  }
  /* A link that is lost will not say, though it may be back for its calls. */
  test_link_down (&f.sim, f.l);
  test_sim_expect_nothing (&f.sim);
  test_link_down (&f.sim, f.m);
  expect_resolved (&f, f.a, "far-one", NULL);
  expect_resolved (&f, f.b, "far-two", NULL);
  resolve (&f, f.a, "far-one"); /* nobody to ask */
  expect_resolved (&f, f.a, "far-one", NULL);

  /* A question that is not taken off yet goes with the link. */
  test_link_up (&f.sim, f.m);
  resolve (&f, f.a, "far-one");
  test_link_down (&f.sim, f.m);
  expect_resolved (&f, f.a, "far-one", NULL);
  test_link_up (&f.sim, f.m);
  test_sim_expect_nothing (&f.sim);

  /* And one of a client with the client. */
  resolve (&f, f.a, "far-one");
  resolve (&f, f.b, "far-one");
  test_link_skip (&f.sim, f.m, WZP_MESSAGE_RESOLVE_ALIAS);
  test_client_leave (&f.sim, f.a);
  test_link_send (&f.sim, f.m, new_resolved ("far-one", f.far->fp));
  expect_resolved (&f, f.b, "far-one", f.far->fp);
  test_links_tear_down (&f);
}

static void
test_asked_together (void)
{
  TestLinks f;

  g_test_summary ("However many ask for a name, a relay is asked once");

  test_links_set_up (&f, NULL);
  resolve (&f, f.a, "far-one");
  resolve (&f, f.b, "far-one");
  resolve (&f, f.b, "far-one");
  expect_asked (&f, f.l, "far-one");
  expect_asked (&f, f.m, "far-one");
  test_link_send (&f.sim, f.l, new_resolved ("far-one", NULL));
  resolve (&f, f.b, "far-one");
  test_sim_expect_nothing (&f.sim);
  test_link_send (&f.sim, f.m, new_resolved ("far-one", f.far->fp));
  expect_resolved (&f, f.a, "far-one", f.far->fp);
  for (guint i = 0; i < 3; i++)
    expect_resolved (&f, f.b, "far-one", f.far->fp);
  test_links_tear_down (&f);
}

static void
test_asked_by_link (void)
{
  TestLinks f;
  WzpMessage *message;

  test_links_set_up (&f, NULL);
  for (guint i = 0; i < 2; i++) {
    const char *alias = i == 0 ? "bert" : "nobody";

    message = wzp_message_new (WZP_MESSAGE_RESOLVE_ALIAS);
    message->alias = g_strdup (alias);
    test_link_send (&f.sim, f.l, message);
    check_resolved (test_link_expect (&f.sim, f.l, WZP_MESSAGE_ALIAS_RESOLVED),
        alias, i == 0 ? f.b->peer->fp : NULL);
  }
  test_sim_expect_nothing (&f.sim); /* one hop */
  test_links_tear_down (&f);
}

static void
test_limits (void)
{
  guint n = WZP_REGISTRY_MAX_RESOLVES / WZP_REGISTRY_MAX_RESOLVES_PER_CLIENT;
  g_autofree TestClient **clients = g_new0 (TestClient *, n);
  TestLinks f;

  g_test_summary ("A client asks WZP_REGISTRY_MAX_RESOLVES_PER_CLIENT at once, "
                  "all WZP_REGISTRY_MAX_RESOLVES; over it the answer is no");

  test_links_set_up (&f, NULL);
  for (guint i = 0; i < n; i++) {
    clients[i] = test_client_new_registered (&f.sim, i, NULL);
    for (guint j = 0; j < WZP_REGISTRY_MAX_RESOLVES_PER_CLIENT; j++) {
      g_autofree char *alias = g_strdup_printf ("n%u-%u", i, j);

      resolve (&f, clients[i], alias);
      expect_asked (&f, f.l, alias);
      expect_asked (&f, f.m, alias);
    }
    if (i == 0) {
      resolve (&f, clients[i], "one-more");
      expect_resolved (&f, clients[i], "one-more", NULL);
    }
  }
  resolve (&f, f.a, "one-more");
  expect_resolved (&f, f.a, "one-more", NULL);
  test_link_send (&f.sim, f.l, new_resolved ("n3-3", f.far->fp));
  expect_resolved (&f, clients[3], "n3-3", f.far->fp);
  resolve (&f, f.a, "one-more");
  expect_asked (&f, f.l, "one-more");
  expect_asked (&f, f.m, "one-more");
  for (guint i = 0; i < n; i++)
    test_client_free (&f.sim, clients[i]);
  test_client_leave (&f.sim, f.a);
  g_assert_cmpint (wzp_registry_get_deadline (f.sim.registry), ==, -1);
  test_links_tear_down (&f);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  g_test_add_func ("/registry-resolve/found", test_found);
  g_test_add_func ("/registry-resolve/not-found", test_not_found);
  g_test_add_func ("/registry-resolve/lost", test_lost);
  g_test_add_func ("/registry-resolve/asked-together", test_asked_together);
  g_test_add_func ("/registry-resolve/asked-by-link", test_asked_by_link);
  g_test_add_func ("/registry-resolve/limits", test_limits);
  return wzp_test_run ();
}
