#include "wzp-bench-elements.h"

#include <gst/gst.h>
#include <string.h>

#include "wzp-bench-child.h"
#include "wzp-bench-role.h"

/* GStreamer may look through all its plugins first. */
#define LOOK_MS 60000u

static const char *const names[] = { "appsrc", "fakesink", "udpsink", "udpsrc",
  "srtsink", "srtsrc", "wzpsink", "wzpsrc" };

gboolean
bench_elements_look_up (
    const char *program, BenchElements *ret_elements, GError **error)
{
  const char *argv[] = { program, "--role", "elements", NULL };
  g_autoptr (BenchChild) child =
      bench_child_new ("the look at the elements", argv, error);
  g_autofree char *answer = NULL;
  gsize version_len;

  if (child == NULL)
    return FALSE;
  answer = bench_child_expect (child, "elements ", LOOK_MS, error);
  if (answer == NULL)
    return FALSE;
  version_len = strcspn (answer, " ");
  ret_elements->version = g_strndup (answer, version_len);
  ret_elements->missing = g_strdup (answer + version_len);
  return TRUE;
}

void
bench_elements_clear (BenchElements *self)
{
  g_clear_pointer (&self->version, g_free);
  g_clear_pointer (&self->missing, g_free);
}

const char *
bench_elements_obstacle (const BenchElements *self, BenchTransport transport)
{
  const char *missing = self->missing;

  if (strstr (missing, " appsrc") != NULL ||
      strstr (missing, " fakesink") != NULL)
    return "no appsrc, fakesink";
  switch (transport) {
    case BENCH_UDP:
      return strstr (missing, " udp") != NULL ? "no udpsink" : NULL;
    case BENCH_SRT:
      return strstr (missing, " srt") != NULL ? "no srtsink" : NULL;
    default:
      return strstr (missing, " wzp") != NULL ? "no wzpsink" : NULL;
  }
}

void
bench_elements_say (void)
{
  g_autoptr (GString) missing = g_string_new (NULL);
  guint major, minor, micro, nano;

  gst_version (&major, &minor, &micro, &nano);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    GstElementFactory *factory = gst_element_factory_find (names[i]);

    if (factory == NULL)
      g_string_append_printf (missing, " %s", names[i]);
    gst_clear_object (&factory);
  }
  bench_say ("elements %u.%u.%u%s", major, minor, micro, missing->str);
}
