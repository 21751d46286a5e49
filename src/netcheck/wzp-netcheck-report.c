#include "wzp-netcheck-report.h"

#include "wzp-relay-trust.h"

#include <json-glib/json-glib.h>
#include <string.h>

#define TEXT_WIDTH 78u /* columns */

/* ---- text ---- */

/* The words of @text with @indent, in lines of TEXT_WIDTH. */
static void
append_paragraph (GString *out, const char *indent, const char *text)
{
  g_auto (GStrv) words = g_strsplit (text, " ", -1);
  gsize column = 0;

  for (char **word = words; *word != NULL; word++) {
    gsize len = strlen (*word);

    if (column > 0 && column + 1 + len > TEXT_WIDTH) {
      g_string_append_c (out, '\n');
      column = 0;
    }
    g_string_append (out, column > 0 ? " " : indent);
    column += column > 0 ? 1 : strlen (indent);
    g_string_append (out, *word);
    column += len;
  }
  g_string_append_c (out, '\n');
}

/* By hand, for printf() writes the decimal point as the locale has it. */
static void
append_ms (GString *out, const char *what, gint64 us)
{
  g_string_append_printf (out, "%s %" G_GINT64_FORMAT ".%d ms", what, us / 1000,
      (int) (us % 1000 / 100));
}

static void
append_probe (GString *out, const WzpNetcheckProbe *probe)
{
  char text[WZP_ADDR_MAX_STRLEN];
  g_autoptr (GString) line = g_string_new (NULL);

  if (probe->is_second)
    g_string_append_printf (line, "second port %u: ", probe->addr.port);
  else
    g_string_append_printf (
        line, "%s: ", wzp_addr_to_string (&probe->addr, text));
  if (probe->error != NULL) {
    g_string_append (line, probe->error->message);
  } else {
    append_ms (line, "handshake", probe->handshake_us);
    append_ms (line, ", Reflect", probe->reflect_us);
    g_string_append_printf (
        line, ", sees %s", wzp_addr_to_string (&probe->observed, text));
    if (wzp_addr_equal (&probe->local, &probe->observed))
      g_string_append (line, " (the local address)");
    else
      g_string_append_printf (line, " (local address %s)",
          wzp_addr_to_string (&probe->local, text));
  }
  append_paragraph (out, probe->is_second ? "    " : "  ", line->str);
}

/* The addresses of a relay have one certificate, as a rule. */
static void
append_fingerprint (
    GString *out, const WzpNetcheckProbe *probe, const guint8 **last)
{
  g_autofree char *text = NULL;

  if (!probe->has_certificate ||
      (*last != NULL &&
          memcmp (*last, probe->cert_sha256, sizeof probe->cert_sha256) == 0))
    return;
  *last = probe->cert_sha256;
  text = wzp_relay_fingerprint_to_string (probe->cert_sha256);
  g_string_append_printf (out, "  fingerprint %s\n", text);
}

static void
append_relay (GString *out, const WzpNetcheckRelay *relay)
{
  const guint8 *last = NULL;

  g_string_append_printf (out, "%s\n", relay->name);
  if (relay->error != NULL)
    append_paragraph (out, "  ", relay->error->message);
  for (guint i = 0; i < relay->probes->len; i++) {
    const WzpNetcheckProbe *probe = relay->probes->pdata[i];

    append_fingerprint (out, probe, &last);
    append_probe (out, probe);
  }
}

static void
append_verdict (GString *out, const char *family, guint16 port,
    const WzpNatVerdict *verdict)
{
  g_autofree char *words = NULL;
  char text[WZP_ADDR_MAX_STRLEN];

  if (verdict->n_asked == 0)
    return;
  words = wzp_nat_describe (verdict);
  g_string_append_printf (
      out, "\n%s: %s", family, wzp_nat_type_to_string (verdict->type));
  if (verdict->observed.family != 0)
    g_string_append_printf (out, ", seen as %s from port %u",
        wzp_addr_to_string (&verdict->observed, text), port);
  g_string_append_c (out, '\n');
  append_paragraph (out, "  ", words);
  append_paragraph (out, "  ", wzp_nat_meaning (verdict));
}

char *
wzp_netcheck_report_text (const WzpNetcheckResult *result)
{
  GString *out = g_string_new (NULL);

  for (guint i = 0; i < result->relays->len; i++)
    append_relay (out, result->relays->pdata[i]);
  append_verdict (out, "IPv4", result->port4, &result->ipv4);
  append_verdict (out, "IPv6", result->port6, &result->ipv6);
  return g_string_free (out, FALSE);
}

/* ---- JSON ---- */

static void
add_string (JsonBuilder *builder, const char *name, const char *value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_string_value (builder, value);
}

static void
add_bool (JsonBuilder *builder, const char *name, gboolean value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_boolean_value (builder, value);
}

static void
add_int (JsonBuilder *builder, const char *name, gint64 value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_int_value (builder, value);
}

/* Left out when not known. In microseconds, for json-glib writes 0.1 with 17
 * digits. */
static void
add_us (JsonBuilder *builder, const char *name, gint64 us)
{
  if (us >= 0)
    add_int (builder, name, us);
}

static void
add_addr (JsonBuilder *builder, const char *name, const WzpAddr *addr)
{
  char text[WZP_ADDR_MAX_STRLEN];

  if (addr->family != 0)
    add_string (builder, name, wzp_addr_to_string (addr, text));
}

static void
add_probe (JsonBuilder *builder, const WzpNetcheckProbe *probe)
{
  json_builder_begin_object (builder);
  add_addr (builder, "address", &probe->addr);
  add_bool (builder, "second_port", probe->is_second);
  add_bool (builder, "answered", probe->answer == WZP_NAT_ANSWERED);
  if (probe->error != NULL)
    add_string (builder, "error", probe->error->message);
  add_us (builder, "handshake_us", probe->handshake_us);
  add_us (builder, "reflect_us", probe->reflect_us);
  add_addr (builder, "local", &probe->local);
  add_addr (builder, "observed", &probe->observed);
  if (probe->has_certificate) {
    g_autofree char *text =
        wzp_relay_fingerprint_to_string (probe->cert_sha256);

    add_string (builder, "fingerprint", text);
  }
  json_builder_end_object (builder);
}

static void
add_relay (JsonBuilder *builder, const WzpNetcheckRelay *relay)
{
  json_builder_begin_object (builder);
  add_string (builder, "relay", relay->name);
  add_bool (builder, "answered", wzp_netcheck_relay_has_answered (relay));
  if (relay->error != NULL)
    add_string (builder, "error", relay->error->message);
  json_builder_set_member_name (builder, "addresses");
  json_builder_begin_array (builder);
  for (guint i = 0; i < relay->probes->len; i++)
    add_probe (builder, relay->probes->pdata[i]);
  json_builder_end_array (builder);
  json_builder_end_object (builder);
}

static void
add_verdict (JsonBuilder *builder, const char *family, guint16 port,
    const WzpNatVerdict *verdict)
{
  g_autofree char *words = wzp_nat_describe (verdict);

  json_builder_set_member_name (builder, family);
  json_builder_begin_object (builder);
  add_string (builder, "type", wzp_nat_type_to_string (verdict->type));
  add_string (builder, "nat", wzp_nat_to_extension (verdict));
  add_int (builder, "asked", verdict->n_asked);
  add_int (builder, "answered", verdict->n_answered);
  add_int (builder, "local_port", port);
  add_addr (builder, "observed", &verdict->observed);
  add_bool (builder, "several_servers", verdict->several_servers);
  add_bool (builder, "several_ports", verdict->several_ports);
  add_bool (builder, "preserves_port", verdict->preserves_port);
  add_int (builder, "public_addresses", verdict->n_public);
  add_bool (builder, "sequential", verdict->is_sequential);
  if (verdict->is_sequential) {
    add_int (builder, "min_step", verdict->min_step);
    add_int (builder, "max_step", verdict->max_step);
  }
  add_bool (builder, "local_only", verdict->is_local_only);
  add_bool (builder, "cgnat", verdict->is_cgnat);
  add_bool (builder, "double_nat", verdict->is_double);
  add_string (builder, "description", words);
  add_string (builder, "calls", wzp_nat_meaning (verdict));
  json_builder_end_object (builder);
}

char *
wzp_netcheck_report_json (const WzpNetcheckResult *result)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autoptr (JsonNode) root = NULL;
  g_autofree char *text = NULL;

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "relays");
  json_builder_begin_array (builder);
  for (guint i = 0; i < result->relays->len; i++)
    add_relay (builder, result->relays->pdata[i]);
  json_builder_end_array (builder);
  add_verdict (builder, "ipv4", result->port4, &result->ipv4);
  add_verdict (builder, "ipv6", result->port6, &result->ipv6);
  json_builder_end_object (builder);
  root = json_builder_get_root (builder);
  text = json_to_string (root, TRUE);
  return g_strconcat (text, "\n", NULL);
}
