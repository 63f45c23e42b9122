/** An icon of the lucide set, of the size of the text around it. It says nothing: whoever shows it gives the name. */
import type { IconNode } from 'lucide';
import { h } from 'preact';

export function Icon({ of, size = '1.25em' }: { readonly of: IconNode; readonly size?: string }) {
  return (
    <svg
      class="icon"
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      stroke-width="2"
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
    >
      {of.map(([tag, attributes]) => h(tag, attributes as Record<string, string>))}
    </svg>
  );
}
