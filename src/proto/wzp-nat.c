#include "wzp-nat.h"

#include <stdlib.h>

typedef WzpNatObservation Observation;

/* The observations that count, in the order given. */
typedef struct {
  const Observation *items[WZP_NAT_MAX_OBSERVATIONS];
  guint n;
} Evidence;

static gboolean
is_untranslated (const Observation *o)
{
  return wzp_addr_equal (&o->observed, &o->local);
}

/* Of a network of somebody's own, where no NAT to the Internet can be seen. */
static gboolean
is_inside (const WzpAddr *addr)
{
  switch (wzp_addr_scope (addr)) {
    case WZP_ADDR_LOOPBACK:
    case WZP_ADDR_LINK_LOCAL:
    case WZP_ADDR_PRIVATE:
    case WZP_ADDR_CGNAT:
    case WZP_ADDR_ULA:
      return TRUE;
    case WZP_ADDR_UNSPECIFIED:
    case WZP_ADDR_MULTICAST:
    case WZP_ADDR_BROADCAST:
    case WZP_ADDR_GLOBAL:
    case WZP_ADDR_OTHER:
      return FALSE;
  }
  g_return_val_if_reached (FALSE);
}

static gboolean
is_translated (const Observation *o)
{
  return !is_untranslated (o);
}

static gboolean
is_outside (const Observation *o)
{
  return !is_inside (&o->observed);
}

/* Drops what does not @want, unless nothing would be left. */
static void
prefer (Evidence *evidence, gboolean (*want) (const Observation *o))
{
  Evidence left = { .n = 0 };

  for (guint i = 0; i < evidence->n; i++)
    if (want (evidence->items[i]))
      left.items[left.n++] = evidence->items[i];
  if (left.n > 0)
    *evidence = left;
}

static gboolean
all (const Evidence *evidence, gboolean (*is) (const Observation *o))
{
  for (guint i = 0; i < evidence->n; i++)
    if (!is (evidence->items[i]))
      return FALSE;
  return evidence->n > 0;
}

static gboolean
keeps_port (const Observation *o)
{
  return o->observed.port == o->local.port;
}

static gboolean
has_inside_server (const Observation *o)
{
  return is_inside (&o->server);
}

static WzpNatType
type_without_answer (guint n_no_answer, guint n_refused)
{
  if (n_refused > 0)
    return WZP_NAT_UNKNOWN;
  return n_no_answer > 0 ? WZP_NAT_BLOCKED : WZP_NAT_UNAVAILABLE;
}

/* Compares the mappings of one local address two by two. */
static WzpNatType
judge_mapping (const Evidence *evidence, WzpNatVerdict *verdict)
{
  gboolean by_address = FALSE, by_port = FALSE;

  for (guint i = 0; i < evidence->n; i++) {
    for (guint j = i + 1; j < evidence->n; j++) {
      const Observation *a = evidence->items[i], *b = evidence->items[j];
      gboolean is_same = wzp_addr_equal (&a->observed, &b->observed);

      if (!wzp_addr_equal (&a->local, &b->local) ||
          wzp_addr_equal (&a->server, &b->server))
        continue;
      if (wzp_addr_equal_ip (&a->server, &b->server)) {
        verdict->several_ports = TRUE;
        by_port |= !is_same;
      } else {
        verdict->several_servers = TRUE;
        by_address |= !is_same;
      }
    }
  }
  if (by_port)
    return WZP_NAT_BY_PORT;
  if (by_address)
    return WZP_NAT_BY_ADDRESS;
  if (verdict->several_ports || verdict->several_servers)
    return WZP_NAT_INDEPENDENT;
  return WZP_NAT_UNKNOWN;
}

static guint
count_public (const Evidence *evidence)
{
  guint n = 0;

  for (guint i = 0; i < evidence->n; i++) {
    guint j = 0;

    while (!wzp_addr_equal_ip (
        &evidence->items[i]->observed, &evidence->items[j]->observed))
      j++;
    n += j == i ? 1 : 0;
  }
  return n;
}

static int
compare_ports (const void *a, const void *b)
{
  return (int) *(const guint16 *) a - (int) *(const guint16 *) b;
}

/* The order in which a NAT gave the ports is not known: several questions left
 * at once. So the gaps between neighbours are looked at. */
static void
judge_steps (const Evidence *evidence, WzpNatVerdict *verdict)
{
  guint16 ports[WZP_NAT_MAX_OBSERVATIONS];
  guint16 min = G_MAXUINT16, max = 0;

  if (verdict->n_public != 1 || evidence->n < 2)
    return;
  for (guint i = 0; i < evidence->n; i++)
    ports[i] = evidence->items[i]->observed.port;
  qsort (ports, evidence->n, sizeof *ports, compare_ports);
  for (guint i = 1; i < evidence->n; i++) {
    guint16 step = (guint16) (ports[i] - ports[i - 1]);

    /* One port for two servers: of an address-dependent mapping. */
    if (step == 0)
      continue;
    min = MIN (min, step);
    max = MAX (max, step);
  }
  if (max == 0 || max > WZP_NAT_MAX_PORT_STEP)
    return;
  verdict->is_sequential = TRUE;
  verdict->min_step = min;
  verdict->max_step = max;
}

/* Of all answers, those that do not count too. */
static void
judge_networks (const Evidence *evidence, WzpNatVerdict *verdict)
{
  for (guint i = 0; i < evidence->n; i++) {
    const Observation *o = evidence->items[i];
    WzpAddrScope observed = wzp_addr_scope (&o->observed);

    if (observed == WZP_ADDR_CGNAT ||
        wzp_addr_scope (&o->local) == WZP_ADDR_CGNAT)
      verdict->is_cgnat = TRUE;
    if (observed == WZP_ADDR_PRIVATE &&
        !wzp_addr_equal_ip (&o->observed, &o->local))
      verdict->is_double = TRUE;
  }
}

static void
judge_evidence (Evidence *evidence, WzpNatVerdict *verdict)
{
  judge_networks (evidence, verdict);
  prefer (evidence, is_translated);
  prefer (evidence, is_outside);
  verdict->observed = evidence->items[0]->observed;
  verdict->preserves_port = all (evidence, keeps_port);
  verdict->n_public = count_public (evidence);
  verdict->type = judge_mapping (evidence, verdict);
  if (all (evidence, is_untranslated)) {
    verdict->type = WZP_NAT_NONE;
    verdict->is_local_only = all (evidence, has_inside_server);
  }
  if (verdict->type == WZP_NAT_BY_ADDRESS || verdict->type == WZP_NAT_BY_PORT)
    judge_steps (evidence, verdict);
}

void
wzp_nat_classify (const WzpNatObservation *observations, guint n, int family,
    WzpNatVerdict *ret_verdict)
{
  WzpNatVerdict verdict = { .type = WZP_NAT_UNAVAILABLE };
  Evidence evidence = { .n = 0 };
  guint n_no_answer = 0, n_refused = 0;

  for (guint i = 0; i < MIN (n, WZP_NAT_MAX_OBSERVATIONS); i++) {
    const Observation *o = &observations[i];

    if (o->server.family != family)
      continue;
    verdict.n_asked++;
    if (o->answer == WZP_NAT_ANSWERED)
      evidence.items[evidence.n++] = o;
    else if (o->answer == WZP_NAT_NO_ANSWER)
      n_no_answer++;
    else if (o->answer == WZP_NAT_REFUSED)
      n_refused++;
  }
  verdict.n_answered = evidence.n;
  if (evidence.n > 0)
    judge_evidence (&evidence, &verdict);
  else
    verdict.type = type_without_answer (n_no_answer, n_refused);
  *ret_verdict = verdict;
}

const char *
wzp_nat_type_to_string (WzpNatType type)
{
  switch (type) {
    case WZP_NAT_UNAVAILABLE:
      return "unavailable";
    case WZP_NAT_BLOCKED:
      return "blocked";
    case WZP_NAT_UNKNOWN:
      return "unknown";
    case WZP_NAT_NONE:
      return "none";
    case WZP_NAT_INDEPENDENT:
      return "endpoint-independent";
    case WZP_NAT_BY_ADDRESS:
      return "address-dependent";
    case WZP_NAT_BY_PORT:
      return "address-and-port-dependent";
  }
  g_return_val_if_reached ("unknown");
}

const char *
wzp_nat_to_extension (const WzpNatVerdict *verdict)
{
  switch (verdict->type) {
    case WZP_NAT_NONE:
      return verdict->is_local_only ? "unknown" : "none";
    case WZP_NAT_INDEPENDENT:
      return "cone";
    case WZP_NAT_BY_ADDRESS:
    case WZP_NAT_BY_PORT:
      return "symmetric";
    case WZP_NAT_UNAVAILABLE:
    case WZP_NAT_BLOCKED:
    case WZP_NAT_UNKNOWN:
      return "unknown";
  }
  g_return_val_if_reached ("unknown");
}

static const char *
describe_type (const WzpNatVerdict *verdict)
{
  switch (verdict->type) {
    case WZP_NAT_UNAVAILABLE:
      return "This machine has no way to any of the relays.";
    case WZP_NAT_BLOCKED:
      return "No relay answered over UDP.";
    case WZP_NAT_UNKNOWN:
      if (verdict->n_answered == 0)
        return "No relay told the address that it saw.";
      return "There is a NAT; one answer does not tell its kind.";
    case WZP_NAT_NONE:
      return verdict->is_local_only
          ? "No NAT on the way to these relays, which are at hand: of the way "
            "to the Internet that tells nothing."
          : "No NAT: the relays see this machine's own address.";
    case WZP_NAT_INDEPENDENT:
      return verdict->several_servers
          ? "A NAT with endpoint-independent mapping (\"cone\"): one public "
            "address and port, whoever is sent to."
          : "A NAT with endpoint-independent mapping (\"cone\"), as far as one "
            "relay can tell: the same for two of its ports.";
    case WZP_NAT_BY_ADDRESS:
      return verdict->several_ports
          ? "A NAT with address-dependent mapping (\"symmetric\"): another "
            "public address or port for each address that is sent to."
          : "A NAT with address-dependent mapping, perhaps port-dependent too "
            "(\"symmetric\"): each relay sees another address or port.";
    case WZP_NAT_BY_PORT:
      return "A NAT with address and port-dependent mapping (\"symmetric\"): "
             "another public address or port for each address and port that "
             "is sent to.";
  }
  g_return_val_if_reached ("");
}

char *
wzp_nat_describe (const WzpNatVerdict *verdict)
{
  GString *text = g_string_new (describe_type (verdict));
  const gboolean has_nat =
      verdict->n_answered > 0 && verdict->type != WZP_NAT_NONE;

  if (has_nat)
    g_string_append (text,
        verdict->preserves_port ? " It keeps port numbers."
                                : " It changes port numbers.");
  if (verdict->is_sequential && verdict->min_step == verdict->max_step)
    g_string_append_printf (
        text, " Its ports follow each other by %u.", verdict->min_step);
  else if (verdict->is_sequential)
    g_string_append_printf (text, " Its ports follow each other by %u to %u.",
        verdict->min_step, verdict->max_step);
  if (has_nat && verdict->n_public > 1)
    g_string_append_printf (text,
        " It has several public addresses, %u were seen (RFC 4787: arbitrary "
        "pooling).",
        verdict->n_public);
  if (verdict->is_cgnat)
    g_string_append (text,
        " An address of 100.64.0.0/10 was seen: the provider shares its public "
        "addresses (CGNAT, RFC 6598).");
  if (verdict->is_double)
    g_string_append (text,
        " A relay sees a private address that is not this machine's: a second "
        "NAT stands behind the first.");
  return g_string_free (text, FALSE);
}

const char *
wzp_nat_meaning (const WzpNatVerdict *verdict)
{
  switch (verdict->type) {
    case WZP_NAT_UNAVAILABLE:
      return "Calls do not use this address family here.";
    case WZP_NAT_BLOCKED:
      return "No call is possible, neither direct nor through these relays, as "
             "long as UDP is blocked or the relays do not run.";
    case WZP_NAT_UNKNOWN:
      if (verdict->n_answered == 0)
        return "UDP is not blocked, but calls need a relay that answers.";
      return "Calls through the relays that answer work; whether direct ones "
             "do is not known. Ask a second relay, or one with a second port.";
    case WZP_NAT_NONE:
      if (verdict->is_local_only)
        return "Direct calls can be expected on this network. Ask a relay on "
               "the Internet for what lies beyond.";
      return "Direct calls can be expected with every peer, unless a firewall "
             "here drops what strangers send.";
    case WZP_NAT_INDEPENDENT:
      return "Direct calls can be expected with peers without a NAT or behind "
             "one of this kind; with a peer behind a symmetric one it depends "
             "on this NAT's filtering (RFC 4787, section 5; not tested), else "
             "the call stays on the relay.";
    case WZP_NAT_BY_ADDRESS:
    case WZP_NAT_BY_PORT:
      return verdict->is_sequential
          ? "Direct calls can be expected with peers that need no NAT to be "
            "passed; with most others the call stays on the relay, though "
            "ports in a row can be guessed."
          : "Direct calls can be expected with peers that need no NAT to be "
            "passed; with most others the call stays on the relay.";
  }
  g_return_val_if_reached ("");
}
