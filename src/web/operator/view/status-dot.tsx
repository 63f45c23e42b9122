/** The colour of a status; the words beside it say the same. */
export function StatusDot({ sort }: { readonly sort: string }) {
  return <span class={`status-dot ${sort}`} aria-hidden="true" />;
}
