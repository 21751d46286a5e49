#include "wzp-candidate.h"

#include <string.h>

#include "wzp-error.h"

static gboolean
list_has (const WzpCandidateList *list, const WzpAddr *addr)
{
  for (guint i = 0; i < list->n; i++)
    if (wzp_addr_equal (&list->items[i].addr, addr))
      return TRUE;
  return FALSE;
}

static gboolean
has_enough_of (const WzpCandidateList *list, const WzpAddr *addr)
{
  guint n = 0;

  for (guint i = 0; i < list->n; i++)
    n += wzp_addr_equal_ip (&list->items[i].addr, addr);
  return n >= WZP_CANDIDATES_MAX_OF_ADDRESS &&
      wzp_addr_scope (addr) != WZP_ADDR_LOOPBACK;
}

static gboolean
refuse (WzpCandidateList *list, const char *text, const char *why)
{
  g_autofree char *excerpt = wzp_error_excerpt (text);

  list->refused++;
  g_debug ("candidate \"%s\" refused: %s", excerpt, why);
  return FALSE;
}

const char *
wzp_candidate_type_to_string (WzpCandidateType type)
{
  switch (type) {
    case WZP_CANDIDATE_HOST:
      return "host";
    case WZP_CANDIDATE_SERVER_REFLEXIVE:
      return "srflx";
    case WZP_CANDIDATE_PEER_REFLEXIVE:
      return "prflx";
  }
  g_return_val_if_reached ("unknown");
}

gboolean
wzp_candidate_host_is_usable (const WzpAddr *addr, gboolean bound_to_loopback)
{
  const WzpAddrScope scope = wzp_addr_scope (addr);

  if (bound_to_loopback)
    return scope == WZP_ADDR_LOOPBACK;
  switch (scope) {
    case WZP_ADDR_PRIVATE:
    case WZP_ADDR_CGNAT:
    case WZP_ADDR_ULA:
      return TRUE;
    case WZP_ADDR_GLOBAL:
      /* A public IPv4 address is what the relay sees: reflexive covers it. */
      return addr->family == 6;
    case WZP_ADDR_UNSPECIFIED:
    case WZP_ADDR_LOOPBACK:
    case WZP_ADDR_LINK_LOCAL:
    case WZP_ADDR_MULTICAST:
    case WZP_ADDR_BROADCAST:
    case WZP_ADDR_OTHER:
      return FALSE;
  }
  g_return_val_if_reached (FALSE);
}

const char *
wzp_candidate_refusal (const WzpAddr *addr, const WzpCandidateFilter *filter)
{
  WzpAddr remote = *addr;

  wzp_addr_canonicalise (&remote);
  switch (wzp_addr_scope (&remote)) {
    case WZP_ADDR_UNSPECIFIED:
      return "unspecified";
    case WZP_ADDR_MULTICAST:
      return "multicast";
    case WZP_ADDR_BROADCAST:
      return "broadcast or reserved";
    case WZP_ADDR_LINK_LOCAL:
      return "link-local";
    case WZP_ADDR_LOOPBACK:
      if (!filter->allow_loopback)
        return "loopback";
      break;
    case WZP_ADDR_PRIVATE:
    case WZP_ADDR_CGNAT:
    case WZP_ADDR_ULA:
    case WZP_ADDR_GLOBAL:
    case WZP_ADDR_OTHER:
      break;
  }
  if (remote.port == 0)
    return "port 0";
  if (filter->relay != NULL) {
    WzpAddr relay = *filter->relay;

    wzp_addr_canonicalise (&relay);
    if (wzp_addr_equal (&remote, &relay))
      return "the relay's own address";
  }
  return NULL;
}

gboolean
wzp_candidate_list_add (WzpCandidateList *list, WzpCandidateType type,
    const WzpAddr *addr, const WzpCandidateFilter *filter)
{
  const char *why = wzp_candidate_refusal (addr, filter);
  char text[WZP_ADDR_MAX_STRLEN];
  WzpAddr canonical = *addr;

  wzp_addr_canonicalise (&canonical);
  if (why == NULL && list_has (list, &canonical))
    return TRUE;
  if (why == NULL && list->n == WZP_CANDIDATES_MAX)
    why = "the list is full";
  if (why == NULL && has_enough_of (list, &canonical))
    why = "of an address listed often enough";
  if (why != NULL)
    return refuse (list, wzp_addr_to_string (addr, text), why);

  list->items[list->n++] = (WzpCandidate){ .addr = canonical, .type = type };
  return TRUE;
}

gboolean
wzp_candidate_list_add_text (WzpCandidateList *list, WzpCandidateType type,
    const char *text, const WzpCandidateFilter *filter)
{
  WzpAddr addr;

  if (!wzp_addr_parse (text, &addr, NULL))
    return refuse (list, text, "not an address and port");
  return wzp_candidate_list_add (list, type, &addr, filter);
}

void
wzp_candidate_list_from_remote (WzpCandidateList *ret_list,
    const char *const *local, const char *reflexive,
    const WzpCandidateFilter *filter)
{
  WzpAddr addr;

  memset (ret_list, 0, sizeof *ret_list);
  for (; local != NULL && *local != NULL; local++)
    wzp_candidate_list_add_text (ret_list, WZP_CANDIDATE_HOST, *local, filter);
  if (reflexive == NULL)
    return;

  /* A peer with many interfaces must not lose its most useful address: the
   * last of its host candidates makes room. */
  if (ret_list->n == WZP_CANDIDATES_MAX &&
      wzp_addr_parse (reflexive, &addr, NULL) && !list_has (ret_list, &addr) &&
      wzp_candidate_refusal (&addr, filter) == NULL) {
    ret_list->n--;
    ret_list->refused++;
  }
  wzp_candidate_list_add_text (
      ret_list, WZP_CANDIDATE_SERVER_REFLEXIVE, reflexive, filter);
}
