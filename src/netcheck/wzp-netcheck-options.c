#include "wzp-netcheck-options.h"

#include <string.h>

/* As the options say them, before they are checked. */
typedef struct {
  char **fingerprints, **relays;
  char *trust;
  int seconds, port;
} Raw;

static void
clear_raw (Raw *raw)
{
  g_clear_pointer (&raw->fingerprints, g_strfreev);
  g_clear_pointer (&raw->relays, g_strfreev);
  g_clear_pointer (&raw->trust, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Raw, clear_raw)

static gboolean
check_range (const char *name, int value, int min, int max, GError **error)
{
  if (value >= min && value <= max)
    return TRUE;
  g_set_error (error, WZP_ERROR, WZP_ERROR_INVALID,
      "%s is %d, %d to %d are possible", name, value, min, max);
  return FALSE;
}

/* Whoever knows the fingerprint wants it checked. */
static gboolean
read_trust (const Raw *raw, WzpRelayTrust *ret_trust, GError **error)
{
  static const char *const names[] = {
    [WZP_RELAY_TRUST_TOFU] = "tofu",
    [WZP_RELAY_TRUST_CA] = "ca",
    [WZP_RELAY_TRUST_PIN] = "pin",
    [WZP_RELAY_TRUST_NONE] = "none",
  };

  if (raw->trust == NULL) {
    *ret_trust =
        raw->fingerprints != NULL ? WZP_RELAY_TRUST_PIN : WZP_RELAY_TRUST_NONE;
    return TRUE;
  }
  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    if (strcmp (names[i], raw->trust) == 0) {
      *ret_trust = i;
      return TRUE;
    }
  }
  g_set_error (error, WZP_ERROR, WZP_ERROR_INVALID,
      "--trust is \"%s\"; tofu, pin, ca and none are possible", raw->trust);
  return FALSE;
}

static gboolean
check_fingerprints (const Raw *raw, WzpRelayTrust trust, GError **error)
{
  const guint n_relays = g_strv_length (raw->relays);
  const guint n =
      raw->fingerprints != NULL ? g_strv_length (raw->fingerprints) : 0;

  if (trust != WZP_RELAY_TRUST_PIN && n > 0) {
    g_set_error_literal (error, WZP_ERROR, WZP_ERROR_INVALID,
        "--fingerprint goes with --trust=pin only");
    return FALSE;
  }
  if (trust == WZP_RELAY_TRUST_PIN && n != n_relays) {
    g_set_error (error, WZP_ERROR, WZP_ERROR_INVALID,
        "%u --fingerprint for %u relays: give one for each, in their order", n,
        n_relays);
    return FALSE;
  }
  return TRUE;
}

static gboolean
read_relays (const Raw *raw, WzpNetcheckOptions *options, GError **error)
{
  const guint n = raw->relays != NULL ? g_strv_length (raw->relays) : 0;
  WzpRelayTrust trust;

  if (n == 0 || n > WZP_NETCHECK_MAX_RELAYS) {
    g_set_error (error, WZP_ERROR, WZP_ERROR_INVALID,
        "%u relays are given, 1 to %u are possible", n,
        WZP_NETCHECK_MAX_RELAYS);
    return FALSE;
  }
  if (!read_trust (raw, &trust, error) ||
      !check_fingerprints (raw, trust, error))
    return FALSE;
  for (guint i = 0; i < n; i++) {
    g_autoptr (WzpRelayRule) rule = g_new0 (WzpRelayRule, 1);

    rule->trust = trust;
    if (trust == WZP_RELAY_TRUST_TOFU)
      rule->known_path = wzp_known_relays_default_path ();
    if (!wzp_relay_rule_read (rule, raw->relays[i],
            trust == WZP_RELAY_TRUST_PIN ? raw->fingerprints[i] : NULL, error))
      return FALSE;
    g_ptr_array_add (options->relays, g_strdup (raw->relays[i]));
    g_ptr_array_add (options->rules, g_steal_pointer (&rule));
  }
  return TRUE;
}

static gboolean
check_options (const Raw *raw, WzpNetcheckOptions *options, GError **error)
{
  WzpAddr addr;

  if (!check_range (
          "--timeout", raw->seconds, 1, WZP_NETCHECK_MAX_SECONDS, error) ||
      !check_range ("--bind-port", raw->port, 0, G_MAXUINT16, error))
    return FALSE;
  options->timeout_ms = 1000 * (guint) raw->seconds;
  options->bind_port = (guint16) raw->port;
  if (options->bind_address != NULL &&
      !wzp_addr_parse_ip (options->bind_address, 0, &addr, error)) {
    g_prefix_error (error, "--bind-address: ");
    return FALSE;
  }
  return options->version || read_relays (raw, options, error);
}

gboolean
wzp_netcheck_options_parse (
    char ***argv, WzpNetcheckOptions *ret_options, GError **error)
{
  g_auto (WzpNetcheckOptions) options = { NULL };
  g_auto (Raw) raw = { .seconds = WZP_NETCHECK_DEFAULT_SECONDS };
  g_autoptr (GOptionContext) context = NULL;
  const GOptionEntry entries[] = {
    { "timeout", 't', 0, G_OPTION_ARG_INT, &raw.seconds,
        "Wait this long for an answer (default: 5)", "SECONDS" },
    { "trust", 0, 0, G_OPTION_ARG_STRING, &raw.trust,
        "What a relay's certificate must be: tofu, pin, ca or none (default: "
        "none, with --fingerprint pin)",
        "HOW" },
    { "fingerprint", 'f', 0, G_OPTION_ARG_STRING_ARRAY, &raw.fingerprints,
        "SHA-256 of the relay's certificate; once for each relay, in their "
        "order",
        "FINGERPRINT" },
    { "bind-address", 0, 0, G_OPTION_ARG_STRING, &options.bind_address,
        "Ask from this IP address only (default: any)", "ADDR" },
    { "bind-port", 0, 0, G_OPTION_ARG_INT, &raw.port,
        "Ask from this UDP port, 0 for a free one (default: 0)", "PORT" },
    { "json", 'j', 0, G_OPTION_ARG_NONE, &options.json,
        "Print JSON instead of text", NULL },
    { "version", 0, 0, G_OPTION_ARG_NONE, &options.version, "Print the version",
        NULL },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_STRING_ARRAY, &raw.relays, NULL,
        "RELAY..." },
    { NULL },
  };

  options.relays = g_ptr_array_new_with_free_func (g_free);
  options.rules =
      g_ptr_array_new_with_free_func ((GDestroyNotify) wzp_relay_rule_free);
  context = g_option_context_new (NULL);
  g_option_context_set_summary (context,
      "Asks relays (host[:port]) how they see this machine, and tells what "
      "kind "
      "of NAT stands in between.");
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse_strv (context, argv, error) ||
      !check_options (&raw, &options, error))
    return FALSE;
  *ret_options = options;
  memset (&options, 0, sizeof options);
  return TRUE;
}

void
wzp_netcheck_options_clear (WzpNetcheckOptions *options)
{
  g_clear_pointer (&options->relays, g_ptr_array_unref);
  g_clear_pointer (&options->rules, g_ptr_array_unref);
  g_clear_pointer (&options->bind_address, g_free);
}
