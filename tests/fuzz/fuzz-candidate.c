/* A remote candidate list: one filter byte, then lines, the last of them the
 * reflexive address. What is kept is bounded, allowed and without repeats. */
#include "fuzz.h"

#include "wzp-candidate.h"

static void
check (const WzpCandidateList *list, const WzpCandidateFilter *filter)
{
  g_assert (list->n <= WZP_CANDIDATES_MAX);
  for (guint i = 0; i < list->n; i++) {
    const WzpAddr *addr = &list->items[i].addr;

    g_assert (wzp_candidate_refusal (addr, filter) == NULL);
    g_assert (addr->port != 0);
    for (guint j = 0; j < i; j++)
      g_assert (!wzp_addr_equal (addr, &list->items[j].addr));
  }
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  WzpCandidateFilter filter = { 0 };
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;
  WzpCandidateList list;
  WzpAddr relay;
  guint n;

  if (size < 1)
    return 0;
  g_assert (wzp_addr_parse ("203.0.113.1:4433", &relay, NULL));
  filter.allow_loopback = (data[0] & 1) != 0;
  filter.relay = (data[0] & 2) != 0 ? &relay : NULL;
  text = g_strndup ((const char *) data + 1, size - 1);
  lines = g_strsplit (text, "\n", -1);
  n = g_strv_length (lines);

  wzp_candidate_list_from_remote (
      &list, (const char *const *) lines, NULL, &filter);
  check (&list, &filter);
  g_assert (list.n + list.refused <= n);
  if (n > 0) {
    g_autofree char *reflexive = g_steal_pointer (&lines[n - 1]);

    wzp_candidate_list_from_remote (
        &list, (const char *const *) lines, reflexive, &filter);
    check (&list, &filter);
    g_assert (list.n + list.refused <= n);
  }
  return 0;
}
