/** Somebody's text: as text, with its web addresses to be followed. */
import { useMemo } from 'preact/hooks';
import { splitLinks } from '../links.ts';

export function TextWithLinks({ text }: { readonly text: string }) {
  const parts = useMemo(() => splitLinks(text), [text]);
  return (
    <p class="text" dir="auto">
      {parts.map(({ text: part, href }, index) =>
        href === undefined ? (
          part
        ) : (
          <a key={index} href={href} target="_blank" rel="noopener noreferrer nofollow">
            {part}
          </a>
        ),
      )}
    </p>
  );
}
